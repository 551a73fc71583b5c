// SPDX-License-Identifier: GPL-2.0-or-later
/* VMCALLs of the guest module (view 0) and of the compartment (view 2). */

#include <linux/slab.h>

#include "shadowmon.h"
#include "vmcs.h"

#define RING_WAIT (HZ / 10)

#define POLL_MS_BUSY 10 /* while the host sets up */
#define POLL_MS_IDLE 500

#define GATE_VA_IN_DIRECTORY GENMASK_ULL(29, 12)

bool smh_is_hypercall(u64 rax)
{
	return (rax & ~0xffffULL) == SM_HC_BASE;
}

static int answer(struct smh_vcpu *v, s64 result)
{
	v->vcpu->arch.regs[VCPU_REGS_RAX] = result;
	return kvm_skip_emulated_instruction(v->vcpu);
}

static s64 decode_agent_info(const struct sm_agent_info *info)
{
	if (info->magic != SM_AGENT_MAGIC || info->revision != SM_ABI_REVISION ||
	    info->size != sizeof(*info))
		return -EPROTO;
	if ((info->gate_va & (SM_PAGE_SIZE - 1)) || info->gate_va < SM_GATE_VA_MIN ||
	    info->gate_va > SM_GATE_VA_MAX)
		return -EINVAL;
	/*
	 * Under PAE paging an attacker's code can run into the gate only across a 1 GiB boundary, from
	 * page directory to page directory.  A gate that is not the first page of one cannot be reached.
	 */
	if (!(info->gate_va & GATE_VA_IN_DIRECTORY))
		return -EINVAL;
	if ((info->gate_gpa | info->page_offset | info->kernel_va | info->kernel_pa) &
	    (SM_PAGE_SIZE - 1))
		return -EINVAL;
	if (info->direct_map_size > SM_RAM_LIMIT || info->kernel_size > SM_RAM_LIMIT ||
	    info->kernel_pa > SM_RAM_LIMIT || info->btf_gpa > SM_RAM_LIMIT ||
	    info->btf_size > SM_RAM_LIMIT)
		return -ERANGE;
	if (info->data_va - info->kernel_va >= info->kernel_size)
		return -EINVAL;
	if (info->kernel_cr3 >= SM_RAM_LIMIT || (info->kernel_cr3 & (SM_PAGE_SIZE - 1)))
		return -ERANGE;
	if ((info->stubs_va & (SM_PAGE_SIZE - 1)) || info->stubs_va < SM_GATE_VA_MIN ||
	    info->stubs_va > SM_GATE_VA_MAX || !info->stubs_size ||
	    info->stubs_size > SM_STUBS_MAX_SIZE)
		return -EINVAL;
	if (info->release[sizeof(info->release) - 1])
		return -EINVAL;
	return 0;
}

