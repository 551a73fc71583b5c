// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looks for a host, tells it about this kernel, then fetches and executes its commands.  A host can come
 * and go at any time, so this goes on as long as the module is loaded.
 */

#include <linux/io.h>
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "guest.h"

static unsigned int poll_ms = 500;
module_param(poll_ms, uint, 0444);
MODULE_PARM_DESC(poll_ms, "how often to look for a host, in milliseconds (10 to 60000)");

enum agent_state {
	AGENT_SEARCHING,
	AGENT_REGISTERED,
};

static struct {
	enum agent_state state;
	bool waiting_said;
	bool held; /* while locked: unloading would rewrite what is protected, and the kernel would BUG() */
	void *page; /* shared with the host for the length of a call */
} agent;

/* Of high priority: a busy guest shall not keep the host waiting. */
static struct workqueue_struct *agent_queue;
static void step(struct work_struct *work);
static DECLARE_DELAYED_WORK(agent_work, step);

static u64 kernel_pa(unsigned long va)
{
	return va - __START_KERNEL_map + phys_base;
}

static int describe_kernel(struct sm_agent_info *info)
{
	unsigned long btf = smg_lookup("__start_BTF"), btf_end = smg_lookup("__stop_BTF");
	unsigned long top = smg_lookup("init_top_pgt"),
		      *max = (unsigned long *)smg_lookup("max_pfn");
	unsigned long text = smg_lookup("_text"), end = smg_lookup("_end");

	if (!btf || btf_end <= btf) {
		pr_err("this kernel carries no BTF (CONFIG_DEBUG_INFO_BTF)\n");
		return -ENOENT;
	}
	if (!top || !max || !text || end <= text)
		return -ENOENT;
	*info = (struct sm_agent_info){
		.magic = SM_AGENT_MAGIC,
		.revision = SM_ABI_REVISION,
		.size = sizeof(*info),
		.gate_va = (unsigned long)smg_gate,
		.gate_gpa = page_to_phys(vmalloc_to_page(smg_gate)),
		.page_offset = PAGE_OFFSET,
		.direct_map_size =
			min_t(u64, round_up((u64)*max << PAGE_SHIFT, SZ_1G), SM_RAM_LIMIT),
		.kernel_va = text,
		.kernel_pa = kernel_pa(text),
		.kernel_size = PAGE_ALIGN(end - text),
		.data_va = (unsigned long)&jiffies,
		.btf_gpa = kernel_pa(btf),
		.btf_size = btf_end - btf,
		.kernel_cr3 = kernel_pa(top),
		.stubs_va = (unsigned long)smg_stubs,
		.stubs_size = smg_stubs_end - smg_stubs,
	};
	strscpy(info->release, utsname()->release, sizeof(info->release));
	return 0;
}

static void search(void)
{
	long ret = smg_vmcall(SM_HC_HELLO, SM_ABI_REVISION, 0);

	if (ret != SM_HELLO_MAGIC) {
		if (!agent.waiting_said)
			pr_info("no ShadowMonitor host is attached to this VM%s; waiting\n",
				ret == -EPROTO ? " that speaks this module's revision" : "");
		agent.waiting_said = true;
		return;
	}
	if (describe_kernel(agent.page))
		return;
	ret = smg_vmcall(SM_HC_REGISTER, virt_to_phys(agent.page), 0);
	if (ret) {
		pr_err("the host refuses this guest (%ld)%s\n", ret,
		       ret == -EILSEQ ? ": its gate is another one; use modules of one build" : "");
		return;
	}
	pr_info("registered with the host\n");
	agent.state = AGENT_REGISTERED;
}

static void hold(bool on)
{
	if (on && !agent.held)
		__module_get(THIS_MODULE);
	else if (!on && agent.held)
		module_put(THIS_MODULE);
	agent.held = on;
}

static long unhook(void)
{
	hold(false);
	return smg_unhook_all();
}

static long execute(struct sm_agent_command *command)
{
	long err;

	command->name[sizeof(command->name) - 1] = '\0';
	switch (command->op) {
	case SM_OP_LOOKUP:
		return smg_lookup(command->name) ?: -ENOENT;
	case SM_OP_HOOK:
		err = smg_hook(command->name, command->slot, command->nargs);
		if (IS_ERR_VALUE(err))
			pr_err("cannot hook %s (%ld)\n", command->name, err);
		return err;
	case SM_OP_UNHOOK:
		err = smg_unhook(command->slot);
		if (err)
			pr_err("cannot unhook slot %u (%ld)\n", command->slot, err);
		return err;
	case SM_OP_UNHOOK_ALL:
		return unhook();
	case SM_OP_LOCKED:
		hold(true);
		pr_info("locked: monitored from now on\n");
		return 0;
	case SM_OP_BENCH:
		return smg_bench(command->nargs, command->slot);
	default:
		return -EOPNOTSUPP;
	}
}

/* One command, if there is one; returns how many milliseconds to wait. */
static unsigned int poll(void)
{
	struct sm_agent_command *command = agent.page;
	long op = smg_vmcall(SM_HC_POLL, virt_to_phys(command), 0);

	if (op < 0) {
		pr_info("the host has detached\n");
		unhook();
		agent.state = AGENT_SEARCHING;
		agent.waiting_said = false;
		return poll_ms;
	}
	if (op == SM_OP_IDLE)
		return clamp(command->wait_ms, 1u, 1000u);
	smg_vmcall(SM_HC_ANSWER, command->id, execute(command));
	return 0;
}

static void step(struct work_struct *work)
{
	unsigned int wait_ms = poll_ms;

	if (agent.state == AGENT_SEARCHING)
		search();
	if (agent.state == AGENT_REGISTERED)
		wait_ms = poll();
	queue_delayed_work(agent_queue, &agent_work, msecs_to_jiffies(wait_ms));
}

int smg_agent_start(void)
{
	if (!kvm_para_available()) {
		pr_err("this machine is no KVM guest: there can be no ShadowMonitor host\n");
		return -ENODEV;
	}
	if (pgtable_l5_enabled()) {
		pr_err("five-level paging is on: boot this guest with no5lvl\n");
		return -EOPNOTSUPP;
	}
	poll_ms = clamp(poll_ms, 10u, 60000u);
	agent.page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!agent.page)
		return -ENOMEM;
	agent_queue = alloc_workqueue("shadowmon", WQ_UNBOUND | WQ_HIGHPRI, 1);
	if (!agent_queue) {
		free_page((unsigned long)agent.page);
		return -ENOMEM;
	}
	queue_delayed_work(agent_queue, &agent_work, 0);
	return 0;
}

void smg_agent_stop(void)
{
	cancel_delayed_work_sync(&agent_work);
	destroy_workqueue(agent_queue);
	free_page((unsigned long)agent.page);
}
