// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes that take control of others, or read and write their memory. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

#define MODE_ATTACH 0x2 /* linux/ptrace.h: PTRACE_MODE_ATTACH */

#define PTRACE(F) F(SM_TASK, target)
SM_EVENT(ptrace_attach, PTRACE);

#define PTRACE_TRACEME(F) F(SM_TASK, tracer)
SM_EVENT(ptrace_traceme, PTRACE_TRACEME);

SM_MONITOR(ptrace_attach, "security_ptrace_access_check", u64 child, u32 mode)
{
	struct sm_event_ptrace_attach *e;

	if (!(mode & MODE_ATTACH))
		return SM_ALLOW;
	e = SM_RESERVE(ptrace_attach);
	if (!e)
		return SM_ALLOW;
	sm_task_describe(&e->target, child);
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(ptrace_traceme, "security_ptrace_traceme", u64 parent)
{
	struct sm_event_ptrace_traceme *e = SM_RESERVE(ptrace_traceme);

	if (!e)
		return SM_ALLOW;
	sm_task_describe(&e->tracer, parent);
	SM_COMMIT(e);
	return SM_ALLOW;
}
