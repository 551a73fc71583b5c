// SPDX-License-Identifier: GPL-2.0-or-later
/* Every system call: its number and arguments, as the caller gave them. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

#define SYSTEM_CALL(F)        \
	F(SM_BOOL, compat)    \
	F(SM_U32, number)     \
	F(SM_HEX, argument_1) \
	F(SM_HEX, argument_2) \
	F(SM_HEX, argument_3) \
	F(SM_HEX, argument_4) \
	F(SM_HEX, argument_5) \
	F(SM_HEX, argument_6)
SM_EVENT(syscall, SYSTEM_CALL);

SM_MONITOR(syscall_64bit, "x64_sys_call", u64 registers, u32 number)
{
	struct sm_event_syscall *e = SM_RESERVE(syscall);
	struct sm_object regs;

	if (!e)
		return SM_ALLOW;
	regs = SM_STACK_OBJECT(registers, pt_regs);
	e->number = number;
	e->argument_1 = SM_GET64(regs, pt_regs, di);
	e->argument_2 = SM_GET64(regs, pt_regs, si);
	e->argument_3 = SM_GET64(regs, pt_regs, dx);
	e->argument_4 = SM_GET64(regs, pt_regs, r10);
	e->argument_5 = SM_GET64(regs, pt_regs, r8);
	e->argument_6 = SM_GET64(regs, pt_regs, r9);
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(syscall_32bit, "ia32_sys_call", u64 registers, u32 number)
{
	struct sm_event_syscall *e = SM_RESERVE(syscall);
	struct sm_object regs;

	if (!e)
		return SM_ALLOW;
	regs = SM_STACK_OBJECT(registers, pt_regs);
	e->compat = true;
	e->number = number;
	e->argument_1 = (u32)SM_GET64(regs, pt_regs, bx);
	e->argument_2 = (u32)SM_GET64(regs, pt_regs, cx);
	e->argument_3 = (u32)SM_GET64(regs, pt_regs, dx);
	e->argument_4 = (u32)SM_GET64(regs, pt_regs, si);
	e->argument_5 = (u32)SM_GET64(regs, pt_regs, di);
	e->argument_6 = (u32)SM_GET64(regs, pt_regs, bp);
	SM_COMMIT(e);
	return SM_ALLOW;
}
