// SPDX-License-Identifier: GPL-2.0-or-later
/* What the compiler calls on its own account. */

#include "libc.h"

void *memcpy(void *dst, const void *src, size_t len)
{
	void *ret = dst;

	__asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(len) : : "memory");
	return ret;
}

void *memset(void *dst, int byte, size_t len)
{
	void *ret = dst;

	__asm__ volatile("rep stosb" : "+D"(dst), "+c"(len) : "a"(byte) : "memory");
	return ret;
}
