// SPDX-License-Identifier: GPL-2.0-or-later
/* Attachments: their set, their life and their end. */

#include <linux/delay.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "shadowmon.h"
#include "transport.h"

#define PART_TIMEOUT_MS 3000
#define REAP_INTERVAL   (2 * HZ)
#define UNHOOK_DELAY    HZ

DEFINE_SRCU(smh_srcu);
static DEFINE_MUTEX(smh_attach_lock);
static DEFINE_HASHTABLE(attachments, 5);
static DEFINE_HASHTABLE(published_vcpus, 7); /* by KVM's own */
static DEFINE_SPINLOCK(published_lock);      /* their changes */
static unsigned int attached;
static bool hooked;

struct smh_vm *smh_vm_find(const struct kvm *kvm)
{
	struct smh_vm *vm;

	hash_for_each_possible_rcu(attachments, vm, node, (unsigned long)kvm,
				   srcu_read_lock_held(&smh_srcu) ||
					   lockdep_is_held(&smh_attach_lock))
		if (vm->kvm == kvm)
			return vm;
	return NULL;
}

struct smh_vcpu *smh_vcpu_find(const struct kvm_vcpu *vcpu)
{
	struct smh_vcpu *v;

	hash_for_each_possible_rcu(published_vcpus, v, node, (unsigned long)vcpu,
				   srcu_read_lock_held(&smh_srcu))
		if (v->vcpu == vcpu)
			return v;
	return NULL;
}

void smh_vcpu_publish(struct smh_vcpu *v)
{
	spin_lock(&published_lock);
	hash_add_rcu(published_vcpus, &v->node, (unsigned long)v->vcpu);
	spin_unlock(&published_lock);
}

/* Until a grace period is over it may still be found. */
static void withdraw(struct smh_vcpu *v)
{
	spin_lock(&published_lock);
	hash_del_rcu(&v->node);
	spin_unlock(&published_lock);
}

unsigned int smh_vm_count(void)
{
	return READ_ONCE(attached);
}

static void free_vm(struct kref *ref)
{
	struct smh_vm *vm = container_of(ref, struct smh_vm, ref);
	struct smh_vcpu *v;
	unsigned long index;

	xa_for_each(&vm->vcpus, index, v)
		smh_vcpu_destroy(v);
	xa_destroy(&vm->vcpus);
	smh_host_ring_destroy(&vm->host_ring);
	put_pid(vm->owner);
	kfree(vm);
	module_put(THIS_MODULE);
}

void smh_vm_put(struct smh_vm *vm)
{
	kref_put(&vm->ref, free_vm);
}

void smh_vm_flush(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long index;

	xa_for_each(&vm->vcpus, index, v)
		WRITE_ONCE(v->flush, true);
	/* Waits for each vCPU that is in guest mode to leave it; full barrier. */
	kvm_make_all_cpus_request(vm->kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
}

/* Its VMCS has something of ours. */
static bool is_bound(const struct smh_vcpu *v)
{
	return READ_ONCE(v->bound) || READ_ONCE(v->vmfunc);
}

static bool any_bound(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long index;

	xa_for_each(&vm->vcpus, index, v)
		if (is_bound(v))
			return true;
	return false;
}

/* Gets one vCPU past its entry hook, which unbinds it.  One that is outside KVM_RUN is unbound from here. */
static void nudge(struct smh_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->vcpu;

	if (!is_bound(v))
		return;
	if (mutex_trylock(&vcpu->mutex)) {
		vcpu_load(vcpu);
		smh_unbind(v);
		vcpu_put(vcpu);
		mutex_unlock(&vcpu->mutex);
		return;
	}
	smh_vcpu_wake(v);
}

/* True once no VMCS names our pages. */
static bool part(struct smh_vm *vm, unsigned int timeout_ms)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(timeout_ms);
	struct smh_vcpu *v;
	unsigned long index;

	while (!READ_ONCE(vm->gone) && any_bound(vm)) {
		xa_for_each(&vm->vcpus, index, v)
			nudge(v);
		if (time_after(jiffies, deadline))
			return !any_bound(vm);
		usleep_range(1000, 2000);
	}
	return true;
}

/* ftrace takes long to let go: a host that attaches VM after VM should not wait for it each time. */
static void unhook_if_idle(struct work_struct *work)
{
	mutex_lock(&smh_attach_lock);
	if (attached == 0 && hooked) {
		smh_hooks_remove();
		hooked = false;
	}
	mutex_unlock(&smh_attach_lock);
}

