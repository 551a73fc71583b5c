/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The event ring of one vCPU: one producer (the compartment on that vCPU), one consumer (the host).
 *
 *   page 0   struct sm_ring_producer   compartment read-write, consumer read-only
 *   page 1   struct sm_ring_consumer   consumer read-write, compartment read-only
 *   page 2.. data, a power of two of bytes
 *
 * head and tail count bytes ever written and ever read; the offset in the data is the count modulo
 * the size.  A record is contiguous and 8-byte aligned: where it would cross the end, the rest is
 * filled by a record of type SM_RECORD_PAD.  head is stored after the record's last byte.
 *
 * The consumer trusts nothing here: it copies a record out once and checks the copy.
 */
#ifndef SHADOWMON_ABI_RING_H
#define SHADOWMON_ABI_RING_H

#include <shadowmon/layout.h>

#define SM_RING_PRODUCER_PAGE 0x0
#define SM_RING_CONSUMER_PAGE 0x1000
#define SM_RING_DATA          0x2000
#define SM_RING_MIN_SIZE      0x4000

#define SM_RING_BLOCK 0x1 /* wait for room instead of dropping */

struct sm_ring_producer {
	u64 head;
	u64 lost; /* records ever dropped */
};

/* size, flags and vcpu are the host module's; the compartment cannot write this page. */
struct sm_ring_consumer {
	u64 tail;
	u32 sleeping; /* consumer: ring the doorbell when something is published */
	u32 flags;
	u32 size; /* data bytes */
	u32 vcpu;
};

/* Every record starts with this. */
struct sm_record {
	u32 len;  /* whole record in bytes, multiple of 8 */
	u16 type; /* enum sm_record_type */
	u16 slot; /* hook that produced it */
	u64 seq;  /* of this vCPU; a dropped record uses up its number */
	u64 tsc;  /* guest TSC */
};

#define SM_RECORD_MAX 0x2000 /* bytes */

enum sm_record_type {
	SM_RECORD_PAD = 0,       /* seq and tsc mean nothing */
	SM_RECORD_LOSS = 1,      /* struct sm_record_loss */
	SM_RECORD_VIOLATION = 2, /* host module: struct sm_record_violation */
	SM_RECORD_ABORT = 3,     /* host module: struct sm_record_violation */
	SM_RECORD_LIFECYCLE = 4, /* host module: struct sm_record_lifecycle */
	SM_RECORD_EXEC = 16,
	SM_RECORD_EXIT = 17,
	SM_RECORD_MODULE_LOAD = 18,
	SM_RECORD_MODULE_UNLOAD = 19,
	SM_RECORD_USER = 256, /* first number free for others' monitors */
};

struct sm_record_loss {
	struct sm_record h;
	u64 count; /* records dropped just before this one */
};

/* Why the host took a vCPU out of a view, or refused what it did. */
enum sm_violation_reason {
	SM_REASON_NONE = 0,
	SM_REASON_CR3_TEST = 1,      /* the gate's CR3 test fired */
	SM_REASON_VMFUNC = 2,        /* VMFUNC with a disarmed or invalid index, or function != 0 */
	SM_REASON_SHADOW_ACCESS = 3, /* view 0 touched the shadow region */
	SM_REASON_EPT_VIOLATION = 4, /* in view 1 or 2 */
	SM_REASON_TRIPLE_FAULT = 5,  /* an exception in view 1 or 2 */
	SM_REASON_EXCEPTION = 6,     /* one that KVM intercepts, in view 1 or 2 */
	SM_REASON_EXIT = 7,          /* any other exit that views 1 and 2 may not make */
	SM_REASON_BUDGET = 8,        /* the monitor ran longer than allowed */
	SM_REASON_RIP = 9,           /* RIP left gate and compartment while the vCPU was out */
	SM_REASON_PANIC = 10,        /* the runtime gave up: SM_HC_PANIC */
	SM_REASON_DESCRIPTOR = 11,   /* IDTR or GDTR changed after lock */
	SM_REASON_DETACH = 12,       /* detach found the vCPU in the compartment */
	SM_REASON_HYPERCALL = 13,    /* a hypercall that this state forbids */
	SM_REASON_HOOK_WRITE = 14,   /* view 0 wrote to a protected byte: dropped */
	SM_REASON_CR0 = 15,          /* a pinned register changed after lock: CR0.WP */
	SM_REASON_CR4 = 16,          /* SMEP, SMAP, UMIP, LA57 */
	SM_REASON_EFER = 17,         /* SCE, NX */
	SM_REASON_LSTAR = 18,
	SM_REASON_SYSENTER = 19,
	SM_REASON_VMM = 20, /* the VMM reads or writes the registers of a vCPU in the compartment */
	SM_REASON_HOOK_CHANGED = 21, /* seen: a protected byte is not what it was at lock */
	SM_REASON_HOOK_MAPPED = 22,  /* seen: page tables lead from a hook to another page */
};

struct sm_record_violation {
	struct sm_record h;
	u32 vcpu;
	u32 view;
	u32 reason;      /* enum sm_violation_reason */
	u32 exit_reason; /* basic exit reason of the VM exit, SDM appendix C */
	u64 rip;
	u64 gpa; /* EPT violations, hook writes and changes; HOOK_MAPPED: where it leads; else 0 */
	u64 gla; /* where the CPU gave one; else 0 */
	u64 cr3;
	u64 qualification;
	u32 slot; /* ABORT: whose activation; else 0 */
	u32 reserved;
};

enum sm_lifecycle {
	SM_LIFECYCLE_REGISTERED = 1,
	SM_LIFECYCLE_LOCKED = 2,
	SM_LIFECYCLE_VCPU_ADDED = 3,
	SM_LIFECYCLE_RESET = 4,            /* by the VMM: the attachment ends */
	SM_LIFECYCLE_MONITOR_DISABLED = 5, /* it was aborted too often: of which slot */
	SM_LIFECYCLE_RESTORED = 6, /* the VMM has loaded another state: the attachment ends */
	SM_LIFECYCLE_KEXEC = 7,    /* the guest says that another kernel follows: it ends */
	SM_LIFECYCLE_RELOADED = 8, /* other monitors run from here on */
};

struct sm_record_lifecycle {
	struct sm_record h;
	u32 what; /* enum sm_lifecycle */
	u32 vcpu;
	u32 slot; /* MONITOR_DISABLED; else 0 */
	u32 reserved;
};

SM_ASSERT_LAYOUT(sizeof(struct sm_record) == 24);
SM_ASSERT_LAYOUT(sizeof(struct sm_record_violation) == 88);

#endif
