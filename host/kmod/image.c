// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading the compartment: from the caller's memory to pages that only views 1 and 2 show. */

#include <linux/bsearch.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "gate_offsets.h"
#include "lab.h"
#include "shadowmon.h"

static int decode_segments(const struct sm_segment *segments, u32 count)
{
	u32 i, end = 0;

	if (count == 0 || count > SM_SEGMENTS_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		const struct sm_segment *s = &segments[i];

		if (s->offset & (SM_PAGE_SIZE - 1) || s->offset < end || s->flags & ~7 ||
		    !(s->flags & SM_SEGMENT_READ) || s->mem_size == 0 || s->file_size > s->mem_size)
			return -EINVAL;
		if ((s->flags & SM_SEGMENT_WRITE) && (s->flags & SM_SEGMENT_EXEC))
			return -EINVAL;
		if (s->offset > SM_IMAGE_MAX_SIZE || s->mem_size > SM_IMAGE_MAX_SIZE - s->offset)
			return -E2BIG;
		end = s->offset + s->mem_size;
	}
	if (segments[0].offset || !(segments[0].flags & SM_SEGMENT_EXEC))
		return -EINVAL;
	return 0;
}

static bool is_code(const struct sm_ioc_load_image *arg, u32 offset)
{
	u32 i;

	for (i = 0; i < arg->nr_segments; i++)
		if ((arg->segments[i].flags & SM_SEGMENT_EXEC) &&
		    offset >= arg->segments[i].offset &&
		    offset - arg->segments[i].offset < arg->segments[i].mem_size)
			return true;
	return false;
}

static int decode_fixups(const struct sm_ioc_load_image *arg, const struct sm_fixup *fixups)
{
	u32 i;

	for (i = 0; i < arg->nr_fixups; i++) {
		if (!is_code(arg, fixups[i].fault) || !is_code(arg, fixups[i].fixup) ||
		    !fixups[i].fixup)
			return -EINVAL;
		if (i && fixups[i].fault <= fixups[i - 1].fault)
			return -EINVAL;
	}
	return 0;
}

static int decode_abort_errno(const struct sm_ioc_load_image *arg)
{
	unsigned int i;

	for (i = 0; i < SM_SLOTS; i++)
		if (arg->abort_errno[i] > SM_VERDICT_ERRNO)
			return -EINVAL;
	return 0;
}

/* Whatever is written there, and wherever it leads, is in the compartment. */
static int decode_dispatch(const struct sm_ioc_load_image *arg)
{
	u32 i;

	if (!arg->dispatch)
		return 0;
	if (arg->dispatch & (SM_SLOTS * sizeof(u64) - 1) || !is_code(arg, arg->unbound))
		return -EINVAL;
	for (i = 0; i < arg->nr_segments; i++)
		if (arg->dispatch >= arg->segments[i].offset &&
		    arg->dispatch - arg->segments[i].offset < arg->segments[i].mem_size)
			return 0;
	return -EINVAL;
}

static int compare_fault(const void *key, const void *elem)
{
	u32 offset = *(const u32 *)key, fault = ((const struct sm_fixup *)elem)->fault;

	return offset < fault ? -1 : offset > fault;
}

u32 smh_image_fixup(const struct smh_image *image, u32 offset)
{
	const struct sm_fixup *f =
		bsearch(&offset, image->fixups, image->nr_fixups, sizeof(*f), compare_fault);

	return f ? f->fixup : 0;
}

/* One 4 KiB page of the private region, in the views named. */
static int map_private(struct smh_image *image, u64 gpa, u64 pa, u64 permissions, bool gate_view)
{
	unsigned int view;

	for (view = gate_view ? SM_VIEW_GATE : SM_VIEW_MONITOR; view <= SM_VIEW_MONITOR; view++) {
		u64 *pd = image->private_pd[view];
		u64 *pt = smh_ept_child(pd, (gpa >> 21) & 511);

		if (!pt) {
			pt = smh_pool_page(&image->pool);
			if (!pt)
				return -ENOMEM;
			smh_ept_link(pd, (gpa >> 21) & 511, pt);
		}
		pt[(gpa >> 12) & 511] = smh_ept_leaf(pa, permissions);
	}
	return 0;
}

u64 *smh_image_page(const struct smh_image *image, u32 offset)
{
	u64 gpa = SM_IMAGE_GPA + offset;
	u64 *pt = smh_ept_child(image->private_pd[SM_VIEW_MONITOR], (gpa >> 21) & 511);

	return smh_ept_child(pt, (gpa >> 12) & 511); /* the last level links as the others do */
}

/* Three shared tables make every page below 2^38 show B's top level. */
static int build_alias(struct smh_image *image)
{
	u64 *pt = smh_pool_page(&image->pool);
	unsigned int i;

	image->alias_pd = smh_pool_page(&image->pool);
	if (!pt || !image->alias_pd)
		return -ENOMEM;
	for (i = 0; i < 512; i++) {
		pt[i] = smh_ept_leaf(__pa(image->tables.pages[0]), SMH_EPT_READ);
		smh_ept_link(image->alias_pd, i, pt);
	}
	return 0;
}

static int build_tables(struct smh_image *image, const struct smh_vm *vm,
			const struct sm_ioc_load_image *arg)
{
	struct smh_tables *tables = &image->tables;
	unsigned int i;
	int err;

	tables->pages[0] = smh_pool_page(&image->pool);
	if (!tables->pages[0])
		return -ENOMEM;
	tables->count = 1;
	err = smh_tables_build(tables, &image->pool, vm->agent.gate_va, vm->ring_size,
			       arg->segments, arg->nr_segments);
	for (i = 0; i < tables->count && !err; i++)
		err = map_private(image, SM_TABLES_GPA + (u64)i * SM_PAGE_SIZE,
				  __pa(tables->pages[i]), SMH_EPT_READ, true);
	return err;
}

