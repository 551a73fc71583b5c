// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shadowmon_unhook.ko: while it is loaded, a hook is not what the guest module made it, by ftrace's own means.
 *   how=unregister  taken out by the call that the guest module itself would use
 *   how=unmark      the same, but first the mark goes by which ftrace leaves the function alone
 *   how=share       a livepatch of the function is allowed
 */

#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "call_site.h"

static char *how = "unregister";
module_param(how, charp, 0444);

static char *function = "security_bprm_committed_creds";
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "a hooked function");

/* Before 6.4 without the last argument, by another name. */
typedef int (*direct_t)(struct ftrace_ops *ops, unsigned long stub, bool free_filters);

static struct {
	struct ftrace_ops *ops;
	unsigned long stub;
	ftrace_ops_func_t shares;
} hook;

static struct ftrace_ops *find_ops(unsigned long site)
{
	struct ftrace_ops **list = (void *)lookup("ftrace_ops_list");
	int (*test)(struct ftrace_ops * ops, unsigned long ip, void *regs) =
		(void *)lookup("ftrace_ops_test");
	struct ftrace_ops *end = (void *)lookup("ftrace_list_end"), *ops;

	for (ops = *list; ops != end; ops = rcu_dereference_protected(ops->next, 1))
		if ((ops->flags & FTRACE_OPS_FL_DIRECT) && test(ops, site, ops))
			return ops;
	return NULL;
}

static void unmark(unsigned long site)
{
	struct ftrace_rec_iter *(*start)(void) = (void *)lookup("ftrace_rec_iter_start");
	struct ftrace_rec_iter *(*next)(struct ftrace_rec_iter * iter) =
		(void *)lookup("ftrace_rec_iter_next");
	struct dyn_ftrace *(*record)(struct ftrace_rec_iter * iter) =
		(void *)lookup("ftrace_rec_iter_record");
	struct ftrace_rec_iter *iter;

	for (iter = start(); iter; iter = next(iter)) {
		struct dyn_ftrace *rec = record(iter);

		if (rec->ip != site)
			continue;
		rec->flags = (rec->flags & ~FTRACE_FL_DISABLED) | FTRACE_FL_ENABLED;
		break;
	}
}

static int always(struct ftrace_ops *ops, enum ftrace_ops_cmd cmd)
{
	return 0;
}

static direct_t direct(const char *multi, const char *single)
{
	return (direct_t)(lookup(multi) ?: lookup(single));
}

static int __init unhook_init(void)
{
	struct mutex *lock;
	u8 *site;
	int err = find_lookup();

	if (err)
		return err;
	site = call_site(function);
	lock = (void *)lookup("ftrace_lock");
	if (!site || *site != CALL_INSN_OPCODE)
		return -ENOENT;
	hook.stub = (unsigned long)site + CALL_SIZE + *(s32 *)(site + 1);

	mutex_lock(lock);
	hook.ops = find_ops((unsigned long)site);
	if (hook.ops && !strcmp(how, "unmark"))
		unmark((unsigned long)site);
	mutex_unlock(lock);
	if (!hook.ops)
		return -ESRCH;
	if (!strcmp(how, "share")) {
		hook.shares = hook.ops->ops_func;
		hook.ops->ops_func = always;
		return 0;
	}
	return direct("unregister_ftrace_direct_multi",
		      "unregister_ftrace_direct")(hook.ops, hook.stub, false);
}

static void __exit unhook_exit(void)
{
	if (!strcmp(how, "share"))
		hook.ops->ops_func = hook.shares;
	else if (direct("register_ftrace_direct_multi", "register_ftrace_direct")(hook.ops,
										  hook.stub, false))
		pr_err("attack: the hook cannot be put back\n");
}

module_init(unhook_init);
module_exit(unhook_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Takes one of ShadowMonitor's hooks out by ftrace's own means");
