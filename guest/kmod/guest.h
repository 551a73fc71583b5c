/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the guest module offer each other. */
#ifndef SHADOWMON_GUEST_H
#define SHADOWMON_GUEST_H

#include <linux/types.h>

#include <shadowmon/hypercall.h>
#include <shadowmon/layout.h>

#undef pr_fmt
#define pr_fmt(fmt) "shadowmon_guest: " fmt

/* stub.S: the gate's copy, and a stub for each number of arguments and slot. */
extern u8 smg_gate[SM_PAGE_SIZE];
extern u8 smg_gate_absent[]; /* back to the stub with the verdict to go on */
extern u8 smg_stubs[(SM_ARGS_MAX + 1) * SM_SLOTS * SM_STUB_SIZE];
extern u8 smg_stubs_end[];

/* symbols.c: address of any kernel symbol, exported or not; 0: none.  May sleep. */
int smg_symbols_init(void);
unsigned long smg_lookup(const char *name);

/*
 * records.c: takes the record of a function that calls stub directly out of ftrace's hands, and gives it
 * back.  smg_freeze() returns the address of the call, or -EBUSY if something else traces the function.
 * All may sleep.
 */
int smg_records_init(void);
long smg_freeze(unsigned long function, unsigned long stub);
void smg_thaw(unsigned long site);

/* hooks.c.  All may sleep; calls must not overlap. */
int smg_hooks_init(void);
void smg_hooks_exit(void);
/* The address of the call of the stub, or -errno. */
long smg_hook(const char *function, unsigned int slot, unsigned int nargs);
int smg_unhook(unsigned int slot);
int smg_unhook_all(void);

/* kill.c: kills the current task, if it is one that can die alone.  Any context but NMI. */
void smg_kill(void);

/* agent.c: looks for a host and does what it says. */
int smg_agent_start(void);
void smg_agent_stop(void);

/* leave.c: tells the host when this kernel starts another one. */
int smg_leave_init(void);
void smg_leave_exit(void);

/* bench.c: SM_OP_BENCH.  May sleep. */
long smg_bench(unsigned int what, unsigned int vcpus);

/* bench_event.c: ticks of so many calls of the function that "ping" hooks, and of one that nobody hooks. */
void smg_ping(u64 calls, u64 *ret_ticks, u64 *ret_baseline);

/* What is measured of an event.  All may sleep and return 0 or -errno; by a kernel thread. */
struct smg_bench_event {
	int (*prepare)(void);        /* NULL: nothing; undone by finish() */
	int (*read)(u64 *ret_ticks); /* SM_BENCH_CALLS() turns; several vCPUs at once */
	void (*finish)(void);        /* NULL: nothing */
};

/* NULL: there is no such event. */
const struct smg_bench_event *smg_bench_event(unsigned int what);
/* bench_exec.c */
extern const struct smg_bench_event smg_bench_exec;

/* lab.c: functions to hook and files to call them, for tests and benchmarks. */
void smg_lab_create(void);
void smg_lab_destroy(void);

/* SDM vol. 3, "VMCALL"; registers as abi/hypercall.h says.  CPL 0. */
static inline long smg_vmcall(unsigned long number, unsigned long rbx, unsigned long rcx)
{
	long ret;

	asm volatile("vmcall" : "=a"(ret) : "a"(number), "b"(rbx), "c"(rcx) : "memory");
	return ret;
}

#endif
