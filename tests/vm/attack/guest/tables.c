// SPDX-License-Identifier: GPL-2.0-or-later
/* Page tables of the attacker's: the current ones, but for the pages that it maps. */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "attack.h"

#define ENTRIES     512
#define ADDRESS     GENMASK_ULL(51, 12)
#define PRESENT     BIT_ULL(0)
#define LARGE       BIT_ULL(7)
#define KERNEL_PAGE 0x063      /* present, writable, accessed, dirty */
#define GLOBAL      BIT_ULL(8) /* outlives MOV CR3, as with PCIDs a page does if the attacker wants */

static u64 *add(struct tables *t)
{
	u64 *page = t->count < ARRAY_SIZE(t->own) ? (u64 *)get_zeroed_page(GFP_KERNEL) : NULL;

	if (page)
		t->own[t->count++] = page;
	return page;
}

static bool is_own(const struct tables *t, u64 pa)
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		if (__pa(t->own[i]) == pa)
			return true;
	return false;
}

int tables_create(struct tables *t)
{
	*t = (struct tables){};
	if (!add(t))
		return -ENOMEM;
	memcpy(t->own[0], __va(__read_cr3() & ADDRESS), PAGE_SIZE);
	return 0;
}

static int map(struct tables *t, unsigned long va, u64 new)
{
	u64 *table = t->own[0], *entry, *child;
	int level;

	for (level = 3; level > 0; level--) {
		entry = &table[(va >> (12 + 9 * level)) & (ENTRIES - 1)];
		if ((*entry & PRESENT) && (*entry & LARGE))
			return -EBUSY;
		if (!(*entry & PRESENT) || !is_own(t, *entry & ADDRESS)) {
			child = add(t);
			if (!child)
				return -ENOMEM;
			if (*entry & PRESENT)
				memcpy(child, __va(*entry & ADDRESS), PAGE_SIZE);
			*entry = __pa(child) | KERNEL_PAGE;
		}
		table = __va(*entry & ADDRESS);
	}
	table[(va >> 12) & (ENTRIES - 1)] = new;
	return 0;
}

int tables_map(struct tables *t, unsigned long va, u64 pa)
{
	return map(t, va, pa | KERNEL_PAGE | GLOBAL);
}

int tables_map_local(struct tables *t, unsigned long va, u64 pa)
{
	return map(t, va, pa | KERNEL_PAGE);
}

u64 tables_cr3(const struct tables *t)
{
	return __pa(t->own[0]);
}

void tables_destroy(struct tables *t)
{
	while (t->count)
		free_page((unsigned long)t->own[--t->count]);
}
