// SPDX-License-Identifier: GPL-2.0-or-later
/* What a vCPU has of its own: list, state page, stack, ring, and the roots of its views. */

#include <linux/random.h>
#include <linux/slab.h>

#include "lab.h"
#include "shadowmon.h"
#include "vmcs.h"

#define PDPT_INDEX(gpa) (((gpa) >> 30) & 511)

static int map_own(struct smh_vcpu *v, u64 *root, u64 offset, u64 pa, u64 permissions)
{
	return smh_ept_map(&v->vm->pool, root, SM_CPU_GPA + offset, pa, permissions);
}

static int map_stack(struct smh_vcpu *v, u64 *root)
{
	u64 offset;
	int err;

	for (offset = 0; offset < SM_CPU_STACK_SIZE; offset += SM_PAGE_SIZE) {
		void *page = smh_pool_page(&v->vm->pool);

		if (!page)
			return -ENOMEM;
		err = map_own(v, root, SM_CPU_STACK + offset, __pa(page),
			      SMH_EPT_READ | SMH_EPT_WRITE);
		if (err)
			return err;
	}
	return 0;
}

static int map_ring(struct smh_vcpu *v, u64 *root)
{
	unsigned int i;
	int err;

	for (i = 0; i < v->ring.nr_pages; i++) {
		u64 permissions = SMH_EPT_READ | SMH_EPT_WRITE;

		if (i == SM_RING_CONSUMER_PAGE >> SM_PAGE_SHIFT)
			permissions = SMH_EPT_READ;
		err = map_own(v, root, SM_CPU_RING + i * SM_PAGE_SIZE,
			      page_to_phys(v->ring.pages[i]), permissions);
		if (err)
			return err;
	}
	return 0;
}

/* Alias and private region, as the image has them. */
static void link_shared(struct smh_vcpu *v, unsigned int view, const struct smh_image *image)
{
	u64 *pdpt = v->pdpt[view];
	unsigned int i;

	for (i = 0; i < PDPT_INDEX(1ULL << SM_ALIAS_SHIFT); i++)
		smh_ept_link(pdpt, i, image->alias_pd);
	smh_ept_link(pdpt, PDPT_INDEX(SM_PRIVATE_GPA), image->private_pd[view]);
}

/* A root whose first 512 GiB hold the alias, the shared private region and the vCPU's own. */
static u64 *create_root(struct smh_vcpu *v, unsigned int view)
{
	struct smh_vm *vm = v->vm;
	u64 *root = smh_pool_page(&vm->pool), *pdpt = smh_pool_page(&vm->pool);

	if (!root || !pdpt)
		return NULL;
	smh_ept_link(root, 0, pdpt);
	v->pdpt[view] = pdpt;
	link_shared(v, view, vm->image);
	return root;
}

void smh_vcpu_take_image(struct smh_vcpu *v)
{
	struct smh_image *image = smp_load_acquire(&v->vm->image); /* it is complete */

	link_shared(v, SM_VIEW_GATE, image);
	link_shared(v, SM_VIEW_MONITOR, image);
	WRITE_ONCE(v->flush, true);
	smp_store_release(&v->image, image); /* for smh_image_reload() the old one is out of use */
}

/* vm->lock held, or the vCPU is not yet in vm->vcpus. */
int smh_vcpu_link_image(struct smh_vcpu *v)
{
	struct smh_vm *vm = v->vm;
	u64 *root[3];
	int err;

	root[SM_VIEW_GATE] = create_root(v, SM_VIEW_GATE);
	root[SM_VIEW_MONITOR] = create_root(v, SM_VIEW_MONITOR);
	v->list = smh_pool_page(&vm->pool);
	v->state = smh_pool_page(&vm->pool);
	if (!root[SM_VIEW_GATE] || !root[SM_VIEW_MONITOR] || !v->list || !v->state)
		return -ENOMEM;
	v->state->vcpu = v->index;
	v->image = vm->image;

	err = map_own(v, root[SM_VIEW_GATE], SM_CPU_LIST, __pa(v->list),
		      SMH_EPT_READ | SMH_EPT_WRITE);
	if (!err)
		err = map_own(v, root[SM_VIEW_MONITOR], SM_CPU_STATE, __pa(v->state),
			      SMH_EPT_READ | SMH_EPT_WRITE);
	if (!err)
		err = map_stack(v, root[SM_VIEW_MONITOR]);
	if (!err)
		err = map_ring(v, root[SM_VIEW_MONITOR]);
	if (err)
		return err;

	spin_lock(&vm->window_lock);
	smh_vcpu_link_window(v);
	v->eptp[SM_VIEW_GATE] = __pa(root[SM_VIEW_GATE]) | SM_EPTP_ARMED;
	/* The entry hook takes this one as the sign that all is there. */
	smp_store_release(&v->eptp[SM_VIEW_MONITOR], __pa(root[SM_VIEW_MONITOR]) | SM_EPTP_ARMED);
	spin_unlock(&vm->window_lock);
	return 0;
}

