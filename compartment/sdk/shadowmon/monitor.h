/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a monitor.  A monitor is a function that runs in the compartment, on the guest's vCPU, whenever
 * the guest calls the kernel function that it is bound to, before that function does anything:
 *
 *	SM_MONITOR(on_unlink, "security_inode_unlink", 2, u64 dir, u64 dentry)
 *	{
 *		...
 *		return SM_ALLOW;
 *	}
 *
 * Context: view 2, interrupts off, a stack of 16 KiB, 10 ms by default.  No floating point, no global
 * constructors, nothing of libc.  Guest pointers are numbers (u64): they are read with the functions
 * below and never dereferenced.  Whatever comes from the guest may be a lie.
 */
#ifndef SHADOWMON_MONITOR_H
#define SHADOWMON_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#include <shadowmon/event.h>
#include <shadowmon/hook.h>
#include <shadowmon/ring.h>

/* --- binding and verdicts ----------------------------------------------------------------- */

#define SM_ALLOW	0
/* The guest function does not run and returns -e; e: 1 to 4095. */
#define SM_DENY(e)	((e) & SM_VERDICT_ERRNO)

/*
 * Binds the function that follows to a guest kernel function with nargs (0 to 6) integer or pointer
 * arguments.  nargs must be what the guest's BTF says: the loader checks.
 */
#define SM_MONITOR(id, function, count, ...)                                                       \
	static int id(__VA_ARGS__);                                                                \
	static const char id##_function[] = function;                                              \
	__attribute__((section(".sm.hooks"), used)) static const struct sm_hook id##_hook = {      \
		.handler = (u64)id,                                                                \
		.name = (u64)id##_function,                                                        \
		.nargs = count,                                                                    \
	};                                                                                         \
	static int id(__VA_ARGS__)

/* --- what the loader fills in from the guest's BTF and symbols ----------------------------- */

#define SM_CONCAT_(a, b)	a##b
#define SM_CONCAT(a, b)		SM_CONCAT_(a, b)
#define SM_ABSOLUTE_(id, name, attribute)                                                          \
	({                                                                                         \
		extern const char id[] __asm__(name) attribute;                                    \
		(u64)id;                                                                           \
	})
#define SM_ABSOLUTE(name)	SM_ABSOLUTE_(SM_CONCAT(sm_abs_, __COUNTER__), name, )
#define SM_ABSOLUTE_WEAK(name)	SM_ABSOLUTE_(SM_CONCAT(sm_abs_, __COUNTER__), name, __attribute__((weak)))
#define SM_ABSOLUTE64(name)                                                                        \
	({                                                                                         \
		u64 value_;                                                                        \
		__asm__("movabsq $" name ", %0" : "=r"(value_));                                   \
		value_;                                                                            \
	})

#define SM_ABSOLUTE64_WEAK(name)                                                                   \
	({                                                                                         \
		u64 value_;                                                                        \
		__asm__(".weak " name "\n\tmovabsq $" name ", %0" : "=r"(value_));                 \
		value_;                                                                            \
	})

/* Byte offset of a member (also of members: a.b) of a guest structure.  Missing: a load error. */
#define SM_OFFSET(type, member)	SM_ABSOLUTE("sm_off." #type "." #member)
/* The same; missing: 0.  Ask SM_HAS first. */
#define SM_OFFSET_OPTIONAL(type, member) SM_ABSOLUTE_WEAK("sm_off." #type "." #member)
#define SM_SIZE(type)		SM_ABSOLUTE("sm_size." #type)
/* 1 if this guest's kernel has the member, else 0. */
#define SM_HAS(type, member)	(SM_ABSOLUTE("sm_has." #type "." #member) != 0)
#define SM_ENUM(type, value)	SM_ABSOLUTE("sm_enum." #type "." #value)
/* Address of a guest kernel symbol; of a per-CPU one: its offset.  Missing: a load error. */
#define SM_SYMBOL(name)		SM_ABSOLUTE64("sm_sym." #name)
/* The same; missing: 0. */
#define SM_SYMBOL_OPTIONAL(name) SM_ABSOLUTE64_WEAK("sm_sym." #name)
#define SM_HAS_SYMBOL(name)	(SM_ABSOLUTE("sm_hassym." #name) != 0)

/* --- guest memory -------------------------------------------------------------------------- */

/*
 * Copies len bytes from a guest kernel address.  0, or -EFAULT: not mapped, or not RAM; dst then holds
 * what could be read, followed by what it held before.
 */
int sm_read(void *dst, u64 address, u32 len);
/* The same for a user-space address of the current process. */
int sm_read_user(void *dst, u64 address, u32 len);
/* Copies a NUL-terminated kernel string: its length (at most size - 1, NUL added), or -EFAULT. */
int sm_read_string(char *dst, u64 address, u32 size);

/* Integers; what cannot be read is 0. */
u64 sm_read64(u64 address);
u32 sm_read32(u64 address);

#define SM_READ64(pointer, type, member)	sm_read64((pointer) + SM_OFFSET(type, member))
#define SM_READ32(pointer, type, member)	sm_read32((pointer) + SM_OFFSET(type, member))
#define SM_READ(dst, pointer, type, member, len) sm_read(dst, (pointer) + SM_OFFSET(type, member), len)

/* --- tasks and paths ------------------------------------------------------------------------ */

/* Address of the current task_struct. */
u64 sm_current(void);
void sm_task_describe(struct sm_task *task, u64 address);
/* Absolute path of a struct path in the guest: length, at most size - 1, or -EFAULT. */
int sm_path(char *dst, u32 size, u64 path);

/* --- events --------------------------------------------------------------------------------- */

/*
 * Room for a record of up to max bytes (8 to SM_RECORD_MAX), its head filled in, in the ring itself; NULL
 * if the ring is full and the attachment drops (the loss is counted and reported).  Every reservation
 * must be committed, with the length that came of it, before the monitor returns.
 */
void *sm_reserve(u16 type, u32 max);
void sm_commit(void *record, u32 len);

/* Gives up this activation: the host reports and counts it as an abort. */
__attribute__((noreturn)) void sm_panic(u32 reason);

#endif
