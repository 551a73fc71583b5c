// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes and threads, when they are about to run for the first time. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

#define PROCESS_CLONE(F)   \
	F(SM_BOOL, thread) \
	F(SM_TASK, child)
SM_EVENT(process_clone, PROCESS_CLONE);

SM_MONITOR(process_clone, "wake_up_new_task", u64 child)
{
	struct sm_event_process_clone *e = SM_RESERVE(process_clone);

	if (!e)
		return SM_ALLOW;
	sm_task_describe(&e->child, child);
	e->thread = e->child.pid != e->child.tgid;
	SM_COMMIT(e);
	return SM_ALLOW;
}
