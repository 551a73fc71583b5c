// SPDX-License-Identifier: GPL-2.0-or-later
/* io_uring where it leaves the process that made it: kernel threads that poll, credentials of another. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

#define IO_URING_SQPOLL(F)
SM_EVENT(io_uring_sqpoll, IO_URING_SQPOLL);

#define IO_URING_CREDENTIALS(F) \
	F(SM_U32, uid)          \
	F(SM_U32, euid)         \
	F(SM_U32, gid)          \
	F(SM_U32, egid)
SM_EVENT(io_uring_credentials, IO_URING_CREDENTIALS);

SM_MONITOR(io_uring_sqpoll, "security_uring_sqpoll")
{
	struct sm_event_io_uring_sqpoll *e = SM_RESERVE(io_uring_sqpoll);

	if (e)
		SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(io_uring_credentials, "security_uring_override_creds", u64 cred)
{
	struct sm_event_io_uring_credentials *e = SM_RESERVE(io_uring_credentials);

	if (!e)
		return SM_ALLOW;
	e->uid = SM_READ32(cred, cred, uid);
	e->euid = SM_READ32(cred, cred, euid);
	e->gid = SM_READ32(cred, cred, gid);
	e->egid = SM_READ32(cred, cred, egid);
	SM_COMMIT(e);
	return SM_ALLOW;
}
