/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In place of compartment/runtime/arch.h: what user space cannot do is a load from where the bench
 * put it.  Of the real ones smc_gs_base() alone is longer, by three instructions.
 */
#ifndef SHADOWMON_USER_ARCH_H
#define SHADOWMON_USER_ARCH_H

#include <shadowmon/hypercall.h>
#include <shadowmon/layout.h>

extern u64 bench_cr3, bench_gs_base;

static inline u64 smc_cr3(void)
{
	return *(volatile u64 *)&bench_cr3;
}

static inline u64 smc_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

static inline u64 smc_gs_base(void)
{
	return *(volatile u64 *)&bench_gs_base;
}

static inline void smc_vmcall(u64 number, u64 rbx)
{
	(void)number;
	(void)rbx;
	__builtin_trap(); /* nothing that is measured here exits */
}

static inline void smc_store_and_fence(u64 *to, u64 value)
{
	__asm__ volatile("xchgq %1, %0" : "+m"(*to), "+r"(value) : : "memory");
}

#endif
