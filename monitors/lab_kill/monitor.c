// SPDX-License-Identifier: GPL-2.0-or-later
/* Kills who executes a file of one name: for tests of that verdict. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

static const char forbidden[] = "/tmp/forbidden";

SM_MONITOR(lab_kill, "security_bprm_check", u64 bprm)
{
	char name[sizeof(forbidden) + 1];
	u32 i;

	if (sm_read_string(name, SM_READ64(bprm, linux_binprm, filename), sizeof(name)) < 0)
		return SM_ALLOW;
	for (i = 0; i < sizeof(forbidden); i++)
		if (name[i] != forbidden[i])
			return SM_ALLOW;
	return SM_KILL(1);
}
