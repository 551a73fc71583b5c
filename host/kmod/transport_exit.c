// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An event handled in the host's kernel, in the vCPU's thread: the monitors that this module was built
 * with (host/kmod/outside), on guest memory as the VMM's address space shows it.
 */

#include <linux/percpu.h>
#include <linux/uaccess.h>
#include <asm/nospec-branch.h>

#include "outside/context.h"
#include "transport.h"
#include "vmcs.h"

DEFINE_PER_CPU(struct smx_context *, smx_current);

static DEFINE_MUTEX(owner_lock);
static struct smh_vm *owner; /* whose kernel smx_values describe */

/* --- values ------------------------------------------------------------------------------------- */

int smh_exit_value(struct smh_vm *vm, struct sm_ioc_value *arg)
{
	struct smx_value *value;
	int err = 0;

	if (vm->transport != SM_TRANSPORT_EXIT)
		return -EOPNOTSUPP;
	if (arg->reserved || arg->set > 1)
		return -EINVAL;
	value = smx_find_value(arg->index);
	if (!value)
		return -ENOENT;
	strscpy_pad(arg->name, value->name, sizeof(arg->name));
	if (!arg->set)
		return 0;
	mutex_lock(&owner_lock);
	if (owner && owner != vm) {
		err = -EBUSY;
	} else {
		owner = vm;
		WRITE_ONCE(value->value, arg->value);
	}
	mutex_unlock(&owner_lock);
	return err;
}

void smh_exit_release(struct smh_vm *vm)
{
	mutex_lock(&owner_lock);
	if (owner == vm)
		owner = NULL;
	mutex_unlock(&owner_lock);
}

int smh_exit_bind(struct smh_vm *vm, u32 slot, const char *function, u32 nargs)
{
	void *handler = smx_find_handler(function, nargs);

	if (IS_ERR(handler))
		return PTR_ERR(handler);
	vm->exit_handlers[slot] = handler;
	return 0;
}

/* --- guest memory --------------------------------------------------------------------------------- */

/* Preemption and page faults are off, so that smx_current is this event's; here they may be on. */
static void pause_event(void)
{
	pagefault_enable();
	this_cpu_write(smx_current, NULL);
	preempt_enable();
}

static void resume_event(struct smx_context *context)
{
	preempt_disable();
	this_cpu_write(smx_current, context);
	pagefault_disable();
}

static bool find_slot(struct smx_context *context, u64 gpa)
{
	struct kvm *kvm = context->v->vm->kvm;
	const struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gpa_to_gfn(gpa));

	if (!slot || kvm_is_error_hva(gfn_to_hva(kvm, gpa_to_gfn(gpa))))
		return false;
	context->generation = kvm_memslots(kvm)->generation;
	context->first = gfn_to_gpa(slot->base_gfn);
	context->bytes = slot->npages << PAGE_SHIFT;
	context->hva = slot->userspace_addr;
	return true;
}

bool smx_load_slowly(struct smx_context *context, u64 gpa, u32 bytes, u64 *ret_value)
{
	bool done;

	*ret_value = 0;
	if (!find_slot(context, gpa) || gpa - context->first > context->bytes - bytes)
		return false;
	pause_event();
	done = !copy_from_user(ret_value, (void __user *)(context->hva + (gpa - context->first)),
			       bytes);
	resume_event(context);
	return done;
}

/* --- events ------------------------------------------------------------------------------------------ */

void smx_call(u64 number)
{
	struct smx_context *context = smx_context();
	struct smh_vcpu *v = context->v;

	switch (number) {
	case SM_HC_DOORBELL:
		smh_doorbell(v);
		return;
	case SM_HC_RING_FULL:
		pause_event();
		smh_wait_for_room(v);
		resume_event(context);
		return;
	default:
		/* As a fault of the monitor, which is one of this kernel here. */
		BUG();
	}
}

/* The fourth argument goes where the third does on the gate's way: R10 is not touched here. */
typedef u32 (*handler_fn)(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

u32 smh_exit_event(struct smh_vcpu *v, const struct smh_request *request)
{
	handler_fn handler = READ_ONCE(v->vm->exit_handlers[request->slot]);
	struct smx_context *context = &v->outside->context;
	const u64 *a = request->args;
	u32 verdict;

	if (!handler)
		return 0;
	v->state->entries++;
	v->state->slot = request->slot;
	context->v = v;
	context->ring = v->outside->ring;
	context->state = v->state;
	context->cr3 = smh_vmread(GUEST_CR3);
	context->gs_base = smh_vmread(GUEST_GS_BASE);
	if (context->generation != kvm_memslots(v->vm->kvm)->generation)
		context->bytes = 0;
	resume_event(context);
	verdict = handler(a[0], a[1], a[2], a[3], a[4], a[5]);
	pause_event();
	return verdict;
}
