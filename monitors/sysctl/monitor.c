// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel parameters that are written, and the strings written to those that hold strings. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

#define SYSCTL_WRITE(F) F(SM_STRING(256), name)
SM_EVENT(sysctl_write, SYSCTL_WRITE);

#define SYSCTL_STRING(F)       \
	F(SM_STRING(64), name) \
	F(SM_STRING(1024), value)
SM_EVENT(sysctl_string, SYSCTL_STRING);

/* Any parameter.  The value is still the process's: another thread can change it. */
SM_MONITOR(sysctl_write, "proc_sys_call_handler", u64 iocb, u64 iter, u32 write)
{
	struct sm_event_sysctl_write *e;
	u64 file;

	(void)iter;
	if (!write)
		return SM_ALLOW;
	e = SM_RESERVE(sysctl_write);
	if (!e)
		return SM_ALLOW;
	file = SM_READ64(iocb, kiocb, ki_filp);
	SM_PUT_DENTRY(e, name, SM_READ64(file, file, f_path.dentry));
	SM_COMMIT(e);
	return SM_ALLOW;
}

/* core_pattern, modprobe and the like: buffer is the kernel's copy, with a NUL behind it. */
SM_MONITOR(sysctl_string, "proc_dostring", u64 table, u32 write, u64 buffer, u64 len, u64 position)
{
	struct sm_event_sysctl_string *e;

	(void)len, (void)position;
	if (!write)
		return SM_ALLOW;
	e = SM_RESERVE(sysctl_string);
	if (!e)
		return SM_ALLOW;
	SM_PUT_STRING(e, name, SM_READ64(table, ctl_table, procname));
	SM_PUT_STRING(e, value, buffer);
	SM_COMMIT(e);
	return SM_ALLOW;
}
