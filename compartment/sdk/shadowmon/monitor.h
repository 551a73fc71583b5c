/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a monitor.  A monitor is a function that runs in the compartment, on the guest's own
 *vCPU, whenever the guest calls the kernel function that it is bound to, before that function does
 *anything:
 *
 *	SM_MONITOR(on_unlink, "security_inode_unlink", u64 dir, u64 dentry)
 *	{
 *		...
 *		return SM_ALLOW;
 *	}
 *
 * Context: interrupts off, 16 KiB of stack, no floating point, nothing of libc.  An activation that
 *takes longer than the attachment allows (10 ms by default), faults or calls sm_panic() is aborted
 *and reported, and the guest goes on.  Static variables are shared by all vCPUs, which run at the
 *same time.
 *
 * Whatever comes from the guest may be a lie: bound every loop and every length.
 */
#ifndef SHADOWMON_MONITOR_H
#define SHADOWMON_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#include <shadowmon/event.h>
#include <shadowmon/hook.h>
#include <shadowmon/kernel.h>
#include <shadowmon/map.h>
#include <shadowmon/memory.h>
#include <shadowmon/record.h>
#include <shadowmon/ring.h>

/* --- binding and verdicts ----------------------------------------------------------------- */

/*
 * What a monitor returns.  SM_ALLOW: the guest's function runs.  SM_DENY(e): it does not, and returns -e
 * (e: 1 to 4095).  SM_KILL(e): the task in which it was called is sent SIGKILL, too; with e = 0 the function
 * runs all the same.  The guest's init, threads of its kernel and interrupts are not killed.
 *
 * A verdict is a number: e in the bits of SM_VERDICT_ERRNO, and SM_VERDICT_KILL or not (layout.h).
 */
#define SM_ALLOW   0
#define SM_DENY(e) ((e)&SM_VERDICT_ERRNO)
#define SM_KILL(e) (SM_VERDICT_KILL | SM_DENY(e))

/*
 * Binds the function that follows to the guest kernel function named by a string.  Then come its
 * parameters, none to six, all of them, as integers; what the guest's BTF says must agree, which
 * the loader checks.
 *
 * `shadowmon attach --monitors` chooses by name.  All hooks of a source file have the name SM_MONITOR_NAME, a string
 * that the build defines (the folder's); without it each goes by its own id.  A file that defines SM_ON_REQUEST before
 * it includes this header is hooked only if it is asked for.
 */
#define SM_MONITOR(id, function, ...) SM_MONITOR_FAILING(id, function, SM_ALLOW, ##__VA_ARGS__)

/*
 * The same; an aborted activation answers verdict: for what must not go on without a judgement.  Not SM_KILL: what
 * the task is guilty of nobody knows then.
 */
/* clang-format off */
#define SM_MONITOR_FAILING(id, function, verdict, ...)                                             \
	static inline __attribute__((always_inline)) int id(SM_PARAMETERS(__VA_ARGS__));           \
	_Static_assert(((verdict) & ~SM_VERDICT_ERRNO) == 0, "SM_ALLOW or SM_DENY()");             \
	SM_CONCAT(SM_HANDLER_, SM_COUNT(__VA_ARGS__))(id)                                          \
	__attribute__((section(".sm.hooks"), used)) static const struct sm_hook id##_hook = {      \
		.handler = (u64)id##_entry,                                                        \
		.name = (u64)function,                                                             \
		.nargs = SM_COUNT(__VA_ARGS__),                                                    \
		.flags = SM_HOOK_FLAGS,                                                            \
		.abort_errno = (verdict),                                                          \
		.monitor = (u64)SM_NAME_OF(id),                                                    \
	};                                                                                         \
	static inline int id(SM_PARAMETERS(__VA_ARGS__))
/* clang-format on */

/* --- tasks and paths ---------------------------------------------------------------------- */

/* Address of the current task_struct, or 0. */
u64 sm_current(void);

/* Fills in all of *task for the task_struct at address; what cannot be read is 0. */
void sm_task_describe(struct sm_task *task, u64 address);

/*
 * Name, from the root of its mount tree, of the struct path at address: "/usr/bin/id",
 * NUL-terminated.  Its length, 1 to size - 1; or size if it is longer or deeper than is followed
 * (128 steps), dst then holding the end of it, again from a '/' on; or -SM_EFAULT, dst then an
 * empty string.  size: 2 to 2^30.  A file that has no place in any tree, such as one of
 * memfd_create(), is "/" and its name.
 */
