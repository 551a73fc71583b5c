// SPDX-License-Identifier: GPL-2.0-or-later
/* Every file that is opened: its path, how, and by which process. */
#include <shadowmon/monitor.h>

struct record_open {
	struct sm_record h;
	u32 pid;
	u32 tgid;
	u64 start_time;
	u32 uid;
	u32 flags; /* of open(2) */
	u32 path_len;
	u32 reserved;
};

SM_MONITOR(bench_open, "security_file_open", u64 file)
{
	struct record_open *rec = sm_reserve(SM_RECORD_USER + 1, sizeof(*rec) + SM_PATH_MAX);
	struct sm_object task;
	int len;

	if (!rec)
		return SM_ALLOW;
	task = SM_OBJECT(sm_current(), task_struct);
	rec->pid = SM_GET32(task, task_struct, pid);
	rec->tgid = SM_GET32(task, task_struct, tgid);
	rec->start_time =
		SM_READ64(SM_GET64(task, task_struct, group_leader), task_struct, start_boottime);
	rec->uid = SM_READ32(SM_GET64(task, task_struct, cred), cred, uid);
	rec->flags = SM_READ32(file, file, f_flags);
	rec->reserved = 0;
	len = sm_path((char *)(rec + 1), SM_PATH_MAX, file + SM_OFFSET(file, f_path));
	rec->path_len = len < 0 ? 0 : len < SM_PATH_MAX ? (u32)len : SM_PATH_MAX - 1;
	sm_commit(rec, sizeof(*rec) + rec->path_len);
	return SM_ALLOW;
}
