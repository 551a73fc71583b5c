// SPDX-License-Identifier: GPL-2.0-or-later
/* Who runs: the guest's tasks. */
#include <shadowmon/monitor.h>

#include <arch.h>

/*
 * Hooks run in the guest's kernel, where the GS base is the per-CPU area.  From 6.2 to 6.14 the
 * current task's address is in a structure there.
 */
u64 sm_current(void)
{
	u64 base = smc_gs_base();

	if (SM_HAS_SYMBOL(pcpu_hot) && SM_HAS(pcpu_hot, current_task))
		return sm_read64(base + SM_SYMBOL(pcpu_hot) + SM_OFFSET(pcpu_hot, current_task));
	if (SM_HAS_SYMBOL(current_task))
		return sm_read64(base + SM_SYMBOL(current_task));
	return 0;
}

static void describe_credentials(struct sm_task *task, u64 cred)
{
	task->uid = SM_READ32(cred, cred, uid);
	task->gid = SM_READ32(cred, cred, gid);
	task->suid = SM_READ32(cred, cred, suid);
	task->sgid = SM_READ32(cred, cred, sgid);
	task->euid = SM_READ32(cred, cred, euid);
	task->egid = SM_READ32(cred, cred, egid);
	task->fsuid = SM_READ32(cred, cred, fsuid);
	task->fsgid = SM_READ32(cred, cred, fsgid);
}

/* Processes are told apart by tgid and start time, which are the group leader's whichever thread
 * runs. */
void sm_task_describe(struct sm_task *task, u64 address)
{
	u64 leader = SM_READ64(address, task_struct, group_leader);
	u64 parent = SM_READ64(address, task_struct, real_parent);

	parent = SM_READ64(parent, task_struct, group_leader);
	task->pid = SM_READ32(address, task_struct, pid);
	task->tgid = SM_READ32(address, task_struct, tgid);
	task->ppid = SM_READ32(parent, task_struct, tgid);
	task->reserved = 0;
	task->start_time = SM_READ64(leader, task_struct, start_boottime);
	task->parent_start_time = SM_READ64(parent, task_struct, start_boottime);
	SM_READ(task->comm, address, task_struct, comm, SM_COMM_LEN);
	SM_READ(task->parent_comm, parent, task_struct, comm, SM_COMM_LEN);
	describe_credentials(task, SM_READ64(address, task_struct, cred));
}
