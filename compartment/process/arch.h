/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In place of compartment/runtime/arch.h, for monitors that run in a process of the host
 * (SM_TRANSPORT_USER): the guest's registers came with the request.
 */
#ifndef SHADOWMON_PROCESS_ARCH_H
#define SHADOWMON_PROCESS_ARCH_H

#include <shadowmon/hypercall.h>
#include <shadowmon/layout.h>
#include <shadowmon/request.h>

extern struct sm_request sm_request;

static inline u64 smc_cr3(void)
{
	return sm_request.cr3;
}

static inline u64 smc_gs_base(void)
{
	return sm_request.gs_base;
}

static inline u64 smc_tsc(void)
{
	return __builtin_ia32_rdtsc() + sm_request.tsc_offset;
}

/* The doorbell is rung with the answer.  The ring does not block here; a panic ends the process. */
static inline void smc_vmcall(u64 number, u64 rbx)
{
	(void)rbx;
	if (number != SM_HC_DOORBELL)
		__builtin_trap();
	sm_request.doorbell = 1;
}

static inline void smc_store_and_fence(u64 *to, u64 value)
{
	__asm__ volatile("xchgq %1, %0" : "+m"(*to), "+r"(value) : : "memory");
}

#endif
