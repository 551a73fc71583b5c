// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After each VM exit of an attached VM, in place of vmx_handle_exit, which gets all that is not ours.
 * Runs in the vCPU's thread, preemptible, kvm->srcu held, VMCS current whenever this thread runs.
 */

#include <linux/jiffies.h>

#include "hooks.h"
#include "lab.h"
#include "transport.h"
#include "vmcs.h"

/* EXIT_QUALIFICATION of an EPT violation */
#define QUALIFICATION_ACCESS \
	(EPT_VIOLATION_ACC_READ | EPT_VIOLATION_ACC_WRITE | EPT_VIOLATION_ACC_INSTR)

#define PASS_TO_KVM (-1)

/* Exits that have nothing to do with what the guest executes. */
static bool is_asynchronous(u32 reason)
{
	switch (reason) {
	case EXIT_REASON_EXTERNAL_INTERRUPT:
	case EXIT_REASON_PREEMPTION_TIMER:
	case EXIT_REASON_INTERRUPT_WINDOW:
	case EXIT_REASON_NMI_WINDOW:
	case EXIT_REASON_PML_FULL:
	case EXIT_REASON_NOTIFY:
		return true;
	case EXIT_REASON_EXCEPTION_NMI:
		return (smh_vmread(VM_EXIT_INTR_INFO) & INTR_INFO_INTR_TYPE_MASK) ==
		       INTR_TYPE_NMI_INTR;
	default:
		return false;
	}
}

/* A load in the window: RAM that is not there yet, or none at all. */
static int handle_window_read(struct smh_vcpu *v, u64 gpa)
{
	u64 offset = smh_vcpu_rip(v) - v->vm->agent.gate_va - SM_VA_IMAGE;
	u32 fixup;

	switch (smh_window_fill(v->vm, gpa - SM_WINDOW_GPA)) {
	case 0:
		v->stats.window_faults++;
		return 1;
	case -EAGAIN:
		return 1;
	}
	fixup = offset < v->image->size ? smh_image_fixup(v->image, offset) : 0;
	if (!fixup)
		return smh_abort(v, SM_REASON_EPT_VIOLATION, EXIT_REASON_EPT_VIOLATION);
	v->stats.fixups++;
	smh_vcpu_set_reg(v, VCPU_REGS_RIP, v->vm->agent.gate_va + SM_VA_IMAGE + fixup);
	return 1;
}

static u32 reason_of(u32 exit_reason)
{
	switch (exit_reason) {
	case EXIT_REASON_TRIPLE_FAULT:
		return SM_REASON_TRIPLE_FAULT;
	case EXIT_REASON_EXCEPTION_NMI:
		return SM_REASON_EXCEPTION;
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_EPT_MISCONFIG:
		return SM_REASON_EPT_VIOLATION;
	case EXIT_REASON_VMFUNC:
		return SM_REASON_VMFUNC;
	default:
		return SM_REASON_EXIT;
	}
}

static int handle_in_monitor(struct smh_vcpu *v, u32 exit_reason)
{
	u64 gpa;

	v->stats.exits_monitor++;
	smh_budget_exit(v);
	if (is_asynchronous(exit_reason)) {
		if (!smh_budget_is_used_up(v))
			return PASS_TO_KVM;
		smh_budget_end(v);
		v->stats.exits_event++;
		smh_abort(v, SM_REASON_BUDGET, exit_reason);
		return PASS_TO_KVM; /* the interrupt itself is KVM's */
	}
	if (exit_reason == EXIT_REASON_VMCALL)
		return smh_hypercall_monitor(v);
	if (exit_reason == EXIT_REASON_EPT_VIOLATION) {
		gpa = smh_vmread(GUEST_PHYSICAL_ADDRESS);
		if ((smh_vmread(EXIT_QUALIFICATION) & QUALIFICATION_ACCESS) ==
			    EPT_VIOLATION_ACC_READ &&
		    gpa >= SM_WINDOW_GPA && gpa < SM_PRIVATE_GPA)
			return handle_window_read(v, gpa);
	}
	v->stats.exits_event++;
	return smh_abort(v, reason_of(exit_reason), exit_reason);
}

static int handle_in_gate(struct smh_vcpu *v, u32 exit_reason)
{
	v->stats.exits_gate++;
	if (is_asynchronous(exit_reason))
		return PASS_TO_KVM;
	v->stats.exits_event++;
	if (exit_reason == EXIT_REASON_VMCALL &&
	    (u32)v->vcpu->arch.regs[VCPU_REGS_RAX] == SM_HC_GATE_VIOLATION)
		return smh_violation(v, SM_VIEW_GATE, SM_REASON_CR3_TEST, exit_reason);
	return smh_violation(v, SM_VIEW_GATE, reason_of(exit_reason), exit_reason);
}

static bool is_private_gpa(u64 gpa)
{
	return gpa >= SM_PRIVATE_GPA && gpa < 1ULL << (SM_ALIAS_SHIFT + 1);
}