static DECLARE_DELAYED_WORK(unhook_work, unhook_if_idle);

void smh_vm_exit(void)
{
	cancel_delayed_work_sync(&unhook_work);
	unhook_if_idle(NULL);
	smh_hooks_quiesce();
}

/* smh_attach_lock held. */
static void drop(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long index;

	hash_del_rcu(&vm->node);
	xa_for_each(&vm->vcpus, index, v)
		withdraw(v);
	if (--attached == 0)
		schedule_delayed_work(&unhook_work, UNHOOK_DELAY);
	synchronize_rcu();
	synchronize_srcu(&smh_srcu);
}

/* The VM as it was: no hook sees it, no CPU has cached our views, nothing of the compartment is left. */
static void dismantle(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long index;

	mutex_lock(&smh_attach_lock);
	drop(vm);
	mutex_unlock(&smh_attach_lock);

	smh_protect_exit(vm);
	smh_exit_release(vm);
	xa_for_each(&vm->vcpus, index, v)
		smh_budget_destroy(v);
	mmu_notifier_unregister(&vm->notifier, vm->kvm->mm);
	/* A reference to the kvm keeps VMX on. */
	smh_ept_flush_everywhere();
	smh_image_destroy(xchg(&vm->retired, NULL));
	smh_image_destroy(vm->image);
	smh_pool_destroy(&vm->pool);
	kvm_put_kvm(vm->kvm);
	wake_up_all(&vm->readers);
	smh_vm_put(vm);
}

static void reap(struct work_struct *work)
{
	struct smh_vm *vm = container_of(to_delayed_work(work), struct smh_vm, reap_work);

	if (part(vm, 0))
		dismantle(vm);
	else
		schedule_delayed_work(&vm->reap_work, REAP_INTERVAL);
}

void smh_vm_detach(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long index;
	bool first;

	mutex_lock(&vm->lock);
	first = !vm->detached;
	vm->detached = true;
	WRITE_ONCE(vm->parting, true);
	vm->state = atomic_read(&vm->was_reset) ? SM_STATE_RESET : SM_STATE_GONE;
	mutex_unlock(&vm->lock);
	if (!first)
		return;
	smh_verify_stop(vm);
	smh_protect_stop(vm);
	wake_up_all(&vm->command_wait);
	xa_for_each(&vm->vcpus, index, v)
		wake_up_all(&v->room);
	if (vm->transport == SM_TRANSPORT_USER)
		smh_user_stop(vm);

	if (part(vm, PART_TIMEOUT_MS)) {
		dismantle(vm);
		return;
	}
	/* A vCPU that waits for its start-up IPI, say.  Its VMCS still names our pages: keep them. */
	pr_notice("a vCPU has not run since detach was asked for; cleaning up when it does\n");
	schedule_delayed_work(&vm->reap_work, REAP_INTERVAL);
}

static void detach_work(struct work_struct *work)
{
	struct smh_vm *vm = container_of(work, struct smh_vm, detach_work);

	smh_vm_detach(vm);
	smh_vm_put(vm);
}

void smh_vm_detach_later(struct smh_vm *vm)
{
	kref_get(&vm->ref);
	if (!queue_work(system_unbound_wq, &vm->detach_work))
		smh_vm_put(vm);
}

static int check_memslots(struct kvm *kvm)
{
	struct kvm_memory_slot *slot;
	int idx, bkt, err = 0;

	idx = srcu_read_lock(&kvm->srcu);
	kvm_for_each_memslot(slot, bkt, kvm_memslots(kvm))
		if (gfn_to_gpa(slot->base_gfn + slot->npages) > SM_RAM_LIMIT)
			err = -EOPNOTSUPP;
	srcu_read_unlock(&kvm->srcu, idx);
	return err;
}

static int decode_attach(const struct sm_ioc_attach *arg)
{
	if (arg->flags & ~SM_ATTACH_FLAGS || arg->reserved || arg->transport > SM_TRANSPORT_USER)
		return -EINVAL;
	/* The process that serves the vCPU would wait for itself. */
	if (arg->transport == SM_TRANSPORT_USER && (arg->flags & SM_ATTACH_BLOCK))
		return -EOPNOTSUPP;
	if (arg->ring_size < SM_RING_MIN_SIZE || arg->ring_size > SM_RING_MAX_SIZE ||
	    !is_power_of_2(arg->ring_size))
		return -EINVAL;
	if (arg->budget_us && (arg->budget_us < 100 || arg->budget_us > 1000000))
		return -EINVAL;
	return 0;
}

