// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "cli.h"

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

struct request {
	struct common common;
	const char *vm;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->common;
		return 0;
	case ARGP_KEY_ARG:
		return take_vm(state, value, &request->vm);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* A VM's item, or one of its vCPUs, that becomes part of the VM's. */
static void keep_item(void *context, json_t *item)
{
	json_t *vms = context, *vm, *vcpus;

	if (!json_object_get(item, "vcpu")) {
		json_object_set_new(item, "vcpu_status", json_array());
		json_array_append(vms, item);
		return;
	}
	vm = json_array_get(vms, json_array_size(vms) - 1);
	vcpus = json_object_get(vm, "vcpu_status");
	json_array_append(vcpus, item);
}

static void print_counters(json_t *object, const char *indent)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		if (json_is_integer(value))
			printf("%s%-16s %lld\n", indent, key, (long long)json_integer_value(value));
		else if (json_is_string(value))
			printf("%s%-16s %s\n", indent, key, json_string_value(value));
	}
}

static void print_vm(json_t *vm)
{
	json_t *consumer = json_object_get(vm, "consumer"), *vcpu;
	size_t i;

	printf("%s (PID %s)\n", json_string_value(json_object_get(vm, "name")),
	       json_string_value(json_object_get(vm, "address")));
	if (json_is_integer(consumer))
		printf("  %-16s PID %lld\n", "events read by",
		       (long long)json_integer_value(consumer));
	else
		printf("  %-16s nobody\n", "events read by");
	print_counters(json_object_get(vm, "status"), "  ");
	json_array_foreach(json_object_get(vm, "vcpu_status"), i, vcpu) {
		printf("  vCPU %lld\n",
		       (long long)json_integer_value(json_object_get(vcpu, "vcpu")));
		json_object_del(vcpu, "vcpu");
		print_counters(vcpu, "    ");
	}
}

int cmd_status(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		parse,
		"[VM]",
		"Shows the counters of all attached VMs; of one, given by name, PID or PID:FD, those of "
		"each vCPU too.",
		children,
		NULL,
		NULL,
	};
	struct request request = {0};
	json_t *vms = json_array(), *reply, *vm;
	struct handlers handlers = {.item = keep_item, .context = vms};
	int exit_code;
	size_t i;

	common_init(&request.common);
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	exit_code = ask(&request.common, json_pack("{s:s, s:s*}", "op", "status", "vm", request.vm),
			&handlers, &reply);
	if (exit_code != EXIT_OK)
		goto out;
	json_decref(reply);
	if (request.common.json) {
		exit_code = print_json(json_pack("{s:O}", "attached", vms));
		goto out;
	}
	if (json_array_size(vms) == 0)
		puts("no VM is attached");
	json_array_foreach(vms, i, vm) {
		print_vm(vm);
	}
out:
	json_decref(vms);
	return exit_code;
}
