/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the guest's memory.  Guest addresses are numbers: never cast one to a pointer.
 *
 * An address is the guest kernel's or the current process's, and the caller says which: a kernel
 * pointer that is NULL, or that an attacker aimed at user space, cannot be read with the kernel's
 * functions, nor the other way round.  Every read may fail, at any time and whatever the address.
 */
#ifndef SHADOWMON_MEMORY_H
#define SHADOWMON_MEMORY_H

#include <shadowmon/kernel.h>
#include <shadowmon/window.h>

#define SM_EFAULT 14

/*
 * Copies len bytes.  0, or -SM_EFAULT if a byte is not mapped or not RAM: the bytes from its page
 * on are then zero in dst.
 */
int sm_read(void *dst, u64 address, u32 len);
int sm_read_user(void *dst, u64 address, u32 len);

/*
 * Copies a NUL-terminated kernel string to dst, NUL-terminated.  Its length, 0 to size - 1; or size
 * if it is longer, dst then holding its first size - 1 bytes; or -SM_EFAULT, dst then an empty
 * string.  size: 1 to 2^30.  Nothing behind the NUL is written.
 */
int sm_read_string(char *dst, u64 address, u32 size);
/* The same of the current process.  Another of its threads may change it between two looks. */
int sm_read_user_string(char *dst, u64 address, u32 size);
/* The same of the process whose struct mm_struct has this pgd. */
int sm_read_mm_string(char *dst, u64 pgd, u64 address, u32 size);

/*
 * Copies *count NUL-terminated strings of the current process that follow each other, with their
 * NULs. Returns the bytes copied, at most size, and in *count how many NULs were not met: 0 is
 * success; else the strings are longer than size if that much was copied, or a page could not be
 * read if less was.
 */
u32 sm_read_user_strings(char *dst, u64 address, u32 size, u32 *count);

/* For the functions below: bits is 8, 16, 32 or 64. */
u64 sm_read_slowly(u64 address, u32 bytes);

/* A kernel integer.  What cannot be read is 0: where that matters, sm_read() tells it from a 0. */
#define SM_DEFINE_READ(bits)                                                            \
	static inline u##bits sm_read##bits(u64 address)                                \
	{                                                                               \
		u64 gpa = address - SM_ABSOLUTE64("sm_cfg.page_offset");                \
                                                                                        \
		/* Nearly all that a kernel pointer names is in its direct map. */      \
		if (__builtin_expect(gpa < SM_ABSOLUTE64("sm_cfg.direct_map_size"), 1)) \
			return (u##bits)sm_window_load##bits(sm_window(gpa));           \
		return (u##bits)sm_read_slowly(address, bits / 8);                      \
	}
SM_DEFINE_READ(64)
SM_DEFINE_READ(32)
SM_DEFINE_READ(16)
SM_DEFINE_READ(8)

/*
 * A member of the guest structure at pointer.  The width is the member's: 64 also for pointers,
 * which makes chains: SM_READ32(SM_READ64(task, task_struct, real_parent), task_struct, tgid).
 */
#define SM_READ64(pointer, type, member) sm_read64((pointer) + SM_OFFSET(type, member))
#define SM_READ32(pointer, type, member) sm_read32((pointer) + SM_OFFSET(type, member))
#define SM_READ16(pointer, type, member) sm_read16((pointer) + SM_OFFSET(type, member))
#define SM_READ8(pointer, type, member)  sm_read8((pointer) + SM_OFFSET(type, member))
/* len bytes of it: as sm_read(). */
#define SM_READ(dst, pointer, type, member, len) \
	sm_read(dst, (pointer) + SM_OFFSET(type, member), len)

/*
 * The same for a structure of which several members are read: its address is checked once.
 *
 *	struct sm_object cred = SM_OBJECT(address, cred);
 *
 *	uid = SM_GET32(cred, cred, uid);
 */
struct sm_object {
	u64 address;
	u64 window; /* where the window shows it; 0: each read finds its way */
};

/* In the direct map. */
#define SM_OBJECT(pointer, type) sm_object(pointer, SM_SIZE(type))
/* On a stack: in one page of which the kernel's page tables say where it is. */
#define SM_STACK_OBJECT(pointer, type) sm_stack_object(pointer, SM_SIZE(type))
#define SM_GET64(object, type, member) sm_get64(object, SM_OFFSET(type, member))
#define SM_GET32(object, type, member) sm_get32(object, SM_OFFSET(type, member))

static inline struct sm_object sm_object(u64 address, u64 size)
{
	u64 gpa = address - SM_ABSOLUTE64("sm_cfg.page_offset");
	struct sm_object object = {.address = address};
	u64 room;

	if (!__builtin_sub_overflow(SM_ABSOLUTE64("sm_cfg.direct_map_size"), gpa, &room) &&
	    size <= room)
		object.window = sm_window(gpa);
	return object;
}

struct sm_object sm_stack_object(u64 address, u64 size);

/* offset, and what is read there, lie within the size that sm_object() was given. */
#define SM_DEFINE_GET(bits)                                                           \
	static inline u##bits sm_get##bits(struct sm_object object, u64 offset)       \
	{                                                                             \
		if (__builtin_expect(object.window != 0, 1))                          \
			return (u##bits)sm_window_load##bits(object.window + offset); \
		return (u##bits)sm_read_slowly(object.address + offset, bits / 8);    \
	}
SM_DEFINE_GET(64)
SM_DEFINE_GET(32)

#endif
