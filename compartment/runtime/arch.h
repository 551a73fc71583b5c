/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine as view 2 shows it. */
#ifndef SHADOWMON_RUNTIME_ARCH_H
#define SHADOWMON_RUNTIME_ARCH_H

#include <stdbool.h>

#include <shadowmon/hypercall.h>
#include <shadowmon/layout.h>

#define MSR_GS_BASE  0xc0000101
#define CR4_FSGSBASE (1ULL << 16)

static inline u64 smc_cr3(void)
{
	u64 value;

	__asm__ volatile("movq %%cr3, %0" : "=r"(value));
	return value;
}

static inline u64 smc_tsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

/* The guest's.  RDMSR costs ten times RDGSBASE, but works where CR4 forbids that. */
static inline u64 smc_gs_base(void)
{
	u64 cr4, base;
	u32 low, high;

	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	if (cr4 & CR4_FSGSBASE) {
		__asm__ volatile("rdgsbase %0" : "=r"(base));
		return base;
	}
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_GS_BASE));
	return (u64)high << 32 | low;
}

static inline void smc_vmcall(u64 number, u64 rbx)
{
	__asm__ volatile("vmcall" : "+a"(number) : "b"(rbx) : "memory", "cc");
}

/* Stores, and makes it seen before any later load is done. */
static inline void smc_store_and_fence(u64 *to, u64 value)
{
	__asm__ volatile("xchgq %1, %0" : "+m"(*to), "+r"(value) : : "memory");
}

#endif
