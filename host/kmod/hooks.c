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
 *
 * Each exit meets two of them.  Their entries call a trampoline of ours directly, which saves ftrace's own way
 * there, some hundred instructions each; where another has such a call already (a BPF program by fentry), ours
 * is hooked as the others are.
 */

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <asm/ibt.h>

#include "compat.h"
#include "hooks.h"

/* A function of KVM's. */
struct target {
	const char *name;
	void (*trampoline)(void); /* or NULL */
	unsigned long ip;         /* of its call to ftrace */
	struct ftrace_ops ops;    /* of the direct call */
	bool direct;
};

/* trampolines.S */
void smh_enter_trampoline(void);
void smh_handle_exit_trampoline(void);

/* Each has the vCPU as first parameter. */
static struct {
	struct target at;
	void (*see)(struct kvm_vcpu *vcpu, const void *second);
} seen[] = {
	{{"vmx_vcpu_run", smh_enter_trampoline}, smh_enter},
	{{"kvm_arch_vcpu_ioctl_get_regs"}, smh_vmm_reads},
	{{"kvm_arch_vcpu_ioctl_set_regs"}, smh_vmm_writes},
};

static struct {
	struct target at;
	void *ours;
} replaced[] = {
	{{"vmx_handle_exit", smh_handle_exit_trampoline}, smh_handle_exit},
#if defined(CONFIG_KVM_SMM) || !defined(HAS_CONFIG_KVM_SMM)
	{{"vmx_smi_allowed"}, smh_smi_allowed},
#endif
#ifdef CONFIG_KVM_EXTERNAL_WRITE_TRACKING
	{{"kvm_vcpu_write_guest"}, smh_vcpu_write_guest},
	{{"kvm_write_guest"}, smh_write_guest},
	{{"kvm_vcpu_gfn_to_hva"}, smh_vcpu_gfn_to_hva},
	{{"kvm_vcpu_gfn_to_hva_prot"}, smh_vcpu_gfn_to_hva_prot},
	{{"gfn_to_hva_memslot_prot"}, smh_gfn_to_hva_memslot_prot},
	{{"kvm_set_msr_common"}, smh_set_msr_common},
#endif
};

DEFINE_STATIC_CALL_RET0(smh_vmx_handle_exit, smh_handle_exit);

/* kallsyms_lookup_name() is not exported; a kprobe finds the address and is gone again. */
static int resolve(struct target *t)
{
	struct kprobe kp = {.symbol_name = t->name};
	int err = register_kprobe(&kp);

	if (!err) {
		t->ip = (unsigned long)kp.addr;
		err = kprobe_ftrace(&kp) ? 0 : -EOPNOTSUPP;
		unregister_kprobe(&kp);
	}
	if (err)
		pr_err("kernel function %s cannot be found or traced (%d): is kvm_intel loaded, has the kernel CONFIG_KPROBES?\n",
		       t->name, err);
	return err;
}

int smh_hooks_resolve(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(seen) && !err; i++)
		err = resolve(&seen[i].at);
	for (i = 0; i < ARRAY_SIZE(replaced) && !err; i++)
		err = resolve(&replaced[i].at);
	if (!err)
		static_call_update(smh_vmx_handle_exit,
				   (void *)(replaced[0].at.ip + MCOUNT_INSN_SIZE));
	return err;
}

/* The ENDBR before a function's call to ftrace is what an indirect call has to meet. */
static unsigned long start_of(unsigned long ip)
{
	return is_endbr(((u32 *)ip)[-1]) ? ip - sizeof(u32) : ip;
}

void *smh_original(const void *ours)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(replaced) - 1 && replaced[i].ours != ours; i++)
		;
	return (void *)start_of(replaced[i].at.ip);
}

static void notrace see(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			struct ftrace_regs *fregs)
{
	const struct pt_regs *regs = ftrace_get_regs(fregs);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		if (seen[i].at.ip == ip) {
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
		if (replaced[i].at.ip == ip) {
			ftrace_get_regs(fregs)->ip = (unsigned long)replaced[i].ours;
			return;
		}
	}
}

/* Those that are not called directly. */
struct indirect {
	struct ftrace_ops ops;
	unsigned int count; /* with none, ops would stand for every function of the kernel */
};

static struct indirect see_indirectly = {
	.ops.func = see,
	.ops.flags = FTRACE_OPS_FL_SAVE_REGS,
};

static struct indirect replace_indirectly = {
	.ops.func = replace,
	.ops.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

static int hook_directly(struct target *t)
{
	int err = ftrace_set_filter_ip(&t->ops, t->ip, 0, 0);

	if (err)
		return err;
	err = smh_direct_register(&t->ops, (unsigned long)t->trampoline);
	if (!err)
		return 0;
	/* Where ftrace failed it leaves these behind, and would refuse the next attempt. */
	t->ops.func = NULL;
	t->ops.trampoline = 0;
	ftrace_set_filter_ip(&t->ops, t->ip, 1, 0);
	return err;
}

static int hook(struct target *t, struct indirect *others)
{
	int err;

	t->direct = t->trampoline && !hook_directly(t);
	if (t->direct)
		return 0;
	err = ftrace_set_filter_ip(&others->ops, t->ip, 0, 0);
	if (!err)
		others->count++;
	return err;
}

/* Also of one that is not hooked. */
static void unhook(struct target *t, struct indirect *others)
{
	if (t->direct)
		smh_direct_unregister(&t->ops, (unsigned long)t->trampoline);
	ftrace_set_filter_ip(t->direct ? &t->ops : &others->ops, t->ip, 1, 0);
	t->direct = false;
}

static int hook_indirectly(struct indirect *others)
{
	return others->count ? register_ftrace_function(&others->ops) : 0;
}

static void unhook_indirectly(struct indirect *others)
{
	if (others->count)
		unregister_ftrace_function(&others->ops);
	others->count = 0;
}

static void unhook_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(replaced); i++)
		unhook(&replaced[i].at, &replace_indirectly);
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		unhook(&seen[i].at, &see_indirectly);
}

static int hook_all(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(replaced) && !err; i++)
		err = hook(&replaced[i].at, &replace_indirectly);
	for (i = 0; i < ARRAY_SIZE(seen) && !err; i++)
		err = hook(&seen[i].at, &see_indirectly);
	return err;
}

int smh_hooks_install(void)
{
	int err = hook_all();

	if (err)
		goto err_hooks;
	err = hook_indirectly(&replace_indirectly);
	if (err)
		goto err_hooks;
	err = hook_indirectly(&see_indirectly);
	if (err)
		goto err_replace;
	return 0;

err_replace:
	unhook_indirectly(&replace_indirectly);
err_hooks:
	replace_indirectly.count = 0;
	see_indirectly.count = 0;
	unhook_all();
	pr_err("cannot hook KVM (%d)%s\n", err,
	       err == -EBUSY ? ": a live patch or another module has a function of it" : "");
	return err;
}

void smh_hooks_remove(void)
{
	unhook_indirectly(&see_indirectly);
	unhook_indirectly(&replace_indirectly);
	unhook_all();
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
