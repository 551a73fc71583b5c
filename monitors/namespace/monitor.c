// SPDX-License-Identifier: GPL-2.0-or-later
/* Namespaces that are made, and processes that change theirs. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

/* linux/sched.h */
#define NAMESPACES(N)                 \
	N(CLONE_NEWTIME, 0x80)        \
	N(CLONE_NEWNS, 0x20000)       \
	N(CLONE_NEWCGROUP, 0x2000000) \
	N(CLONE_NEWUTS, 0x4000000)    \
	N(CLONE_NEWIPC, 0x8000000)    \
	N(CLONE_NEWUSER, 0x10000000)  \
	N(CLONE_NEWPID, 0x20000000)   \
	N(CLONE_NEWNET, 0x40000000)
SM_CONSTANTS(NAMESPACES);
#define ALL_NAMESPACES                                                                 \
	(CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	 CLONE_NEWPID | CLONE_NEWNET)

#define NAMESPACE(F) F(SM_FLAGS(NAMESPACES), namespaces)
SM_EVENT(namespace_create, NAMESPACE);
SM_EVENT(namespace_enter, NAMESPACE);

static void report_create(u64 namespaces)
{
	struct sm_event_namespace_create *e = SM_RESERVE(namespace_create);

	if (!e)
		return;
	e->namespaces = namespaces;
	SM_COMMIT(e);
}

/* Of clone() and unshare(); of setns(), too, but then it makes none. */
SM_MONITOR(namespace_create, "create_new_namespaces", u64 flags, u64 task, u64 user_ns, u64 fs)
{
	(void)task, (void)user_ns, (void)fs;
	if (flags & ALL_NAMESPACES)
		report_create(flags & ALL_NAMESPACES);
	return SM_ALLOW;
}

/* Whoever may not do the former may still do this. */
SM_MONITOR(namespace_create_user, "security_create_user_ns", u64 cred)
{
	(void)cred;
	report_create(CLONE_NEWUSER);
	return SM_ALLOW;
}

#define DIFFERS(flag, member) \
	(SM_READ64(old, nsproxy, member) != SM_READ64(new, nsproxy, member) ? (u64)(flag) : 0)

/* Also of a task that ends: it has no new ones then. */
SM_MONITOR(namespace_enter, "switch_task_namespaces", u64 task, u64 new)
{
	u64 old = SM_READ64(task, task_struct, nsproxy), namespaces;
	struct sm_event_namespace_enter *e;

	if (!new || !old)
		return SM_ALLOW;
	namespaces = DIFFERS(CLONE_NEWNS, mnt_ns) | DIFFERS(CLONE_NEWUTS, uts_ns) |
		     DIFFERS(CLONE_NEWIPC, ipc_ns) | DIFFERS(CLONE_NEWPID, pid_ns_for_children) |
		     DIFFERS(CLONE_NEWNET, net_ns) | DIFFERS(CLONE_NEWCGROUP, cgroup_ns) |
		     DIFFERS(CLONE_NEWTIME, time_ns_for_children);
	if (!namespaces)
		return SM_ALLOW;
	e = SM_RESERVE(namespace_enter);
	if (!e)
		return SM_ALLOW;
	e->namespaces = namespaces;
	SM_COMMIT(e);
	return SM_ALLOW;
}