static struct smh_vm *create(struct kvm *kvm, const struct sm_ioc_attach *arg)
{
	struct smh_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int err;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	vm->kvm = kvm;
	vm->vmm_pid = kvm->userspace_pid;
	vm->flags = arg->flags;
	vm->ring_size = arg->ring_size;
	vm->transport = arg->transport;
	vm->owner = get_pid(task_tgid(current));
	vm->budget_us = arg->budget_us ?: 10000;
	vm->max_aborts = smh_disable_limit(arg->max_aborts);
	vm->state = SM_STATE_ATTACHED;
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	mutex_init(&vm->command_lock);
	xa_init(&vm->vcpus);
	smh_pool_init(&vm->pool);
	smh_protect_init(vm);
	spin_lock_init(&vm->window_lock);
	spin_lock_init(&vm->pins_lock);
	spin_lock_init(&vm->mailbox_lock);
	init_waitqueue_head(&vm->command_wait);
	init_waitqueue_head(&vm->readers);
	INIT_WORK(&vm->detach_work, detach_work);
	INIT_DELAYED_WORK(&vm->reap_work, reap);
	vm->notifier.ops = &smh_window_notifier_ops;
	err = smh_host_ring_create(&vm->host_ring);
	if (err) {
		put_pid(vm->owner);
		kfree(vm);
		return ERR_PTR(err);
	}
	__module_get(THIS_MODULE);
	return vm;
}

static int create_vcpus(struct smh_vm *vm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, vm->kvm)
		if (!smh_vcpu_get_or_create(vm, vcpu))
			return -ENOMEM;
	return 0;
}

/* smh_attach_lock held. */
static int publish(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long index;
	int err;

	if (!hooked) {
		err = smh_hooks_install();
		if (err)
			return err;
		hooked = true;
	}
	attached++;
	kref_get(&vm->ref); /* the set's; dismantle() drops it */
	/* vCPUs that the VM has by now; later ones are found as they are made, which takes the VM to be found. */
	xa_for_each(&vm->vcpus, index, v)
		smh_vcpu_publish(v);
	vm->published = true;
	hash_add_rcu(attachments, &vm->node, (unsigned long)vm->kvm);
	return 0;
}

static int attach_kvm(struct kvm *kvm, const struct sm_ioc_attach *arg, struct smh_vm **ret_vm)
{
	struct smh_vm *vm;
	int err;

	if (smh_vm_find(kvm))
		return -EEXIST;
	err = check_memslots(kvm);
	if (err)
		return err;
	if (!mmget_not_zero(kvm->mm))
		return -EOWNERDEAD;
	vm = create(kvm, arg);
	if (IS_ERR(vm)) {
		err = PTR_ERR(vm);
		goto err_mm;
	}
	err = create_vcpus(vm);
	if (err)
		goto err_vm;
	err = mmu_notifier_register(&vm->notifier, kvm->mm);
	if (err)
		goto err_vm;
	kvm_get_kvm(kvm);
	err = publish(vm);
	if (err)
		goto err_notifier;
	mmput(kvm->mm);
	*ret_vm = vm;
	return 0;

err_notifier:
	mmu_notifier_unregister(&vm->notifier, kvm->mm);
	kvm_put_kvm(kvm);
err_vm:
	smh_vm_put(vm);
err_mm:
	mmput(kvm->mm);
	return err;
}

int smh_vm_attach(const struct sm_ioc_attach *arg, struct smh_vm **ret_vm)
{
	struct fd f;
	int err = decode_attach(arg);

	if (err)
		return err;
	f = fdget(arg->kvm_fd);
	if (!fd_file(f))
		return -EBADF;
	if (!file_is_kvm(fd_file(f))) {
		err = -EINVAL;
		goto put;
	}
	mutex_lock(&smh_attach_lock);
	err = attach_kvm(fd_file(f)->private_data, arg, ret_vm);
	mutex_unlock(&smh_attach_lock);
put:
	fdput(f);
	return err;
}
