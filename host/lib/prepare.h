/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image made ready for a certain guest: what attach.c and reload.c share. */
#ifndef SHADOWMON_LIB_PREPARE_H
#define SHADOWMON_LIB_PREPARE_H

#include "internal.h"

struct sm_prepare {
	const char *image_path, *monitors;
	void (*progress)(void *ctx, const char *what); /* may be NULL */
	void *progress_ctx;
	struct sm_error *err;
	int fd;
	struct sm_ioc_agent agent;
	struct sm_btf *btf;
	struct sm_image *image;
};

void sm_prepare_progress(const struct sm_prepare *p, const char *what);
/* base: events whose records keep their types; or NULL.  Before anything is done to the VM. */
int sm_prepare_open_image(struct sm_prepare *p, const struct sm_schema *base);
/* The guest module, if it has registered: -EAGAIN, and nothing said. */
int sm_prepare_find_agent(struct sm_prepare *p);
/* ret_mark: as of sm_kernel_types_open(). */
int sm_prepare_read_btf(struct sm_prepare *p, uint64_t *ret_mark);
int sm_prepare_link(struct sm_prepare *p, struct sm_resolve *resolve);
int sm_prepare_hook(struct sm_prepare *p, const struct sm_image_hook *hook);
void sm_prepare_close(struct sm_prepare *p);

#endif
