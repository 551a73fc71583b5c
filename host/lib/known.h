/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that a guest's kernel told while it was trusted: they hold from then on. */
#ifndef SHADOWMON_LIB_KNOWN_H
#define SHADOWMON_LIB_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sm_known_symbol {
	char name[128];
	uint64_t value; /* 0: the kernel has none of that name */
};

struct sm_known {
	struct sm_known_symbol *list;
	size_t count;
};

const struct sm_known_symbol *sm_known_find(const struct sm_known *symbols, const char *name);
/* 0, -ENAMETOOLONG or -ENOMEM. */
int sm_known_add(struct sm_known *symbols, const char *name, uint64_t value);
void sm_known_free(struct sm_known *symbols);

#endif
