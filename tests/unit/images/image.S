/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small image for image_test.c, and as many broken ones: each is this file with one BREAK_* defined.
 * `good` has the monitors "one", which has two hooks, and "extra", which is to be asked for.  Its data segment starts with one value of each kind of relocation.
 */
#include <shadowmon/layout.h>

.macro entry name, kind, max, value
8:	.asciz	"\name"
	.org	8b + 48
	.quad	\value
	.long	\max, \kind
.endm

.macro hook handler, name, nargs, errno, monitor=monitor1, flags=0
	.quad	\handler, \name
	.short	\nargs, \flags
	.long	\errno
	.quad	\monitor
.endm

#ifndef BREAK_no_entry
	.section .text.entry, "ax"
	.globl	smc_entry
smc_entry:
	jmp	first
#endif

	.text
	.globl	first, second
first:
	leaq	sm_cpu_state(%rip), %rax
	movq	$sm_off.task_struct.pid, %rcx
	movl	$sm_size.task_struct, %edx
	call	second@PLT
	jmp	sm_gate_exit
second:
1:	movq	(%rdi), %rax
2:	ret
3:	movl	$1, %eax
	jmp	2b
4:	nop
	movq	$weak_one, %rax
	.weak	weak_one
#ifdef BREAK_unresolved
	movq	$sm_off.task_struct.absent, %rax
#endif
#ifdef BREAK_unknown_symbol
	call	memmove
#endif
#ifdef BREAK_bitfield
	movq	$sm_off.task_struct.bitfield, %rax
#endif
#ifdef BREAK_reloc_range
	movq	$sm_sym.far, %rax
#endif
#ifdef BREAK_reloc_range_32
	movl	$first, %eax		/* the top 2 GiB do not fit without a sign */
#endif
#ifdef BREAK_reloc_type
	movq	sm_sym.near@GOTPCREL(%rip), %rax
#endif
#ifdef BREAK_reloc_16
	.word	sm_off.task_struct.pid
#endif
#ifdef BREAK_debug_reference
	movq	$comment, %rax
#endif
#ifdef BREAK_common
	movq	$common, %rax
	.comm	common, 8, 8
#endif

	.section .rodata, "a"
name1:	.asciz	"security_one"
name2:
#ifdef BREAK_hook_same
	.asciz	"security_one"
#else
	.asciz	"security_two"
#endif
name3:	.asciz	"security_three"
monitor1: .asciz "one"
monitor2: .asciz "extra"
monitor_all: .asciz "all"
monitor_two: .asciz "one,two"
monitor_long: .fill 64, 1, 'm'
	.byte	0
empty:	.asciz	""
#ifdef BREAK_monitors_many
many:	.set	skip, 0
	.rept	257
	.byte	'0' + skip / 16, '0' + skip % 16, 0
	.set	skip, skip + 1
	.endr
#endif
control: .asciz	"security\n"
longest: .fill	127, 1, 'a'
	.byte	0
toolong: .fill	128, 1, 'a'
	.byte	0
#ifdef BREAK_hook_name_unterminated
	.section .rodata.unterminated, "a"
unterminated: .ascii "security"
#endif

#ifndef BREAK_no_dispatch
#ifdef BREAK_dispatch_writable
	.section .data.dispatch, "aw"
#else
	.section .rodata.dispatch, "a"
#endif
	.balign	64
	.globl	smc_dispatch
smc_dispatch:
#ifdef BREAK_dispatch_short
	.rept	SM_SLOTS - 1
#else
	.rept	SM_SLOTS
#endif
	.quad	0
	.endr
#endif

	.section .data, "aw"
data:
	.quad	sm_sym.far			/* 64 */
	.quad	first
	.quad	second - .			/* PC64 */
	.quad	weak_one
	.long	sm_off.task_struct.pid		/* 32 */
	.long	sm_ring - .			/* PC32 */
	.long	sm_event.second_event
#ifdef BREAK_event_undeclared
	.long	sm_event.opened
#endif

	.section .bss
	.balign	64
	.globl	zeroes
zeroes:	.zero	8192

#ifdef BREAK_hooks_writable
	.section .sm.hooks, "aw"
#else
	.section .sm.hooks, "a"
#endif
#ifndef BREAK_no_hooks
	hook	first, name1, 2, 0
#ifdef BREAK_hook_arguments
	hook	second, name2, 5, 13		/* it loads, but the kernel's function has 6 */
#else
	hook	second, name2, 6, 13
