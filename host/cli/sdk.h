/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The installed SDK, and the tools that it needs: for new, build and check. */
#ifndef SHADOWMON_CLI_SDK_H
#define SHADOWMON_CLI_SDK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define SDK_ENV  "SHADOWMON_SDK"
#define SDK_PATH "/usr/lib/shadowmon"

/* Of a file of the SDK, in dst: in $SHADOWMON_SDK, else where this command is installed, else SDK_PATH. */
const char *sdk_path(const char *name, char dst[PATH_MAX]);

/* A file's content, NUL-terminated, for free(); NULL, and a sentence on stderr. */
char *read_text(const char *path);

/* A command line; run_tool() and tool_output() search PATH. */
struct words {
	char **words; /* NULL-terminated */
	size_t count;
};

/* Without memory the program ends.  add_split() adds what is between blanks and newlines. */
void words_add(struct words *words, const char *word);
void words_add_split(struct words *words, const char *text);
void words_free(struct words *words);

/* Runs a tool and waits; false if it fails, which it or this has said on stderr. */
bool run_tool(const struct words *words);
/* What it writes to stdout, for free(); NULL if it cannot be run or fails.  Its stderr is dropped. */
char *tool_output(const struct words *words);

#endif
