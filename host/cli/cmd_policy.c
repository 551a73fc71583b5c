// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "sdk.h"

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

#define WORDS_MAX 64

struct request {
	struct common common;
	const char *words[WORDS_MAX]; /* action and its arguments */
	int count;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->common;
		return 0;
	case ARGP_KEY_ARG:
		if (request->count == WORDS_MAX)
			argp_error(state, "too many arguments");
		request->words[request->count++] = value;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool is_valid(const char *path)
{
	struct sm_policy *policy;
	struct sm_error err;

	if (sm_policy_parse_file(path, &policy, &err)) {
		fprintf(stderr, "shadowmon: %s\n", err.text);
		return false;
	}
	sm_policy_free(policy);
	return true;
}

bool add_policy_file(json_t *list, const char *path)
{
	char *text = is_valid(path) ? read_text(path) : NULL;
	json_t *item = text ? json_pack("{s:s, s:s}", "file", path, "text", text) : NULL;

	if (text && !item)
		fprintf(stderr, "shadowmon: %s is no text\n", path);
	free(text);
	return item && json_array_append_new(list, item) == 0;
}

/* --- actions -------------------------------------------------------------------------------------- */

static int validate(const struct request *request)
{
	int exit_code = EXIT_OK, i;

	for (i = 1; i < request->count; i++)
		if (!is_valid(request->words[i]))
			exit_code = EXIT_FAILED;
	return exit_code;
}

static int send(const struct request *request, json_t *message, const struct handlers *handlers)
{
	json_t *reply;
	int exit_code = ask(&request->common, message, handlers, &reply);

	if (exit_code != EXIT_OK)
		return exit_code;
	if (request->common.json && !handlers)
		return print_json(reply);
	json_decref(reply);
	return EXIT_OK;
}

static int add(const struct request *request)
{
	json_t *list = json_array(), *message;

	if (!add_policy_file(list, request->words[2])) {
		json_decref(list);
		return EXIT_FAILED;
	}
	message = json_incref(json_array_get(list, 0));
	json_decref(list);
	json_object_set_new(message, "op", json_string("policy-add"));
	json_object_set_new(message, "vm", json_string(request->words[1]));
	return send(request, message, NULL);
}

static int delete (const struct request *request)
{
	return send(request,
		    json_pack("{s:s, s:s, s:s}", "op", "policy-delete", "vm", request->words[1],
			      "name", request->words[2]),
		    NULL);
}

static int set_mode(const struct request *request)
{
	bool enforce = strcmp(request->words[3], "enforce") == 0;

	if (!enforce && strcmp(request->words[3], "monitor")) {
		fputs("shadowmon: a policy's mode is monitor or enforce\n", stderr);
		return EXIT_USAGE;
	}
	return send(request,
		    json_pack("{s:s, s:s, s:s, s:b}", "op", "policy-mode", "vm", request->words[1],
			      "name", request->words[2], "enforce", enforce),
		    NULL);
}

static void take_policy(void *context, json_t *item)
{
	json_array_append(context, item);
}

static void print_policy(const json_t *item)
{
	printf("%-32s %-8s %lld rules\n", json_string_value(json_object_get(item, "name")),
	       json_string_value(json_object_get(item, "mode")),
	       (long long)json_integer_value(json_object_get(item, "rules")));
}

static int list(const struct request *request)
{
	struct handlers handlers = {.item = take_policy, .context = json_array()};
	json_t *item;
	int exit_code;
	size_t i;

	exit_code =
		send(request, json_pack("{s:s, s:s}", "op", "policy-list", "vm", request->words[1]),
		     &handlers);
	if (exit_code == EXIT_OK && request->common.json)
		return print_json(json_pack("{s:o}", "policies", handlers.context));
	json_array_foreach((json_t *)handlers.context, i, item)
		print_policy(item);
	json_decref(handlers.context);
	return exit_code;
}

static const struct {
	const char *action;
	int min, max; /* words, the action among them */
	int (*run)(const struct request *request);
} actions[] = {
	{"validate", 2, WORDS_MAX, validate},
	{"add", 3, 3, add},
	{"list", 2, 2, list},
	{"delete", 3, 3, delete},
	{"set-mode", 4, 4, set_mode},
};

int cmd_policy(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		parse,
		"validate FILE...\nadd VM FILE\nlist VM\ndelete VM NAME\nset-mode VM NAME monitor|enforce",
		"Changes what the monitors of an attached VM tell and refuse, while it runs.\vvalidate needs "
		"neither VM nor daemon.",
		children,
		NULL,
		NULL,
	};
	struct request request = {0};
	size_t i;

	common_init(&request.common);
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	for (i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(request.words[0], actions[i].action) == 0 &&
		    request.count >= actions[i].min && request.count <= actions[i].max)
			return actions[i].run(&request);
	argp_help(&argp, stderr, ARGP_HELP_STD_USAGE, argv[0]);
	return EXIT_USAGE;
}