#endif
#endif
#ifndef BREAK_no_hooks
	hook	second, name3, 1, 0, monitor2, 1
#endif
#ifdef BREAK_hooks_many
	.set	skip, 0
	.rept	SM_SLOTS
	hook	first, longest + skip, 2, 0
	.set	skip, skip + 1
	.endr
#endif
#ifdef BREAK_hooks_partial
	.quad	first
#endif
#ifdef BREAK_hook_handler
	hook	data, longest, 2, 0
#endif
#ifdef BREAK_hook_handler_null
	hook	0, longest, 2, 0
#endif
#ifdef BREAK_hook_name_empty
	hook	first, empty, 2, 0
#endif
#ifdef BREAK_hook_name_control
	hook	first, control, 2, 0
#endif
#ifdef BREAK_hook_name_long
	hook	first, toolong, 2, 0
#endif
#ifdef BREAK_hook_name_unterminated
	hook	first, unterminated, 2, 0
#endif
#ifdef BREAK_hook_name_wild
	hook	first, 0x1234, 2, 0
#endif
#ifdef BREAK_hook_nargs
	hook	first, longest, 7, 0
#endif
#ifdef BREAK_hook_errno
	hook	first, longest, 2, 4096
#endif
#ifdef BREAK_hook_flags
	hook	first, longest, 2, 0, monitor1, 2
#endif
#ifdef BREAK_monitor_none
	hook	first, longest, 2, 0, 0
#endif
#ifdef BREAK_monitor_all
	hook	first, longest, 2, 0, monitor_all
#endif
#ifdef BREAK_monitor_comma
	hook	first, longest, 2, 0, monitor_two
#endif
#ifdef BREAK_monitor_long
	hook	first, longest, 2, 0, monitor_long
#endif
#ifdef BREAK_monitors_many
	.set	skip, 0
	.rept	257
	hook	first, name1, 2, 0, many+3*skip, 1
	.set	skip, skip + 1
	.endr
#endif

	.section .sm.fixup, "a"
	.long	4b - ., 3b - .
	.long	1b - ., 3b - .
#ifdef BREAK_fixup_double
	.long	1b - ., 3b - .
#endif
#ifdef BREAK_fixup_data
	.long	data - ., 3b - .
#endif
#ifdef BREAK_fixup_target
	.long	2b - ., data - .
#endif
#ifdef BREAK_fixup_wild
	.long	0x40000000, 3b - .
#endif
#ifdef BREAK_fixup_entry
	.long	2b - ., smc_entry - .
#endif
#ifdef BREAK_fixup_partial
	.long	2b - .
#endif
#ifdef BREAK_fixups_many
	.rept	4096
	.long	2b - ., 3b - .
	.endr
#endif

#ifdef BREAK_write_exec
	.section .both, "awx"
	.quad	0
#endif
#ifdef BREAK_too_big
	.section .bss.big, "aw", @nobits
	.zero	SM_IMAGE_MAX_SIZE
#endif
#ifdef BREAK_too_big_section
	.section .bss.big, "aw", @nobits
	.zero	SM_IMAGE_MAX_SIZE + 1
#endif
#ifdef BREAK_huge_section
	.section .bss.big, "aw", @nobits
	.zero	0x7fffffffffff0000
#endif
#ifdef BREAK_alignment
	.section .rodata.aligned, "a"
	.balign	8192
	.quad	0
#endif
#ifdef BREAK_constructor
	.section .init_array, "aw", @init_array
	.quad	first
#endif
#ifdef BREAK_tls
	.section .tdata, "awT", @progbits
	.quad	0
#endif
#ifdef BREAK_exec_without_bytes
	.section .code.bss, "ax", @nobits
	.zero	64
#endif
#ifdef BREAK_two_entries
	.section .text.entry, "ax", @progbits, unique, 1
	ret
#endif

	.section .sm.schema, "a"
	entry	first_event, 1, 136, 0
	entry	number, 18, 0, 0
	entry	second_event, 1, 128, 0
#ifdef BREAK_schema_partial
	.quad	0
#endif
#ifdef BREAK_schema_name
	entry	process_exec, 1, 128, 0
#endif
#ifdef BREAK_schema_size
	entry	third_event, 1, 132, 0
	entry	number, 18, 0, 0
#endif
#ifdef BREAK_schema_different
	entry	second_event, 1, 136, 0
	entry	number, 18, 0, 0
#endif

	.section .comment.mine, ""
comment:
	.quad	0

	.section .note.GNU-stack, "", @progbits
