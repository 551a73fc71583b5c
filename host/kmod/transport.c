// SPDX-License-Identifier: GPL-2.0-or-later
/* What the transports other than the gate have in common: transport.h. */

#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "gate_offsets.h"
#include "transport.h"
#include "vmcs.h"

#define PASS_TO_KVM (-1)

static u32 dispatch(struct smh_vcpu *v, const struct smh_request *request)
{
	return v->vm->transport == SM_TRANSPORT_EXIT ? smh_exit_event(v, request)
						     : smh_user_event(v, request);
}

int smh_transport_event(struct smh_vcpu *v)
{
	const unsigned long *regs = v->vcpu->arch.regs;
	u64 gate = v->vm->agent.gate_va;
	struct smh_request request;
	u32 verdict;

	/* Pairs with the store in smh_transport_prepare. */
	if (!smp_load_acquire(&v->outside) || smh_vcpu_rip(v) != gate + GATE_VMFUNC_ENTER_OFFSET ||
	    !smh_guest_is_cpl0())
		return PASS_TO_KVM;
	request = (struct smh_request){
		.slot = regs[VCPU_REGS_R11] & (SM_SLOTS - 1),
		.args = {regs[VCPU_REGS_RDI], regs[VCPU_REGS_RSI], regs[VCPU_REGS_RDX],
			 regs[VCPU_REGS_R10], regs[VCPU_REGS_R8], regs[VCPU_REGS_R9]},
	};
	v->stats.exits_event++;
	verdict = dispatch(v, &request) & SM_VERDICT_MASK;
	smh_vcpu_set_reg(v, VCPU_REGS_RDX, verdict);
	smh_vcpu_set_reg(v, VCPU_REGS_RIP, gate + SM_VA_RETURN);
	return 1;
}

int smh_transport_prepare(struct smh_vcpu *v)
{
	struct smh_outside *outside = kzalloc(sizeof(*outside), GFP_KERNEL_ACCOUNT);

	if (!outside)
		return -ENOMEM;
	v->state = smh_pool_page(&v->vm->pool);
	outside->request = smh_pool_page(&v->vm->pool);
	outside->ring = vmap(v->ring.pages, v->ring.nr_pages, VM_MAP, PAGE_KERNEL);
	if (!v->state || !outside->request || !outside->ring)
		goto err_free;
	v->state->vcpu = v->index;
	init_waitqueue_head(&outside->server);
	/* The process is about to come: the first event waits for it. */
	outside->served = true;
	/* Pairs with the loads that find it: all of it is there. */
	smp_store_release(&v->outside, outside);
	return 0;

err_free:
	vunmap(outside->ring);
	kfree(outside);
	return -ENOMEM;
}

void smh_transport_unprepare(struct smh_vcpu *v)
{
	if (!v->outside)
		return;
	vunmap(v->outside->ring);
	kfree(v->outside);
}

int smh_transport_load(struct smh_vm *vm, const struct sm_ioc_outside *arg)
{
	struct smh_vcpu *v;
	unsigned long index;
	unsigned int i;
	int err;

	if (arg->reserved)
		return -EINVAL;
	for (i = 0; i < SM_SLOTS; i++)
		if (arg->abort_errno[i] > SM_VERDICT_ERRNO)
			return -EINVAL;
	memcpy(vm->abort_errno, arg->abort_errno, sizeof(vm->abort_errno));
	xa_for_each(&vm->vcpus, index, v) {
		err = smh_transport_prepare(v);
		if (err)
			return err;
	}
	return 0;
}
