// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events that KVM wants to inject while the vCPU is in view 1 or 2, which have no IDT.
 *
 * KVM is shown a vCPU that blocking by MOV SS keeps from taking interrupts and NMIs: so it leaves them where
 * they are and asks for an exit when that ends (interrupt window, NMI window).  These exits are masked as long
 * as the vCPU is in view 1 or 2: it would make them before its first instruction, again and again, until the
 * monitor's budget is used up.  KVM finds its controls as it left them at the exit, for it writes to the VMCS
 * only what differs from what it wrote last.  The stub is asked to exit as soon as it is in view 0.
 *
 * What KVM injects all the same, because an exit interrupted its delivery or because the VMM says so, is taken
 * out of the VMCS and handed back when the guest can take it in view 0.  An NMI is queued anew.  Anything else
 * waits here: KVM has taken an interrupt from the local APIC, and cannot put it back.  KVM injects again, first
 * of all and unasked, an event that it finds "injected", as one whose delivery an exit interrupted.  An
 * interrupt may be handed back that way only where the guest can take it (SDM vol. 3, "Checks on guest RIP,
 * RFLAGS, and SSP": RFLAGS.IF), and when no exception is to be injected, for KVM drops one of two.
 */

#include "lab.h"
#include "shadowmon.h"
#include "vmcs.h"

#define WINDOW_EXITING (CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_NMI_WINDOW_EXITING)

static bool is_interrupt(u32 info)
{
	return (info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_EXT_INTR;
}

static bool can_take_interrupt(void)
{
	return (smh_vmread(GUEST_RFLAGS) & X86_EFLAGS_IF) &&
	       !(smh_vmread(GUEST_INTERRUPTIBILITY_INFO) &
		 (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS));
}

static bool kvm_is_occupied(const struct kvm_vcpu_arch *arch)
{
	return arch->exception.injected || arch->exception.pending || arch->nmi_injected ||
	       arch->interrupt.injected;
}

/* KVM's own window request is in its shadow of the controls; this one it does not know of. */
static void set_window(struct smh_vcpu *v, bool on)
{
	u64 controls = smh_vmread(CPU_BASED_VM_EXEC_CONTROL);

	v->held.window = on;
	smh_vmwrite(CPU_BASED_VM_EXEC_CONTROL, on ? controls | CPU_BASED_INTR_WINDOW_EXITING
						  : controls & ~(u64)CPU_BASED_INTR_WINDOW_EXITING);
}

void smh_inject_note_window(struct smh_vcpu *v)
{
	/* KVM takes back its own in its handler, to which this exit goes on. */
	if (v->held.window)
		set_window(v, false);
}

void smh_inject_block(struct smh_vcpu *v)
{
	u64 state;

	if (likely(v->view == SM_VIEW_TARGET) || smh_weakened(SMH_WEAKEN_INJECTION))
		return;
	state = smh_vmread(GUEST_INTERRUPTIBILITY_INFO);
	if (state & GUEST_INTR_STATE_MOV_SS)
		return;
	smh_vmwrite(GUEST_INTERRUPTIBILITY_INFO, state | GUEST_INTR_STATE_MOV_SS);
	v->blocked = true;
}

static void unblock(struct smh_vcpu *v)
{
	if (!v->blocked)
		return;
	smh_vmwrite(GUEST_INTERRUPTIBILITY_INFO,
		    smh_vmread(GUEST_INTERRUPTIBILITY_INFO) & ~(u64)GUEST_INTR_STATE_MOV_SS);
	v->blocked = false;
}

/* As soon as the vCPU is in view 0. */
static void ask_for_exit(struct smh_vcpu *v, unsigned int view)
{
	WRITE_ONCE(v->state->attention, SM_VERDICT_ATTENTION);
	/* On its last steps through view 1 the vCPU asks no more.  In view 2 the budget's timer runs anyway. */
	if (view == SM_VIEW_GATE)
		smh_budget_kick(v);
	v->stats.deferred++;
}

void smh_inject_mask_windows(struct smh_vcpu *v, unsigned int view)
{
	u64 controls = smh_vmread(CPU_BASED_VM_EXEC_CONTROL);

	if (likely(!(controls & WINDOW_EXITING)) || smh_weakened(SMH_WEAKEN_INJECTION))
		return;
	smh_vmwrite(CPU_BASED_VM_EXEC_CONTROL, controls & ~(u64)WINDOW_EXITING);
	v->masked_windows = controls & WINDOW_EXITING;
	ask_for_exit(v, view);
}

void smh_inject_unmask_windows(struct smh_vcpu *v)
{
	if (likely(!v->masked_windows))
		return;
	smh_vmwrite(CPU_BASED_VM_EXEC_CONTROL,
		    smh_vmread(CPU_BASED_VM_EXEC_CONTROL) | v->masked_windows);
	v->masked_windows = 0;
}

void smh_inject_restore(struct smh_vcpu *v)
{
	unblock(v);
	smh_inject_unmask_windows(v);
}

void smh_inject_withhold(struct smh_vcpu *v)
{
	u32 info = smh_vmread(VM_ENTRY_INTR_INFO_FIELD);

	if (!(info & INTR_INFO_VALID_MASK))
		return;
	smh_vmwrite(VM_ENTRY_INTR_INFO_FIELD, 0);
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR) {
		atomic_inc(&v->vcpu->arch.nmi_queued);
		kvm_make_request(KVM_REQ_NMI, v->vcpu);
	} else {
		v->held.info = info;
		v->held.error_code = smh_vmread(VM_ENTRY_EXCEPTION_ERROR_CODE);
	}
	WRITE_ONCE(v->state->attention, SM_VERDICT_ATTENTION);
	v->stats.deferred++;
}

void smh_inject_hand_back(struct smh_vcpu *v)
{
	struct kvm_vcpu_arch *arch = &v->vcpu->arch;
	u32 info = v->held.info;

	if (likely(!info) || v->view != SM_VIEW_TARGET || kvm_is_occupied(arch))
		return;
	if (is_interrupt(info) && !can_take_interrupt())
		return;
	if (is_interrupt(info)) {
		arch->interrupt.injected = true;
		arch->interrupt.soft = false;
		arch->interrupt.nr = info & INTR_INFO_VECTOR_MASK;
	} else {
		arch->exception.injected = true;
		arch->exception.vector = info & INTR_INFO_VECTOR_MASK;
		arch->exception.has_error_code = info & INTR_INFO_DELIVER_CODE_MASK;
		arch->exception.error_code = v->held.error_code;
	}
	v->held.info = 0;
	kvm_make_request(KVM_REQ_EVENT, v->vcpu);
}

bool smh_inject_waits(struct smh_vcpu *v)
{
	u32 info = smh_vmread(VM_ENTRY_INTR_INFO_FIELD);

	/* What KVM injects again it does not look at RFLAGS for. */
	if ((info & INTR_INFO_VALID_MASK) && is_interrupt(info) && !can_take_interrupt())
		smh_inject_withhold(v);
	if (likely(!v->held.info))
		return false;
	set_window(v, true);
	return true;
}

/*
 * In place of KVM's.  An SMI is no event that is injected: KVM writes the vCPU's registers, which in view 1 or 2
 * are the compartment's, to SMRAM, where the guest may read them, and moves the vCPU.
 */
int smh_smi_allowed(struct kvm_vcpu *vcpu, bool for_injection)
{
	typeof(&smh_smi_allowed) original = smh_original(smh_smi_allowed);
	int idx = srcu_read_lock(&smh_srcu), ret = 0;
	struct smh_vcpu *v = smh_vcpu_find(vcpu);

	if (v && v->bound && v->view != SM_VIEW_TARGET && !smh_weakened(SMH_WEAKEN_INJECTION))
		ask_for_exit(v, v->view);
	else
		ret = original(vcpu, for_injection);
	srcu_read_unlock(&smh_srcu, idx);
	return ret;
}
