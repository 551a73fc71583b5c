/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which line of source a place in an image comes from. */
#ifndef SHADOWMON_CLI_SOURCE_LINE_H
#define SHADOWMON_CLI_SOURCE_LINE_H

#include <stddef.h>

#include "../lib/shadowmon.h"

struct source_line {
	char file[256]; /* empty: not known */
	unsigned int line;
};

/*
 * Asks addr2line for count places of an image; of what is inlined, the innermost line that is not the SDK's.
 * Without addr2line or debugging information none is known.
 */
void source_lines(const char *image, const struct sm_place *places, size_t count,
		  struct source_line *ret_lines);

#endif
