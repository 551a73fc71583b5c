// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Before each VM entry of an attached VM: IRQs off, VMCS current.
 *
 * The VMCS must name our EPTP list, list[0] must be the root that KVM uses now, the vCPU must come back
 * in the view that it left (KVM may have loaded a new root meanwhile), and nothing may be injected in
 * views 1 and 2, which have no IDT.
 */

#include "lab.h"
#include "shadowmon.h"
#include "vmcs.h"

#define VMFUNC_EPTP_SWITCHING BIT_ULL(0)

static void clear_secondary_controls(u64 controls)
{
	u64 old = smh_vmread(SECONDARY_VM_EXEC_CONTROL);

	if (old & controls)
		smh_vmwrite(SECONDARY_VM_EXEC_CONTROL, old & ~controls);
}

/* Host 6.1 has VM functions on for all its guests, with none enabled; 6.12 for none. */
static void enable_vmfunc(struct smh_vcpu *v, u64 others)
{
	u64 old = smh_vmread(SECONDARY_VM_EXEC_CONTROL);
	u64 new = old | SECONDARY_EXEC_ENABLE_VMFUNC | others;

	if (likely(new == old))
		return;
	if (!(old & SECONDARY_EXEC_ENABLE_VMFUNC))
		WRITE_ONCE(v->vmfunc, true);
	smh_vmwrite(SECONDARY_VM_EXEC_CONTROL, new);
}

static void disable_vmfunc(struct smh_vcpu *v)
{
	if (!v->vmfunc)
		return;
	clear_secondary_controls(SECONDARY_EXEC_ENABLE_VMFUNC);
	WRITE_ONCE(v->vmfunc, false);
}

/*
 * Outside long mode page walks do not start at B, and exceptions look elsewhere for the IDT.  There VMFUNC
 * exits.  KVM owns CR0.PG and EFER.LME, so each change of mode is an exit.
 */
static void choose_functions(struct smh_vcpu *v)
{
	u64 functions = VMFUNC_EPTP_SWITCHING;

	if (!(v->vcpu->arch.efer & EFER_LMA) && !smh_weakened(SMH_WEAKEN_LONG_MODE))
		functions = 0;
	if (v->functions == functions)
		return;
	smh_vmwrite(VM_FUNCTION_CONTROL, functions);
	v->functions = functions;
}

/*
 * KVM rewrites the secondary controls when CPUID or CR4.UMIP change, so they are looked at each time.
 * From lock on IDTR and GDTR are pinned by descriptor-table exiting.
 */
static void bind(struct smh_vcpu *v)
{
	u64 controls = 0;

	if (v->vm->locked && !smh_weakened(SMH_WEAKEN_REGISTERS)) {
		controls = SECONDARY_EXEC_DESC;
		if (!v->pins.taken)
			smh_pins_take(v);
	}
	enable_vmfunc(v, controls);
	choose_functions(v);
	if (likely(v->bound))
		return;
	smh_vmwrite(EPTP_LIST_ADDRESS, __pa(v->list));
	smh_vcpu_reset_list(v, smh_vmread(EPT_POINTER));
	v->bound = true;
	smp_mb(); /* smh_image_reload() does not see it bound, or the image is the VM's new one */
}

/* KVM wants descriptor-table exiting only to emulate UMIP. */
static bool kvm_wants_descriptor_exiting(const struct kvm_vcpu *vcpu)
{
	return (vcpu->arch.cr4 & X86_CR4_UMIP) && !boot_cpu_has(X86_FEATURE_UMIP);
}

void smh_unbind(struct smh_vcpu *v)
{
	unsigned int view;

	if (!v->bound) {
		disable_vmfunc(v);
		return;
	}
	smh_inject_restore(v);
	view = smh_vcpu_current_view(v, smh_vmread(EPT_POINTER)) ?: v->view;
	if (view == SM_VIEW_MONITOR)
		smh_abort(v, SM_REASON_DETACH, 0);
	else if (view == SM_VIEW_GATE)
		smh_leave_gate(v);
	/* The guest shall not lose it: once it can take it there is an exit, and an entry after that. */
	if (smh_inject_waits(v))
		return;
	smh_pins_release(v);
	smh_vmwrite(VM_FUNCTION_CONTROL, 0);
	v->functions = 0;
	smh_vmwrite(EPTP_LIST_ADDRESS, 0);
	if (!kvm_wants_descriptor_exiting(v->vcpu))
		clear_secondary_controls(SECONDARY_EXEC_DESC);
	disable_vmfunc(v);
	WRITE_ONCE(v->bound, false);
}

