// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk.h"
#include "source_line.h"

/* Those of one section are asked for together, in as many runs as command lines may be long. */
#define PLACES_MAX 512

/* The SDK's headers lie in a folder of that name, installed or not. */
static bool is_of_sdk(const char *file)
{
	const char *slash = strrchr(file, '/');
	static const char folder[] = "/shadowmon";
	size_t len = strlen(folder);

	return slash && (size_t)(slash - file) >= len && !strncmp(slash - len, folder, len) &&
	       !strcmp(strrchr(slash, '.') ?: "", ".h");
}

/* "FILE:LINE", perhaps with more behind it. */
static void take_frame(char *frame, struct source_line *line)
{
	char *colon = strrchr(frame, ':');

	if (line->line || !colon || frame[0] == '?')
		return;
	*colon = '\0';
	if (!atoi(colon + 1) || is_of_sdk(frame))
		return;
	snprintf(line->file, sizeof(line->file), "%s", frame);
	line->line = (unsigned int)atoi(colon + 1);
}

/* An address, then its frames, the innermost first; and so on. */
static void take_output(char *output, struct source_line **lines, size_t count)
{
	char *rest = output, *text;
	size_t next = 0;

	while ((text = strsep(&rest, "\n"))) {
		if (strncmp(text, "0x", 2) == 0)
			next++;
		else if (next && next <= count)
			take_frame(text, lines[next - 1]);
	}
}

static void ask_section(const char *image, const char *section, const struct sm_place *places,
			struct source_line *lines, size_t count)
{
	struct source_line *asked[PLACES_MAX];
	struct words words = {0};
	size_t nr_asked = 0, i;
	char text[32], *output;

	words_add_split(&words, "addr2line -a -i -e");
	words_add(&words, image);
	words_add(&words, "-j");
	words_add(&words, section);
	for (i = 0; i < count && nr_asked < PLACES_MAX; i++) {
		if (strcmp(places[i].section, section))
			continue;
		snprintf(text, sizeof(text), "0x%" PRIx64, places[i].offset);
		words_add(&words, text);
		asked[nr_asked++] = &lines[i];
	}
	output = tool_output(&words);
	if (output)
		take_output(output, asked, nr_asked);
	free(output);
	words_free(&words);
}

void source_lines(const char *image, const struct sm_place *places, size_t count,
		  struct source_line *ret_lines)
{
	size_t i, earlier;

	memset(ret_lines, 0, count * sizeof(*ret_lines));
	for (i = 0; i < count; i++) {
		for (earlier = 0; earlier < i; earlier++)
			if (strcmp(places[earlier].section, places[i].section) == 0)
				break;
		if (earlier == i)
			ask_section(image, places[i].section, &places[i], &ret_lines[i], count - i);
	}
}
