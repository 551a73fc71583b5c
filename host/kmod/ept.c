// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Building blocks of views 1 and 2 (SDM vol. 3, "EPT translation mechanism").  Everything is
 * write-back memory of ours or guest RAM, so the guest's PAT is ignored.
 */

#include <linux/smp.h>

#include "shadowmon.h"

#define EPT_TABLE      (SMH_EPT_READ | SMH_EPT_WRITE | SMH_EPT_EXEC)
#define EPT_WRITE_BACK (6ULL << 3)
#define EPT_IGNORE_PAT BIT_ULL(6)
#define EPT_ADDRESS    GENMASK_ULL(51, 12)

#define INVEPT_SINGLE 1
#define INVEPT_GLOBAL 2

u64 smh_ept_leaf(u64 pa, u64 permissions)
{
	return pa | permissions | EPT_WRITE_BACK | EPT_IGNORE_PAT;
}

void smh_ept_link(u64 *table, unsigned int index, u64 *child)
{
	WRITE_ONCE(table[index], __pa(child) | EPT_TABLE);
}

u64 *smh_ept_child(const u64 *table, unsigned int index)
{
	u64 entry = READ_ONCE(table[index]);

	return entry ? __va(entry & EPT_ADDRESS) : NULL;
}

int smh_ept_map(struct smh_pool *pool, u64 *root, u64 gpa, u64 pa, u64 permissions)
{
	u64 *table = root;
	unsigned int index;
	int level;

	for (level = 3; level > 0; level--) {
		u64 *child;

		index = (gpa >> (12 + 9 * level)) & 511;
		child = smh_ept_child(table, index);
		if (!child) {
			child = smh_pool_page(pool);
			if (!child)
				return -ENOMEM;
			smh_ept_link(table, index, child);
		}
		table = child;
	}
	index = (gpa >> 12) & 511;
	if (table[index])
		return -EEXIST;
	WRITE_ONCE(table[index], smh_ept_leaf(pa, permissions));
	return 0;
}

static void invept(unsigned long type, u64 eptp)
{
	struct {
		u64 eptp, reserved;
	} operand = {eptp, 0};

	asm volatile("invept %0, %1" : : "m"(operand), "r"(type) : "cc", "memory");
}

void smh_ept_flush(u64 eptp)
{
	invept(INVEPT_SINGLE, eptp);
}

static void flush_all(void *unused)
{
	invept(INVEPT_GLOBAL, 0);
}

void smh_ept_flush_everywhere(void)
{
	on_each_cpu(flush_all, NULL, 1);
}
