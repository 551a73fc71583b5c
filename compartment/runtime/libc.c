// SPDX-License-Identifier: GPL-2.0-or-later
#include "libc.h"

typedef unsigned long word_t __attribute__((may_alias, aligned(1)));

/* Short blocks are the rule: words, the last of them overlapping the one before. */
void *memcpy(void *dst, const void *src, size_t len)
{
	char *to = dst;
	const char *from = src;
	word_t last;
	size_t i;

	if (len < sizeof(last)) {
		for (i = 0; i < len; i++)
			to[i] = from[i];
		return dst;
	}
	/* First, because memmove may be about to overwrite it. */
	last = *(const word_t *)(from + len - sizeof(last));
	for (i = 0; i < len - sizeof(last); i += sizeof(last))
		*(word_t *)(to + i) = *(const word_t *)(from + i);
	*(word_t *)(to + len - sizeof(last)) = last;
	return dst;
}

/* To lower addresses memcpy does it: each word is read before it is overwritten. */
void *memmove(void *dst, const void *src, size_t len)
{
	char *to = dst;
	const char *from = src;

	if ((size_t)(to - from) >= len)
		return memcpy(dst, src, len);
	while (len--)
		to[len] = from[len];
	return dst;
}

void *memset(void *dst, int byte, size_t len)
{
	word_t word = (unsigned char)byte * 0x0101010101010101UL;
	char *to = dst;
	size_t i;

	for (i = 0; len - i >= sizeof(word); i += sizeof(word))
		*(word_t *)(to + i) = word;
	for (; i < len; i++)
		to[i] = (char)byte;
	return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *left = a, *right = b;
	size_t i;

	for (i = 0; i < len; i++)
		if (left[i] != right[i])
			return left[i] - right[i];
	return 0;
}
