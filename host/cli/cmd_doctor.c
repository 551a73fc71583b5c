// SPDX-License-Identifier: GPL-2.0-or-later
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

static void print_check(const struct sm_check *check)
{
	printf("%-8s %-16s %s\n", sm_check_result_name(check->result), check->name, check->found);
	if (check->remedy[0])
		printf("%-25s -> %s\n", "", check->remedy);
}

int cmd_doctor(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		parse,
		NULL,
		"Checks what ShadowMonitor needs of this host.  Exit code 1: something that attaching "
		"needs is missing.",
		children,
		NULL,
		NULL,
	};
	struct sm_diagnosis diagnosis;
	struct common common;
	size_t i;

	common_init(&common);
	argp_parse(&argp, argc, argv, 0, NULL, &common);
	sm_diagnose("", common.socket, &diagnosis);
	if (common.json) {
		if (print_json(sm_diagnosis_json(&diagnosis)) != EXIT_OK)
			return EXIT_FAILED;
	} else {
		for (i = 0; i < diagnosis.count; i++)
			print_check(&diagnosis.checks[i]);
		printf("%s: %zu missing, %zu to be aware of\n",
		       diagnosis.missing ? "not ready" : "ready", diagnosis.missing,
		       diagnosis.warnings);
	}
	return diagnosis.missing ? EXIT_FAILED : EXIT_OK;
}
