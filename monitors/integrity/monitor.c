// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest kernel's text, tables and lists, looked at from the compartment: see README.md. */
#define SM_ON_REQUEST
#include "integrity.h"

#define INTEGRITY(F)                       \
	F(SM_NAMED(INTEGRITY_KINDS), kind) \
	F(SM_HEX, address)                 \
	F(SM_HEX, expected)                \
	F(SM_HEX, found)                   \
	F(SM_U32, pid)                     \
	F(SM_STRING(64), name)
SM_EVENT(integrity, INTEGRITY);

void integrity_tell(const struct finding *finding)
{
	struct sm_event_integrity *e = SM_RESERVE(integrity);

	if (!e)
		return;
	e->kind = finding->kind;
	e->address = finding->address;
	e->expected = finding->expected;
	e->found = finding->found;
	e->pid = finding->pid;
	if (finding->name)
		SM_PUT_STRING(e, name, finding->name);
	SM_COMMIT(e);
}

/* --- what is seen twice -------------------------------------------------------------------- */

/* In ticks of the TSC: more than the kernel takes to change a list, and what is too old to count. */
#define APART_MIN (1ULL << 26)
#define APART_MAX (1ULL << 37)
#define TOLD      1ULL

SM_LRU_MAP(suspects, 256);

void integrity_suspect(const struct finding *finding, u64 id)
{
	u64 key = sm_map_key(finding->kind, id), seen, now = sm_ticks() & ~TOLD;

	if (!sm_map_get(&suspects, key, &seen)) {
		sm_map_set(&suspects, key, now);
		return;
	}
	if ((seen & TOLD) || now - seen < APART_MIN)
		return;
	if (now - seen > APART_MAX)
		sm_map_set(&suspects, key, now);
	else
		integrity_tell_once(finding, id);
}

void integrity_tell_once(const struct finding *finding, u64 id)
{
	u64 key = sm_map_key(finding->kind, id), seen;

	if (sm_map_get(&suspects, key, &seen) && (seen & TOLD))
		return;
	sm_map_set(&suspects, key, sm_ticks() | TOLD);
	integrity_tell(finding);
}

/* --- when ---------------------------------------------------------------------------------- */

/* A vCPU that was aborted at work does not come back to say so; one that the host stopped does. */
#define STALE (1ULL << 33)

static u64 working_since;

static bool claim(void)
{
	u64 now = sm_ticks() | 1, since = working_since;

	if (since && now - since < STALE)
		return false;
	return __atomic_compare_exchange_n(&working_since, &since, now, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void release(void)
{
	__atomic_store_n(&working_since, 0, __ATOMIC_RELEASE);
}

static void small_slice(void)
{
	static u32 turn;

	switch (turn++ % 9) {
	case 0:
		return integrity_idt();
	case 1:
		return integrity_gdt();
	case 2:
		return integrity_syscalls();
	case 3:
		return integrity_lsm();
	case 4:
		return integrity_ftrace();
	case 5:
		return integrity_kprobes();
	case 6:
		integrity_modules();
		return integrity_look_for_modules();
	case 7:
		return integrity_processes();
	default:
		return integrity_modprobe();
	}
}

#define FIRST_STEPS 3 /* in a check of the first pass: a page, or a piece of a table */

/* Two pages; or one, while there are modules to learn about. */
static void look_at_pages(void)
{
	u32 i;

	for (i = 0; !integrity_kernel_is_known() && i < FIRST_STEPS; i++)
		integrity_baseline_step();
	if (i)
		return;
	if (!integrity_baseline_step())
		integrity_page();
	integrity_page();
}

static void check(void)
{
	if (!claim())
		return;
	integrity_current();
	small_slice();
	look_at_pages();
	release();
}

/* The timer's tick of each CPU that is not idle: three of four, nobody shall know which. */
SM_MONITOR(integrity_tick, "update_process_times", u32 user)
{
	(void)user;
	if (sm_random() & 3)
		check();
	return SM_ALLOW;
}

/* A process or thread is made. */
SM_MONITOR(integrity_task, "security_task_alloc", u64 task, u64 flags)
{
	(void)task;
	(void)flags;
	check();
	return SM_ALLOW;
}
