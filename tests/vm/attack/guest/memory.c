// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads, writes and executes every page of the private region.  (The window's addresses mean nothing in
 * view 0: what KVM answers there is what it answers at any address without a device.)
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <asm/special_insns.h>

#include "attack.h"

static const struct {
	u64 gpa, pages;
} regions[] = {
	{SM_GATE_GPA, 1},
	{SM_TABLES_GPA, SM_TABLES_MAX},
	{SM_IMAGE_GPA, 64},
	{SM_CPU_GPA, SM_CPU_RING / SM_PAGE_SIZE + 2 + 64},
};

enum access {
	ACCESS_READ,
	ACCESS_WRITE,
	ACCESS_EXECUTE,
};

/* Through an executable, writable mapping of the attacker's, at an address that nothing else uses. */
static enum landing try(enum access access, u64 gpa)
{
	unsigned long address = (unsigned long)gate + SM_VA_LIST + SM_PAGE_SIZE;
	struct jump jump = {.rip = address};
	struct tables tables;
	enum landing landing = LANDED_THROUGH;
	u64 old = __read_cr3();

	if (tables_create(&tables) || tables_map(&tables, address, gpa)) {
		tables_destroy(&tables);
		return LANDED_THROUGH;
	}
	preempt_disable();
	native_write_cr3(tables_cr3(&tables));
	if (access == ACCESS_READ)
		landing = run_read((void *)address);
	else if (access == ACCESS_WRITE)
		landing = run_write((void *)address, ~0ULL);
	else
		landing = run_jump(&jump);
	native_write_cr3(old);
	preempt_enable();
	tables_destroy(&tables);
	return landing;
}

/* The same to a page of the attacker's own, full of int3. */
static enum outcome control(enum access access)
{
	struct page *page = alloc_page(GFP_KERNEL);
	enum landing landing;

	if (!page)
		return ATTACK_IMPOSSIBLE;
	memset(page_address(page), 0xcc, PAGE_SIZE);
	landing = try(access, page_to_phys(page));
	__free_page(page);
	return landing == (access == ACCESS_EXECUTE ? LANDED_BACK : LANDED_THROUGH)
		       ? ATTACK_SUCCEEDED
		       : ATTACK_IMPOSSIBLE;
}

static enum outcome try_all(enum access access)
{
	unsigned int region, tried = 0, refused = 0;
	u64 i;

	for (region = 0; region < ARRAY_SIZE(regions); region++) {
		for (i = 0; i < regions[region].pages; i++) {
			tried++;
			refused += try(access, regions[region].gpa + i * SM_PAGE_SIZE) == LANDED_UD;
		}
	}
	attack_note("%u of %u pages refused", refused, tried);
	return refused == tried ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome read_region(void)
{
	return try_all(ACCESS_READ);
}

static enum outcome write_region(void)
{
	return try_all(ACCESS_WRITE);
}

static enum outcome execute_region(void)
{
	return try_all(ACCESS_EXECUTE);
}

static enum outcome read_own(void)
{
	return control(ACCESS_READ);
}

static enum outcome write_own(void)
{
	return control(ACCESS_WRITE);
}

static enum outcome execute_own(void)
{
	return control(ACCESS_EXECUTE);
}

const struct attack memory_attacks[] = {{"memory-read", read_region},
					{"memory-write", write_region},
					{"memory-execute", execute_region},
					{"memory-read.control", read_own},
					{"memory-write.control", write_own},
					{"memory-execute.control", execute_own},
					{}};
