// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policies change while vCPUs judge by them: what is active is never written.  Nothing of the table is
 * believed here, and whatever is in it, the compartment bounds what it does with it.
 */

#include <linux/slab.h>
#include <linux/uaccess.h>
#include <shadowmon/policy_table.h>

#include "shadowmon.h"

#define TABLE_PAGES (sizeof(struct sm_policy_table) / SM_PAGE_SIZE)

/* The area must lie in one read-only segment. */
int smh_policy_decode(const struct sm_ioc_load_image *arg)
{
	u32 i;

	if (!arg->policy)
		return 0;
	if (arg->policy & (SM_PAGE_SIZE - 1) || arg->reserved2)
		return -EINVAL;
	for (i = 0; i < arg->nr_segments; i++) {
		const struct sm_segment *s = &arg->segments[i];
		u32 offset = arg->policy - s->offset;

		if (arg->policy >= s->offset && offset < s->mem_size &&
		    s->mem_size - offset >= sizeof(struct sm_policy_area))
			return s->flags & (SM_SEGMENT_WRITE | SM_SEGMENT_EXEC) ? -EINVAL : 0;
	}
	return -EINVAL;
}

static void write_table(const struct smh_image *image, const char *table, u32 index)
{
	u32 offset = image->policy + offsetof(struct sm_policy_area, tables[index]), i;

	for (i = 0; i < TABLE_PAGES; i++)
		memcpy(smh_image_page(image, offset + i * SM_PAGE_SIZE), table + i * SM_PAGE_SIZE,
		       SM_PAGE_SIZE);
}

static int set_locked(struct smh_vm *vm, const char *table, u32 events)
{
	struct sm_policy_area *area;
	u32 index;

	if (vm->detached)
		return -ENOTCONN;
	if (vm->transport != SM_TRANSPORT_GATE)
		return -EOPNOTSUPP;
	if (vm->state < SM_STATE_LOADED || vm->state > SM_STATE_LOCKED)
		return -EAGAIN;
	if (!vm->image->policy)
		return -EOPNOTSUPP;
	/* The first page alone; the tables are reached page by page. */
	area = (struct sm_policy_area *)smh_image_page(vm->image, vm->image->policy);
	index = area->active == 1;
	WRITE_ONCE(area->written[index], area->written[index] + 1);
	smp_wmb(); /* who reads the table sees that it has changed */
	write_table(vm->image, table, index);
	smp_wmb(); /* what is active is complete */
	WRITE_ONCE(area->active, index + 1);
	WRITE_ONCE(area->events, events);
	return 0;
}

void smh_policy_copy(const struct smh_vm *vm, struct smh_image *to)
{
	const struct smh_image *from = vm->image;
	u32 offset;

	if (!from->policy || !to->policy)
		return;
	for (offset = 0; offset < sizeof(struct sm_policy_area); offset += SM_PAGE_SIZE)
		memcpy(smh_image_page(to, to->policy + offset),
		       smh_image_page(from, from->policy + offset), SM_PAGE_SIZE);
}

int smh_policy_set(struct smh_vm *vm, const struct sm_ioc_policy *arg)
{
	char *table;
	int err;

	if (arg->table_size != sizeof(struct sm_policy_table) || arg->reserved)
		return -EINVAL;
	table = kvmalloc(arg->table_size, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	err = copy_from_user(table, u64_to_user_ptr(arg->table), arg->table_size) ? -EFAULT : 0;
	if (!err) {
		mutex_lock(&vm->lock);
		err = set_locked(vm, table, arg->events);
		mutex_unlock(&vm->lock);
	}
	kvfree(table);
	return err;
}
