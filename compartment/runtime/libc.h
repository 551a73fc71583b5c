/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What GCC calls on its own account, also without a C library. */
#ifndef SHADOWMON_RUNTIME_LIBC_H
#define SHADOWMON_RUNTIME_LIBC_H

#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);

#endif
