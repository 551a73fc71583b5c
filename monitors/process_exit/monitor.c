// SPDX-License-Identifier: GPL-2.0-or-later
/* Ends of processes.  The last thread of a group calls acct_process(), once, on its way through
 * do_exit(). */
#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

#define SIGNAL_GROUP_EXIT 0x4 /* linux/sched/signal.h: a macro, so BTF does not know it */

/* What wait(2) will tell the parent, which is the group's code if it has one. */
static u32 wait_status(u64 task)
{
	u64 signal = SM_READ64(task, task_struct, signal);

	if (SM_READ32(signal, signal_struct, flags) & SIGNAL_GROUP_EXIT)
		return SM_READ32(signal, signal_struct, group_exit_code);
	return SM_READ32(task, task_struct, exit_code);
}

static __attribute__((__noinline__)) bool is_end_told(void)
{
	const struct sm_policy_object end = {.event = SM_POLICY_EXIT};

	return sm_policy_tells(&end);
}

SM_MONITOR(process_exit, "acct_process")
{
	struct sm_record_exit *rec;
	u64 task;
	u32 status;

	if (sm_policy_has(SM_POLICY_EXIT) && !is_end_told())
		return SM_ALLOW;
	rec = sm_reserve(SM_RECORD_EXIT, sizeof(*rec));
	if (!rec)
		return SM_ALLOW;
	task = sm_current();
	status = wait_status(task);
	sm_task_describe(&rec->task, task);
	rec->code = (status >> 8) & 0xff;
	rec->signal = status & 0x7f;
	rec->core_dumped = (status >> 7) & 1;
	rec->reserved = 0;
	sm_commit(rec, sizeof(*rec));
	return SM_ALLOW;
}
