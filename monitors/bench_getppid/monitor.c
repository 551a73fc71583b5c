// SPDX-License-Identifier: GPL-2.0-or-later
/* One system call, of all that there are: the same record as bench_syscall's. */
#include "bench_number.h"

#define NR_GETPPID 110

SM_MONITOR(bench_getppid, "__x64_sys_getppid", u64 regs)
{
	(void)regs;
	return bench_number(NR_GETPPID);
}
