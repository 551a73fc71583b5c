// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After lock the host drops writes to the call sites of hooked functions.  The kernel's own text patching
 * reads back what it wrote and answers a difference with BUG(): whoever traces all functions, or switches
 * ftrace off, would bring the guest down.  So the records of hooked functions are marked as ftrace marks
 * those that it must not touch.  Filters do not find them; a kprobe at the entry registers and does not hit.
 */

#include <linux/ftrace.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <asm/text-patching.h>

#include "guest.h"

#define FENTRY_DISTANCE 16 /* from a function's first byte, at most */

static struct {
	struct mutex *lock;
	struct ftrace_rec_iter *(*start)(void);
	struct ftrace_rec_iter *(*next)(struct ftrace_rec_iter *iter);
	struct dyn_ftrace *(*record)(struct ftrace_rec_iter *iter);
	struct ftrace_ops __rcu **list;
	struct ftrace_ops *list_end;
	int (*test)(struct ftrace_ops *ops, unsigned long ip, void *regs);
} core;

int smg_records_init(void)
{
	core.lock = (void *)smg_lookup("ftrace_lock");
	core.start = (void *)smg_lookup("ftrace_rec_iter_start");
	core.next = (void *)smg_lookup("ftrace_rec_iter_next");
	core.record = (void *)smg_lookup("ftrace_rec_iter_record");
	core.list = (void *)smg_lookup("ftrace_ops_list");
	core.list_end = (void *)smg_lookup("ftrace_list_end");
	core.test = (void *)smg_lookup("ftrace_ops_test");
	if (core.lock && core.start && core.next && core.record && core.list && core.list_end &&
	    core.test)
		return 0;
	pr_err("this kernel has no dynamic ftrace, or not in the form that is known\n");
	return -EOPNOTSUPP;
}

/* core.lock held. */
static struct dyn_ftrace *find(unsigned long from, unsigned long distance)
{
	struct ftrace_rec_iter *iter;

	for (iter = core.start(); iter; iter = core.next(iter)) {
		struct dyn_ftrace *rec = core.record(iter);

		if (rec->ip - from < distance)
			return rec;
	}
	return NULL;
}

static bool calls(unsigned long site, unsigned long stub)
{
	u8 call[SM_CALL_SITE_SIZE] = {CALL_INSN_OPCODE};
	s32 distance = stub - (site + SM_CALL_SITE_SIZE);

	memcpy(call + 1, &distance, sizeof(distance));
	return !memcmp((void *)site, call, sizeof(call));
}

long smg_freeze(unsigned long function, unsigned long stub)
{
	struct dyn_ftrace *rec;
	long ret = -EBUSY;

	mutex_lock(core.lock);
	rec = find(function, FENTRY_DISTANCE);
	if (rec && ftrace_rec_count(rec) == 1 && (rec->flags & FTRACE_FL_ENABLED) &&
	    calls(rec->ip, stub)) {
		rec->flags = (rec->flags & ~FTRACE_FL_ENABLED) | FTRACE_FL_DISABLED;
		ret = rec->ip;
	}
	mutex_unlock(core.lock);
	return ret;
}

/* Those who came meanwhile were not counted: ftrace would miscount when they go. */
static void count_others(struct dyn_ftrace *rec)
{
	struct ftrace_ops *ops;

	/* Under ftrace's own lock. */
	for (ops = rcu_dereference_protected(*core.list, 1); ops != core.list_end;
	     ops = rcu_dereference_protected(ops->next, 1)) {
		if (!(ops->flags & FTRACE_OPS_FL_ENABLED) || (ops->flags & FTRACE_OPS_FL_DIRECT))
			continue;
		if (!core.test(ops, rec->ip, rec)) /* any non-NULL */
			continue;
		rec->flags++;
		rec->flags &= ~FTRACE_FL_TRAMP;
		if (ops->flags & FTRACE_OPS_FL_SAVE_REGS)
			rec->flags |= FTRACE_FL_REGS;
	}
}

void smg_thaw(unsigned long site)
{
	struct dyn_ftrace *rec;

	mutex_lock(core.lock);
	rec = find(site, 1);
	if (rec && (rec->flags & FTRACE_FL_DISABLED)) {
		rec->flags = (rec->flags & ~FTRACE_FL_DISABLED) | FTRACE_FL_ENABLED;
		count_others(rec);
	}
	mutex_unlock(core.lock);
}
