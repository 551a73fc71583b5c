// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A TLB full of the attacker's mappings for what views 1 and 2 show: gate, list, entry, state and stack.  They are
 * global or kept by their PCID, and MOV CR3 is told not to flush.  If one of them were used in view 1 or 2, something
 * would be written to the attacker's pages.  The attacker's code is global in either case, or he would not get to
 * the gate where the CPU flushes all the same.
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/special_insns.h>

#include "attack.h"
#include "gate_offsets.h"

#define NO_FLUSH  BIT_ULL(63)
#define PCID_MASK 0xfff
#define TRIES     5

/* Distances from G of the pages; the first is code. */
static const s64 places[] = {
	SM_VA_ENTRY & PAGE_MASK, SM_VA_LIST, SM_VA_CPU + SM_CPU_STATE, SM_VA_STACK_TOP - PAGE_SIZE,
	SM_VA_CPU + SM_CPU_RING,
};

struct stale {
	struct attack_page page;
	u8 *pages[ARRAY_SIZE(places)];
	u64 own_cr3, kernel_cr3;
};

static void stale_destroy(struct stale *stale)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		free_page((unsigned long)stale->pages[i]);
	page_destroy(&stale->page);
}

static u64 place(unsigned int i)
{
	return (u64)gate + places[i];
}

typedef int (*map_t)(struct tables *t, unsigned long va, u64 pa);

static int stale_create(struct stale *stale, map_t map)
{
	unsigned int i;

	*stale = (struct stale){};
	if (page_create(&stale->page))
		return -ENOMEM;
	page_aim(&stale->page, GATE_ARM_OFFSET, true);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		stale->pages[i] = (u8 *)__get_free_page(GFP_KERNEL);
		if (!stale->pages[i] ||
		    map(&stale->page.tables, place(i), virt_to_phys(stale->pages[i]))) {
			stale_destroy(stale);
			return -ENOMEM;
		}
		memset(stale->pages[i], 0xcc, PAGE_SIZE);
	}
	/* notl 0(%rip) at the entry */
	memcpy(stale->pages[0] + SM_IMAGE_ENTRY, "\xf7\x15\0\0\0", 6);
	stale->kernel_cr3 = __read_cr3();
	stale->own_cr3 = tables_cr3(&stale->page.tables) | (stale->kernel_cr3 & PCID_MASK);
	return 0;
}

/* Reads each page, so that its mapping is in the TLB; on the attacker's tables. */
static void warm(const struct stale *stale)
{
	unsigned int i;

	native_write_cr3(stale->own_cr3);
	for (i = 0; i < ARRAY_SIZE(places); i++)
		READ_ONCE(*(u8 *)place(i));
}

static bool is_untouched(const struct stale *stale)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		for (j = i ? 0 : SM_IMAGE_ENTRY + 6; j < PAGE_SIZE; j++)
			if (stale->pages[i][j] != 0xcc)
				return false;
	return true;
}

static void flush_global(void)
{
	unsigned long cr4 = __read_cr4();

	asm volatile("mov %0, %%cr4" : : "r"(cr4 ^ X86_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

/* The tables that are current when the gate is entered know nothing of these pages. */
static enum outcome enter_with_stale(map_t map)
{
	struct jump jump = {};
	struct stale stale;
	enum landing landing;
	unsigned long flags;
	bool untouched;

	if (!(__read_cr4() & X86_CR4_PCIDE) || stale_create(&stale, map))
		return ATTACK_IMPOSSIBLE;
	jump.cr3 = stale.own_cr3 | NO_FLUSH;
	jump.late_cr3 = stale.kernel_cr3 | NO_FLUSH;
	jump.rip = (u64)gate + GATE_ARM_OFFSET - 7;
	jump.warm = (u64)gate + page_warm(GATE_ARM_OFFSET);
	local_irq_save(flags);
	warm(&stale);
	landing = run_jump(&jump);
	native_write_cr3(stale.kernel_cr3);
	flush_global();
	local_irq_restore(flags);
	untouched = is_untouched(&stale);
	stale_destroy(&stale);
	attack_note("came back: %d, its pages are as they were: %d", landing == LANDED_BACK,
		    untouched);
	return landing == LANDED_BACK && untouched ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/* In view 0 the stale mappings are used. */
static enum outcome use_stale(map_t map)
{
	struct stale stale;
	unsigned long flags;
	u8 byte = 0;
	long err;

	if (!(__read_cr4() & X86_CR4_PCIDE) || stale_create(&stale, map))
		return ATTACK_IMPOSSIBLE;
	local_irq_save(flags);
	warm(&stale);
	native_write_cr3(stale.kernel_cr3 | NO_FLUSH);
	err = copy_from_kernel_nofault(&byte, (void *)place(1), 1);
	native_write_cr3(stale.kernel_cr3);
	flush_global();
	local_irq_restore(flags);
	stale_destroy(&stale);
	if (err)
		attack_note("this CPU flushes all the same");
	return !err && byte == 0xcc ? ATTACK_SUCCEEDED : ATTACK_IMPOSSIBLE;
}

static enum outcome enter_with_global(void)
{
	return enter_with_stale(tables_map);
}

/* An exit meanwhile empties an emulated TLB. */
static enum outcome use_global(void)
{
	enum outcome outcome;
	unsigned int tries = 0;

	do
		outcome = use_stale(tables_map);
	while (outcome != ATTACK_SUCCEEDED && ++tries < TRIES);
	return outcome;
}

static enum outcome enter_with_pcid(void)
{
	return enter_with_stale(tables_map_local);
}

static enum outcome use_pcid(void)
{
	return use_stale(tables_map_local);
}

const struct attack tlb_attacks[] = {{"tlb-global", enter_with_global},
				     {"tlb-global.control", use_global},
				     {"tlb-pcid", enter_with_pcid},
				     {"tlb-pcid.control", use_pcid},
				     {}};
