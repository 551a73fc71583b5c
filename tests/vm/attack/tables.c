// SPDX-License-Identifier: GPL-2.0-or-later
/* Page tables of the attacker's: the current ones, but for one page. */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "attack.h"

#define ENTRIES 512
#define ADDRESS GENMASK_ULL(51, 12)
#define LARGE BIT_ULL(7)
#define KERNEL_PAGE 0x063 /* present, writable, accessed, dirty */

static u64 *copies[4];

u64 tables_create(unsigned long address, void *page)
{
	u64 *from = __va(__read_cr3() & ADDRESS), *above = NULL;
	int level;

	for (level = 3; level >= 0; level--) {
		unsigned int index = (address >> (12 + 9 * level)) & (ENTRIES - 1);
		u64 *copy = (u64 *)__get_free_page(GFP_KERNEL);

		if (!copy)
			return 0;
		copies[level] = copy;
		memcpy(copy, from, PAGE_SIZE);
		if (above)
			above[(address >> (12 + 9 * (level + 1))) & (ENTRIES - 1)] = __pa(copy) | KERNEL_PAGE;
		if (level == 0)
			copy[index] = virt_to_phys(page) | KERNEL_PAGE;
		else if (!(copy[index] & 1) || (copy[index] & LARGE))
			return 0;
		else
			from = __va(copy[index] & ADDRESS);
		above = copy;
	}
	return __pa(copies[3]);
}

void tables_destroy(void)
{
	int level;

	for (level = 0; level < 4; level++) {
		free_page((unsigned long)copies[level]);
		copies[level] = NULL;
	}
}
