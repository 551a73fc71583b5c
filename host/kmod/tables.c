// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * B: the first-level tables of views 1 and 2, which stand in for the guest's whatever CR3 holds.
 * Accessed and dirty flags are set beforehand, since the CPU cannot write B (SDM vol. 3, "Accessed
 * and dirty flags").  Leaves are global: they survive the guest's PCID flushes.
 */

#include "shadowmon.h"

#define PT_PRESENT  BIT_ULL(0)
#define PT_WRITE    BIT_ULL(1)
#define PT_ACCESSED BIT_ULL(5)
#define PT_DIRTY    BIT_ULL(6)
#define PT_LARGE    BIT_ULL(7)
#define PT_GLOBAL   BIT_ULL(8)
#define PT_NX       BIT_ULL(63)
#define PT_ADDRESS  GENMASK_ULL(51, 12)

#define PT_TABLE (PT_PRESENT | PT_WRITE | PT_ACCESSED)
#define PT_READ  (PT_PRESENT | PT_ACCESSED | PT_DIRTY | PT_GLOBAL)

static int new_table(struct smh_tables *b, struct smh_pool *pool)
{
	if (b->count == SM_TABLES_MAX)
		return -E2BIG;
	b->pages[b->count] = smh_pool_page(pool);
	if (!b->pages[b->count])
		return -ENOMEM;
	b->count++;
	return 0;
}

/* level: 0 for 4 KiB, 2 for 1 GiB */
static int map(struct smh_tables *b, struct smh_pool *pool, u64 va, u64 gpa, u64 flags, int level)
{
	u64 *table = b->pages[0];
	int l, err;

	for (l = 3; l > level; l--) {
		u64 *entry = &table[(va >> (12 + 9 * l)) & 511];

		if (!*entry) {
			err = new_table(b, pool);
			if (err)
				return err;
			*entry = (SM_TABLES_GPA + (b->count - 1) * SM_PAGE_SIZE) | PT_TABLE;
		}
		table = b->pages[((*entry & PT_ADDRESS) - SM_TABLES_GPA) >> SM_PAGE_SHIFT];
	}
	table[(va >> (12 + 9 * level)) & 511] = gpa | flags;
	return 0;
}

static int map_range(struct smh_tables *b, struct smh_pool *pool, u64 va, u64 gpa, u64 bytes,
		     u64 flags)
{
	u64 offset;
	int err;

	for (offset = 0; offset < bytes; offset += SM_PAGE_SIZE) {
		err = map(b, pool, va + offset, gpa + offset, flags, 0);
		if (err)
			return err;
	}
	return 0;
}

static int map_cpu(struct smh_tables *b, struct smh_pool *pool, u64 gate_va, u64 offset, u64 bytes,
		   u64 flags)
{
	return map_range(b, pool, gate_va + SM_VA_CPU + offset, SM_CPU_GPA + offset, bytes,
			 flags | PT_NX);
}

static int map_segment(struct smh_tables *b, struct smh_pool *pool, u64 gate_va,
		       const struct sm_segment *segment)
{
	u64 flags = PT_READ;

	if (segment->flags & SM_SEGMENT_WRITE)
		flags |= PT_WRITE;
	if (!(segment->flags & SM_SEGMENT_EXEC))
		flags |= PT_NX;
	return map_range(b, pool, gate_va + SM_VA_IMAGE + segment->offset,
			 SM_IMAGE_GPA + segment->offset, segment->mem_size, flags);
}

int smh_tables_build(struct smh_tables *b, struct smh_pool *pool, u64 gate_va, u32 ring_size,
		     const struct sm_segment *segments, unsigned int nr_segments)
{
	unsigned int i;
	int err;

	/* The window: EPT says what is RAM; unused tail entries cost nothing. */
	for (i = 0; i < SMH_WINDOW_GIBS; i++) {
		u64 offset = (u64)i << 30;

		err = map(b, pool, SM_WINDOW_VA + offset, SM_WINDOW_GPA + offset,
			  PT_READ | PT_LARGE | PT_NX, 2);
		if (err)
			return err;
	}

	err = map(b, pool, gate_va, SM_GATE_GPA, PT_READ, 0);
	if (!err)
		err = map(b, pool, gate_va + SM_VA_LIST, SM_CPU_GPA + SM_CPU_LIST,
			  PT_READ | PT_WRITE | PT_NX, 0);
	if (!err)
		err = map_cpu(b, pool, gate_va, SM_CPU_STATE, SM_PAGE_SIZE, PT_READ | PT_WRITE);
	if (!err)
		err = map_cpu(b, pool, gate_va, SM_CPU_STACK, SM_CPU_STACK_SIZE,
			      PT_READ | PT_WRITE);
	if (!err)
		err = map_cpu(b, pool, gate_va, SM_CPU_RING, SM_RING_DATA + ring_size,
			      PT_READ | PT_WRITE);
	for (i = 0; i < nr_segments && !err; i++)
		err = map_segment(b, pool, gate_va, &segments[i]);
	return err;
}
