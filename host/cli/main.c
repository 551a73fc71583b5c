// SPDX-License-Identifier: GPL-2.0-or-later
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

const char *argp_program_version = "shadowmon " SM_VERSION;

static const struct {
	const char *verb;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"doctor", cmd_doctor, "Tell what this host lacks, and how to get it"},
	{"list", cmd_list, "List the VMs of this host"},
	{"attach", cmd_attach, "Start to monitor a running VM"},
	{"events", cmd_events, "Show the events of a VM"},
	{"status", cmd_status, "Show counters of attached VMs"},
	{"load", cmd_load, "Have more monitors watch a VM"},
	{"unload", cmd_unload, "Have monitors watch a VM no more"},
	{"reload", cmd_reload, "Replace the monitors of a VM"},
	{"detach", cmd_detach, "Stop to monitor a VM"},
	{"policy", cmd_policy, "Say what is told and what is refused"},
	{"bench", cmd_bench, "Measure what an event takes in a VM"},
	{"new", cmd_new, "Write a monitor to start from"},
	{"build", cmd_build, "Make an image of monitors"},
	{"check", cmd_check, "Tell whether an image fits a kernel"},
};

#define NR_COMMANDS (sizeof(commands) / sizeof(*commands))

/* argp's help has no notion of verbs: they are added to the text behind the options. */
static char *list_verbs(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t len, i;
	FILE *to;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	to = open_memstream(&list, &len);
	if (!to)
		return (char *)text;
	fputs("Verbs:\n", to);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i].verb, commands[i].summary);
	fputs("\nshadowmon VERB --help tells more; so does shadowmon(1).", to);
	fclose(to);
	return list;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	int *verb = state->input;

	(void)value;
	switch (key) {
	case ARGP_KEY_ARG:
		/* The rest is the verb's. */
		*verb = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return EXIT_USAGE;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(int argc, char **argv)
{
	char name[64];
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(argv[0], commands[i].verb))
			continue;
		snprintf(name, sizeof(name), "shadowmon %s", commands[i].verb);
		argv[0] = name;
		return commands[i].run(argc, argv);
	}
	fprintf(stderr, "shadowmon: unknown verb \"%s\"; see shadowmon --help\n", argv[0]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		parse,
		"VERB [ARGUMENT...]",
		"Monitors virtual machines from inside.\v",
		NULL,
		list_verbs,
		NULL,
	};
	int verb = 0;

	setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &verb);
	return run(argc - verb, argv + verb);
}
