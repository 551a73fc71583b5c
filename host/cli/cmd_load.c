// SPDX-License-Identifier: GPL-2.0-or-later
/* load, unload, reload: other monitors for a VM that is attached. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { OPT_IMAGE = 256, OPT_MONITORS };

#define IMAGE_OPTION                                                                               \
	{                                                                                          \
		"image", OPT_IMAGE, "FILE", 0,                                                     \
			"Image to take the monitors from (default: the one that runs, read anew)", \
			0                                                                          \
	}

static const struct argp_option load_options[] = {IMAGE_OPTION, {0}};
static const struct argp_option reload_options[] = {
	IMAGE_OPTION,
	{"monitors", OPT_MONITORS, "LIST", 0,
	 "Which monitors to run: names with commas between, \"default\" or \"all\" among them (default: those that "
	 "run)",
	 0},
	{0},
};

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

struct request {
	struct common common;
	bool wants_names, take_out;
	const char *vm, *image, *monitors;
	char *change; /* names, with commas between */
};

static void add_name(struct argp_state *state, struct request *request, const char *name)
{
	char *list;

	if (!name[0] || strchr(name, ',') || name[0] == '-')
		argp_error(state, "\"%s\" is no name of a monitor", name);
	if (asprintf(&list, "%s%s%s%s", request->change ? request->change : "",
		     request->change ? "," : "", request->take_out ? "-" : "", name) < 0)
		argp_failure(state, EXIT_FAILED, ENOMEM, "%s", name);
	free(request->change);
	request->change = list;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->common;
		return 0;
	case OPT_IMAGE:
		request->image = value;
		return 0;
	case OPT_MONITORS:
		if (!value[0])
			argp_error(state, "--monitors wants names of monitors");
		request->monitors = value;
		return 0;
	case ARGP_KEY_ARG:
		if (!request->vm || !request->wants_names)
			return take_vm(state, value, &request->vm);
		add_name(state, request, value);
		return 0;
	case ARGP_KEY_END:
		if (!request->vm || (request->wants_names && !request->change))
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int send(struct request *request)
{
	struct handlers handlers = {.progress = print_progress};
	char image[PATH_MAX];
	json_t *json, *reply;
	int exit_code;

	if (request->image && !find_image(request->image, image))
		return EXIT_FAILED;
	json = json_pack("{s:s, s:s}", "op", "reload", "vm", request->vm);
	if (request->image)
		json_object_set_new(json, "image", json_string(image));
	if (request->monitors)
		json_object_set_new(json, "monitors", json_string(request->monitors));
	if (request->change)
		json_object_set_new(json, "change", json_string(request->change));
	exit_code = ask(&request->common, json, request->common.json ? NULL : &handlers, &reply);
	if (exit_code != EXIT_OK)
		return exit_code;
	if (request->common.json)
		return print_json(reply);
	printf("monitors of %s (PID %lld): %s\n", json_string_value(json_object_get(reply, "vm")),
	       (long long)json_integer_value(json_object_get(reply, "pid")),
	       json_string_value(json_object_get(reply, "monitors")));
	json_decref(reply);
	return EXIT_OK;
}

static int run(const struct argp *argp, struct request *request, int argc, char **argv)
{
	int exit_code;

	common_init(&request->common);
	argp_parse(argp, argc, argv, 0, NULL, request);
	exit_code = send(request);
	free(request->change);
	return exit_code;
}

int cmd_load(int argc, char **argv)
{
	static const struct argp argp = {
		load_options,
		parse,
		"VM MONITOR...",
		"Has more monitors watch an attached VM.\vThose that watch it already lose no event.  What they "
		"remember, as maps and counters, starts anew.",
		children,
		NULL,
		NULL,
	};
	struct request request = {.wants_names = true};

	return run(&argp, &request, argc, argv);
}

int cmd_unload(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		parse,
		"VM MONITOR...",
		"Has monitors watch an attached VM no more.\vThe others lose no event.",
		children,
		NULL,
		NULL,
	};
	struct request request = {.wants_names = true, .take_out = true};

	return run(&argp, &request, argc, argv);
}

int cmd_reload(int argc, char **argv)
{
	static const struct argp argp = {
		reload_options,
		parse,
		"VM",
		"Replaces the monitors of an attached VM, as after an image was built anew.\vMonitors that are in both "
		"lose no event.",
		children,
		NULL,
		NULL,
	};
	struct request request = {0};

	return run(&argp, &request, argc, argv);
}