int sm_path(char *dst, u32 size, u64 address);
/* The same for a struct dentry: from the root of its file system, wherever that is mounted. */
int sm_dentry_path(char *dst, u32 size, u64 address);

/* The guest's TSC: struct sm_record has it of when a record was begun. */
u64 sm_tsc(void);

/* --- events ------------------------------------------------------------------------------- */

/* Longest record: one with a loss record and padding before it always fits into an empty ring. */
#define SM_EMIT_MAX (SM_RECORD_MAX - 64)

/*
 * Room for a record of up to max bytes, a struct sm_record and more (at most SM_EMIT_MAX), in the
 * ring itself, its head filled in; the rest holds what an older record left there.  NULL if the
 * ring is full and the attachment drops: the loss is counted and reported, and there is nothing to
 * do about it.
 *
 * Fill it in, then commit it with its true length: that publishes it.  One at a time.
 */
void *sm_reserve(u16 type, u32 max);
void sm_commit(void *record, u32 len);

/* Gives up this activation: the host reports an abort with this reason. */
__attribute__((noreturn)) void sm_panic(u32 reason);

/* --- how ---------------------------------------------------------------------------------- */

#ifdef SM_MONITOR_NAME
#define SM_NAME_OF(id) SM_MONITOR_NAME
#else
#define SM_NAME_OF(id) #id
#endif

#ifdef SM_ON_REQUEST
#define SM_HOOK_FLAGS SM_HOOK_ON_REQUEST
#else
#define SM_HOOK_FLAGS 0
#endif

#define SM_COUNT(...)                          SM_COUNT_(, ##__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0)
#define SM_COUNT_(z, a, b, c, d, e, f, n, ...) n
#define SM_PARAMETERS(...)                     SM_CONCAT(SM_PARAMETERS_, SM_COUNT(__VA_ARGS__))(__VA_ARGS__)
#define SM_PARAMETERS_0()                      void
#define SM_PARAMETERS_1(...)                   __VA_ARGS__
#define SM_PARAMETERS_2(...)                   __VA_ARGS__
#define SM_PARAMETERS_3(...)                   __VA_ARGS__
#define SM_PARAMETERS_4(...)                   __VA_ARGS__
#define SM_PARAMETERS_5(...)                   __VA_ARGS__
#define SM_PARAMETERS_6(...)                   __VA_ARGS__

/* What the entry calls: masks the verdict, which costs nothing where it is a constant. */
#define SM_HANDLER(id, parameters, arguments)                  \
	static __attribute__((used)) u32 id##_entry parameters \
	{                                                      \
		return (u32)id arguments & SM_VERDICT_MASK;    \
	}
#define SM_HANDLER_0(id) SM_HANDLER(id, (void), ())
#define SM_HANDLER_1(id) SM_HANDLER(id, (u64 a), (a))
#define SM_HANDLER_2(id) SM_HANDLER(id, (u64 a, u64 b), (a, b))
#define SM_HANDLER_3(id) SM_HANDLER(id, (u64 a, u64 b, u64 c), (a, b, c))
#define SM_HANDLER_4(id) SM_HANDLER_R10(id, (u64 a, u64 b, u64 c, u64 d), (a, b, c, d))
#define SM_HANDLER_5(id) SM_HANDLER_R10(id, (u64 a, u64 b, u64 c, u64 d, u64 e), (a, b, c, d, e))
#define SM_HANDLER_6(id) \
	SM_HANDLER_R10(id, (u64 a, u64 b, u64 c, u64 d, u64 e, u64 f), (a, b, c, d, e, f))

/* The fourth argument comes in R10, because the gate needs RCX. */
#define SM_HANDLER_R10(id, parameters, arguments)                                   \
	u32 id##_entry parameters;                                                  \
	static __attribute__((used)) u32 id##_call parameters __asm__(#id "_call"); \
	static u32 id##_call parameters                                             \
	{                                                                           \
		return (u32)id arguments & SM_VERDICT_MASK;                         \
	}                                                                           \
	__asm__(".pushsection .text\n"                                              \
		".globl " #id "_entry\n" #id "_entry:\n"                            \
		"	movq %r10, %rcx\n"                                                \
		"	jmp " #id "_call\n"                                         \
		".popsection\n");

#endif
