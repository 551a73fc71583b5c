// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct argp_option options[] = {
	{"output", 'o', "FORMAT", 0, "text (default; also called pretty) or json", 1},
	{"socket", 's', "PATH", 0,
	 "Daemon's socket (default: $" SM_SOCKET_ENV " or " SM_SOCKET_PATH ")", 1},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct common *common = state->input;

	switch (key) {
	case 'o':
		common->json = strcmp(value, "json") == 0;
		if (!common->json && strcmp(value, "text") && strcmp(value, "pretty"))
			argp_error(state, "unknown output format: %s", value);
		return 0;
	case 's':
		common->socket = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp common_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

void common_init(struct common *common)
{
	const char *path = getenv(SM_SOCKET_ENV);

	*common = (struct common){.socket = path && path[0] ? path : SM_SOCKET_PATH};
}

long long parse_number(struct argp_state *state, const char *option, const char *value,
		       long long min, long long max)
{
	long long number;
	char *end;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (errno || end == value || *end || isspace((unsigned char)value[0]) || number < min ||
	    number > max)
		argp_error(state, "--%s wants a number between %lld and %lld, not \"%s\"", option,
			   min, max, value);
	return number;
}

error_t take_vm(struct argp_state *state, const char *value, const char **vm)
{
	if (*vm)
		argp_error(state, "one VM at a time");
	*vm = value;
	return 0;
}

int print_json(json_t *object)
{
	int err = -1;

	if (object)
		err = json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	fputc('\n', stdout);
	if (!err && fflush(stdout) == 0)
		return EXIT_OK;
	fputs("shadowmon: cannot write the output\n", stderr);
	return EXIT_FAILED;
}

const char *const transports[] = {"gate", "exit", "user", NULL};

bool is_transport(const char *name)
{
	size_t i;

	for (i = 0; transports[i]; i++)
		if (strcmp(name, transports[i]) == 0)
			return true;
	return false;
}

const char *installed_image(const char *transport)
{
	return transport && strcmp(transport, "user") == 0 ? SM_USER_IMAGE_PATH : SM_IMAGE_PATH;
}

const char *installed_bench_image(const char *transport)
{
	return strcmp(transport, "user") == 0 ? SM_BENCH_USER_IMAGE_PATH : SM_BENCH_IMAGE_PATH;
}

bool find_image(const char *image, char ret_path[PATH_MAX])
{
	if (realpath(image, ret_path))
		return true;
	fprintf(stderr, "shadowmon: cannot find the monitors %s: %s\n", image, strerror(errno));
	return false;
}
