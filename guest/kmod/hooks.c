// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooked functions: ftrace makes their entries call a stub directly. */

#include <linux/ftrace.h>
#include <linux/kdebug.h>
#include <linux/rcupdate.h>
#include <asm/trapnr.h>

#include "gate_offsets.h"
#include "guest.h"

struct hook {
	struct ftrace_ops ops;
	unsigned long function, stub, site;
	bool active;
};

static struct hook hooks[SM_SLOTS];

#ifdef HAS_FTRACE_DIRECT_MULTI
#define direct_register(ops, addr)   register_ftrace_direct_multi(ops, addr)
#define direct_unregister(ops, addr) unregister_ftrace_direct_multi(ops, addr)
#else
#define direct_register(ops, addr)   register_ftrace_direct(ops, addr)
#define direct_unregister(ops, addr) unregister_ftrace_direct(ops, addr, false)
#endif

long smg_hook(const char *function, unsigned int slot, unsigned int nargs)
{
	struct hook *h;
	long err;

	if (slot >= SM_SLOTS || nargs > SM_ARGS_MAX)
		return -EINVAL;
	h = &hooks[slot];
	if (h->active)
		return -EBUSY;
	h->function = smg_lookup(function);
	if (!h->function)
		return -ENOENT;
	h->stub = (unsigned long)smg_stubs + (nargs * SM_SLOTS + slot) * SM_STUB_SIZE;

	err = ftrace_set_filter_ip(&h->ops, h->function, 0, 0);
	if (err)
		return err == -EINVAL ? -EOPNOTSUPP : err; /* no fentry there */
	err = direct_register(&h->ops, h->stub);
	if (err)
		goto err_filter;
	err = smg_freeze(h->function, h->stub);
	if (IS_ERR_VALUE(err))
		goto err_direct;
	h->site = err;
	/* ftrace_enabled = 0 is refused while this is there: unhooking then would leave the call in place. */
	h->ops.flags |= FTRACE_OPS_FL_PERMANENT;
	h->active = true;
	return h->site;

err_direct:
	direct_unregister(&h->ops, h->stub);
err_filter:
	/* Where ftrace failed it leaves these behind, and would refuse the next attempt. */
	h->ops.func = NULL;
	h->ops.trampoline = 0;
	ftrace_set_filter_ip(&h->ops, h->function, 1, 0);
	return err;
}

static struct hook *last_active(void)
{
	unsigned int slot;

	for (slot = SM_SLOTS; slot-- > 0;)
		if (hooks[slot].active)
			return &hooks[slot];
	return NULL;
}

static int unhook(struct hook *h)
{
	int err;

	smg_thaw(h->site);
	err = direct_unregister(&h->ops, h->stub);
	if (err)
		return err;
	ftrace_set_filter_ip(&h->ops, h->function, 1, 0);
	h->active = false;
	return 0;
}

/* Threads that are in its stub find nothing bound to the slot, and go on. */
int smg_unhook(unsigned int slot)
{
	if (slot >= SM_SLOTS || !hooks[slot].active)
		return -ENOENT;
	return unhook(&hooks[slot]);
}

/* On return no thread is in a stub. */
int smg_unhook_all(void)
{
	struct hook *last = last_active();
	unsigned int slot;
	int err, ret = 0;

	for (slot = 0; slot < SM_SLOTS; slot++) {
		struct hook *h = &hooks[slot];

		if (!h->active)
			continue;
		/* ftrace waits for all tasks at each one that might be freed then.  Once is enough. */
		if (h != last)
			h->ops.flags &= ~FTRACE_OPS_FL_DYNAMIC;
		err = unhook(h);
		if (err) {
			pr_err("cannot unhook slot %u (%d)\n", slot, err);
			ret = err;
		}
	}
	synchronize_rcu_tasks();
	return ret;
}

/*
 * Without a host, or after one that is gone without a word, the gate's first VMFUNC raises #UD.  The
 * hooked function then goes on as if nothing were hooked.
 */
static int on_trap(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;

	if (event != DIE_TRAP || args->trapnr != X86_TRAP_UD ||
	    args->regs->ip != (unsigned long)smg_gate + GATE_VMFUNC_ENTER_OFFSET)
		return NOTIFY_DONE;
	args->regs->ip = (unsigned long)smg_gate_absent;
	return NOTIFY_STOP;
}

static struct notifier_block trap_notifier = {
	.notifier_call = on_trap,
	.priority = INT_MAX,
};

int smg_hooks_init(void)
{
	int err = smg_records_init();

	return err ?: register_die_notifier(&trap_notifier);
}

void smg_hooks_exit(void)
{
	smg_unhook_all();
	unregister_die_notifier(&trap_notifier);
}
