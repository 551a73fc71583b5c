// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The window: guest RAM as view 2 sees it, read-only, filled on demand.  Pages are not pinned: an MMU
 * notifier takes them out again before the host moves, shares, swaps or frees them, in the manner of
 * KVM's own (invalidate_seq and invalidating stand for KVM's mmu_invalidate_seq and _in_progress).
 */

#include <linux/mm.h>

#include "shadowmon.h"

/*
 * Pages filled at once, aligned, so within one table.  An event of a new process reads some ten pages that no
 * event has read before, most of them neighbours; each fill costs an exit.
 */
#define AROUND 16

#define GIB_OF(gpa)   ((gpa) >> 30)
#define PD_INDEX(gpa) (((gpa) >> 21) & 511)
#define PT_INDEX(gpa) (((gpa) >> 12) & 511)

/* window_lock held.  Takes spare tables from *pd and *pt as needed. */
static void insert(struct smh_vm *vm, u64 gpa, u64 pa, u64 **pd, u64 **pt)
{
	struct smh_window *w = &vm->window;
	u64 **slot = &w->pd[GIB_OF(gpa)];
	struct smh_vcpu *v;
	unsigned long index;
	u64 *table;

	if (!*slot) {
		*slot = *pd;
		*pd = NULL;
		xa_for_each(&vm->vcpus, index, v)
			if (v->eptp[SM_VIEW_MONITOR])
				smh_vcpu_link_window(v);
	}
	table = smh_ept_child(*slot, PD_INDEX(gpa));
	if (!table) {
		table = *pt;
		*pt = NULL;
		smh_ept_link(*slot, PD_INDEX(gpa), table);
	}
	WRITE_ONCE(table[PT_INDEX(gpa)], smh_ept_leaf(pa, SMH_EPT_READ));
}

/* Pages of the host that a fill holds for a moment. */
struct fill {
	u64 first; /* guest-physical address of pages[0] */
	int count;
	struct page *pages[AROUND];
};

/* The page of gpa and, of the pages around it, those that the host has at hand.  May sleep. */
static int hold_pages(struct smh_vm *vm, u64 gpa, struct fill *fill)
{
	const struct kvm_memory_slot *slot = gfn_to_memslot(vm->kvm, gpa_to_gfn(gpa));
	gfn_t gfn = gpa_to_gfn(gpa), first, end;
	unsigned long hva = gfn_to_hva(vm->kvm, gfn);

	if (!slot || kvm_is_error_hva(hva))
		return -EFAULT;
	first = max_t(gfn_t, ALIGN_DOWN(gfn, AROUND), slot->base_gfn);
	end = min_t(gfn_t, ALIGN_DOWN(gfn, AROUND) + AROUND, slot->base_gfn + slot->npages);
	fill->first = gfn_to_gpa(first);
	fill->count = get_user_pages_fast_only(hva - gfn_to_gpa(gfn - first), end - first, 0,
					       fill->pages);
	if (fill->count > (int)(gfn - first))
		return 0;
	while (fill->count > 0)
		put_page(fill->pages[--fill->count]);
	fill->first = gfn_to_gpa(gfn);
	fill->count = get_user_pages_fast(hva, 1, 0, fill->pages);
	return fill->count == 1 ? 0 : -EFAULT;
}

int smh_window_fill(struct smh_vm *vm, u64 gpa)
{
	u64 *pd = NULL, *pt = NULL;
	struct fill fill;
	unsigned long seq;
	int i, err;

	if (gpa >= SM_RAM_LIMIT)
		return -EFAULT;
	seq = READ_ONCE(vm->window.invalidate_seq);
	smp_rmb(); /* pairs with the lock in invalidate_end */
	err = hold_pages(vm, gpa, &fill);
	if (err)
		return err;

	/* Tables first: under the lock nothing may sleep.  What is left over stays in the pool. */
	err = -ENOMEM;
	if (!READ_ONCE(vm->window.pd[GIB_OF(gpa)])) {
		pd = smh_pool_page(&vm->pool);
		if (!pd)
			goto put;
	}
	if (pd || !smh_ept_child(vm->window.pd[GIB_OF(gpa)], PD_INDEX(gpa))) {
		pt = smh_pool_page(&vm->pool);
		if (!pt)
			goto put;
	}

	spin_lock(&vm->window_lock);
	if (vm->window.invalidating || vm->window.invalidate_seq != seq) {
		err = -EAGAIN;
	} else {
		for (i = 0; i < fill.count; i++)
			insert(vm, fill.first + (u64)i * PAGE_SIZE, page_to_phys(fill.pages[i]),
			       &pd, &pt);
		err = 0;
	}
	spin_unlock(&vm->window_lock);
put:
	for (i = 0; i < fill.count; i++)
		put_page(fill.pages[i]);
	return err;
}

