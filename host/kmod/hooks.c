// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where we meet KVM, all found by name and hooked by ftrace while a VM is attached.
 *
 *   vmx_vcpu_run                    seen on entry
 *   kvm_arch_vcpu_ioctl_get_regs    seen: the VMM reads a vCPU's registers
 *   kvm_arch_vcpu_ioctl_set_regs    seen: it writes them
 *   vmx_handle_exit                 replaced, as livepatch does it; ours calls the original
 *   vmx_smi_allowed                 replaced
 *   and with write tracking those that protect.c replaces
 */

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "shadowmon.h"

/* Each has the vCPU as first parameter.  The first is met most often. */
static struct {
	const char *name;
	void (*see)(struct kvm_vcpu *vcpu, const void *second);
	unsigned long ip;
} seen[] = {
	{"vmx_vcpu_run", smh_enter},
	{"kvm_arch_vcpu_ioctl_get_regs", smh_vmm_reads},
	{"kvm_arch_vcpu_ioctl_set_regs", smh_vmm_writes},
};

static struct {
	const char *name;
	void *ours;
	unsigned long ip;
} replaced[] = {
	{"vmx_handle_exit", smh_handle_exit},
#if defined(CONFIG_KVM_SMM) || !defined(HAS_CONFIG_KVM_SMM)
	{"vmx_smi_allowed", smh_smi_allowed},
#endif
#ifdef CONFIG_KVM_EXTERNAL_WRITE_TRACKING
	{"kvm_vcpu_write_guest", smh_vcpu_write_guest},
	{"kvm_write_guest", smh_write_guest},
	{"kvm_vcpu_gfn_to_hva", smh_vcpu_gfn_to_hva},
	{"kvm_vcpu_gfn_to_hva_prot", smh_vcpu_gfn_to_hva_prot},
	{"gfn_to_hva_memslot_prot", smh_gfn_to_hva_memslot_prot},
	{"kvm_set_msr_common", smh_set_msr_common},
#endif
};

/* kallsyms_lookup_name() is not exported; a kprobe finds the address and is gone again. */
static int resolve(const char *name, unsigned long *ret_ip)
{
	struct kprobe kp = {.symbol_name = name};
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
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(seen) && !err; i++)
		err = resolve(seen[i].name, &seen[i].ip);
	for (i = 0; i < ARRAY_SIZE(replaced) && !err; i++)
		err = resolve(replaced[i].name, &replaced[i].ip);
	return err;
}

void *smh_original(const void *ours)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(replaced) - 1 && replaced[i].ours != ours; i++)
		;
	return (void *)replaced[i].ip;
}

static void notrace see(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			struct ftrace_regs *fregs)
{
	const struct pt_regs *regs = ftrace_get_regs(fregs);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		if (seen[i].ip == ip) {
			seen[i].see((struct kvm_vcpu *)regs->di, (const void *)regs->si);
			return;
		}
	}
}

static void notrace replace(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			    struct ftrace_regs *fregs)
{
	unsigned int i;

	/* Our own call of an original goes through. */
	if (within_module(parent_ip, THIS_MODULE))
		return;
	for (i = 0; i < ARRAY_SIZE(replaced); i++) {
		if (replaced[i].ip == ip) {
			ftrace_get_regs(fregs)->ip = (unsigned long)replaced[i].ours;
			return;
		}
	}
}

static struct ftrace_ops see_ops = {
	.func = see,
	.flags = FTRACE_OPS_FL_SAVE_REGS,
};

static struct ftrace_ops replace_ops = {
	.func = replace,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

int smh_call_vmx_handle_exit(struct kvm_vcpu *vcpu, unsigned int fastpath)
{
	int ret = ((int (*)(struct kvm_vcpu *, unsigned int))replaced[0].ip)(vcpu, fastpath);

	/* A tail call would hide this module from parent_ip, and the hook would loop. */
	barrier();
	return ret;
}

static void clear_filters(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(replaced); i++)
		ftrace_set_filter_ip(&replace_ops, replaced[i].ip, 1, 0);
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		ftrace_set_filter_ip(&see_ops, seen[i].ip, 1, 0);
}

static int set_filters(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(seen) && !err; i++)
		err = ftrace_set_filter_ip(&see_ops, seen[i].ip, 0, 0);
	for (i = 0; i < ARRAY_SIZE(replaced) && !err; i++)
		err = ftrace_set_filter_ip(&replace_ops, replaced[i].ip, 0, 0);
	return err;
}

int smh_hooks_install(void)
{
	int err = set_filters();

	if (err)
		goto err_filters;
	err = register_ftrace_function(&replace_ops);
	if (err)
		goto err_filters;
	err = register_ftrace_function(&see_ops);
	if (err)
		goto err_replace;
	return 0;

err_replace:
	unregister_ftrace_function(&replace_ops);
err_filters:
	clear_filters();
	pr_err("cannot hook KVM (%d)%s\n", err,
	       err == -EBUSY ? ": a live patch or another module has a function of it" : "");
	return err;
}

void smh_hooks_remove(void)
{
	unregister_ftrace_function(&see_ops);
	unregister_ftrace_function(&replace_ops);
	clear_filters();
}

/*
 * Ours may sleep in KVM's functions: the SRCU reader count tells when the last one is through,
 * Tasks RCU covers the few instructions before and after it.
 */
void smh_hooks_quiesce(void)
{
	synchronize_srcu(&smh_srcu);
	synchronize_rcu_tasks();
}
