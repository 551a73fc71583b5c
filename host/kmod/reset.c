// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resets.  A VMM resets a VM by writing all registers of its vCPUs; KVM itself resets a vCPU when another
 * one sends it an INIT.  The first ends the attachment, for what boots then is another kernel, and there
 * are no hooks in it; the second is the guest's own business, and its memory, hooks and lock stay.
 *
 * Told apart by who did it, which the guest cannot forge: a vCPU that was in protected mode when KVM had
 * handled its last exit, and is not when it enters again, was written by its VMM in between, or was not.
 *
 * A VMM that loads another state into a VM puts its vCPUs elsewhere, too: memory is another one, and whether
 * there are hooks in it nobody knows.  That ends the attachment like a reset; so does a guest that says
 * that it is about to start another kernel.
 */

#include "shadowmon.h"

/* A VMM writes a vCPU's registers on a reset last, and between two entries in one go. */
u32 smh_reset_is_due(struct smh_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->vcpu;
	bool lost_mode = v->reset.was_protected && !smh_is_protected_mode(v) &&
			 !(vcpu->arch.hflags & HF_SMM_MASK);
	bool is_first = vcpu->vcpu_id == vcpu->kvm->arch.bsp_vcpu_id;
	bool written = v->reset.written, moved = v->reset.moved;

	v->reset.written = false;
	v->reset.moved = false;
	if (!lost_mode)
		return moved && is_first ? SM_LIFECYCLE_RESTORED : 0;
	smh_reset_note_mode(v);
	/* Whatever did it, the vCPU boots: it has to show the pinned values before it is pinned again. */
	smh_pins_release(v);
	return written && is_first ? SM_LIFECYCLE_RESET : 0;
}

void smh_reset(struct smh_vm *vm, u32 what)
{
	struct sm_record_lifecycle rec = {.h.type = SM_RECORD_LIFECYCLE, .what = what};

	/* Before the guest module has registered, nothing of the kernel that is gone is known. */
	if (READ_ONCE(vm->state) < SM_STATE_REGISTERED || atomic_xchg(&vm->was_reset, 1))
		return;
	smh_host_ring_put(vm, &rec.h, sizeof(rec));
	smh_verify_suspend(vm);
	smh_protect_suspend(vm);
	WRITE_ONCE(vm->parting, true);
	smh_vm_detach_later(vm);
}
