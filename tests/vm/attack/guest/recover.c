// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * #UD, #BP and #DB, wherever they hit during an attack, lead back to it.
 *
 * The kernel's own #UD handler reads the instruction at fault, and oopses if the host returned the vCPU
 * where nothing is mapped.  So the IDT gets ours, through an alias: its contents nobody protects.  #DF is what
 * an exception ends in if RSP leads nowhere, as after a jump into the midst of some instructions.  #MC comes from
 * outside, and is counted.
 */

#include <linux/io.h>
#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>
#include <asm/ptrace.h>
#include <asm/trapnr.h>

#include "attack.h"

/* run.S */
extern unsigned long recover_sp, run_ud_original, run_df_original;
extern char run_ud[], run_df[], run_mc[];

static gate_desc *idt, original[X86_TRAP_MC + 1];

static unsigned long replace_handler(unsigned int vector, char *handler)
{
	gate_desc gate = idt[vector];
	unsigned long address = (unsigned long)handler;

	original[vector] = gate;
	gate.offset_low = (u16)address;
	gate.offset_middle = (u16)(address >> 16);
	gate.offset_high = (u32)(address >> 32);
	idt[vector] = gate;
	return gate_offset(&original[vector]);
}

static void go_on_at(struct pt_regs *regs, unsigned long ip)
{
	regs->ip = ip;
	regs->cs = __KERNEL_CS;
	regs->sp = recover_sp;
	regs->flags &= ~(X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF);
}

static int on_trap(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;

	if (!recover_sp || user_mode(args->regs))
		return NOTIFY_DONE;
	switch (event) {
	case DIE_DEBUG:
		args->regs->flags |= X86_EFLAGS_RF;
		return NOTIFY_STOP;
	case DIE_INT3:
		go_on_at(args->regs, (unsigned long)run_back);
		return NOTIFY_STOP;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block notifier = {
	.notifier_call = on_trap,
	.priority = INT_MAX - 1,
};

int recover_init(void *idt_table)
{
	struct page *page = pfn_to_page(__pa_symbol(idt_table) >> PAGE_SHIFT);
	int err;

	idt = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!idt)
		return -ENOMEM;
	err = register_die_notifier(&notifier);
	if (err) {
		vunmap(idt);
		return err;
	}
	run_ud_original = replace_handler(X86_TRAP_UD, run_ud);
	run_df_original = replace_handler(X86_TRAP_DF, run_df);
	replace_handler(X86_TRAP_MC, run_mc);
	return 0;
}

void recover_exit(void)
{
	idt[X86_TRAP_UD] = original[X86_TRAP_UD];
	idt[X86_TRAP_DF] = original[X86_TRAP_DF];
	idt[X86_TRAP_MC] = original[X86_TRAP_MC];
	unregister_die_notifier(&notifier);
	vunmap(idt);
}
