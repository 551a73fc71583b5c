// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An event as tools outside of the VM handle it: the vCPU sleeps until a process of the host has looked
 * at the guest's memory and answered.  Request and answer lie in a page that both map; an event costs the
 * process one system call, and each side one wake-up of the other.
 */

#include "compat.h"
#include "transport.h"
#include "vmcs.h"

/* Of the process: longer, and it is taken for dead until it asks for work again. */
#define ANSWER_TIMEOUT HZ

/* How often a process looks whether it is still wanted. */
#define OWNER_INTERVAL HZ

enum exchange {
	IDLE,
	POSTED,   /* by the vCPU */
	TAKEN,    /* the process has it */
	ANSWERED, /* by the process */
};

static bool is_served(const struct smh_vcpu *v)
{
	/* Pairs with the store in smh_transport_prepare(). */
	return v->vm->transport == SM_TRANSPORT_USER && smp_load_acquire(&v->outside);
}

static bool is_over(const struct smh_vm *vm)
{
	return READ_ONCE(vm->parting) || READ_ONCE(vm->gone) || READ_ONCE(vm->unserved);
}

static void post(struct smh_vcpu *v, const struct smh_request *request)
{
	struct sm_request *page = v->outside->request;

	page->slot = request->slot;
	memcpy(page->args, request->args, sizeof(page->args));
	page->verdict = 0;
	page->doorbell = 0;
	page->cr3 = smh_vmread(GUEST_CR3);
	page->gs_base = smh_vmread(GUEST_GS_BASE);
	page->tsc_offset = v->vcpu->arch.l1_tsc_offset;
	/* Pairs with the process's cmpxchg: the request is complete. */
	smp_store_release(&v->outside->exchange, POSTED);
	wake_up(&v->outside->server);
}

/* Nobody else writes state or ring then. */
static void lose(struct smh_vcpu *v)
{
	v->state->seq++;
	v->state->lost++;
	WRITE_ONCE(v->ring.producer->lost, ++v->state->lost_total);
}

static u32 give_up(struct smh_vcpu *v, u32 slot)
{
	if (!is_over(v->vm)) {
		smh_report(v, SM_RECORD_ABORT, SM_VIEW_TARGET, SM_REASON_BUDGET,
			   EXIT_REASON_VMFUNC);
		v->stats.aborts++;
	}
	WRITE_ONCE(v->outside->served, false);
	WRITE_ONCE(v->outside->exchange, IDLE);
	return v->vm->abort_errno[slot];
}

static bool is_answered(const struct smh_vcpu *v)
{
	/* Pairs with the process's cmpxchg: the answer is complete. */
	return smp_load_acquire(&v->outside->exchange) == ANSWERED;
}

u32 smh_user_event(struct smh_vcpu *v, const struct smh_request *request)
{
	if (!READ_ONCE(v->outside->served)) {
		lose(v);
		return v->vm->abort_errno[request->slot];
	}
	post(v, request);
	/* Bounded, because KVM holds kvm->srcu here, for which memslot changes wait. */
	wait_event_timeout(v->room, is_answered(v) || is_over(v->vm), ANSWER_TIMEOUT);
	if (!is_answered(v))
		return give_up(v, request->slot);
	WRITE_ONCE(v->outside->exchange, IDLE);
	return READ_ONCE(v->outside->request->verdict);
}

static void answer(struct smh_vcpu *v)
{
	bool doorbell = READ_ONCE(v->outside->request->doorbell);

	if (cmpxchg(&v->outside->exchange, TAKEN, ANSWERED) != TAKEN)
		return;
	wake_up(&v->room);
	if (!doorbell)
		return;
	v->stats.doorbells++;
	WRITE_ONCE(v->ring.consumer->sleeping, 0);
	wake_up_interruptible(&v->vm->readers);
}

static bool take(struct smh_vcpu *v)
{
	return READ_ONCE(v->outside->exchange) == POSTED &&
	       cmpxchg(&v->outside->exchange, POSTED, TAKEN) == POSTED;
}

/* The processes that serve hold the attachment, too: without the one that attached they are to go. */
static bool is_orphaned(const struct smh_vm *vm)
{
	bool orphaned;

	rcu_read_lock();
	orphaned = !pid_task(vm->owner, PIDTYPE_TGID);
	rcu_read_unlock();
	return orphaned;
}

long smh_user_serve(struct smh_vm *vm, unsigned long vcpu)
{
	struct smh_vcpu *v = xa_load(&vm->vcpus, vcpu);
	bool taken = false;
	long left;

	if (!v || !is_served(v))
		return -ENXIO;
	answer(v);
	WRITE_ONCE(v->outside->served, true);
	do {
		left = wait_event_interruptible_timeout(
			v->outside->server, (taken = take(v)) || is_over(vm), OWNER_INTERVAL);
	} while (!left && !is_orphaned(vm));
	if (taken)
		return 0;
	if (left >= 0)
		WRITE_ONCE(v->outside->served, false);
	return left < 0 ? -EINTR : -ENOTCONN;
}

void smh_user_stop(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long index;

	WRITE_ONCE(vm->unserved, true);
	xa_for_each(&vm->vcpus, index, v) {
		/* It has none before the image is loaded. */
		if (smp_load_acquire(&v->outside))
			wake_up_all(&v->outside->server);
		wake_up_all(&v->room);
	}
}

int smh_user_mmap(struct smh_vcpu *v, struct vm_area_struct *vma, unsigned long first_page)
{
	int err;

	if (!is_served(v))
		return -ENXIO;
	if (first_page || vma_pages(vma) != 2)
		return -EINVAL;
	smh_vma_clear_flags(vma, VM_MAYEXEC);
	smh_vma_set_flags(vma, VM_DONTEXPAND | VM_DONTDUMP);
	err = vm_insert_page(vma, vma->vm_start, virt_to_page(v->outside->request));
	return err ?: vm_insert_page(vma, vma->vm_start + PAGE_SIZE, virt_to_page(v->state));
}
