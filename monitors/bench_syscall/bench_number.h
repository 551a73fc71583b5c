/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest record that is of use: a number, such as a system call's, and which process. */
#ifndef SHADOWMON_BENCH_NUMBER_H
#define SHADOWMON_BENCH_NUMBER_H

#include <shadowmon/monitor.h>

struct bench_number {
	struct sm_record h;
	u64 number;
	u32 pid;
	u32 tgid;
	u64 start_time;
	u32 uid;
	u32 reserved;
};

static inline __attribute__((always_inline)) int bench_number(u64 number)
{
	struct bench_number *rec = sm_reserve(SM_RECORD_USER, sizeof(*rec));
	struct sm_object task;

	if (!rec)
		return SM_ALLOW;
	task = SM_OBJECT(sm_current(), task_struct);
	rec->number = number;
	rec->pid = SM_GET32(task, task_struct, pid);
	rec->tgid = SM_GET32(task, task_struct, tgid);
	rec->start_time =
		SM_READ64(SM_GET64(task, task_struct, group_leader), task_struct, start_boottime);
	rec->uid = SM_READ32(SM_GET64(task, task_struct, cred), cred, uid);
	rec->reserved = 0;
	sm_commit(rec, sizeof(*rec));
	return SM_ALLOW;
}

#endif
