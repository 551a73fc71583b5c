/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of the SDK's header: loads of guest-physical memory from the host's kernel. */
#ifndef SHADOWMON_OUTSIDE_WINDOW_H
#define SHADOWMON_OUTSIDE_WINDOW_H

#include <shadowmon/layout.h>

#include "../context.h"

/* Never 0. */
static inline u64 sm_window(u64 gpa)
{
	return SM_WINDOW_VA + gpa;
}

#define SM_WINDOW_LOAD(bits)                                 \
	static inline u64 sm_window_load##bits(u64 at)       \
	{                                                    \
		return smx_get(at - SM_WINDOW_VA, bits / 8); \
	}
SM_WINDOW_LOAD(64)
SM_WINDOW_LOAD(32)
SM_WINDOW_LOAD(16)
SM_WINDOW_LOAD(8)

static inline bool sm_window_get64(u64 at, u64 *ret_value)
{
	return smx_load(at - SM_WINDOW_VA, 8, ret_value);
}

#endif
