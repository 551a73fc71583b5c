// SPDX-License-Identifier: GPL-2.0-or-later
/* A monitor that goes wrong on request: what the host makes of each fault.  In the lab's image
 * alone. */
#include <shadowmon/monitor.h>

enum fault {
	FAULT_NONE = 0,
	FAULT_UNMAPPED = 1,
	FAULT_BEYOND_RAM = 2,
	FAULT_WRITE_RAM = 3,
	FAULT_EXECUTE_RAM = 4,
	FAULT_UD2 = 5,
	FAULT_INT3 = 6,
	FAULT_LOOP = 7,
	FAULT_STACK = 8,
	FAULT_PANIC = 9,
	FAULT_WRITE_LIST = 10,
	FAULT_EXECUTE_DATA = 11,
	FAULT_WRITE_CODE = 12,
	CHECK_HOSTILE_ADDRESSES = 13,
	EMIT_BURST = 14,
	DENY = 15,
	KILL = 16,
};

#define UNDECLARED 0xffff /* a type of record that no image is given */

extern char smc_entry[];

static u64 gate_va(void)
{
	return SM_ABSOLUTE64("sm_cfg.gate_va");
}

static void poke(u64 address)
{
	*(volatile u64 *)address = 0x5a5a5a5a;
}

static void execute(u64 address)
{
	__asm__ volatile("call __x86_indirect_thunk_rax" : : "a"(address) : "memory");
}

/* Grows the stack until it meets the guard page. */
static __attribute__((noinline)) u64 recurse(u64 depth)
{
	volatile u64 frame[32];

	frame[depth & 31] = depth;
	if (frame[depth & 31] == ~0ULL)
		return 0;
	return recurse(depth + 1) + frame[0];
}

static bool refuses_hostile_addresses(void)
{
	u64 buf;

	return sm_read(&buf, 0xffffc8ffffff0000, 8) && sm_read(&buf, 0x0008800000000000, 8) &&
	       sm_read(&buf, 0, 8) && sm_read_user(&buf, 0, 8) &&
	       sm_read_user(&buf, 0xffffffff81000000, 8) &&
	       sm_read(&buf, SM_ABSOLUTE64("sm_cfg.page_offset") + 0xfee00000, 8) &&
	       sm_read(&buf, SM_WINDOW_VA, 8);
}

static void burst(u64 count)
{
	while (count--) {
		struct sm_record *rec = sm_reserve(UNDECLARED, sizeof(*rec) + 8);

		if (!rec)
			continue;
		*(u64 *)(rec + 1) = count;
		sm_commit(rec, sizeof(*rec) + 8);
	}
}

SM_MONITOR(provoke, "shadowmon_provoke", u64 what, u64 arg)
{
	static u64 data;

	switch (what) {
	case FAULT_UNMAPPED:
		poke(0xffff900000000000);
		break;
	case FAULT_BEYOND_RAM:
		return (int)*(volatile u32 *)(SM_WINDOW_VA + SM_RAM_LIMIT - SM_PAGE_SIZE) & 0;
	case FAULT_WRITE_RAM:
		poke(SM_WINDOW_VA + 0x1000000);
		break;
	case FAULT_EXECUTE_RAM:
		execute(SM_WINDOW_VA + 0x1000000);
		break;
	case FAULT_UD2:
		__builtin_trap();
	case FAULT_INT3:
		__asm__ volatile("int3");
		break;
	case FAULT_LOOP:
		/* CLI does nothing here, but without it Bochs never looks for interrupts: docs/lab.md. */
		for (;;)
			__asm__ volatile("cli");
	case FAULT_STACK:
		return (int)recurse(0) & 0;
	case FAULT_PANIC:
		sm_panic(9);
	case FAULT_WRITE_LIST:
		poke(gate_va() + SM_VA_LIST);
		break;
	case FAULT_EXECUTE_DATA:
		execute((u64)&data);
		break;
	case FAULT_WRITE_CODE:
		poke((u64)smc_entry);
		break;
	case CHECK_HOSTILE_ADDRESSES:
		return refuses_hostile_addresses() ? SM_ALLOW : SM_DENY(SM_EFAULT);
	case EMIT_BURST:
		burst(arg);
		break;
	case DENY:
		return SM_DENY((int)arg);
	case KILL:
		return SM_KILL((int)arg);
	}
	return SM_ALLOW;
}