/* window_lock held.  True if anything was mapped. */
static bool zap(struct smh_vm *vm, u64 gpa, u64 end)
{
	bool zapped = false;

	while (gpa < end && gpa < SM_RAM_LIMIT) {
		u64 *pd = vm->window.pd[GIB_OF(gpa)], *pt;

		if (!pd) {
			gpa = ALIGN(gpa + 1, SZ_1G);
			continue;
		}
		pt = smh_ept_child(pd, PD_INDEX(gpa));
		if (!pt) {
			gpa = ALIGN(gpa + 1, SZ_2M);
			continue;
		}
		if (pt[PT_INDEX(gpa)]) {
			WRITE_ONCE(pt[PT_INDEX(gpa)], 0);
			zapped = true;
		}
		gpa += PAGE_SIZE;
	}
	return zapped;
}

void smh_window_follow(struct smh_vm *vm, u64 generation)
{
	bool zapped;

	spin_lock(&vm->window_lock);
	vm->window.generation = generation;
	vm->window.invalidate_seq++;
	zapped = zap(vm, 0, SM_RAM_LIMIT);
	spin_unlock(&vm->window_lock);
	if (zapped)
		smh_vm_flush(vm);
}

static bool zap_hva_range(struct smh_vm *vm, unsigned long start, unsigned long end)
{
	struct kvm_memory_slot *slot;
	bool zapped = false;
	int idx, bkt;

	idx = srcu_read_lock(&vm->kvm->srcu);
	kvm_for_each_memslot(slot, bkt, kvm_memslots(vm->kvm)) {
		unsigned long first = max(start, slot->userspace_addr);
		unsigned long last = min(end, slot->userspace_addr + (slot->npages << PAGE_SHIFT));
		u64 gpa;

		if (first >= last)
			continue;
		gpa = gfn_to_gpa(slot->base_gfn) + (first - slot->userspace_addr);
		zapped |= zap(vm, gpa & PAGE_MASK, gpa + (last - first));
	}
	srcu_read_unlock(&vm->kvm->srcu, idx);
	return zapped;
}

static int invalidate_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct smh_vm *vm = container_of(mn, struct smh_vm, notifier);
	bool zapped;

	spin_lock(&vm->window_lock);
	vm->window.invalidating++;
	zapped = zap_hva_range(vm, range->start, range->end);
	spin_unlock(&vm->window_lock);
	/* The kick waits only for vCPUs to leave guest mode: no sleep, so non-blockable ranges are fine. */
	if (zapped)
		smh_vm_flush(vm);
	return 0;
}

static void invalidate_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct smh_vm *vm = container_of(mn, struct smh_vm, notifier);

	spin_lock(&vm->window_lock);
	vm->window.invalidate_seq++;
	vm->window.invalidating--;
	spin_unlock(&vm->window_lock);
}

/* The VMM's address space goes: no vCPU can run any more. */
static void release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct smh_vm *vm = container_of(mn, struct smh_vm, notifier);

	WRITE_ONCE(vm->gone, true);
	wake_up_all(&vm->readers);
	wake_up_all(&vm->command_wait);
	smh_vm_detach_later(vm);
}

const struct mmu_notifier_ops smh_window_notifier_ops = {
	.invalidate_range_start = invalidate_start,
	.invalidate_range_end = invalidate_end,
	.release = release,
};
