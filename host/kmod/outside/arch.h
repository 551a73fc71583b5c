/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of compartment/runtime/arch.h. */
#ifndef SHADOWMON_OUTSIDE_ARCH_H
#define SHADOWMON_OUTSIDE_ARCH_H

#include <linux/kvm_host.h>

#include <shadowmon/hypercall.h>

#include "../shadowmon.h"

static inline u64 smc_cr3(void)
{
	return smx_context()->cr3;
}

static inline u64 smc_gs_base(void)
{
	return smx_context()->gs_base;
}

static inline u64 smc_tsc(void)
{
	return kvm_read_l1_tsc(smx_context()->v->vcpu, rdtsc());
}

static inline void smc_vmcall(u64 number, u64 rbx)
{
	smx_call(number);
}

static inline void smc_store_and_fence(u64 *to, u64 value)
{
	xchg(to, value);
}

#endif
