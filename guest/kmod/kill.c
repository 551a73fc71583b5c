// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict that ends a task: SIGKILL from the kernel, which dies on its way back to user mode. */

#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "guest.h"

/*
 * A thread of the kernel's does not die of a signal, and this kernel not without its init; an interrupt is
 * nobody's.  For these the refusal is all.
 */
void smg_kill(void)
{
	if (in_task() && !(current->flags & PF_KTHREAD) && !is_global_init(current))
		send_sig(SIGKILL, current, 1);
}
