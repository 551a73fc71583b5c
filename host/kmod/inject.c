// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events that KVM wants to inject while the vCPU is in view 1 or 2, which have no IDT.  They are taken out
 * of the VMCS and handed back to KVM when the guest can take them in view 0; the stub is asked to exit as
 * soon as it is there.
 *
 * An NMI is queued anew.  Anything else waits here: KVM has taken an interrupt from the local APIC, and
 * cannot put it back.  KVM injects again, first of all and unasked, an event that it finds "injected", as
 * one whose delivery an exit interrupted.  An interrupt may be handed back that way only where the guest
 * can take it (SDM vol. 3, "Checks on guest RIP, RFLAGS, and SSP": RFLAGS.IF), and when no exception is to
 * be injected, for KVM drops one of two.
 */

#include "shadowmon.h"
#include "vmcs.h"

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

	if (likely(!info) || kvm_is_occupied(arch))
		return;
	/* In views 1 and 2 it comes back at once, but keeps its place before whatever comes next. */
	if (is_interrupt(info) && v->view == SM_VIEW_TARGET && !can_take_interrupt())
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

	/* Handed back in view 1 or 2, which the vCPU has left after all: KVM does not look at RFLAGS again. */
	if ((info & INTR_INFO_VALID_MASK) && is_interrupt(info) && !can_take_interrupt())
		smh_inject_withhold(v);
	if (likely(!v->held.info))
		return false;
	set_window(v, true);
	return true;
}