static int handle_in_target(struct smh_vcpu *v, u32 exit_reason)
{
	switch (exit_reason) {
	case EXIT_REASON_VMCALL:
		if (!smh_is_hypercall(v->vcpu->arch.regs[VCPU_REGS_RAX]) || !smh_guest_is_cpl0())
			return PASS_TO_KVM;
		return smh_hypercall_target(v);
	case EXIT_REASON_VMFUNC:
		if (v->vm->transport != SM_TRANSPORT_GATE)
			return smh_transport_event(v);
		if (!v->bound)
			return PASS_TO_KVM;
		return smh_violation(v, SM_VIEW_TARGET, SM_REASON_VMFUNC, exit_reason);
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_EPT_MISCONFIG:
		if (exit_reason == EXIT_REASON_EPT_VIOLATION && smh_protect_is_stuck(v))
			return smh_violation(v, SM_VIEW_TARGET, SM_REASON_HOOK_WRITE, exit_reason);
		if (!v->bound || !is_private_gpa(smh_vmread(GUEST_PHYSICAL_ADDRESS)))
			return PASS_TO_KVM;
		return smh_violation(v, SM_VIEW_TARGET, SM_REASON_SHADOW_ACCESS, exit_reason);
	case EXIT_REASON_GDTR_IDTR:
	case EXIT_REASON_LDTR_TR:
		if (!v->bound || !v->vm->locked || smh_weakened(SMH_WEAKEN_REGISTERS))
			return PASS_TO_KVM;
		return smh_pins_descriptor_access(v, exit_reason);
	default:
		return PASS_TO_KVM;
	}
}

/* Have they changed since window and protection were last fitted to them? */
static __always_inline void check_memslots(struct smh_vm *vm)
{
	u64 generation = kvm_memslots(vm->kvm)->generation;

	if (unlikely(READ_ONCE(vm->window.generation) != generation))
		smh_window_follow(vm, generation);
	if (READ_ONCE(vm->protect.active) &&
	    unlikely(READ_ONCE(vm->protect.generation) != generation))
		smh_protect_follow(vm, generation);
}

static int handle_in_compartment(struct smh_vcpu *v, unsigned int view, u32 exit_reason)
{
	int ret;

	if (view == SM_VIEW_MONITOR) {
		ret = handle_in_monitor(v, exit_reason);
	} else {
		smh_budget_end(v);
		ret = handle_in_gate(v, exit_reason);
	}
	v->rip = smh_vcpu_rip(v);
	return ret;
}

static int handle(struct smh_vcpu *v, u32 full_reason)
{
	u32 exit_reason = full_reason & 0xffff;
	unsigned int view = SM_VIEW_TARGET;

	if (unlikely(v->masked_windows))
		smh_inject_unmask_windows(v);
	if (unlikely(full_reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return PASS_TO_KVM;
	v->stats.exits++;
	if (likely(v->bound)) {
		check_memslots(v->vm);
		view = smh_vcpu_current_view(v, smh_vmread(EPT_POINTER));
	}
	/* Set on every path before anything can return to the guest. */
	v->view = view;
	if (exit_reason == EXIT_REASON_INTERRUPT_WINDOW)
		smh_inject_note_window(v);
	if (unlikely(view != SM_VIEW_TARGET))
		return handle_in_compartment(v, view, exit_reason);

	smh_budget_end(v);
	if (v->bound && !v->held.info && unlikely(v->state->attention)) {
		WRITE_ONCE(v->state->attention, 0);
		kvm_make_request(KVM_REQ_EVENT, v->vcpu);
	}
	if (unlikely(!v->look.ours))
		smh_verify_meet(v);
	if (time_after_eq(jiffies, v->look.due))
		smh_verify_look(v, exit_reason);
	return handle_in_target(v, exit_reason);
}

/* KVM's handler, and what is to be looked at behind it. */
static int pass_to_kvm(struct smh_vcpu *v, u32 exit_reason, struct kvm_vcpu *vcpu,
		       unsigned int fastpath)
{
	int ret = static_call(smh_vmx_handle_exit)(vcpu, fastpath);

	if (!v)
		return ret;
	if (likely(v->view == SM_VIEW_TARGET)) {
		if (smh_pins_may_change(v, exit_reason))
			smh_pins_check(v, exit_reason);
		smh_reset_note_mode(v);
	}
	/* KVM may just have mapped a page of a new memslot. */
	check_memslots(v->vm);
	return ret;
}

/* Last of all: now it is known in which view the vCPU goes on, and what KVM injects of its own accord. */
static void hand_back(struct smh_vcpu *v)
{
	if (!v->bound)
		return;
	if (unlikely(v->held.info))
		smh_inject_hand_back(v);
	if (unlikely(v->view != SM_VIEW_TARGET))
		smh_inject_block(v);
}

/* NULL: not of an attached VM, or in a nested guest. */
static struct smh_vcpu *find_or_create(struct kvm_vcpu *vcpu)
{
	struct smh_vcpu *v;
	struct smh_vm *vm;

	if (unlikely(vcpu->arch.hflags & HF_GUEST_MASK))
		return NULL;
	v = smh_vcpu_find(vcpu);
	if (likely(v))
		return v;
	vm = smh_vm_find(vcpu->kvm);
	return vm ? smh_vcpu_get_or_create(vm, vcpu) : NULL;
}

/*
 * What nobody waits for, perhaps because its attachment has just ended.  KVM's handler expects it of nested guests
 * alone, and that of 6.12 warns.
 */
static bool is_stray_vmfunc(const struct kvm_vcpu *vcpu, u32 full_reason)
{
	return unlikely(full_reason == EXIT_REASON_VMFUNC) && !(vcpu->arch.hflags & HF_GUEST_MASK);
}

int smh_handle_exit(struct kvm_vcpu *vcpu, unsigned int fastpath)
{
	int idx = srcu_read_lock(&smh_srcu), ret = PASS_TO_KVM;
	struct smh_vcpu *v = find_or_create(vcpu);
	u32 reason = smh_vmread(VM_EXIT_REASON);

	if (v)
		ret = handle(v, reason);
	if (ret == PASS_TO_KVM && is_stray_vmfunc(vcpu, reason)) {
		kvm_queue_exception(vcpu, UD_VECTOR);
		ret = 1;
	}
	if (ret == PASS_TO_KVM)
		ret = pass_to_kvm(v, reason & 0xffff, vcpu, fastpath);
	if (v)
		hand_back(v);
	srcu_read_unlock(&smh_srcu, idx);
	return ret;
}
