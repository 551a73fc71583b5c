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

static void describe_credentials(struct sm_task *task, u64 address)
{
	struct sm_object cred = SM_OBJECT(address, cred);

	task->uid = SM_GET32(cred, cred, uid);
	task->gid = SM_GET32(cred, cred, gid);
	task->suid = SM_GET32(cred, cred, suid);
	task->sgid = SM_GET32(cred, cred, sgid);
	task->euid = SM_GET32(cred, cred, euid);
	task->egid = SM_GET32(cred, cred, egid);
	task->fsuid = SM_GET32(cred, cred, fsuid);
	task->fsgid = SM_GET32(cred, cred, fsgid);
}

static inline void read_comm(char comm[SM_COMM_LEN], struct sm_object task)
{
	u64 words[] = {sm_get64(task, SM_OFFSET(task_struct, comm)),
		       sm_get64(task, SM_OFFSET(task_struct, comm) + 8)};

	SM_ASSERT_LAYOUT(sizeof(words) == SM_COMM_LEN);
	__builtin_memcpy(comm, &words[0], 8);
	__builtin_memcpy(comm + 8, &words[1], 8);
}

/* Processes are told apart by tgid and start time, which are the group leader's whichever thread
 * runs. */
void sm_task_describe(struct sm_task *task, u64 address)
{
	struct sm_object thread = SM_OBJECT(address, task_struct), parent;
	u64 leader = SM_GET64(thread, task_struct, group_leader);
	u64 of_parent = SM_GET64(thread, task_struct, real_parent);

	of_parent = SM_READ64(of_parent, task_struct, group_leader);
	parent = SM_OBJECT(of_parent, task_struct);
	task->pid = SM_GET32(thread, task_struct, pid);
	task->tgid = SM_GET32(thread, task_struct, tgid);
	task->ppid = SM_GET32(parent, task_struct, tgid);
	task->reserved = 0;
	task->start_time = SM_READ64(leader, task_struct, start_boottime);
	task->parent_start_time = SM_GET64(parent, task_struct, start_boottime);
	read_comm(task->comm, thread);
	read_comm(task->parent_comm, parent);
	describe_credentials(task, SM_GET64(thread, task_struct, cred));
}