/* In view 0 the guest's copy runs, in view 1 the host's: from another build they would not fit. */
static s64 compare_gate(struct kvm_vcpu *vcpu, u64 gpa)
{
	void *copy = kmalloc(SM_PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	s64 err;

	if (!copy)
		return -ENOMEM;
	if (kvm_vcpu_read_guest(vcpu, gpa, copy, SM_PAGE_SIZE))
		err = -EFAULT;
	else
		err = memcmp(copy, smh_gate_page, SM_PAGE_SIZE) ? -EILSEQ : 0;
	kfree(copy);
	return err;
}

static s64 register_agent(struct smh_vm *vm, struct kvm_vcpu *vcpu, u64 gpa)
{
	struct sm_record_lifecycle rec = {
		.h.type = SM_RECORD_LIFECYCLE,
		.what = SM_LIFECYCLE_REGISTERED,
		.vcpu = vcpu->vcpu_idx,
	};
	struct sm_agent_info info;
	s64 err;

	if (kvm_vcpu_read_guest(vcpu, gpa, &info, sizeof(info)))
		return -EFAULT;
	err = decode_agent_info(&info);
	if (!err)
		err = compare_gate(vcpu, info.gate_gpa);
	if (err)
		return err;

	mutex_lock(&vm->lock);
	if (vm->state != SM_STATE_ATTACHED || vm->parting)
		err = -EBUSY;
	else
		err = smh_protect_add_agent(vm, vcpu, &info);
	if (!err) {
		vm->agent = info;
		vm->kernel_cr3 = info.kernel_cr3;
		vm->state = SM_STATE_REGISTERED;
	}
	mutex_unlock(&vm->lock);
	if (!err)
		smh_host_ring_put(vm, &rec.h, sizeof(rec));
	return err;
}

static s64 poll_command(struct smh_vm *vm, struct kvm_vcpu *vcpu, u64 gpa)
{
	struct sm_agent_command command = {.op = SM_OP_IDLE};

	command.wait_ms = vm->locked ? POLL_MS_IDLE : POLL_MS_BUSY;
	/* The APIC access page is none of the guest's memory, though KVM would write there. */
	if (!kvm_is_visible_gfn(vcpu->kvm, gpa_to_gfn(gpa)) ||
	    !kvm_is_visible_gfn(vcpu->kvm, gpa_to_gfn(gpa + sizeof(command) - 1)))
		return -EFAULT;
	if (smh_protect_refuses(vcpu->kvm, gpa, sizeof(command)))
		return -EPERM;
	smh_command_take(vm, &command);
	if (kvm_vcpu_write_guest(vcpu, gpa, &command, sizeof(command)))
		return -EFAULT;
	return command.op;
}

/* The address of a call is for the host module; who gave the command learns 0. */
static s64 hooked(struct smh_vm *vm, struct kvm_vcpu *vcpu, const struct sm_agent_command *command,
		  u64 va)
{
	s64 err;

	mutex_lock(&vm->lock);
	err = vm->locked ? smh_call_site_add(vm, va, command->slot, command->nargs)
			 : smh_protect_add_call_site(vm, vcpu, va, command->slot);
	mutex_unlock(&vm->lock);
	return err;
}

static s64 answer_command(struct smh_vm *vm, struct kvm_vcpu *vcpu, u64 id, s64 result)
{
	struct sm_agent_command command;

	if (!smh_command_peek(vm, id, &command))
		return -ENOENT;
	switch (command.op) {
	case SM_OP_HOOK:
		if (!IS_ERR_VALUE(result))
			result = hooked(vm, vcpu, &command, result);
		break;
	case SM_OP_UNHOOK_ALL:
		smh_protect_forget_call_sites(vm);
		break;
	}
	return smh_command_answer(vm, id, result);
}

static s64 dispatch_target(struct smh_vcpu *v, u32 number, u64 rbx, u64 rcx)
{
	struct smh_vm *vm = v->vm;

	switch (number) {
	case SM_HC_HELLO:
		return rbx == SM_ABI_REVISION ? SM_HELLO_MAGIC : -EPROTO;
	case SM_HC_ATTENTION:
		return 0;
	case SM_HC_LEAVE:
		smh_reset(vm, SM_LIFECYCLE_KEXEC);
		return 0;
	case SM_HC_POLL:
		return vm->state >= SM_STATE_REGISTERED ? poll_command(vm, v->vcpu, rbx) : -EAGAIN;
	case SM_HC_ANSWER:
		return answer_command(vm, v->vcpu, rbx, rcx);
	case SM_HC_REGISTER:
		if (!vm->locked)
			return register_agent(vm, v->vcpu, rbx);
		smh_report(v, SM_RECORD_VIOLATION, SM_VIEW_TARGET, SM_REASON_HYPERCALL,
			   EXIT_REASON_VMCALL);
		v->stats.violations++;
		return -EPERM;
	default:
		return -ENOSYS;
	}
}

int smh_hypercall_target(struct smh_vcpu *v)
{
	const unsigned long *regs = v->vcpu->arch.regs;

	if (READ_ONCE(v->vm->parting))
		return answer(v, -ENODEV);
	return answer(v, dispatch_target(v, regs[VCPU_REGS_RAX], regs[VCPU_REGS_RBX],
					 regs[VCPU_REGS_RCX]));
}

void smh_doorbell(struct smh_vcpu *v)
{
	v->stats.doorbells++;
	WRITE_ONCE(v->ring.consumer->sleeping, 0);
	wake_up_interruptible(&v->vm->readers);
}

/* Short waits: KVM holds kvm->srcu, which memslot changes wait for.  The compartment looks again. */
void smh_wait_for_room(struct smh_vcpu *v)
{
	v->stats.waits++;
	wake_up_interruptible(&v->vm->readers);
	wait_event_interruptible_timeout(
		v->room, smh_ring_has_room(&v->ring) || READ_ONCE(v->vm->parting), RING_WAIT);
}

int smh_hypercall_monitor(struct smh_vcpu *v)
{
	switch ((u32)v->vcpu->arch.regs[VCPU_REGS_RAX]) {
	case SM_HC_DOORBELL:
		smh_doorbell(v);
		return answer(v, 0);
	case SM_HC_RING_FULL:
		v->stats.exits_event++;
		smh_wait_for_room(v);
		smh_budget_end(v); /* trying again and again is not the monitor's fault */
		return answer(v, 0);
	default:
		v->stats.exits_event++;
		return smh_abort(v, SM_REASON_PANIC, EXIT_REASON_VMCALL);
	}
}
