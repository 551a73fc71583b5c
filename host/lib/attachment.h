/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of an attachment. */
#ifndef SHADOWMON_LIB_ATTACHMENT_H
#define SHADOWMON_LIB_ATTACHMENT_H

#include "internal.h"
#include "policy_internal.h"
#include "known.h"

struct sm_attachment {
	int fd;
	uint32_t transport;
	struct sm_process *process; /* SM_TRANSPORT_USER */
	/*
	 * Of all images so far; read by other threads.  What it took the place of stays, as they may look at it.
	 */
	struct sm_schema *_Atomic schema;
	struct sm_schema **old_schemas;
	size_t nr_old_schemas;
	char *monitors; /* names of those that run, with commas between */
	/* Functions that the guest has hooked, whether a monitor of the image is bound to them or not. */
	struct sm_image_hook hooks[SM_SLOTS];
	unsigned int nr_hooks;
	struct policy_hooks policy_hooks; /* what the monitors that run can judge */
	/* What the guest told while it was trusted. */
	struct sm_known symbols;
	uint64_t btf_mark;
};

#endif
