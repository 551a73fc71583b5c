/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* An event as it is handed to a process of the host, where events travel that way (SM_TRANSPORT_USER). */
#ifndef SHADOWMON_ABI_REQUEST_H
#define SHADOWMON_ABI_REQUEST_H

#include <shadowmon/layout.h>

/* Lies where the compartment has the EPTP list: SM_CPU_LIST. */
struct sm_request {
	u32 slot;
	u32 verdict;  /* the process: bits of SM_VERDICT_MASK */
	u32 doorbell; /* the process: the ring's consumer sleeps */
	u32 reserved;
	u64 args[SM_ARGS_MAX];
	u64 cr3;
	u64 gs_base;
	u64 tsc_offset; /* guest TSC - host TSC */
};

SM_ASSERT_LAYOUT(sizeof(struct sm_request) == 88);

#endif
