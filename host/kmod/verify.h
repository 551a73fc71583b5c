/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking, from lock on, whether what the hooks need is as it was: what write tracking does not see, and
 * all there is where KVM has none.
 */
#ifndef SHADOWMON_KMOD_VERIFY_H
#define SHADOWMON_KMOD_VERIFY_H

#include <linux/bitmap.h>
#include <linux/types.h>

#include <shadowmon/hypercall.h>

struct smh_vm;
struct smh_vcpu;

/* Two pieces a call site, which may lie across two pages; the stubs; the gate and the page before it. */
#define SMH_RANGES_MAX (2 * SM_SLOTS + SM_STUBS_MAX_SIZE / SM_PAGE_SIZE + 2)

#define SMH_NO_SLOT SM_SLOTS

/* Bytes that the guest may not write; they do not cross a page. */
struct smh_range {
	u64 va, gpa;
	u32 len;  /* 0: none; after lock written last, and first */
	u32 slot; /* whose call it is, or SMH_NO_SLOT */
	u8 site[SM_CALL_SITE_SIZE];
	u8 *bytes; /* what they are: site, or a page of the pool */
};

struct smh_verify {
	bool active;
	/* A range's bit: it was reported, and not seen as it should be since. */
	DECLARE_BITMAP(changed, SMH_RANGES_MAX);
	DECLARE_BITMAP(remapped, SMH_RANGES_MAX);
};

/* A vCPU's next look. */
struct smh_look {
	unsigned long due;  /* jiffies */
	unsigned int range; /* modulo their number */
	bool ours;          /* the vCPU has run the locked kernel */
};

/* Notes what a range's bytes are; va, gpa and len are set.  vCPU thread; may sleep. */
int smh_verify_remember(struct smh_vm *vm, struct smh_range *range);
/* Where va leads by a top-level table; 0: to no code of the kernel's.  -EFAULT: a table is no RAM. */
int smh_verify_translate(struct smh_vm *vm, u64 cr3, u64 va, u64 *ret_gpa);
/* From lock on. */
void smh_verify_start(struct smh_vm *vm);
/* Looks at everything once more, and no more from then on.  May sleep. */
void smh_verify_stop(struct smh_vm *vm);
/* No more from here on, as what is there is another kernel.  Any context. */
void smh_verify_suspend(struct smh_vm *vm);
/* An exit in view 0 of a vCPU that is not ours so far.  vCPU thread, VMCS current, kvm->srcu held; may sleep. */
void smh_verify_meet(struct smh_vcpu *v);
/* An exit in view 0 when a look is due.  vCPU thread, VMCS current, kvm->srcu held; may sleep. */
void smh_verify_look(struct smh_vcpu *v, u32 exit_reason);

#endif
