// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What monitors/ping, process_exec, bench_open and bench_syscall do, as an eBPF program in the guest's kernel:
 * BTF and CO-RE, records into a ring buffer, whose consumer looks at it now and then: to wake it for each record
 * costs ten times what all the rest does.  BENCH_KPROBE: hung on kprobes; else by trampoline (fentry).
 */
#include <asm/ptrace.h>
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_LEN 16
#define PATH_MAX 1024
#define ARGV_MAX 2048
#define ARGS_MAX 20

typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;

/* The members that are read, of the guest's kernel: CO-RE finds where they are. */
#define KERNEL __attribute__((preserve_access_index))
struct kuid {
	u32 val;
} KERNEL;
struct cred {
	struct kuid uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
} KERNEL;
struct task_struct {
	int pid, tgid;
	struct task_struct *group_leader, *real_parent;
	const struct cred *cred;
	u64 start_boottime;
	char comm[COMM_LEN];
} KERNEL;
struct path {
	void *mnt;
} KERNEL;
struct file {
	struct path f_path;
	unsigned int f_flags;
} KERNEL;
struct linux_binprm {
	unsigned long p;
	int argc;
	const char *filename;
} KERNEL;

struct task {
	u32 pid, tgid, ppid, uid, gid, euid, egid, suid, sgid, fsuid, fsgid, reserved;
	u64 start_time, parent_start_time;
	char comm[COMM_LEN], parent_comm[COMM_LEN];
};

struct exec {
	u64 time;
	struct task task;
	u32 argc, path_len, argv_len, reserved;
	char path[PATH_MAX];
	char argv[ARGV_MAX];
};

struct open {
	u64 time;
	u32 pid, tgid;
	u64 start_time;
	u32 uid, flags, path_len, reserved;
	char path[PATH_MAX];
};

struct number {
	u64 time;
	u64 number;
	u32 pid, tgid;
	u64 start_time;
	u32 uid, reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} ring SEC(".maps");

u64 lost;

static __always_inline void *reserve(u64 size)
{
	void *record = bpf_ringbuf_reserve(&ring, size, 0);

	if (!record)
		__sync_fetch_and_add(&lost, 1);
	return record;
}

static __always_inline void describe(struct task *to, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct task_struct *parent = BPF_CORE_READ(task, real_parent, group_leader);

	to->pid = BPF_CORE_READ(task, pid);
	to->tgid = BPF_CORE_READ(task, tgid);
	to->ppid = BPF_CORE_READ(parent, tgid);
	to->uid = BPF_CORE_READ(cred, uid.val);
	to->gid = BPF_CORE_READ(cred, gid.val);
	to->euid = BPF_CORE_READ(cred, euid.val);
	to->egid = BPF_CORE_READ(cred, egid.val);
	to->suid = BPF_CORE_READ(cred, suid.val);
	to->sgid = BPF_CORE_READ(cred, sgid.val);
	to->fsuid = BPF_CORE_READ(cred, fsuid.val);
	to->fsgid = BPF_CORE_READ(cred, fsgid.val);
	to->reserved = 0;
	to->start_time = BPF_CORE_READ(task, group_leader, start_boottime);
	to->parent_start_time = BPF_CORE_READ(parent, start_boottime);
	BPF_CORE_READ_INTO(&to->comm, task, comm);
	BPF_CORE_READ_INTO(&to->parent_comm, parent, comm);
}

static __always_inline u32 read_arguments(char *argv, u64 from, u32 argc)
{
	u32 len = 0, i;

	for (i = 0; i < ARGS_MAX && i < argc && len < ARGV_MAX / 2; i++) {
		long n = bpf_probe_read_user_str(argv + (len & (ARGV_MAX / 2 - 1)), ARGV_MAX / 2,
						 (void *)(from + len));

		if (n <= 0)
			break;
		len += n;
	}
	return len;
}

static __always_inline int on_exec(struct linux_binprm *bprm)
{
	struct exec *rec = reserve(sizeof(*rec));
	long n;

	if (!rec)
		return 0;
	rec->time = bpf_ktime_get_boot_ns();
	describe(&rec->task, (void *)bpf_get_current_task());
	rec->argc = BPF_CORE_READ(bprm, argc);
	n = bpf_probe_read_kernel_str(rec->path, PATH_MAX, BPF_CORE_READ(bprm, filename));
	rec->path_len = n < 0 ? 0 : n;
	rec->argv_len = read_arguments(rec->argv, BPF_CORE_READ(bprm, p), rec->argc);
	rec->reserved = 0;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline int on_syscall(u64 number)
{
	struct number *rec = reserve(sizeof(*rec));
	struct task_struct *task = (void *)bpf_get_current_task();

	if (!rec)
		return 0;
	rec->time = bpf_ktime_get_boot_ns();
	rec->number = number;
	rec->pid = BPF_CORE_READ(task, pid);
	rec->tgid = BPF_CORE_READ(task, tgid);
	rec->start_time = BPF_CORE_READ(task, group_leader, start_boottime);
	rec->uid = BPF_CORE_READ(task, cred, uid.val);
	rec->reserved = 0;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	return 0;
}

#ifdef BENCH_KPROBE
#define HOOK(function) SEC("kprobe/" function)

HOOK("shadowmon_ping") int ping(struct pt_regs *regs)
{
	return 0;
}

HOOK("security_bprm_committed_creds") int nothing(struct pt_regs *regs)
{
	return 0;
}

HOOK("security_bprm_committed_creds") int exec(struct pt_regs *regs)
{
	return on_exec((void *)PT_REGS_PARM1(regs));
}

HOOK("x64_sys_call") int syscall(struct pt_regs *regs)
{
	return on_syscall(PT_REGS_PARM2(regs));
}
#else
/* What the kernel's own measuring of a program takes. */
SEC("fentry/security_bprm_committed_creds")
int BPF_PROG(nothing, struct linux_binprm *bprm)
{
	return 0;
}

SEC("fentry/security_bprm_committed_creds")
int BPF_PROG(exec, struct linux_binprm *bprm)
{
	return on_exec(bprm);
}

SEC("fentry/x64_sys_call")
int BPF_PROG(syscall, void *regs, unsigned int number)
{
	return on_syscall(number);
}

/* bpf_d_path() is for trampolines alone. */
SEC("fentry/security_file_open")
int BPF_PROG(open, struct file *file)
{
	struct open *rec = reserve(sizeof(*rec));
	struct task_struct *task = (void *)bpf_get_current_task();
	long n;

	if (!rec)
		return 0;
	rec->time = bpf_ktime_get_boot_ns();
	rec->pid = BPF_CORE_READ(task, pid);
	rec->tgid = BPF_CORE_READ(task, tgid);
	rec->start_time = BPF_CORE_READ(task, group_leader, start_boottime);
	rec->uid = BPF_CORE_READ(task, cred, uid.val);
	rec->flags = BPF_CORE_READ(file, f_flags);
	n = bpf_d_path(&file->f_path, rec->path, PATH_MAX);
	rec->path_len = n < 0 ? 0 : n;
	rec->reserved = 0;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	return 0;
}
#endif

char LICENSE[] SEC("license") = "GPL";
