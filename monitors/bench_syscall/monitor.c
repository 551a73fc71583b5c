// SPDX-License-Identifier: GPL-2.0-or-later
/* Every system call: its number, and which process. */
#include "bench_number.h"

SM_MONITOR(bench_syscall, "x64_sys_call", u64 regs, u32 number)
{
	(void)regs;
	return bench_number(number);
}
