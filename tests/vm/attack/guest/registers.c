// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers that are pinned from lock on.  IDTR and GDTR elsewhere: an exception in views 1 or 2 would look
 * for its gate there.  The others let the guest's root write read-only text, or take over system calls.
 */

#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/string.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include "attack.h"

/* The copy works as well as the original, so that the guest goes on if the attack succeeds. */
static enum outcome move_table(void (*store)(struct desc_ptr *table),
			       void (*load)(const struct desc_ptr *table))
{
	void *copy = (void *)__get_free_page(GFP_KERNEL);
	struct desc_ptr before, moved, after;
	unsigned long flags;

	if (!copy)
		return ATTACK_IMPOSSIBLE;
	local_irq_save(flags);
	store(&before);
	memcpy(copy, (void *)before.address, before.size + 1);
	moved = (struct desc_ptr){.size = before.size, .address = (unsigned long)copy};
	load(&moved);
	store(&after);
	load(&before);
	local_irq_restore(flags);
	free_page((unsigned long)copy);
	return after.address == before.address ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome move_idt(void)
{
	return move_table(store_idt, native_load_idt);
}

static enum outcome move_gdt(void)
{
	return move_table(native_store_gdt, native_load_gdt);
}

static enum outcome clear_cr0_wp(void)
{
	unsigned long flags, before, after;

	local_irq_save(flags);
	before = native_read_cr0();
	asm volatile("mov %0, %%cr0" : : "r"(before & ~X86_CR0_WP) : "memory");
	after = native_read_cr0();
	asm volatile("mov %0, %%cr0" : : "r"(before) : "memory");
	local_irq_restore(flags);
	return after & X86_CR0_WP ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/* The first of these that the kernel uses. */
static enum outcome clear_cr4_protection(void)
{
	const unsigned long wanted = X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_UMIP;
	unsigned long flags, before, after;

	local_irq_save(flags);
	before = __read_cr4();
	asm volatile("mov %0, %%cr4" : : "r"(before & ~wanted) : "memory");
	after = __read_cr4();
	asm volatile("mov %0, %%cr4" : : "r"(before) : "memory");
	local_irq_restore(flags);
	if (!(before & wanted))
		return ATTACK_IMPOSSIBLE;
	attack_note("had %lx", before & wanted);
	return (after & wanted) == (before & wanted) ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome change_msr(u32 msr, u64 toggle)
{
	unsigned long flags;
	u64 before, after;

	local_irq_save(flags);
	rdmsrl(msr, before);
	wrmsrl(msr, before ^ toggle);
	rdmsrl(msr, after);
	wrmsrl(msr, before);
	local_irq_restore(flags);
	return after == before ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome move_lstar(void)
{
	return change_msr(MSR_LSTAR, 0x10);
}

static enum outcome clear_efer_sce(void)
{
	return change_msr(MSR_EFER, EFER_SCE);
}

/* KVM does not intercept it: what counts is that it does not stay. */
static enum outcome move_sysenter(void)
{
	u64 before, after, start;

	rdmsrl(MSR_IA32_SYSENTER_EIP, before);
	wrmsrl(MSR_IA32_SYSENTER_EIP, before ^ 0x10);
	start = rdtsc();
	do {
		cpu_relax();
		rdmsrl(MSR_IA32_SYSENTER_EIP, after);
	} while (after != before && rdtsc() - start < 50000000);
	wrmsrl(MSR_IA32_SYSENTER_EIP, before);
	return after == before ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

const struct attack register_attacks[] = {
	{"idtr", move_idt},          {"gdtr", move_gdt},
	{"cr0", clear_cr0_wp},       {"cr4", clear_cr4_protection},
	{"efer", clear_efer_sce},    {"lstar", move_lstar},
	{"sysenter", move_sysenter}, {}};
