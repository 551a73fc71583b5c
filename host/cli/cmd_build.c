// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "sdk.h"

enum { OPT_IMAGE = 'i', OPT_BUILTIN = 256 };

static const struct argp_option options[] = {
	{"image", OPT_IMAGE, "FILE", 0,
	 "Image to make (default: FOLDER/NAME.o of the first folder)", 0},
	{"builtin", OPT_BUILTIN, NULL, 0, "Put the built-in monitors into the image as well", 0},
	{0},
};

struct request {
	const char *image;
	bool builtin;
	struct words folders;
};

struct build {
	char *flags;
	char temporary[64]; /* folder of the objects */
	struct words objects;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case OPT_IMAGE:
		request->image = value;
		return 0;
	case OPT_BUILTIN:
		request->builtin = true;
		return 0;
	case ARGP_KEY_ARG:
		words_add(&request->folders, value);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool compile(struct build *build, const char *source)
{
	const char *cc = getenv("CC");
	struct words words = {0};
	char text[PATH_MAX + 16], path[PATH_MAX], object[128];
	bool done;

	snprintf(object, sizeof(object), "%s/%zu.o", build->temporary, build->objects.count);
	words_add_split(&words, cc && cc[0] ? cc : "gcc");
	words_add_split(&words, build->flags);
	snprintf(text, sizeof(text), "-I%s", sdk_path("../../include", path));
	words_add(&words, text);
	words_add(&words, "-c");
	words_add(&words, source);
	words_add(&words, "-o");
	words_add(&words, object);
	done = run_tool(&words);
	words_free(&words);
	words_add(&build->objects, object);
	return done;
}

static int is_source(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && dot != entry->d_name && strcmp(dot, ".c") == 0;
}

static int compile_folder(struct build *build, const char *folder)
{
	struct dirent **sources;
	int count = scandir(folder, &sources, is_source, alphasort), i;
	char source[PATH_MAX];
	bool done = true;

	if (count <= 0) {
		fprintf(stderr, "shadowmon: %s has no source files%s%s\n", folder,
			count < 0 ? ": " : "", count < 0 ? strerror(errno) : "");
		if (count == 0)
			free(sources);
		return EXIT_FAILED;
	}
	for (i = 0; i < count; i++) {
		snprintf(source, sizeof(source), "%s/%s", folder, sources[i]->d_name);
		done = compile(build, source) && done;
		free(sources[i]);
	}
	free(sources);
	return done ? EXIT_OK : EXIT_FAILED;
}

static int link_image(const struct build *build, const struct request *request, const char *image)
{
	struct words words = {0};
	char path[PATH_MAX];
	bool done;
	size_t i;

	words_add_split(&words, "ld -r -o");
	words_add(&words, image);
	words_add(&words, sdk_path(request->builtin ? "monitors.o" : "runtime.o", path));
	for (i = 0; i < build->objects.count; i++)
		words_add(&words, build->objects.words[i]);
	done = run_tool(&words);
	words_free(&words);
	if (!done)
		return EXIT_FAILED;
	words_add(&words, sdk_path("check-image", path));
	words_add(&words, image);
	done = run_tool(&words);
	words_free(&words);
	if (!done)
		unlink(image);
	return done ? EXIT_OK : EXIT_FAILED;
}

/* FOLDER/NAME.o, where the folder may be "." or end in a slash. */
static int name_image(const char *folder, char image[PATH_MAX])
{
	char whole[PATH_MAX];
	const char *name;

	if (!realpath(folder, whole)) {
		fprintf(stderr, "shadowmon: cannot find %s: %s\n", folder, strerror(errno));
		return EXIT_FAILED;
	}
	name = strrchr(whole, '/') + 1;
	if (snprintf(image, PATH_MAX, "%s/%s.o", folder, name) < PATH_MAX)
		return EXIT_OK;
	fprintf(stderr, "shadowmon: the path of %s is too long\n", folder);
	return EXIT_FAILED;
}

static void remove_objects(struct build *build)
{
	size_t i;

	for (i = 0; i < build->objects.count; i++)
		unlink(build->objects.words[i]);
	rmdir(build->temporary);
	words_free(&build->objects);
}

static int build_image(const struct request *request, const char *image)
{
	struct build build = {.temporary = "/tmp/shadowmon-build-XXXXXX"};
	char path[PATH_MAX];
	int exit_code = EXIT_OK;
	size_t i;

	build.flags = read_text(sdk_path("monitor.flags", path));
	if (!build.flags)
		return EXIT_FAILED;
	if (!mkdtemp(build.temporary)) {
		fprintf(stderr, "shadowmon: cannot make a folder in /tmp: %s\n", strerror(errno));
		free(build.flags);
		return EXIT_FAILED;
	}
	for (i = 0; i < request->folders.count && exit_code == EXIT_OK; i++)
		exit_code = compile_folder(&build, request->folders.words[i]);
	if (exit_code == EXIT_OK)
		exit_code = link_image(&build, request, image);
	remove_objects(&build);
	free(build.flags);
	return exit_code;
}

int cmd_build(int argc, char **argv)
{
	static const struct argp argp = {
		options,
		parse,
		"FOLDER...",
		"Compiles the sources of monitors and links them with the runtime into an image that "
		"shadowmon attach loads.\vNeeds gcc (or $CC) and binutils.",
		NULL,
		NULL,
		NULL,
	};
	struct request request = {0};
	char image[PATH_MAX];
	int exit_code = EXIT_OK;

	argp_parse(&argp, argc, argv, 0, NULL, &request);
	if (!request.image) {
		exit_code = name_image(request.folders.words[0], image);
		request.image = image;
	}
	if (exit_code == EXIT_OK)
		exit_code = build_image(&request, request.image);
	if (exit_code == EXIT_OK)
		printf("%s\n", request.image);
	words_free(&request.folders);
	return exit_code;
}
