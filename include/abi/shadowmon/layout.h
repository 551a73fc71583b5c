/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Where everything lies: guest-physical addresses of the shadow region and virtual addresses in B.
 *
 * Guest-physical space in views 1 and 2 (view 0 is KVM's own and knows none of this):
 *
 *   [0, 2^38)               root alias: every page shows B's top-level page table
 *   [2^38, 2^39 - 4 GiB)    window: guest RAM at GPA + 2^38, read-only, view 2 alone
 *   [2^39 - 4 GiB, 2^39)    private region: gate, trusted tables, image; last GiB: the vCPU's own
 *
 * All of it lies below 2^39, the smallest MAXPHYADDR of CPUs that have VMFUNC.
 *
 * Virtual addresses are distances from G, the address at which the guest module loaded its copy of
 * the gate page.  G is in the top 2 GiB (the kernel's module area), so that 32-bit relocations reach.
 * LIST and ENTRY end up in the gate's instructions.  An attacker can start in the midst of
 * those, so each byte of them must be harmless as code: gatecheck refuses most other values.
 */
#ifndef SHADOWMON_ABI_LAYOUT_H
#define SHADOWMON_ABI_LAYOUT_H

#define SM_PAGE_SHIFT 12
#define SM_PAGE_SIZE  0x1000

/* --- guest-physical ----------------------------------------------------------------------- */

#define SM_ALIAS_SHIFT 38 /* A of the design; tested by the gate */
#define SM_WINDOW_GPA  0x4000000000
#define SM_PRIVATE_GPA 0x7f00000000
#define SM_RAM_LIMIT   0x3f00000000 /* guest RAM must end below: PRIVATE - WINDOW */

#define SM_GATE_GPA   (SM_PRIVATE_GPA + 0x0)
#define SM_TABLES_GPA (SM_PRIVATE_GPA + 0x100000)
#define SM_TABLES_MAX 64 /* pages */
#define SM_IMAGE_GPA  (SM_PRIVATE_GPA + 0x1000000)

#define SM_CPU_GPA        0x7fc0000000 /* the vCPU's own: same address, other pages */
#define SM_CPU_LIST       0x0          /* EPTP list, writable in view 1 alone */
#define SM_CPU_STATE      0x1000       /* struct sm_cpu_state */
#define SM_CPU_STACK      0x3000       /* after a guard page */
#define SM_CPU_STACK_SIZE 0x4000
#define SM_CPU_RING       0x10000  /* producer page, consumer page, data */
#define SM_RING_MAX_SIZE  0x100000 /* data bytes; 2 MiB in all for what is the vCPU's */

/* --- virtual, as distances from G --------------------------------------------------------- */

#define SM_VA_RETURN    (-16)         /* the stub's return label, view 0 */
#define SM_VA_LIST      (-0x33336000) /* below the top 2 GiB: B's alone */
#define SM_VA_CPU       0x143000      /* SM_CPU_GPA + x is seen at G + SM_VA_CPU + x */
#define SM_VA_STACK_TOP (SM_VA_CPU + SM_CPU_STACK + SM_CPU_STACK_SIZE)
#define SM_VA_IMAGE     0x40b000
#define SM_VA_ENTRY     (SM_VA_IMAGE + SM_IMAGE_ENTRY) /* the one entry point */
#define SM_IMAGE_ENTRY  0xf0
/* From these distances behind the entry point on, the guest's RSP and RBX are in sm_cpu_state. */
#define SM_ENTRY_RSP_SAVED 0x0e
#define SM_ENTRY_RBX_SAVED 0x15
#define SM_IMAGE_MAX_SIZE  0x400000
#define SM_VA_END          0x811000

#define SM_WINDOW_VA 0xfffffe8000000000 /* in B: guest-physical 0 of the window */

/* G must leave room for all of that inside the kernel's top 2 GiB. */
#define SM_GATE_VA_MIN 0xffffffff80000000
#define SM_GATE_VA_MAX 0xfffffffffe000000

/* --- EPTP list ---------------------------------------------------------------------------- */

#define SM_VIEW_TARGET       0
#define SM_VIEW_GATE         1
#define SM_VIEW_MONITOR      2
#define SM_LIST_MONITOR_BYTE 16   /* offset of list[2]'s low byte */
#define SM_EPTP_ARMED        0x1e /* write-back, 4 levels, no accessed/dirty flags */
#define SM_EPTP_DISARMED     0xcc /* reserved memory type, wrong length: VMFUNC exits */

/* --- hooks -------------------------------------------------------------------------------- */

#define SM_SLOTS    64 /* power of two: the entry masks with it */
#define SM_ARGS_MAX 6

/*
 * What the compartment returns to the stub in EDX.  A monitor's verdict is an errno, with or without the order to
 * kill: bits of SM_VERDICT_MASK.
 */
#define SM_VERDICT_ERRNO     0x00000fff /* 0: go on; else the function returns -errno */
#define SM_VERDICT_KILL      0x00001000 /* before that, the current task is sent SIGKILL */
#define SM_VERDICT_MASK      (SM_VERDICT_ERRNO | SM_VERDICT_KILL)
#define SM_VERDICT_ATTENTION 0x80000000 /* do a VMCALL (SM_HC_ATTENTION) once back in view 0 */

#ifndef __ASSEMBLER__
#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/build_bug.h>
#else
#include <stdint.h>
#ifndef SM_KERNEL_TYPES
#define SM_KERNEL_TYPES
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
#endif
#endif

#define SM_SCRATCH_SIZE 1024

/*
 * The vCPU's state page (SM_CPU_STATE).  The compartment's entry stores the guest's RSP and RBX
 * here, so that the host can resume the guest at the stub's return label when a monitor is
 * aborted.  The host trusts none of it: it ends up in guest registers alone.
 */
struct sm_cpu_state {
	u64 rsp;       /* guest's, as the stub left it */
	u64 rbx;       /* guest's; the other callee-saved registers no code here touches */
	u64 entries;   /* activations; tells one endless one from many short ones */
	u32 attention; /* host: 0 or SM_VERDICT_ATTENTION; the exit ORs it into EDX */
	u32 vcpu;      /* host: index of this vCPU */
	u32 slot;      /* of the running activation */
	u32 reserved;
	u64 seq;  /* compartment: sequence number of the next record */
	u64 lost; /* compartment: records dropped since the last loss record */
	u64 lost_total;
	/* Compartment: room for texts that are too long for its stack. */
	char scratch[2][SM_SCRATCH_SIZE];
};

#define SM_ASSERT_LAYOUT(x) _Static_assert(x, #x)
SM_ASSERT_LAYOUT(sizeof(struct sm_cpu_state) <= SM_PAGE_SIZE);
SM_ASSERT_LAYOUT(SM_CPU_STACK + SM_CPU_STACK_SIZE < SM_CPU_RING);
SM_ASSERT_LAYOUT(SM_CPU_RING + 2 * SM_PAGE_SIZE + SM_RING_MAX_SIZE <= 0x200000);
SM_ASSERT_LAYOUT(SM_VA_CPU + 0x200000 <= SM_VA_IMAGE);
SM_ASSERT_LAYOUT(SM_VA_IMAGE + SM_IMAGE_MAX_SIZE <= SM_VA_END);
SM_ASSERT_LAYOUT((SM_SLOTS & (SM_SLOTS - 1)) == 0);
SM_ASSERT_LAYOUT(SM_WINDOW_GPA == (1ULL << SM_ALIAS_SHIFT));
SM_ASSERT_LAYOUT(SM_RAM_LIMIT + SM_WINDOW_GPA == SM_PRIVATE_GPA);
#endif /* __ASSEMBLER__ */

#endif
