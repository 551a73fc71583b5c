/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's kernel as its own BTF and symbol table describe it.  Each macro makes an undefined
 * ELF symbol that the loader resolves before the compartment starts: at run time it is an immediate
 * operand.
 *
 * What the guest's kernel lacks is a load error that names it.  To cope with several kernels, ask
 * SM_HAS or SM_HAS_SYMBOL: that makes the thing optional in the whole source file, and where it is
 * missing its offset or address is 0 and the test false.
 */
#ifndef SHADOWMON_KERNEL_H
#define SHADOWMON_KERNEL_H

#include <stdbool.h>

#include <shadowmon/layout.h>

/* Byte offset of a member (or of a member's: a.b) of a guest structure. */
#define SM_OFFSET(type, member) SM_ABSOLUTE("sm_off." #type "." #member)
/* Bytes of a guest structure, and of one member. */
#define SM_SIZE(type)                SM_ABSOLUTE("sm_size." #type)
#define SM_MEMBER_SIZE(type, member) SM_ABSOLUTE("sm_fsize." #type "." #member)
/* Value of an enumerator, sign-extended. */
#define SM_ENUM(type, value) SM_ABSOLUTE("sm_enum." #type "." #value)
/* Address of a guest kernel symbol; of a per-CPU one its offset in the per-CPU area. */
#define SM_SYMBOL(name) SM_ABSOLUTE64("sm_sym." #name)

/* Whether this guest's kernel has the member, or the symbol. */
#define SM_HAS(type, member)                 \
	SM_FLAG("sm_has." #type "." #member, \
		".weak sm_off." #type "." #member ", sm_fsize." #type "." #member)
#define SM_HAS_SYMBOL(name) SM_FLAG("sm_hassym." #name, ".weak sm_sym." #name)

/* --- how ---------------------------------------------------------------------------------- */

#define SM_CONCAT_(a, b) a##b
#define SM_CONCAT(a, b)  SM_CONCAT_(a, b)

/* The C names differ, because GCC keeps one assembler name for each. */
#define SM_ABSOLUTE(name) SM_ABSOLUTE_(name, SM_CONCAT(sm_absolute_, __COUNTER__))
#define SM_ABSOLUTE_(name, id)                        \
	({                                            \
		extern const char id[] __asm__(name); \
		(u64) id;                             \
	})

/* Values that do not fit into 32 bits. */
#define SM_ABSOLUTE64(name)                                      \
	({                                                       \
		u64 value_;                                      \
		__asm__("movabsq $" name ", %0" : "=r"(value_)); \
		value_;                                          \
	})

/* Not the address of an array, which GCC takes to be other than 0. */
#define SM_FLAG(name, directive)                                           \
	({                                                                 \
		u32 flag_;                                                 \
		__asm__(directive "\n\tmovl $" name ", %0" : "=r"(flag_)); \
		flag_ != 0;                                                \
	})

#endif
