// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two places where we meet KVM, both found by name and hooked by ftrace while a VM is attached.
 *
 *   vmx_vcpu_run       seen on entry
 *   vmx_handle_exit    replaced, as livepatch does it; ours calls the original
 */

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "shadowmon.h"

static unsigned long vmx_vcpu_run_ip, vmx_handle_exit_ip;

/* kallsyms_lookup_name() is not exported; a kprobe finds the address and is gone again. */
static int resolve(const char *name, unsigned long *ret_ip)
{
	struct kprobe kp = { .symbol_name = name };
	int err = register_kprobe(&kp);

	if (err) {
		pr_err("kernel function %s cannot be found or traced (%d): is kvm_intel loaded, has the kernel CONFIG_KPROBES?\n",
		       name, err);
		return err;
	}
	*ret_ip = (unsigned long)kp.addr;
	unregister_kprobe(&kp);
	return 0;
}

int smh_hooks_resolve(void)
{
	int err = resolve("vmx_vcpu_run", &vmx_vcpu_run_ip);

	return err ?: resolve("vmx_handle_exit", &vmx_handle_exit_ip);
}

static void notrace before_entry(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	smh_enter((struct kvm_vcpu *)ftrace_get_regs(fregs)->di);
}

static void notrace replace_handle_exit(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
					struct ftrace_regs *fregs)
{
	/* Our own call of the original goes through. */
	if (!within_module(parent_ip, THIS_MODULE))
		ftrace_get_regs(fregs)->ip = (unsigned long)smh_handle_exit;
}

static struct ftrace_ops entry_ops = {
	.func = before_entry,
	.flags = FTRACE_OPS_FL_SAVE_REGS,
};

static struct ftrace_ops exit_ops = {
	.func = replace_handle_exit,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

int smh_call_vmx_handle_exit(struct kvm_vcpu *vcpu, unsigned int fastpath)
{
	int ret = ((int (*)(struct kvm_vcpu *, unsigned int))vmx_handle_exit_ip)(vcpu, fastpath);

	/* A tail call would hide this module from parent_ip, and the hook would loop. */
	barrier();
	return ret;
}

static int install(struct ftrace_ops *ops, unsigned long ip, const char *name)
{
	int err = ftrace_set_filter_ip(ops, ip, 0, 0);

	if (!err)
		err = register_ftrace_function(ops);
	if (err) {
		pr_err("cannot hook %s (%d)%s\n", name, err,
		       err == -EBUSY ? ": a live patch or another module has it" : "");
		ftrace_set_filter_ip(ops, ip, 1, 0);
	}
	return err;
}

static void uninstall(struct ftrace_ops *ops, unsigned long ip)
{
	unregister_ftrace_function(ops);
	ftrace_set_filter_ip(ops, ip, 1, 0);
}

int smh_hooks_install(void)
{
	int err = install(&exit_ops, vmx_handle_exit_ip, "vmx_handle_exit");

	if (err)
		return err;
	err = install(&entry_ops, vmx_vcpu_run_ip, "vmx_vcpu_run");
	if (err)
		uninstall(&exit_ops, vmx_handle_exit_ip);
	return err;
}

void smh_hooks_remove(void)
{
	uninstall(&entry_ops, vmx_vcpu_run_ip);
	uninstall(&exit_ops, vmx_handle_exit_ip);
}

/*
 * smh_handle_exit may sleep in KVM's handler: the SRCU reader count tells when the last one is through,
 * Tasks RCU covers the few instructions before and after it.
 */
void smh_hooks_quiesce(void)
{
	synchronize_srcu(&smh_srcu);
	synchronize_rcu_tasks();
}
