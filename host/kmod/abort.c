// SPDX-License-Identifier: GPL-2.0-or-later
/* How a vCPU comes out of view 1 or 2 other than by the gate, and how that is reported. */

#include "gate_offsets.h"
#include "shadowmon.h"
#include "vmcs.h"

#define CR3_ADDRESS GENMASK_ULL(51, 12)

/* Of the activation that runs, or ran last; the compartment says so. */
static u32 running_slot(const struct smh_vcpu *v)
{
	return v->state ? READ_ONCE(v->state->slot) & (SM_SLOTS - 1) : 0;
}

static bool has_guest_physical(u32 exit_reason)
{
	return exit_reason == EXIT_REASON_EPT_VIOLATION || exit_reason == EXIT_REASON_EPT_MISCONFIG;
}

void smh_report(struct smh_vcpu *v, u16 type, unsigned int view, u32 reason, u32 exit_reason)
{
	struct sm_record_violation rec = {
		.h.type = type,
		.vcpu = v->index,
		.view = view,
		.reason = reason,
		.exit_reason = exit_reason,
		.rip = smh_vcpu_rip(v),
		.cr3 = smh_vmread(GUEST_CR3),
		.qualification = smh_vmread(EXIT_QUALIFICATION),
	};

	if (type == SM_RECORD_ABORT)
		rec.slot = running_slot(v);
	if (has_guest_physical(exit_reason))
		rec.gpa = smh_vmread(GUEST_PHYSICAL_ADDRESS);
	if (exit_reason == EXIT_REASON_EPT_VIOLATION)
		rec.gla = smh_vmread(GUEST_LINEAR_ADDRESS);
	smh_host_ring_put(v->vm, &rec.h, sizeof(rec));
}

void smh_vcpu_to_target(struct smh_vcpu *v)
{
	smh_vcpu_reset_list(v, v->list[SM_VIEW_TARGET]);
	smh_vmwrite(EPT_POINTER, v->list[SM_VIEW_TARGET]);
}

/*
 * An exception that could not be delivered in view 1 or 2 belongs to the code there and dies with it.
 * NMIs and interrupts that were on their way are the guest's: KVM injects them again in view 0.
 */
static void return_to_target(struct smh_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->vcpu;

	if (!v->bound)
		return;
	smh_vcpu_to_target(v);
	v->view = SM_VIEW_TARGET;
	vcpu->arch.exception.pending = false;
	vcpu->arch.exception.injected = false;
}

/*
 * CR3 where no RAM is leaves the guest without page tables in view 0.  That is the attacker's own doing,
 * but the VM's other users need not suffer for it: the kernel's own tables always work.
 */
void smh_repair_cr3(struct smh_vcpu *v)
{
	u64 cr3 = v->vm->kernel_cr3;

	if (!cr3 ||
	    kvm_is_visible_gfn(v->vcpu->kvm, (smh_vmread(GUEST_CR3) & CR3_ADDRESS) >> PAGE_SHIFT))
		return;
	smh_vmwrite(GUEST_CR3, cr3);
	v->vcpu->arch.cr3 = cr3;
}

/* On at the stub's return label, which only 64-bit code can have come from. */
static void return_with(struct smh_vcpu *v, u64 verdict)
{
	return_to_target(v);
	if (!(smh_vmread(GUEST_CS_AR_BYTES) & VMX_AR_L_MASK)) {
		kvm_queue_exception(v->vcpu, UD_VECTOR);
		return;
	}
	smh_vcpu_set_reg(v, VCPU_REGS_RDX, verdict);
	smh_vcpu_set_reg(v, VCPU_REGS_RIP, v->vm->agent.gate_va + SM_VA_RETURN);
}

void smh_leave_gate(struct smh_vcpu *v)
{
	return_with(v, 0);
}

int smh_violation(struct smh_vcpu *v, unsigned int view, u32 reason, u32 exit_reason)
{
	smh_report(v, SM_RECORD_VIOLATION, view, reason, exit_reason);
	v->stats.violations++;
	if (view != SM_VIEW_TARGET)
		return_to_target(v);
	else if (v->bound)
		smh_vcpu_reset_list(v, v->list[SM_VIEW_TARGET]);
	smh_repair_cr3(v);
	kvm_queue_exception(v->vcpu, UD_VECTOR);
	return 1;
}

/*
 * What the guest had in RSP and RBX.  state is the compartment's: whatever it holds goes into guest
 * registers and nowhere else.  Before the entry's first stores it is an earlier activation's.
 */
static void restore_guest_registers(struct smh_vcpu *v)
{
	static const enum kvm_reg scratch[] = {
		VCPU_REGS_RAX, VCPU_REGS_RCX, VCPU_REGS_RSI,
		VCPU_REGS_RDI, VCPU_REGS_R8,  VCPU_REGS_R9,
	};
	u64 offset = smh_vcpu_rip(v) - v->vm->agent.gate_va;
	const struct sm_cpu_state *state = v->state;
	unsigned int i;

	if (offset < SM_PAGE_SIZE)
		return;
	offset -= SM_VA_ENTRY;
	if (offset >= SM_ENTRY_RSP_SAVED)
		smh_vcpu_set_reg(v, VCPU_REGS_RSP, READ_ONCE(state->rsp));
	if (offset >= SM_ENTRY_RBX_SAVED)
		smh_vcpu_set_reg(v, VCPU_REGS_RBX, READ_ONCE(state->rbx));
	/* Nothing of the compartment's leaves it. */
	for (i = 0; i < ARRAY_SIZE(scratch); i++)
		smh_vcpu_set_reg(v, scratch[i], 0);
}

int smh_abort(struct smh_vcpu *v, u32 reason, u32 exit_reason)
{
	u32 slot = running_slot(v);

	smh_report(v, SM_RECORD_ABORT, SM_VIEW_MONITOR, reason, exit_reason);
	v->stats.aborts++;
	if (reason != SM_REASON_DETACH && reason != SM_REASON_VMM)
		smh_disable_count(v, slot);
	restore_guest_registers(v);
	return_with(v, v->image->abort_errno[slot]);
	return 1;
}

static void go_on_at(struct smh_vcpu *v, u64 offset)
{
	return_to_target(v);
	smh_vcpu_set_reg(v, VCPU_REGS_RIP, v->vm->agent.gate_va + offset);
}

/*
 * In the gate nothing need be lost: on the way in it has changed but RAX and RCX, so it can be entered once
 * more; on the way out the verdict is there.
 */
void smh_leave_views(struct smh_vcpu *v, u32 reason)
{
	u64 offset = smh_vcpu_rip(v) - v->vm->agent.gate_va;
	unsigned int view;

	if (!v->bound)
		return;
	view = smh_vcpu_current_view(v, smh_vmread(EPT_POINTER)) ?: v->view;
	if (view == SM_VIEW_TARGET)
		return;
	smh_inject_restore(v);
	if (offset >= GATE_EXIT_OFFSET && offset < GATE_BAD_OFFSET)
		go_on_at(v, SM_VA_RETURN);
	else if (offset < GATE_EXIT_OFFSET)
		go_on_at(v, GATE_ENTER_OFFSET);
	else if (view == SM_VIEW_MONITOR)
		smh_abort(v, reason, 0);
	else
		smh_violation(v, view, SM_REASON_RIP, 0);
}
