// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "sdk.h"

#define NAME_LEN_MAX 40

/* Files of the SDK's template, and what becomes of them. */
static const char *const files[] = {"monitor.c", "Makefile", "README.md"};

#define NR_FILES (sizeof(files) / sizeof(*files))

static const char placeholder[] = "@NAME@";

struct request {
	const char *path;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (request->path)
			argp_error(state, "one monitor at a time");
		request->path = value;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* It becomes an identifier in C and a key in JSON. */
static bool is_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len && !name[len] && len <= NAME_LEN_MAX && islower((unsigned char)name[0]);
}

static void fill_in(FILE *to, const char *text, const char *name)
{
	const char *next;

	while ((next = strstr(text, placeholder))) {
		fprintf(to, "%.*s%s", (int)(next - text), text, name);
		text = next + strlen(placeholder);
	}
	fputs(text, to);
}

static bool write_file(const char *directory, const char *file, const char *text, const char *name)
{
	char path[PATH_MAX];
	FILE *to;
	int failed;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	to = fopen(path, "wxe");
	if (to) {
		fill_in(to, text, name);
		failed = ferror(to);
		if (fclose(to) == 0 && !failed)
			return true;
	}
	fprintf(stderr, "shadowmon: cannot write %s: %s\n", path, strerror(errno));
	return false;
}

static bool copy_template(const char *directory, const char *file, const char *name)
{
	char in[64], path[PATH_MAX], *text;
	bool done;

	snprintf(in, sizeof(in), "template/%s.in", file);
	text = read_text(sdk_path(in, path));
	done = text && write_file(directory, file, text, name);
	free(text);
	return done;
}

int cmd_new(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		parse,
		"FOLDER",
		"Writes a monitor to start from: a folder with its source, a Makefile and a README.\vThe "
		"folder's last part is the monitor's name: lower-case letters, digits and _.",
		NULL,
		NULL,
		NULL,
	};
	struct request request = {0};
	const char *slash, *name;
	size_t i;

	argp_parse(&argp, argc, argv, 0, NULL, &request);
	slash = strrchr(request.path, '/');
	name = slash ? slash + 1 : request.path;
	if (!is_name(name)) {
		fprintf(stderr,
			"shadowmon: \"%s\" is no name for a monitor: up to %d lower-case letters, "
			"digits and _\n",
			name, NAME_LEN_MAX);
		return EXIT_USAGE;
	}
	if (mkdir(request.path, 0777)) {
		fprintf(stderr, "shadowmon: cannot make the folder %s: %s\n", request.path,
			strerror(errno));
		return EXIT_FAILED;
	}
	for (i = 0; i < NR_FILES; i++)
		if (!copy_template(request.path, files[i], name))
			return EXIT_FAILED;
	printf("%s: now edit %s/monitor.c, then: shadowmon build %s\n", name, request.path,
	       request.path);
	return EXIT_OK;
}
