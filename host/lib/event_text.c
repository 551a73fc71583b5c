// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's bytes as text: split, checked for UTF-8, made harmless. */

#include <stdlib.h>
#include <string.h>

#include "event_internal.h"

struct sm_bytes sm_bytes_field(const char *field, size_t size)
{
	return (struct sm_bytes){field, strnlen(field, size)};
}

bool sm_bytes_next_argument(struct sm_bytes *argv, struct sm_bytes *ret_argument)
{
	struct sm_bytes argument;
	size_t taken;

	if (argv->len == 0)
		return false;
	argument = sm_bytes_field(argv->data, argv->len);
	taken = argument.len < argv->len ? argument.len + 1 : argument.len;
	argv->data += taken;
	argv->len -= taken;
	*ret_argument = argument;
	return true;
}

size_t sm_utf8_next(const char *data, size_t len, u32 *ret_character)
{
	static const u32 smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const u8 *byte = (const u8 *)data;
	size_t size = byte[0] < 0x80   ? 1
		      : byte[0] < 0xc2 ? 0
		      : byte[0] < 0xe0 ? 2
		      : byte[0] < 0xf0 ? 3
		      : byte[0] < 0xf5 ? 4
				       : 0;
	u32 character = size == 1 ? byte[0] : byte[0] & (0x7f >> size);
	size_t i;

	if (size == 0 || size > len)
		return 0;
	for (i = 1; i < size; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (byte[i] & 0x3f);
	}
	if (character < smallest[size] || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret_character = character;
	return size;
}

bool sm_is_deceptive(u32 c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

void sm_bytes_print(struct sm_bytes bytes, FILE *to)
{
	size_t i, size;
	u32 c;

	for (i = 0; i < bytes.len; i += size) {
		size = sm_utf8_next(bytes.data + i, bytes.len - i, &c);
		if (!size || c < 0x80) {
			c = (u8)bytes.data[i];
			size = 1;
			if (c >= 0x80 || sm_is_deceptive(c))
				fprintf(to, "\\x%02x", c);
			else
				fputc((int)c, to);
		} else if (sm_is_deceptive(c)) {
			fprintf(to, "\\u{%x}", c);
		} else {
			fwrite(bytes.data + i, 1, size, to);
		}
	}
}

static void print_argument(struct sm_bytes argument, bool escape, FILE *to)
{
	bool quote = argument.len == 0 || memchr(argument.data, ' ', argument.len);

	if (quote)
		fputc('"', to);
	if (escape)
		sm_bytes_print(argument, to);
	else
		fwrite(argument.data, 1, argument.len, to);
	if (quote)
		fputc('"', to);
}

void sm_word_print(struct sm_bytes bytes, FILE *to)
{
	print_argument(bytes, true, to);
}

void sm_arguments_print(struct sm_bytes argv, bool escape, FILE *to)
{
	struct sm_bytes argument;
	bool first = true;

	sm_bytes_next_argument(&argv, &argument);
	while (sm_bytes_next_argument(&argv, &argument)) {
		if (!first)
			fputc(' ', to);
		print_argument(argument, escape, to);
		first = false;
	}
}

json_t *sm_bytes_json(struct sm_bytes bytes)
{
	json_t *string = NULL;
	char *text = NULL;
	size_t len = 0, i, size;
	FILE *to = open_memstream(&text, &len);
	u32 c;

	if (!to)
		return NULL;
	for (i = 0; i < bytes.len; i += size) {
		size = sm_utf8_next(bytes.data + i, bytes.len - i, &c);
		if (size && c) {
			fwrite(bytes.data + i, 1, size, to);
		} else {
			size = 1;
			fprintf(to, "\\x%02x", (u8)bytes.data[i]);
		}
	}
	if (fclose(to) == 0)
		string = json_stringn(text, len);
	free(text);
	return string;
}