void smh_vcpu_link_window(struct smh_vcpu *v)
{
	unsigned int i;

	for (i = 0; i < SMH_WINDOW_GIBS; i++)
		if (v->vm->window.pd[i])
			smh_ept_link(v->pdpt[SM_VIEW_MONITOR], PDPT_INDEX(SM_WINDOW_GPA) + i,
				     v->vm->window.pd[i]);
}

/* One that sleeps in HLT is woken as by a paravirtual kick: the guest sees a spurious wake-up. */
void smh_vcpu_wake(struct smh_vcpu *v)
{
	struct kvm_vcpu *vcpu = v->vcpu;

	wake_up_interruptible(&v->room);
	if (vcpu->arch.mp_state == KVM_MP_STATE_HALTED)
		vcpu->arch.pv.pv_unhalted = true;
	kvm_make_request(KVM_REQ_UNBLOCK, vcpu);
	kvm_vcpu_kick(vcpu);
}

static struct smh_vcpu *create(struct smh_vm *vm, struct kvm_vcpu *vcpu)
{
	struct smh_vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return NULL;
	v->vm = vm;
	v->vcpu = vcpu;
	v->index = vcpu->vcpu_idx;
	v->look.range = get_random_u32();
	init_waitqueue_head(&v->room);
	smh_budget_init(v);
	if (smh_ring_create(&v->ring, vm->ring_size,
			    vm->flags & SM_ATTACH_BLOCK ? SM_RING_BLOCK : 0, v->index))
		goto err_free;
	return v;

err_free:
	kfree(v);
	return NULL;
}

void smh_vcpu_destroy(struct smh_vcpu *v)
{
	smh_budget_destroy(v);
	smh_transport_unprepare(v);
	smh_ring_destroy(&v->ring);
	kfree(v);
}

static int link_loaded(struct smh_vcpu *v)
{
	return v->vm->transport == SM_TRANSPORT_GATE ? smh_vcpu_link_image(v)
						     : smh_transport_prepare(v);
}

struct smh_vcpu *smh_vcpu_get_or_create(struct smh_vm *vm, struct kvm_vcpu *vcpu)
{
	struct smh_vcpu *v = xa_load(&vm->vcpus, vcpu->vcpu_idx);

	if (likely(v))
		return v;

	mutex_lock(&vm->lock);
	v = xa_load(&vm->vcpus, vcpu->vcpu_idx);
	if (v || vm->parting)
		goto unlock;
	v = create(vm, vcpu);
	if (!v)
		goto unlock;
	if (vm->state >= SM_STATE_LOADED && link_loaded(v))
		goto err_destroy;
	if (xa_err(xa_store(&vm->vcpus, v->index, v, GFP_KERNEL_ACCOUNT)))
		goto err_destroy;
	/* Window tables that came while this vCPU was not in the list. */
	spin_lock(&vm->window_lock);
	if (v->eptp[SM_VIEW_MONITOR])
		smh_vcpu_link_window(v);
	spin_unlock(&vm->window_lock);
	if (vm->published)
		smh_vcpu_publish(v);
unlock:
	mutex_unlock(&vm->lock);
	return v;

err_destroy:
	smh_vcpu_destroy(v);
	mutex_unlock(&vm->lock);
	return NULL;
}

/* kvm_rip_read() is private to KVM. */
u64 smh_vcpu_rip(struct smh_vcpu *v)
{
	if (test_bit(VCPU_REGS_RIP, (unsigned long *)&v->vcpu->arch.regs_avail))
		return v->vcpu->arch.regs[VCPU_REGS_RIP];
	return smh_vmread(GUEST_RIP);
}

void smh_vcpu_set_reg(struct smh_vcpu *v, enum kvm_reg reg, u64 value)
{
	v->vcpu->arch.regs[reg] = value;
	__set_bit(reg, (unsigned long *)&v->vcpu->arch.regs_avail);
	__set_bit(reg, (unsigned long *)&v->vcpu->arch.regs_dirty);
}

void smh_vcpu_reset_list(struct smh_vcpu *v, u64 target_eptp)
{
	memset(v->list, 0, SM_PAGE_SIZE);
	v->list[SM_VIEW_TARGET] = target_eptp;
	v->list[SM_VIEW_GATE] = v->eptp[SM_VIEW_GATE];
	v->list[SM_VIEW_MONITOR] = (v->eptp[SM_VIEW_MONITOR] & ~0xffULL) | SM_EPTP_DISARMED;
	if (smh_weakened(SMH_WEAKEN_ARMED))
		v->list[SM_VIEW_MONITOR] = v->eptp[SM_VIEW_MONITOR];
}
