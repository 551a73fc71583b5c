// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ends of processes.  acct_process() runs once a thread group, in the context of its last thread, after
 * exit_code is set.
 */
#include <shadowmon/monitor.h>

SM_MONITOR(process_exit, "acct_process", 0, void)
{
	struct sm_record_exit *rec = sm_reserve(SM_RECORD_EXIT, sizeof(*rec));
	u64 task;
	u32 code;

	if (!rec)
		return SM_ALLOW;
	task = sm_current();
	sm_task_describe(&rec->task, task);
	/* wait(2)'s encoding */
	code = SM_READ32(task, task_struct, exit_code);
	rec->code = (code >> 8) & 0xff;
	rec->signal = code & 0x7f;
	rec->core_dumped = (code >> 7) & 1;
	rec->reserved = 0;
	sm_commit(rec, sizeof(*rec));
	return SM_ALLOW;
}
