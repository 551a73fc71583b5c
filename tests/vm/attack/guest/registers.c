// SPDX-License-Identifier: GPL-2.0-or-later
/* IDTR and GDTR elsewhere: an exception in views 1 or 2 would look for its gate there. */

#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/string.h>
#include <asm/desc.h>

#include "attack.h"

/* The copies work as well as the originals, so that the guest goes on if the attack succeeds. */
static enum outcome move_idt(void)
{
	void *copy = (void *)__get_free_page(GFP_KERNEL);
	struct desc_ptr before, moved, after;
	unsigned long flags;

	if (!copy)
		return ATTACK_IMPOSSIBLE;
	local_irq_save(flags);
	store_idt(&before);
	memcpy(copy, (void *)before.address, before.size + 1);
	moved = (struct desc_ptr){ .size = before.size, .address = (unsigned long)copy };
	load_idt(&moved);
	store_idt(&after);
	load_idt(&before);
	local_irq_restore(flags);
	free_page((unsigned long)copy);
	return after.address == before.address ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome move_gdt(void)
{
	void *copy = (void *)__get_free_page(GFP_KERNEL);
	struct desc_ptr before, moved, after;
	unsigned long flags;

	if (!copy)
		return ATTACK_IMPOSSIBLE;
	local_irq_save(flags);
	native_store_gdt(&before);
	memcpy(copy, (void *)before.address, before.size + 1);
	moved = (struct desc_ptr){ .size = before.size, .address = (unsigned long)copy };
	native_load_gdt(&moved);
	native_store_gdt(&after);
	native_load_gdt(&before);
	local_irq_restore(flags);
	free_page((unsigned long)copy);
	return after.address == before.address ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

const struct attack register_attacks[] = {
	{ "idtr", move_idt },
	{ "gdtr", move_gdt },
	{}
};
