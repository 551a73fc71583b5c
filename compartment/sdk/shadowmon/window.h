/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads of guest-physical memory through the window.  For memory.h; monitors read with what that
 * offers.
 *
 * A load may meet an address with no guest RAM behind it.  The host then resumes at the load's
 * fix-up, which section .sm.fixup names, in the manner of the kernel's exception table.
 */
#ifndef SHADOWMON_WINDOW_H
#define SHADOWMON_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include <shadowmon/layout.h>

/* 1: is the load, 2: what follows it, 3: the fix-up. */
#define SM_WINDOW_FIXUP(instruction)         \
	"2:\n"                               \
	".pushsection .text.fixup, \"ax\"\n" \
	"3:	" instruction "\n"           \
	"	jmp 2b\n"                          \
	".popsection\n"                      \
	".pushsection .sm.fixup, \"a\"\n"    \
	"	.balign 4\n"                       \
	"	.long 1b - ., 3b - .\n"            \
	".popsection\n"

/*
 * Where the window shows guest-physical address gpa, of which the caller knows that it lies below
 * SM_RAM_LIMIT.  Never 0.  The compiler is to see no more of it than that, or it adds the window's
 * base at each load.
 */
static inline u64 sm_window(u64 gpa)
{
	u64 at = SM_WINDOW_VA + gpa;

	__asm__("" : "+r"(at));
	if (!at)
		__builtin_unreachable();
	return at;
}

/* As a memory operand, so that a load can do the addition of a member's offset. */
#define SM_WINDOW_BYTE(at) (*(const u8 *)(at))

#define SM_WINDOW_LOAD(bits, load)                                                   \
	static inline u64 sm_window_load##bits(u64 at)                               \
	{                                                                            \
		u64 value;                                                           \
                                                                                     \
		__asm__ volatile("1:	" load "\n" SM_WINDOW_FIXUP("xorl %k0, %k0") \
				 : "=r"(value)                                       \
				 : "m"(SM_WINDOW_BYTE(at))                           \
				 : "cc");                                            \
		return value;                                                        \
	}

/* The integer there, or 0 if there is no RAM. */
SM_WINDOW_LOAD(64, "movq %1, %0")
SM_WINDOW_LOAD(32, "movl %1, %k0")
SM_WINDOW_LOAD(16, "movzwl %1, %k0")
SM_WINDOW_LOAD(8, "movzbl %1, %k0")

/* The same, told apart: false if there is no RAM. */
static inline bool sm_window_get64(u64 at, u64 *ret_value)
{
	u32 failed = 0;
	u64 value = 0;

	__asm__ volatile("1:	movq %2, %0\n" SM_WINDOW_FIXUP("movl $1, %1")
			 : "+r"(value), "+r"(failed)
			 : "m"(SM_WINDOW_BYTE(at)));
	*ret_value = value;
	return !failed;
}

#endif
