// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "cli.h"

enum { OPT_TIMEOUT = 256 };

static const struct argp_option options[] = {
	{"timeout", OPT_TIMEOUT, "SECONDS", 0, "How long the guest may take to unhook (default 5)",
	 0},
	{0},
};

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

struct request {
	struct common common;
	const char *vm;
	long long timeout_ms;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->common;
		return 0;
	case OPT_TIMEOUT:
		request->timeout_ms = 1000 * parse_number(state, "timeout", value, 1,
							  SM_DETACH_TIMEOUT_MS_MAX / 1000);
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

int cmd_detach(int argc, char **argv)
{
	static const struct argp argp = {
		options,  parse, "VM", "Stops to monitor a VM, given by name, PID or PID:FD.",
		children, NULL,  NULL,
	};
	struct request request = {.timeout_ms = SM_DETACH_TIMEOUT_MS};
	json_t *reply;
	int exit_code;

	common_init(&request.common);
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	exit_code = ask(&request.common,
			json_pack("{s:s, s:s, s:I}", "op", "detach", "vm", request.vm, "timeout_ms",
				  (json_int_t)request.timeout_ms),
			NULL, &reply);
	if (exit_code != EXIT_OK)
		return exit_code;
	if (request.common.json)
		return print_json(reply);
	printf("detached from %s (PID %lld)\n", json_string_value(json_object_get(reply, "vm")),
	       (long long)json_integer_value(json_object_get(reply, "pid")));
	json_decref(reply);
	return EXIT_OK;
}
