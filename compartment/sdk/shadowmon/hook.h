/* SPDX-License-Identifier: BSD-2-Clause */
/* What a monitor tells the loader: section .sm.hooks is an array of these. */
#ifndef SHADOWMON_HOOK_H
#define SHADOWMON_HOOK_H

#include <shadowmon/layout.h>

#define SM_HOOK_ON_REQUEST 0x1 /* only if its monitor is asked for by name */

struct sm_hook {
	u64 handler;
	u64 name;        /* address of the guest function's name, NUL-terminated */
	u16 nargs;       /* that the function has, 0 to SM_ARGS_MAX */
	u16 flags;       /* SM_HOOK_* */
	u32 abort_errno; /* what an aborted activation answers; 0: the function goes on */
	u64 monitor;     /* address of the name that the monitor is chosen by, NUL-terminated */
} __attribute__((aligned(32))); /* the linker leaves no gaps between whole multiples */

SM_ASSERT_LAYOUT(sizeof(struct sm_hook) == 32);

#endif
