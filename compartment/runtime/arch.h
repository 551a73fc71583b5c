/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine, as view 2 sees it. */
#ifndef SHADOWMON_RUNTIME_ARCH_H
#define SHADOWMON_RUNTIME_ARCH_H

#include <stdbool.h>
#include <stddef.h>

#include <shadowmon/hypercall.h>
#include <shadowmon/layout.h>
#include <shadowmon/ring.h>

#include "state_offsets.h"

#define EFAULT 14

#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))

extern struct sm_cpu_state sm_cpu_state;
_Static_assert(offsetof(struct sm_cpu_state, rsp) == STATE_RSP, "state_offsets.h");
_Static_assert(offsetof(struct sm_cpu_state, rbx) == STATE_RBX, "state_offsets.h");
_Static_assert(offsetof(struct sm_cpu_state, entries) == STATE_ENTRIES, "state_offsets.h");
_Static_assert(offsetof(struct sm_cpu_state, attention) == STATE_ATTENTION, "state_offsets.h");
_Static_assert(offsetof(struct sm_cpu_state, slot) == STATE_SLOT, "state_offsets.h");

/* abi/ring.h, as it lies in B. */
extern struct {
	struct sm_ring_producer producer __attribute__((aligned(SM_PAGE_SIZE)));
	struct sm_ring_consumer consumer __attribute__((aligned(SM_PAGE_SIZE)));
	char data[SM_RING_MAX_SIZE] __attribute__((aligned(SM_PAGE_SIZE)));
} sm_ring;

_Static_assert(offsetof(__typeof__(sm_ring), consumer) == SM_RING_CONSUMER_PAGE, "ring.h");
_Static_assert(offsetof(__typeof__(sm_ring), data) == SM_RING_DATA, "ring.h");

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

#define MSR_GS_BASE 0xc0000101

static inline u64 smc_gs_base(void)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_GS_BASE));
	return (u64)high << 32 | low;
}

static inline u64 smc_vmcall(u64 number, u64 rbx)
{
	u64 ret;

	__asm__ volatile("vmcall" : "=a"(ret) : "a"(number), "b"(rbx) : "memory");
	return ret;
}

static inline void smc_full_fence(void)
{
	__asm__ volatile("lock; orl $0, (%%rsp)" : : : "memory", "cc");
}

/*
 * Loads in the window may find no RAM: the host then resumes at the fix-up, as the kernel does for its
 * __ex_table.  Callers have checked that gpa and length stay below SM_RAM_LIMIT.
 */
#define SMC_FIXUP                                                                                  \
	".pushsection .text.fixup, \"ax\"\n"                                                       \
	"3:	movl $1, %[failed]\n"                                                              \
	"	jmp 2b\n"                                                                          \
	".popsection\n"                                                                            \
	".pushsection .sm.fixup, \"a\"\n"                                                          \
	"	.balign 4\n"                                                                       \
	"	.long 1b - ., 3b - .\n"                                                            \
	".popsection\n"

static inline bool smc_window_load64(u64 gpa, u64 *ret_value)
{
	u32 failed = 0;
	u64 value = 0;

	__asm__ volatile("1:	movq (%[address]), %[value]\n"
			 "2:\n" SMC_FIXUP
			 : [value] "+r"(value), [failed] "+r"(failed)
			 : [address] "r"(SM_WINDOW_VA + gpa)
			 : "memory");
	*ret_value = value;
	return !failed;
}

static inline bool smc_window_copy(void *dst, u64 gpa, u64 len)
{
	u64 source = SM_WINDOW_VA + gpa;
	u32 failed = 0;

	__asm__ volatile("1:	rep movsb\n"
			 "2:\n" SMC_FIXUP
			 : "+D"(dst), "+S"(source), "+c"(len), [failed] "+r"(failed)
			 :
			 : "memory");
	return !failed;
}

#endif
