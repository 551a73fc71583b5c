// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resets.  A VMM resets a VM by writing all registers of its vCPUs; KVM itself resets a vCPU when another
 * one sends it an INIT.  The first ends the attachment, for what boots then is another kernel, and there
 * are no hooks in it; the second is the guest's own business, and its memory, hooks and lock stay.
 *
 * Told apart by who did it, which the guest cannot forge: a vCPU that was in protected mode when KVM had
 * handled its last exit, and is not when it enters again, was written by its VMM in between, or was not.
 */

#include "shadowmon.h"

/* kvm_arch_vcpu_ioctl_set_regs() is about to run; preemption off.  A VMM writes these on a reset last. */
void smh_reset_note_registers(struct kvm_vcpu *vcpu)
{
	struct smh_vm *vm = smh_vm_find(vcpu->kvm);
	struct smh_vcpu *v = vm ? xa_load(&vm->vcpus, vcpu->vcpu_idx) : NULL;

	if (v)
		WRITE_ONCE(v->reset.written, true);
}

static bool is_protected_mode(const struct smh_vcpu *v)
{
	return v->vcpu->arch.cr0 & X86_CR0_PE; /* never the guest's own: KVM intercepts changes */
}

void smh_reset_note_mode(struct smh_vcpu *v)
{
	v->reset.was_protected = is_protected_mode(v);
}

bool smh_reset_is_due(struct smh_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->vcpu;
	bool lost_mode = v->reset.was_protected && !is_protected_mode(v) &&
			 !(vcpu->arch.hflags & HF_SMM_MASK);
	bool written = v->reset.written;

	WRITE_ONCE(v->reset.written, false);
	if (!lost_mode)
		return false;
	smh_reset_note_mode(v);
	/* Whatever did it, the vCPU boots: it has to show the pinned values before it is pinned again. */
	smh_pins_release(v);
	return written && vcpu->vcpu_id == vcpu->kvm->arch.bsp_vcpu_id;
}

void smh_reset(struct smh_vm *vm)
{
	struct sm_record_lifecycle rec = {.h.type = SM_RECORD_LIFECYCLE,
					  .what = SM_LIFECYCLE_RESET};

	/* Before the guest module has registered, nothing of the kernel that is gone is known. */
	if (vm->was_reset || READ_ONCE(vm->state) < SM_STATE_REGISTERED)
		return;
	vm->was_reset = true;
	smh_host_ring_put(vm, &rec.h, sizeof(rec));
	smh_protect_suspend(vm);
	WRITE_ONCE(vm->parting, true);
	smh_vm_detach_later(vm);
}
