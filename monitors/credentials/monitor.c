// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes of a task's credentials, and whether anything that the task is allowed to do explains them. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

/* linux/capability.h */
#define CAPABILITIES(N)                     \
	N(CAP_CHOWN, 1ULL << 0)             \
	N(CAP_DAC_OVERRIDE, 1ULL << 1)      \
	N(CAP_DAC_READ_SEARCH, 1ULL << 2)   \
	N(CAP_FOWNER, 1ULL << 3)            \
	N(CAP_FSETID, 1ULL << 4)            \
	N(CAP_KILL, 1ULL << 5)              \
	N(CAP_SETGID, 1ULL << 6)            \
	N(CAP_SETUID, 1ULL << 7)            \
	N(CAP_SETPCAP, 1ULL << 8)           \
	N(CAP_LINUX_IMMUTABLE, 1ULL << 9)   \
	N(CAP_NET_BIND_SERVICE, 1ULL << 10) \
	N(CAP_NET_BROADCAST, 1ULL << 11)    \
	N(CAP_NET_ADMIN, 1ULL << 12)        \
	N(CAP_NET_RAW, 1ULL << 13)          \
	N(CAP_IPC_LOCK, 1ULL << 14)         \
	N(CAP_IPC_OWNER, 1ULL << 15)        \
	N(CAP_SYS_MODULE, 1ULL << 16)       \
	N(CAP_SYS_RAWIO, 1ULL << 17)        \
	N(CAP_SYS_CHROOT, 1ULL << 18)       \
	N(CAP_SYS_PTRACE, 1ULL << 19)       \
	N(CAP_SYS_PACCT, 1ULL << 20)        \
	N(CAP_SYS_ADMIN, 1ULL << 21)        \
	N(CAP_SYS_BOOT, 1ULL << 22)         \
	N(CAP_SYS_NICE, 1ULL << 23)         \
	N(CAP_SYS_RESOURCE, 1ULL << 24)     \
	N(CAP_SYS_TIME, 1ULL << 25)         \
	N(CAP_SYS_TTY_CONFIG, 1ULL << 26)   \
	N(CAP_MKNOD, 1ULL << 27)            \
	N(CAP_LEASE, 1ULL << 28)            \
	N(CAP_AUDIT_WRITE, 1ULL << 29)      \
	N(CAP_AUDIT_CONTROL, 1ULL << 30)    \
	N(CAP_SETFCAP, 1ULL << 31)          \
	N(CAP_MAC_OVERRIDE, 1ULL << 32)     \
	N(CAP_MAC_ADMIN, 1ULL << 33)        \
	N(CAP_SYSLOG, 1ULL << 34)           \
	N(CAP_WAKE_ALARM, 1ULL << 35)       \
	N(CAP_BLOCK_SUSPEND, 1ULL << 36)    \
	N(CAP_AUDIT_READ, 1ULL << 37)       \
	N(CAP_PERFMON, 1ULL << 38)          \
	N(CAP_BPF, 1ULL << 39)              \
	N(CAP_CHECKPOINT_RESTORE, 1ULL << 40)
#define SETGID_BIT (1ULL << 6)
#define SETUID_BIT (1ULL << 7)

#define CAUSES(N)        \
	N(EXEC, 1)       \
	N(SET_ID, 2)     \
	N(CAPABILITY, 3) \
	N(NAMESPACE, 4)  \
	N(KEYRING, 5)    \
	N(KERNEL, 6)     \
	N(UNEXPLAINED, 7)

#define CREDENTIALS(F)                       \
	F(SM_NAMED(CAUSES), cause)           \
	F(SM_BOOL, unexplained)              \
	F(SM_BOOL, new_user_namespace)       \
	F(SM_U32, uid)                       \
	F(SM_U32, euid)                      \
	F(SM_U32, suid)                      \
	F(SM_U32, fsuid)                     \
	F(SM_U32, gid)                       \
	F(SM_U32, egid)                      \
	F(SM_U32, sgid)                      \
	F(SM_U32, fsgid)                     \
	F(SM_FLAGS(CAPABILITIES), gained)    \
	F(SM_FLAGS(CAPABILITIES), effective) \
	F(SM_FLAGS(CAPABILITIES), permitted)
SM_EVENT(credentials, CREDENTIALS);
SM_CONSTANTS(CAUSES);

struct ids {
	u32 real, effective, saved, fs;
};

struct credentials {
	struct ids users, groups;
	u64 effective, permitted, user_ns;
};

static void read_credentials(struct credentials *c, u64 address)
{
	struct sm_object cred = SM_OBJECT(address, cred);

	c->users = (struct ids){SM_GET32(cred, cred, uid), SM_GET32(cred, cred, euid),
				SM_GET32(cred, cred, suid), SM_GET32(cred, cred, fsuid)};
	c->groups = (struct ids){SM_GET32(cred, cred, gid), SM_GET32(cred, cred, egid),
				 SM_GET32(cred, cred, sgid), SM_GET32(cred, cred, fsgid)};
	c->effective = SM_GET64(cred, cred, cap_effective);
	c->permitted = SM_GET64(cred, cred, cap_permitted);
	c->user_ns = SM_GET64(cred, cred, user_ns);
}

static bool same_ids(const struct ids *a, const struct ids *b)
{
	return a->real == b->real && a->effective == b->effective && a->saved == b->saved &&
	       a->fs == b->fs;
}

