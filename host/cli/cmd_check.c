// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "sdk.h"
#include "source_line.h"

enum { OPT_BTF = 'b', OPT_SYMBOLS = 'S' };

static const struct argp_option options[] = {
	{"btf", OPT_BTF, "FILE", 0,
	 "The kernel's types: a copy of its /sys/kernel/btf/vmlinux, or its vmlinux", 0},
	{"symbols", OPT_SYMBOLS, "FILE", 0,
	 "The kernel's System.map, or a copy of its /proc/kallsyms", 0},
	{0},
};

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

struct request {
	struct common common;
	const char *image, *btf, *symbols;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->common;
		return 0;
	case OPT_BTF:
		request->btf = value;
		return 0;
	case OPT_SYMBOLS:
		request->symbols = value;
		return 0;
	case ARGP_KEY_ARG:
		if (request->image)
			argp_error(state, "one image at a time");
		request->image = value;
		return 0;
	case ARGP_KEY_END:
		if (!request->image || !request->btf)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Lines of all places of a finding, each line once; the number of those that remain. */
static size_t find_lines(const char *image, const struct sm_finding *finding,
			 struct source_line *lines)
{
	size_t count = 0, i, earlier;

	source_lines(image, finding->places, finding->nr_places, lines);
	for (i = 0; i < finding->nr_places; i++) {
		if (!lines[i].line)
			continue;
		for (earlier = 0; earlier < count; earlier++)
			if (lines[earlier].line == lines[i].line &&
			    !strcmp(lines[earlier].file, lines[i].file))
				break;
		if (earlier == count)
			lines[count++] = lines[i];
	}
	return count;
}

static void print_finding(const struct sm_finding *finding, const struct source_line *lines,
			  size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		printf("%s:%u: ", lines[i].file, lines[i].line);
	if (!count && finding->nr_places)
		printf("%s+0x%" PRIx64 ": ", finding->places[0].section, finding->places[0].offset);
	printf("%s: %s\n", finding->missing ? "error" : "not checked", finding->text);
}

static json_t *finding_json(const struct sm_finding *finding, const struct source_line *lines,
			    size_t count)
{
	json_t *places = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(places, json_pack("{s:s, s:i}", "file", lines[i].file, "line",
							(int)lines[i].line));
	return json_pack("{s:s, s:s, s:s, s:o}", "what", finding->what, "name", finding->name,
			 "text", finding->text, "places", places);
}

static int report(const struct request *request, const struct sm_fit *fit)
{
	json_t *missing = json_array(), *unchecked = json_array();
	struct source_line *lines;
	size_t i, count;

	for (i = 0; i < fit->count; i++) {
		const struct sm_finding *finding = &fit->findings[i];

		lines = calloc(finding->nr_places + 1, sizeof(*lines));
		count = lines ? find_lines(request->image, finding, lines) : 0;
		if (request->common.json)
			json_array_append_new(finding->missing ? missing : unchecked,
					      finding_json(finding, lines, count));
		else
			print_finding(finding, lines, count);
		free(lines);
	}
	if (request->common.json)
		return print_json(json_pack("{s:b, s:o, s:o}", "fits", fit->missing == 0, "missing",
					    missing, "unchecked", unchecked));
	json_decref(missing);
	json_decref(unchecked);
	printf("%s: %zu missing, %zu not checked\n", fit->missing ? "does not fit" : "fits",
	       fit->missing, fit->count - fit->missing);
	return EXIT_OK;
}

int cmd_check(int argc, char **argv)
{
	static const struct argp argp = {
		options,
		parse,
		"IMAGE",
		"Tells whether an image of monitors fits a kernel, and all that it lacks: structures, "
		"members, enumerators, symbols, functions and their arguments.\vExit status 1: it does "
		"not fit.  Lines of source are told where addr2line(1) finds them.",
		children,
		NULL,
		NULL,
	};
	struct request request = {0};
	struct sm_error err;
	struct sm_fit fit;
	int exit_code;

	common_init(&request.common);
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	if (sm_fit_check(request.image, request.btf, request.symbols, &fit, &err)) {
		fprintf(stderr, "shadowmon: %s\n", err.text);
		return EXIT_FAILED;
	}
	exit_code = report(&request, &fit);
	if (exit_code == EXIT_OK && fit.missing)
		exit_code = EXIT_FAILED;
	sm_fit_free(&fit);
	return exit_code;
}
