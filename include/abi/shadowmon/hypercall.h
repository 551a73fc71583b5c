/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * VMCALLs: RAX = number, RBX, RCX, RDX = arguments; RAX = result (0 or more, or a negative errno).
 * No other register changes.  Without a ShadowMonitor host KVM answers -1000 (KVM_ENOSYS).
 *
 * Guest calls need CPL 0 in view 0.  Until SM_HC_LOCK they come from the guest module, which is part
 * of the trusted boot; after it only SM_HC_HELLO, SM_HC_ATTENTION, SM_HC_LEAVE and SM_HC_POLL/SM_HC_ANSWER
 * are answered, all others fail with -EPERM.
 */
#ifndef SHADOWMON_ABI_HYPERCALL_H
#define SHADOWMON_ABI_HYPERCALL_H

#define SM_HC_BASE 0x534d0000 /* "SM" */

/* Guest, view 0. */
#define SM_HC_HELLO     0x534d0001 /* rbx = SM_ABI_REVISION -> SM_HELLO_MAGIC, -EPROTO */
#define SM_HC_REGISTER  0x534d0002 /* rbx = GPA of struct sm_agent_info -> 0 */
#define SM_HC_POLL      0x534d0003 /* rbx = GPA of struct sm_agent_command, filled in -> op */
#define SM_HC_ANSWER    0x534d0004 /* rbx = command id, rcx = result -> 0 */
#define SM_HC_ATTENTION 0x534d0005 /* asked for by the verdict; an exit is all it does */
#define SM_HC_LEAVE     0x534d0006 /* another kernel follows: the attachment ends -> 0 */

/* Gate, view 1. */
#define SM_HC_GATE_VIOLATION 0xcccccccc /* the CR3 test failed; traps when run as code */

/* Compartment, view 2. */
#define SM_HC_DOORBELL  0x534d0020 /* records wait and the consumer sleeps */
#define SM_HC_RING_FULL 0x534d0021 /* block mode: wait for room; may return early */
#define SM_HC_PANIC     0x534d0022 /* rbx = reason: abort this activation */

#define SM_HELLO_MAGIC  0x534d6f6e /* "SMon" */
#define SM_ABI_REVISION 4

/* Stubs are an array: of (nargs, slot) the one at nargs * SM_SLOTS + slot. */
#define SM_STUB_SIZE 64

#ifndef __ASSEMBLER__
#include <shadowmon/layout.h>

#define SM_AGENT_MAGIC    0x3174696e65676131ULL
#define SM_STUBS_MAX_SIZE 0x10000
#define SM_CALL_SITE_SIZE 5 /* bytes at the entry of a hooked function: call of a stub */

/*
 * What the guest module tells of the kernel it runs in.  Lies in one page of guest RAM.  The BTF is
 * the kernel's own (physically contiguous, in its read-only data).
 */
struct sm_agent_info {
	u64 magic;
	u32 revision;
	u32 size;            /* of this struct, as the guest module knows it */
	u64 gate_va;         /* G */
	u64 gate_gpa;        /* of the gate's copy: the host compares it with its own */
	u64 page_offset;     /* start of the direct map, virtual */
	u64 direct_map_size; /* bytes of it that may hold RAM */
	u64 kernel_va;       /* _text: where KASLR put the kernel's image */
	u64 kernel_pa;       /* guest-physical address that kernel_va translates to */
	u64 kernel_size;     /* bytes of the image, up to _end */
	u64 data_va;         /* in the image: data without which the kernel cannot run, jiffies */
	u64 btf_gpa;
	u64 btf_size;
	u64 kernel_cr3;   /* guest-physical address of the kernel's own top-level table */
	u64 stubs_va;     /* the code between hooked functions and gate; page-aligned */
	u64 stubs_size;   /* bytes, at most SM_STUBS_MAX_SIZE */
	char release[64]; /* utsname release, NUL-terminated */
};

/*
 * The host drives the guest module by commands, which it fetches with SM_HC_POLL: one at a time, each
 * answered with SM_HC_ANSWER before the next is given.  POLL returns the op (also in the struct).
 */
enum sm_agent_op {
	SM_OP_IDLE = 0,   /* nothing to do: poll again in wait_ms */
	SM_OP_LOOKUP = 1, /* address of kernel symbol name -> address, or -ENOENT */
	SM_OP_HOOK =
		2, /* route function name through the stub (slot, nargs) -> address of the call, -errno */
	SM_OP_UNHOOK_ALL = 3, /* remove all hooks -> 0 */
	SM_OP_LOCKED = 4,     /* for information: the host has locked -> 0 */
	SM_OP_UNHOOK = 5,     /* remove the hook of a slot -> 0 */
	SM_OP_BENCH = 6,      /* nargs: enum sm_bench, on slot vCPUs at once -> a pair, or -errno */
};

/*
 * What an event takes, measured by the guest module: the answer is a pair of ticks of the guest's TSC, the second one
 * shifted by 32, neither above SM_BENCH_MAX, for SM_BENCH_CALLS(what) turns.  PING is what a turn's event adds; the
 * others are whole operations, whose event is what they take more with a hook than without.  The guest's word, and
 * no more than that.  -EINVAL: none of these (an older guest module), or no vCPU.  -ERANGE: not as many are online.
 */
enum sm_bench {
	SM_BENCH_PING =
		0, /* the empty event: a call of shadowmon_ping() -> median, 99th percentile */
	SM_BENCH_SPREAD = 1, /* of the last measurement -> least, most; -ENODATA */
	SM_BENCH_SYSCALL =
		2, /* getppid(), called as the kernel's entry calls it -> median, 99th percentile */
	SM_BENCH_OPEN = 3, /* a file opened and closed -> ... */
	SM_BENCH_EXEC = 4, /* a program started, until it has ended -> ... */
};

#define SM_BENCH_CALLS(what) ((what) == SM_BENCH_PING ? 100 : (what) == SM_BENCH_SYSCALL ? 10 : 1)
#define SM_BENCH_MAX         0x7fffffffULL

struct sm_agent_command {
	u32 op;
	u32 id;
	u32 slot;
	u32 nargs;
	u32 wait_ms;
	u32 reserved;
	char name[128]; /* NUL-terminated */
};

SM_ASSERT_LAYOUT(sizeof(struct sm_agent_info) <= SM_PAGE_SIZE);
SM_ASSERT_LAYOUT(sizeof(struct sm_agent_command) == 152);
#endif /* __ASSEMBLER__ */

#endif
