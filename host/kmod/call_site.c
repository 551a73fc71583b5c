// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hooks that come and go after lock.  The guest module does it, and is not believed: what counts is that
 * the kernel's page tables lead to a call of the right stub.  Ranges change here while others look at
 * them: the length is what makes one valid.
 */

#include "shadowmon.h"

#define CALL_REL32 0xe8 /* SDM vol. 2, "CALL" */

static bool calls(const u8 *site, u64 va, u64 stub)
{
	s32 distance;

	memcpy(&distance, site + 1, sizeof(distance));
	return site[0] == CALL_REL32 && va + SM_CALL_SITE_SIZE + distance == stub;
}

/* Where the piece of a call that begins at va lies, up to the page's end. */
static int locate(struct smh_vm *vm, u64 va, u32 left, struct smh_range *ret_range)
{
	struct smh_range range = {
		.va = va,
		.len = min_t(u32, left, SM_PAGE_SIZE - offset_in_page(va)),
	};
	int err = smh_verify_translate(vm, vm->kernel_cr3, va, &range.gpa);

	if (err || !range.gpa || range.gpa >= SM_RAM_LIMIT)
		return -EFAULT;
	err = smh_protect_track(vm, gpa_to_gfn(range.gpa));
	if (err)
		return err;
	if (kvm_read_guest(vm->kvm, range.gpa, range.site, range.len))
		return -EFAULT;
	*ret_range = range;
	return 0;
}

static bool has_room(const struct smh_protect *p, unsigned int count)
{
	unsigned int i, room = SMH_RANGES_MAX - p->nr_ranges;

	for (i = p->nr_fixed; i < p->nr_ranges; i++)
		room += !p->ranges[i].len;
	return room >= count;
}

/* There is one. */
static unsigned int vacant(struct smh_protect *p)
{
	unsigned int i;

	for (i = p->nr_fixed; i < p->nr_ranges; i++)
		if (!p->ranges[i].len)
			return i;
	p->ranges[i].len = 0;
	smp_store_release(&p->nr_ranges, i + 1); /* whoever sees it sees no length */
	return i;
}

static void publish(struct smh_vm *vm, const struct smh_range *found)
{
	unsigned int i = vacant(&vm->protect);
	struct smh_range *range = &vm->protect.ranges[i];

	clear_bit(i, vm->verify.changed);
	clear_bit(i, vm->verify.remapped);
	range->va = found->va;
	range->gpa = found->gpa;
	range->slot = found->slot;
	memcpy(range->site, found->site, sizeof(range->site));
	range->bytes = range->site;
	smp_store_release(&range->len, found->len); /* it is complete */
}

/* protect.lock held. */
static int add(struct smh_vm *vm, u64 va, u32 slot, u64 stub)
{
	struct smh_range pieces[2];
	u8 site[SM_CALL_SITE_SIZE];
	unsigned int n = 0, i;
	u32 done = 0;
	int err;

	while (done < SM_CALL_SITE_SIZE) {
		err = locate(vm, va + done, SM_CALL_SITE_SIZE - done, &pieces[n]);
		if (err)
			return err;
		pieces[n].slot = slot;
		memcpy(site + done, pieces[n].site, pieces[n].len);
		done += pieces[n++].len;
	}
	if (!calls(site, va, stub))
		return -EPERM;
	if (!has_room(&vm->protect, n))
		return -ENOSPC;
	for (i = 0; i < n; i++)
		publish(vm, &pieces[i]);
	return 0;
}

int smh_call_site_add(struct smh_vm *vm, u64 va, u32 slot, u32 nargs)
{
	u64 stub = vm->agent.stubs_va + ((u64)nargs * SM_SLOTS + slot) * SM_STUB_SIZE;
	struct smh_protect *p = &vm->protect;
	int err;

	mutex_lock(&p->lock);
	err = READ_ONCE(vm->verify.active) ? add(vm, va, slot, stub) : -ENOTCONN;
	mutex_unlock(&p->lock);
	return err;
}

void smh_call_site_release(struct smh_vm *vm, u32 slot)
{
	struct smh_protect *p = &vm->protect;
	unsigned int i;

	mutex_lock(&p->lock);
	for (i = p->nr_fixed; i < p->nr_ranges; i++)
		if (p->ranges[i].slot == slot)
			WRITE_ONCE(p->ranges[i].len, 0);
	mutex_unlock(&p->lock);
	/* Who still looks at one of these is done before it is used again. */
	synchronize_srcu(&smh_srcu);
}
