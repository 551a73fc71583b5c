// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VMM that reads or writes a vCPU's registers: to save or migrate the VM, to load a state, for a debugger.
 *
 * A signal takes a vCPU out of KVM_RUN wherever it is.  In view 1 or 2 its registers are the compartment's:
 * not the VMM's to see or to change, and of no use in a copy of the VM, in which there are no views.  So
 * whoever asks for them finds the vCPU in view 0.  A vCPU that is stopped and goes on, and nobody asks, stays
 * where it is.
 */

#include "shadowmon.h"

/*
 * Both below are under RCU, as preemption is off; the caller holds vcpu->mutex, as the vCPU's thread does in
 * KVM_RUN.
 */

/* VMCS current.  Repairing a CR3 looks at the memslots. */
static void take_out(struct smh_vcpu *v)
{
	int idx = srcu_read_lock(&v->vcpu->kvm->srcu);

	smh_leave_views(v, SM_REASON_VMM);
	srcu_read_unlock(&v->vcpu->kvm->srcu, idx);
}

void smh_vmm_reads(struct kvm_vcpu *vcpu, const void *unused)
{
	struct smh_vcpu *v = smh_vcpu_find(vcpu);

	if (!v)
		return;
	vcpu_load(vcpu);
	take_out(v);
	vcpu_put(vcpu);
}

void smh_vmm_writes(struct kvm_vcpu *vcpu, const void *kvm_regs)
{
	const struct kvm_regs *regs = kvm_regs;
	struct smh_vcpu *v = smh_vcpu_find(vcpu);

	if (!v)
		return;
	vcpu_load(vcpu);
	take_out(v);
	v->reset.written = true;
	if (regs->rip != smh_vcpu_rip(v))
		v->reset.moved = true;
	vcpu_put(vcpu);
}
