// SPDX-License-Identifier: GPL-2.0-or-later
/* #UD, #BP and #DB, wherever they hit during an attack, lead back to it. */

#include <linux/kdebug.h>
#include <linux/notifier.h>
#include <asm/ptrace.h>
#include <asm/trapnr.h>

#include "attack.h"

extern unsigned long recover_sp;
extern char run_refused[];

static void go_on_at(struct pt_regs *regs, unsigned long ip)
{
	regs->ip = ip;
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
	case DIE_TRAP:
		if (args->trapnr != X86_TRAP_UD)
			return NOTIFY_DONE;
		go_on_at(args->regs, (unsigned long)run_refused);
		return NOTIFY_STOP;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block notifier = {
	.notifier_call = on_trap,
	.priority = INT_MAX - 1,
};

int recover_init(void)
{
	return register_die_notifier(&notifier);
}

void recover_exit(void)
{
	unregister_die_notifier(&notifier);
}