static void weaken_gate(u8 *gate)
{
	static const u8 nop = 0x90;

	if (smh_weakened(SMH_WEAKEN_ARMED))
		gate[GATE_DISARM_OFFSET + 6] = SM_EPTP_ARMED;
	if (smh_weakened(SMH_WEAKEN_MODE_TRAP))
		memset(gate + GATE_MODE_TRAP_OFFSET, nop, 10);
	if (smh_weakened(SMH_WEAKEN_CR3_TEST))
		memset(gate + GATE_CR3_BRANCH_OFFSET, nop, 2);
}

static int build_gate(struct smh_image *image)
{
	image->gate = smh_pool_page(&image->pool);
	if (!image->gate)
		return -ENOMEM;
	memcpy(image->gate, smh_gate_page, SM_PAGE_SIZE);
	weaken_gate((u8 *)image->gate);
	return map_private(image, SM_GATE_GPA, __pa(image->gate), SMH_EPT_READ | SMH_EPT_EXEC,
			   true);
}

static int build_segment(struct smh_image *image, const struct sm_segment *segment)
{
	u64 permissions = SMH_EPT_READ;
	u32 offset;
	int err;

	if (segment->flags & SM_SEGMENT_WRITE)
		permissions |= SMH_EPT_WRITE;
	if (segment->flags & SM_SEGMENT_EXEC)
		permissions |= SMH_EPT_EXEC;
	for (offset = 0; offset < segment->mem_size; offset += SM_PAGE_SIZE) {
		void *page = smh_pool_page(&image->pool);

		if (!page)
			return -ENOMEM;
		if (offset < segment->file_size &&
		    copy_from_user(page, u64_to_user_ptr(segment->data + offset),
				   min_t(u32, segment->file_size - offset, SM_PAGE_SIZE)))
			return -EFAULT;
		err = map_private(image, SM_IMAGE_GPA + segment->offset + offset, __pa(page),
				  permissions, false);
		if (err)
			return err;
	}
	return 0;
}

static int build(struct smh_image *image, const struct smh_vm *vm,
		 const struct sm_ioc_load_image *arg)
{
	unsigned int i;
	int err;

	image->private_pd[SM_VIEW_GATE] = smh_pool_page(&image->pool);
	image->private_pd[SM_VIEW_MONITOR] = smh_pool_page(&image->pool);
	if (!image->private_pd[SM_VIEW_GATE] || !image->private_pd[SM_VIEW_MONITOR])
		return -ENOMEM;
	err = build_tables(image, vm, arg);
	if (!err)
		err = build_alias(image);
	if (!err)
		err = build_gate(image);
	for (i = 0; i < arg->nr_segments && !err; i++)
		err = build_segment(image, &arg->segments[i]);
	return err;
}

static int decode(const struct sm_ioc_load_image *arg)
{
	int err = decode_segments(arg->segments, arg->nr_segments);

	if (!err)
		err = decode_abort_errno(arg);
	if (!err)
		err = decode_dispatch(arg);
	if (!err)
		err = smh_policy_decode(arg);
	if (!err && arg->nr_fixups > SM_FIXUPS_MAX)
		err = -E2BIG;
	return err;
}

static int read_fixups(struct smh_image *image, const struct sm_ioc_load_image *arg)
{
	image->fixups = kvcalloc(arg->nr_fixups + 1, sizeof(*image->fixups), GFP_KERNEL_ACCOUNT);
	if (!image->fixups)
		return -ENOMEM;
	if (copy_from_user(image->fixups, u64_to_user_ptr(arg->fixups),
			   arg->nr_fixups * sizeof(*image->fixups)))
		return -EFAULT;
	image->nr_fixups = arg->nr_fixups;
	return decode_fixups(arg, image->fixups);
}

int smh_image_create(const struct smh_vm *vm, const struct sm_ioc_load_image *arg,
		     struct smh_image **ret_image)
{
	const struct sm_segment *last;
	struct smh_image *image;
	int err = decode(arg);

	if (err)
		return err;
	image = kvzalloc(sizeof(*image), GFP_KERNEL_ACCOUNT);
	if (!image)
		return -ENOMEM;
	smh_pool_init(&image->pool);
	err = read_fixups(image, arg);
	if (!err)
		err = build(image, vm, arg);
	if (err) {
		smh_image_destroy(image);
		return err;
	}
	last = &arg->segments[arg->nr_segments - 1];
	image->size = PAGE_ALIGN(last->offset + last->mem_size);
	memcpy(image->abort_errno, arg->abort_errno, sizeof(image->abort_errno));
	image->policy = arg->policy;
	smh_disable_prepare(image, vm->agent.gate_va, arg->dispatch, arg->unbound);
	*ret_image = image;
	return 0;
}

void smh_image_destroy(struct smh_image *image)
{
	if (!image)
		return;
	smh_pool_destroy(&image->pool);
	kvfree(image->fixups);
	kvfree(image);
}

/*
 * A vCPU may bind as soon as its views are linked.  If that fails for another, the image stays for the
 * detach that must follow.
 */
int smh_image_load(struct smh_vm *vm, const struct sm_ioc_load_image *arg)
{
	struct smh_vcpu *v;
	unsigned long index;
	int err = smh_image_create(vm, arg, &vm->image);

	if (err)
		return err;
	xa_for_each(&vm->vcpus, index, v) {
		err = smh_vcpu_link_image(v);
		if (err)
			return err;
	}
	return 0;
}