static bool is_one_of(u32 id, const struct ids *ids)
{
	return id == ids->real || id == ids->effective || id == ids->saved || id == ids->fs;
}

/* Without a capability, a task can only move its ids around. */
static bool are_among(const struct ids *new, const struct ids *old)
{
	return is_one_of(new->real, old) && is_one_of(new->effective, old) &&
	       is_one_of(new->saved, old) && is_one_of(new->fs, old);
}

/* --- which system call it happens in -------------------------------------------------------- */

#define THREAD_SIZE 0x4000 /* asm/page_64_types.h, without KASAN */
#define FRED_PADDING \
	16 /* asm/thread_info.h: at the stack's top, where the kernel is built for FRED */
#define STATUS_COMPAT 0x2 /* asm/thread_info.h: TS_COMPAT */

static u32 cause_of_64bit(u64 number)
{
	switch (number) {
	case 59:  /* execve */
	case 322: /* execveat */
		return EXEC;
	case 105: /* setuid */
	case 106: /* setgid */
	case 113: /* setreuid */
	case 114: /* setregid */
	case 116: /* setgroups */
	case 117: /* setresuid */
	case 119: /* setresgid */
	case 122: /* setfsuid */
	case 123: /* setfsgid */
		return SET_ID;
	case 126: /* capset */
	case 157: /* prctl */
		return CAPABILITY;
	case 272: /* unshare */
	case 308: /* setns */
		return NAMESPACE;
	case 248: /* add_key */
	case 249: /* request_key */
	case 250: /* keyctl */
		return KEYRING;
	default:
		return UNEXPLAINED;
	}
}

static u32 cause_of_32bit(u64 number)
{
	switch (number) {
	case 11:  /* execve */
	case 358: /* execveat */
		return EXEC;
	case 23:          /* setuid */
	case 46:          /* setgid */
	case 70 ... 71:   /* setreuid, setregid */
	case 81:          /* setgroups */
	case 138 ... 139: /* setfsuid, setfsgid */
	case 164:         /* setresuid */
	case 170:         /* setresgid */
	case 203 ... 204: /* setreuid32, setregid32 */
	case 206:         /* setgroups32 */
	case 208:         /* setresuid32 */
	case 210:         /* setresgid32 */
	case 213 ... 216: /* setuid32, setgid32, setfsuid32, setfsgid32 */
		return SET_ID;
	case 172: /* prctl */
	case 185: /* capset */
		return CAPABILITY;
	case 310: /* unshare */
	case 346: /* setns */
		return NAMESPACE;
	case 286 ... 288: /* add_key, request_key, keyctl */
		return KEYRING;
	default:
		return UNEXPLAINED;
	}
}

static u32 find_cause(u64 task)
{
	u64 registers = SM_READ64(task, task_struct, stack) + THREAD_SIZE - SM_SIZE(pt_regs);
	u64 number;

	if (!SM_READ64(task, task_struct, mm))
		return KERNEL;
	if (SM_HAS(fred_frame, info))
		registers -= FRED_PADDING;
	number = SM_READ64(registers, pt_regs, orig_ax);
	/* Without the bit that marks the x32 ABI. */
	if (SM_READ32(task, task_struct, thread_info.status) & STATUS_COMPAT)
		return cause_of_32bit(number);
	return cause_of_64bit(number & ~0x40000000ULL);
}

/* What the call that it happens in cannot do to a task with the old credentials. */
static bool is_unexplained(u32 cause, const struct credentials *old, const struct credentials *new)
{
	if (cause == EXEC || cause == KERNEL)
		return false;
	/* In a user namespace of its own a task has all capabilities. */
	if (cause == NAMESPACE && old->user_ns != new->user_ns)
		return false;
	if (new->permitted & ~old->permitted)
		return true;
	if (cause == SET_ID)
		return (!are_among(&new->users, &old->users) && !(old->effective & SETUID_BIT)) ||
		       (!are_among(&new->groups, &old->groups) && !(old->effective & SETGID_BIT));
	return !same_ids(&new->users, &old->users) || !same_ids(&new->groups, &old->groups);
}

SM_MONITOR(credentials, "commit_creds", u64 cred)
{
	struct sm_event_credentials *e;
	struct credentials old, new;
	u64 task = sm_current();
	u32 cause;

	read_credentials(&old, SM_READ64(task, task_struct, cred));
	read_credentials(&new, cred);
	if (same_ids(&old.users, &new.users) && same_ids(&old.groups, &new.groups) &&
	    old.effective == new.effective &&
	    old.permitted == new.permitted &&old.user_ns == new.user_ns)
		return SM_ALLOW;
	cause = find_cause(task);
	e = SM_RESERVE(credentials);
	if (!e)
		return SM_ALLOW;
	e->cause = cause;
	e->unexplained = is_unexplained(cause, &old, &new);
	e->new_user_namespace = old.user_ns != new.user_ns;
	e->uid = new.users.real;
	e->euid = new.users.effective;
	e->suid = new.users.saved;
	e->fsuid = new.users.fs;
	e->gid = new.groups.real;
	e->egid = new.groups.effective;
	e->sgid = new.groups.saved;
	e->fsgid = new.groups.fs;
	e->gained = new.effective & ~old.effective;
	e->effective = new.effective;
	e->permitted = new.permitted;
	SM_COMMIT(e);
	return SM_ALLOW;
}
