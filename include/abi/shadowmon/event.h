/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Records of the built-in monitors.  Strings and argument blocks follow the fixed part, back to back,
 * in the order of their length fields, without NULs between them (arguments keep the NUL that ends
 * each one).  The consumer checks every length against the record's.
 */
#ifndef SHADOWMON_ABI_EVENT_H
#define SHADOWMON_ABI_EVENT_H

#include <shadowmon/ring.h>

#define SM_COMM_LEN 16
#define SM_PATH_MAX 1024
#define SM_ARGV_MAX 2048

/* Who: the task in whose context the hook ran. */
struct sm_task {
	u32 pid; /* thread id, in the initial PID namespace */
	u32 tgid;
	u32 ppid; /* tgid of the real parent */
	u32 uid;
	u32 gid;
	u32 euid;
	u32 egid;
	u32 suid;
	u32 sgid;
	u32 fsuid;
	u32 fsgid;
	u32 reserved;
	u64 start_time; /* of the group leader: ns, task_struct.start_boottime */
	u64 parent_start_time;
	char comm[SM_COMM_LEN];
	char parent_comm[SM_COMM_LEN];
};

#define SM_EXEC_ARGV_TRUNCATED  0x1 /* arguments longer than SM_ARGV_MAX */
#define SM_EXEC_ARGV_UNREADABLE 0x2 /* a page of them was not there */
#define SM_EXEC_PATH_TRUNCATED  0x4

struct sm_record_exec {
	struct sm_record h;
	struct sm_task task;
	u32 flags; /* SM_EXEC_* */
	u16 path_len;
	u16 argv_len;
	u32 argc;
	u32 ticks; /* guest TSC from h.tsc until the record was complete: what it cost */
		   /* path, arguments */
};

struct sm_record_exit {
	struct sm_record h;
	struct sm_task task;
	u32 code;   /* as exit(2) was given, 0..255 */
	u32 signal; /* that ended it, or 0 */
	u32 core_dumped;
	u32 reserved;
};

#define SM_MODULE_NAME_LEN 64 /* at most */

struct sm_record_module {
	struct sm_record h;
	struct sm_task task;
	char name[SM_MODULE_NAME_LEN];
};

SM_ASSERT_LAYOUT(sizeof(struct sm_task) == 96);
SM_ASSERT_LAYOUT(sizeof(struct sm_record_exec) == 136);
SM_ASSERT_LAYOUT(sizeof(struct sm_record_exit) == 136);
SM_ASSERT_LAYOUT(sizeof(struct sm_record_exec) + SM_PATH_MAX + SM_ARGV_MAX < SM_RECORD_MAX);

#endif
