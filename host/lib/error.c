// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "event_internal.h"

/* Names in here may be a guest's or a file's: they must neither drive a terminal nor spoil JSON. */
static void make_printable(char *text)
{
	size_t size, left = strlen(text);
	u32 character;

	for (; left; text += size, left -= size) {
		size = sm_utf8_next(text, left, &character);
		if (size && !sm_is_deceptive(character))
			continue;
		size = 1;
		*text = '?';
	}
}

int sm_error_set(struct sm_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	make_printable(err->text);
	return code;
}
