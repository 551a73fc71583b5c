// SPDX-License-Identifier: GPL-2.0-or-later
/* What is measured of each event: one reading.  bench.c takes many of them. */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ptrace.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/unistd.h>

#include "guest.h"

/* --- ping ------------------------------------------------------------------------------------------ */

unsigned long shadowmon_ping(unsigned long op);
unsigned long shadowmon_ping_baseline(unsigned long op);

noinline __noclone unsigned long shadowmon_ping(unsigned long op)
{
	asm volatile("");
	return op;
}

noinline __noclone unsigned long shadowmon_ping_baseline(unsigned long op)
{
	asm volatile("");
	return op;
}

static u64 time_calls(unsigned long (*function)(unsigned long), u64 calls)
{
	u64 start = rdtsc(), i;

	for (i = 0; i < calls; i++)
		function(0);
	return rdtsc() - start;
}

void smg_ping(u64 calls, u64 *ret_ticks, u64 *ret_baseline)
{
	*ret_baseline = time_calls(shadowmon_ping_baseline, calls);
	*ret_ticks = time_calls(shadowmon_ping, calls);
}

static int read_ping(u64 *ret_ticks)
{
	u64 ticks, baseline;

	local_irq_disable();
	smg_ping(SM_BENCH_CALLS(SM_BENCH_PING), &ticks, &baseline);
	local_irq_enable();
	*ret_ticks = ticks > baseline ? ticks - baseline : 0;
	return 0;
}

/* --- a system call ----------------------------------------------------------------------------------- */

#define ENDBR64 0xfa1e0ff3

/* What all system calls pass, in kernels since early 2024; or else getppid() itself. */
static long (*any_syscall)(const struct pt_regs *regs, unsigned int number);
static long (*getppid_syscall)(const struct pt_regs *regs);

/* With IBT, what begins otherwise cannot be called by its address. */
static void *find_callable(const char *name)
{
	void *function = (void *)smg_lookup(name);

	if (!function || (cpu_feature_enabled(X86_FEATURE_IBT) && *(u32 *)function != ENDBR64))
		return NULL;
	return function;
}

static int prepare_syscall(void)
{
	any_syscall = find_callable("x64_sys_call");
	getppid_syscall = find_callable("__x64_sys_getppid");
	return any_syscall || getppid_syscall ? 0 : -EOPNOTSUPP;
}

static int read_syscall(u64 *ret_ticks)
{
	struct pt_regs regs = {.orig_ax = __NR_getppid};
	unsigned int i;
	u64 start;

	local_irq_disable();
	start = rdtsc();
	if (any_syscall) {
		for (i = 0; i < SM_BENCH_CALLS(SM_BENCH_SYSCALL); i++)
			any_syscall(&regs, __NR_getppid);
	} else {
		for (i = 0; i < SM_BENCH_CALLS(SM_BENCH_SYSCALL); i++)
			getppid_syscall(&regs);
	}
	*ret_ticks = rdtsc() - start;
	local_irq_enable();
	return 0;
}

/* --- a file ------------------------------------------------------------------------------------------ */

/* That is there wherever this module is. */
#define OPENED "/sys/module/shadowmon_guest/parameters/poll_ms"

static int read_open(u64 *ret_ticks)
{
	u64 start = rdtsc();
	struct file *file = filp_open(OPENED, O_RDONLY, 0);

	if (IS_ERR(file))
		return PTR_ERR(file);
	__fput_sync(file); /* a kernel thread's fput() leaves it to another one */
	*ret_ticks = rdtsc() - start;
	return 0;
}

/* ------------------------------------------------------------------------------------------------------- */

const struct smg_bench_event *smg_bench_event(unsigned int what)
{
	static const struct smg_bench_event ping = {.read = read_ping},
					    syscall = {.prepare = prepare_syscall,
						       .read = read_syscall},
					    open = {.read = read_open};

	switch (what) {
	case SM_BENCH_PING:
		return &ping;
	case SM_BENCH_SYSCALL:
		return &syscall;
	case SM_BENCH_OPEN:
		return &open;
	case SM_BENCH_EXEC:
		return &smg_bench_exec;
	default:
		return NULL;
	}
}
