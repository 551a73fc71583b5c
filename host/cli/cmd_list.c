// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

static error_t parse(int key, char *value, struct argp_state *state)
{
	(void)value;
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = state->input;
	if (key == ARGP_KEY_ARG)
		argp_usage(state);
	return key == ARGP_KEY_INIT ? 0 : ARGP_ERR_UNKNOWN;
}

static void keep_item(void *context, json_t *item)
{
	json_array_append(context, item);
}

/* Without the daemon the VMs are the same, but who is attached is not known. */
static int list_alone(json_t *vms)
{
	struct sm_error err;
	struct sm_vms found;
	size_t i;

	if (sm_vms_scan("/proc", &found, &err)) {
		fprintf(stderr, "shadowmon: %s\n", err.text);
		return EXIT_FAILED;
	}
	for (i = 0; i < found.count; i++) {
		json_t *item = sm_vm_json(&found.vms[i]);

		json_object_set_new(item, "attached", json_null());
		json_object_set_new(item, "state", json_string("unknown"));
		json_array_append_new(vms, item);
	}
	fputs("shadowmon: shadowmond cannot be reached: which VMs are attached is not known\n",
	      stderr);
	if (found.hidden)
		fprintf(stderr, "shadowmon: %zu processes cannot be looked into: run as root\n",
			found.hidden);
	sm_vms_free(&found);
	return EXIT_OK;
}

static int list_by_daemon(int connection, const struct common *common, json_t *vms)
{
	struct handlers handlers = {.item = keep_item, .context = vms};
	json_t *reply;
	int exit_code;

	exit_code = connection_request(connection, common, json_pack("{s:s}", "op", "list"),
				       &handlers, &reply, NULL);
	if (exit_code == EXIT_OK)
		json_decref(reply);
	return exit_code;
}

static const char *string_of(json_t *vm, const char *key)
{
	const char *value = json_string_value(json_object_get(vm, key));

	return value ? value : "?";
}

static void print_memory(json_t *vm)
{
	json_int_t bytes = json_integer_value(json_object_get(vm, "memory"));
	const char *source = string_of(vm, "memory_source");

	if (bytes <= 0)
		printf(" %10s", "?");
	else
		printf(" %s%*lld MiB", strcmp(source, "resident") == 0 ? "~" : "",
		       strcmp(source, "resident") == 0 ? 5 : 6, (long long)(bytes >> 20));
}

static void print_table(json_t *vms)
{
	json_t *vm;
	size_t i;

	if (json_array_size(vms) == 0) {
		puts("no VM runs on this host");
		return;
	}
	printf("%-24s %-12s %-16s %5s %10s %s\n", "NAME", "PID", "VMM", "VCPUS", "MEMORY", "STATE");
	json_array_foreach(vms, i, vm) {
		printf("%-24s %-12s %-16s %5lld", string_of(vm, "name"), string_of(vm, "address"),
		       string_of(vm, "vmm"),
		       (long long)json_integer_value(json_object_get(vm, "vcpus")));
		print_memory(vm);
		printf(" %s\n",
		       strcmp(string_of(vm, "state"), "none") ? string_of(vm, "state") : "-");
	}
}

int cmd_list(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		parse,
		NULL,
		"Lists the KVM VMs of this host, whatever their VMM.\vA memory size with ~ is what is "
		"resident, where the size itself is not known.",
		children,
		NULL,
		NULL,
	};
	json_t *vms = json_array();
	struct common common;
	int connection, exit_code;

	common_init(&common);
	argp_parse(&argp, argc, argv, 0, NULL, &common);
	connection = connection_open(common.socket, true);
	if (connection >= 0) {
		exit_code = list_by_daemon(connection, &common, vms);
		close(connection);
	} else {
		exit_code = list_alone(vms);
	}
	if (exit_code == EXIT_OK && common.json)
		exit_code = print_json(json_pack("{s:O}", "vms", vms));
	else if (exit_code == EXIT_OK)
		print_table(vms);
	json_decref(vms);
	return exit_code;
}
