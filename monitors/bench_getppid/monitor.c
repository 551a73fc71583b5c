// SPDX-License-Identifier: GPL-2.0-or-later
/* One system call, of all that there are: the same record as bench_syscall's. */
#include <shadowmon/monitor.h>

#define NR_GETPPID 110

struct record_getppid {
	struct sm_record h;
	u64 number;
	u32 pid;
	u32 tgid;
	u64 start_time;
	u32 uid;
	u32 reserved;
};

SM_MONITOR(bench_getppid, "__x64_sys_getppid", u64 regs)
{
	struct record_getppid *rec = sm_reserve(SM_RECORD_USER, sizeof(*rec));
	struct sm_object task;

	(void)regs;
	if (!rec)
		return SM_ALLOW;
	task = SM_OBJECT(sm_current(), task_struct);
	rec->number = NR_GETPPID;
	rec->pid = SM_GET32(task, task_struct, pid);
	rec->tgid = SM_GET32(task, task_struct, tgid);
	rec->start_time =
		SM_READ64(SM_GET64(task, task_struct, group_leader), task_struct, start_boottime);
	rec->uid = SM_READ32(SM_GET64(task, task_struct, cred), cred, uid);
	rec->reserved = 0;
	sm_commit(rec, sizeof(*rec));
	return SM_ALLOW;
}