/* Is the vCPU's RIP where code of this view lies? */
static bool may_stay(struct smh_vcpu *v, unsigned int view)
{
	u64 offset = smh_vcpu_rip(v) - v->vm->agent.gate_va;

	if (!(smh_vmread(GUEST_CR0) & X86_CR0_PG) || !(v->vcpu->arch.efer & EFER_LMA))
		return false;
	if (offset < SM_PAGE_SIZE)
		return true;
	return view == SM_VIEW_MONITOR && offset >= SM_VA_IMAGE &&
	       offset < SM_VA_IMAGE + v->image->size;
}

/* INIT, SMI, reset, a debugger or the VMM moved the vCPU: on in view 0, from there. */
static void follow(struct smh_vcpu *v, unsigned int view)
{
	smh_report(v, SM_RECORD_ABORT, view, SM_REASON_RIP, 0);
	v->stats.aborts++;
	smh_vcpu_to_target(v);
	smh_inject_waits(v);
}

/*
 * An exit came between a jump to where nothing is and the fault that it was about to make.  KVM is past its
 * own injections here.
 */
static void fault_now(struct smh_vcpu *v, unsigned int view)
{
	smh_inject_withhold(v);
	smh_inject_waits(v);
	if (view == SM_VIEW_MONITOR) {
		smh_abort(v, SM_REASON_RIP, 0);
		return;
	}
	smh_report(v, SM_RECORD_VIOLATION, view, SM_REASON_RIP, 0);
	v->stats.violations++;
	smh_vcpu_to_target(v);
	smh_repair_cr3(v);
	smh_vmwrite(VM_ENTRY_INTR_INFO_FIELD,
		    UD_VECTOR | INTR_TYPE_HARD_EXCEPTION | INTR_INFO_VALID_MASK);
}

static void enter_bound(struct smh_vcpu *v)
{
	u64 eptp = smh_vmread(EPT_POINTER);
	unsigned int current_view = smh_vcpu_current_view(v, eptp);
	/* Without an exit hook in between (KVM's fast path) the VMCS alone tells. */
	unsigned int view = current_view ?: v->view;
	bool left_by_exit = v->view != SM_VIEW_TARGET;

	v->view = SM_VIEW_TARGET;
	if (unlikely(v->blocked || v->masked_windows))
		smh_inject_restore(v);
	if (current_view == SM_VIEW_TARGET && v->list[SM_VIEW_TARGET] != eptp)
		v->list[SM_VIEW_TARGET] = eptp;
	if (view == SM_VIEW_TARGET && unlikely(v->image != READ_ONCE(v->vm->image)))
		smh_vcpu_take_image(v);
	if (unlikely(READ_ONCE(v->flush))) {
		WRITE_ONCE(v->flush, false);
		smp_mb(); /* a zap that sets it again from here on kicks this vCPU again */
		smh_ept_flush(v->eptp[SM_VIEW_GATE]);
		smh_ept_flush(v->eptp[SM_VIEW_MONITOR]);
	}
	if (likely(view == SM_VIEW_TARGET)) {
		if (unlikely(v->held.info ||
			     (smh_vmread(VM_ENTRY_INTR_INFO_FIELD) & INTR_INFO_VALID_MASK)))
			smh_inject_waits(v);
		return;
	}

	/* KVM's fast path, which leaves no exit of ours behind, moves nothing. */
	if (left_by_exit && smh_vcpu_rip(v) != v->rip) {
		follow(v, view);
		return;
	}
	if (!may_stay(v, view)) {
		fault_now(v, view);
		return;
	}
	if (current_view != view) {
		smh_vmwrite(EPT_POINTER, v->eptp[view]);
		v->stats.restored++;
	}
	if (!smh_weakened(SMH_WEAKEN_WITHHOLD))
		smh_inject_withhold(v);
	smh_inject_mask_windows(v, view);
	if (view == SM_VIEW_MONITOR)
		smh_budget_enter(v);
}

void smh_enter(struct kvm_vcpu *vcpu, const void *unused)
{
	struct smh_vcpu *v = smh_vcpu_find(vcpu);
	struct smh_vm *vm;
	u32 what;

	/* A nested guest runs on a VMCS of its own, in which KVM keeps VM functions off. */
	if (!v || (vcpu->arch.hflags & HF_GUEST_MASK))
		return;
	vm = v->vm;
	if (unlikely(smh_reset_may_be_due(v))) {
		what = smh_reset_is_due(v);
		if (what)
			smh_reset(vm, what);
	}
	if (READ_ONCE(vm->parting)) {
		smh_unbind(v);
		return;
	}
	if (vm->transport != SM_TRANSPORT_GATE) {
		/* With no function enabled VMFUNC exits; without this control it is #UD. */
		enable_vmfunc(v, 0);
		return;
	}
	/* Pairs with the store in smh_vcpu_link_image: the views are complete. */
	if (!smp_load_acquire(&v->eptp[SM_VIEW_MONITOR]))
		return;
	bind(v);
	enter_bound(v);
}
