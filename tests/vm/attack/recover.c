// SPDX-License-Identifier: GPL-2.0-or-later
/* #UD and #DB, wherever they hit during an attack, lead back to it. */

#include <linux/kdebug.h>
#include <linux/notifier.h>
#include <asm/trapnr.h>

#include "attack.h"

extern unsigned long recover_ip, recover_sp;

static int on_trap(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;

	if (!recover_ip)
		return NOTIFY_DONE;
	if (event == DIE_DEBUG) {
		args->regs->flags &= ~X86_EFLAGS_TF;
		return NOTIFY_STOP;
	}
	if (event != DIE_TRAP || args->trapnr != X86_TRAP_UD)
		return NOTIFY_DONE;
	args->regs->ip = recover_ip;
	args->regs->sp = recover_sp;
	args->regs->flags &= ~(X86_EFLAGS_TF | X86_EFLAGS_IF);
	return NOTIFY_STOP;
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
