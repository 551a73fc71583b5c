// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Another image while the guest runs.  Each vCPU changes to it by itself, before an entry in view 0; until
 * then, and until the activation that it may be in has ended, it has the old one.  No event is lost: hooks
 * keep their slots, so either image answers.  What the old one's monitors remembered goes with it.
 */

#include <linux/delay.h>
#include <linux/jiffies.h>

#include "shadowmon.h"
#include "vmcs.h"

#define TIMEOUT_MS 3000

/* A vCPU that is not bound takes the VM's image when it binds. */
static bool is_in_use(struct smh_vm *vm, const struct smh_image *image)
{
	struct smh_vcpu *v;
	unsigned long index;

	xa_for_each(&vm->vcpus, index, v) {
		/* Pairs with the store in smh_vcpu_take_image: who has another one has left this one. */
		if (READ_ONCE(v->bound) && smp_load_acquire(&v->image) == image)
			return true;
	}
	return false;
}

/* One that is outside KVM_RUN changes here, if the VMM has not stopped it in view 1 or 2. */
static void nudge(struct smh_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->vcpu;

	if (!mutex_trylock(&vcpu->mutex)) {
		smh_vcpu_wake(v);
		return;
	}
	vcpu_load(vcpu);
	if (v->view == SM_VIEW_TARGET &&
	    smh_vcpu_current_view(v, smh_vmread(EPT_POINTER)) == SM_VIEW_TARGET)
		smh_vcpu_take_image(v);
	vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
}

static int wait_for_all(struct smh_vm *vm, const struct smh_image *old)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(TIMEOUT_MS);
	struct smh_vcpu *v;
	unsigned long index;

	while (is_in_use(vm, old)) {
		if (READ_ONCE(vm->parting) || READ_ONCE(vm->gone))
			return -ENOTCONN;
		if (time_after(jiffies, deadline))
			return -ETIMEDOUT;
		xa_for_each(&vm->vcpus, index, v)
			if (READ_ONCE(v->bound) && READ_ONCE(v->image) == old)
				nudge(v);
		usleep_range(500, 1000);
	}
	return 0;
}

/* No vCPU has it: nor may a CPU have cached it. */
static void free_retired(struct smh_vm *vm)
{
	struct smh_image *image = xchg(&vm->retired, NULL);

	if (!image)
		return;
	smh_ept_flush_everywhere();
	smh_image_destroy(image);
}

/* vm->lock held. */
static int replace(struct smh_vm *vm, const struct sm_ioc_load_image *arg)
{
	struct smh_image *image;
	int err;

	if (vm->detached)
		return -ENOTCONN;
	if (vm->transport != SM_TRANSPORT_GATE)
		return -EOPNOTSUPP;
	if (vm->state != SM_STATE_LOADED && vm->state != SM_STATE_LOCKED)
		return -EAGAIN;
	if (vm->retired) {
		if (is_in_use(vm, vm->retired))
			return -EBUSY;
		free_retired(vm);
	}
	err = smh_image_create(vm, arg, &image);
	if (err)
		return err;
	smh_policy_copy(vm, image);
	vm->retired = vm->image;
	smp_store_release(&vm->image, image); /* pairs with the load in smh_vcpu_take_image */
	smp_mb();                             /* pairs with the one in bind() */
	return 0;
}

int smh_image_reload(struct smh_vm *vm, const struct sm_ioc_load_image *arg)
{
	struct sm_record_lifecycle rec = {.h.type = SM_RECORD_LIFECYCLE,
					  .what = SM_LIFECYCLE_RELOADED};
	struct smh_image *old;
	int err;

	mutex_lock(&vm->lock);
	err = replace(vm, arg);
	old = vm->retired;
	/* The vCPUs and VMX stay even if the VM is detached meanwhile. */
	if (!err)
		kvm_get_kvm(vm->kvm);
	mutex_unlock(&vm->lock);
	if (err)
		return err;
	smh_host_ring_put(vm, &rec.h, sizeof(rec));
	err = wait_for_all(vm, old);
	if (!err)
		free_retired(vm);
	kvm_put_kvm(vm->kvm);
	return err;
}
