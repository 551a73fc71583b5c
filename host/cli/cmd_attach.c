// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum {
	OPT_FULL_RING = 256,
	OPT_RING_SIZE,
	OPT_BUDGET,
	OPT_MAX_ABORTS,
	OPT_TIMEOUT,
	OPT_IMAGE,
	OPT_MONITORS,
	OPT_POLICY,
	OPT_TRANSPORT
};

static const struct argp_option options[] = {
	{"full-ring", OPT_FULL_RING, "drop|block", 0,
	 "What a full event ring does: drop and count (default), or make the vCPU wait", 0},
	{"ring-size", OPT_RING_SIZE, "KIB", 0,
	 "Event ring of each vCPU: a power of two, 16 to 1024", 0},
	{"budget", OPT_BUDGET, "US", 0,
	 "Longest run of a monitor, in microseconds: 100 to 1000000 (default 10000)", 0},
	{"max-aborts", OPT_MAX_ABORTS, "N", 0,
	 "Disable a hook after N aborts of its monitor (default 20, 0: never)", 0},
	{"timeout", OPT_TIMEOUT, "SECONDS", 0, "How long to try (default 60)", 0},
	{"image", OPT_IMAGE, "FILE", 0,
	 "Monitors to load (default: $" SM_IMAGE_ENV " or " SM_IMAGE_PATH ")", 0},
	{"monitors", OPT_MONITORS, "LIST", 0,
	 "Which of them to hook: names with commas between, \"default\" or \"all\" among them (default: default)",
	 0},
	{"policy", OPT_POLICY, "FILE", 0, "Policy to begin with; may be given several times", 0},
	{"transport", OPT_TRANSPORT, "gate|exit|user", 0,
	 "How events reach the monitors: by the gate (default); to compare, by a VM exit to the host's "
	 "kernel, or to a process",
	 0},
	{0},
};

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

struct request {
	struct common common;
	const char *vm, *full_ring, *image, *monitors, *transport;
	json_t *policies;
	long long ring_size, budget_us, max_aborts, timeout_ms;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->common;
		return 0;
	case OPT_FULL_RING:
		if (strcmp(value, "drop") && strcmp(value, "block"))
			argp_error(state, "--full-ring wants drop or block");
		request->full_ring = value;
		return 0;
	case OPT_RING_SIZE:
		request->ring_size = parse_number(state, "ring-size", value, 16, 1024) << 10;
		if (request->ring_size & (request->ring_size - 1))
			argp_error(state, "--ring-size wants a power of two");
		return 0;
	case OPT_BUDGET:
		request->budget_us = parse_number(state, "budget", value, 100, 1000000);
		return 0;
	case OPT_MAX_ABORTS:
		request->max_aborts = parse_number(state, "max-aborts", value, 0, 1000000);
		return 0;
	case OPT_TIMEOUT:
		request->timeout_ms = 1000 * parse_number(state, "timeout", value, 1,
							  SM_ATTACH_TIMEOUT_MS_MAX / 1000);
		return 0;
	case OPT_IMAGE:
		request->image = value;
		return 0;
	case OPT_MONITORS:
		if (!value[0])
			argp_error(state, "--monitors wants names of monitors");
		request->monitors = value;
		return 0;
	case OPT_POLICY:
		if (!add_policy_file(request->policies, value))
			exit(EXIT_FAILED);
		return 0;
	case OPT_TRANSPORT:
		if (!is_transport(value))
			argp_error(state, "--transport wants gate, exit or user");
		request->transport = value;
		return 0;
	case ARGP_KEY_ARG:
		return take_vm(state, value, &request->vm);
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Only what was asked for: the rest is the daemon's to choose. */
static json_t *to_json(const struct request *request, const char *image)
{
	json_t *json = json_pack("{s:s, s:s}", "op", "attach", "vm", request->vm);

	json_object_set_new(json, "image", json_string(image));
	if (json_array_size(request->policies))
		json_object_set(json, "policies", request->policies);
	if (request->full_ring)
		json_object_set_new(json, "full_ring", json_string(request->full_ring));
	if (request->monitors)
		json_object_set_new(json, "monitors", json_string(request->monitors));
	if (request->transport)
		json_object_set_new(json, "transport", json_string(request->transport));
	if (request->ring_size)
		json_object_set_new(json, "ring_size", json_integer(request->ring_size));
	if (request->budget_us)
		json_object_set_new(json, "budget_us", json_integer(request->budget_us));
	if (request->max_aborts >= 0)
		json_object_set_new(json, "max_aborts", json_integer(request->max_aborts));
	if (request->timeout_ms)
		json_object_set_new(json, "timeout_ms", json_integer(request->timeout_ms));
	return json;
}

int cmd_attach(int argc, char **argv)
{
	static const struct argp argp = {
		options,
		parse,
		"VM",
		"Starts to monitor a running VM, given by name, PID or PID:FD.\vWith --full-ring=block "
		"the guest waits while nobody reads its events: keep `shadowmon events` running.",
		children,
		NULL,
		NULL,
	};
	struct request request = {.image = getenv(SM_IMAGE_ENV), .max_aborts = -1};
	struct handlers handlers = {.progress = print_progress};
	char image[PATH_MAX];
	json_t *reply;
	int exit_code;

	request.policies = json_array();
	common_init(&request.common);
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	if (!request.image || !request.image[0])
		request.image = installed_image(request.transport);
	if (!find_image(request.image, image)) {
		json_decref(request.policies);
		return EXIT_FAILED;
	}
	exit_code = ask(&request.common, to_json(&request, image),
			request.common.json ? NULL : &handlers, &reply);
	json_decref(request.policies);
	if (exit_code != EXIT_OK)
		return exit_code;
	if (request.common.json)
		return print_json(reply);
	printf("attached to %s (PID %lld)\n", json_string_value(json_object_get(reply, "vm")),
	       (long long)json_integer_value(json_object_get(reply, "pid")));
	json_decref(reply);
	return EXIT_OK;
}
