/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linking: layout and relocation (link.c), then fix-ups (link_fixups.c). */
#ifndef SHADOWMON_LIB_LINK_INTERNAL_H
#define SHADOWMON_LIB_LINK_INTERNAL_H

#include "image.h"

/* A symbol is resolved once, however often it is used: the guest may have to be asked. */
struct value {
	bool known;
	int missing; /* the guest's kernel does not have it: why; sm_image_link_all() alone */
	uint64_t value;
};

struct link {
	struct sm_image *image;
	uint64_t base;
	sm_resolver resolve;
	void *ctx;
	struct sm_error *err;
	struct value *values;
	size_t nr_values;
	sm_missing_fn *missing; /* NULL: what is missing is an error */
};

/* Where loads that miss guest RAM resume, sorted. */
int link_read_fixups(struct link *l);

#endif
