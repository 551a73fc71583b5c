/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the entries of two of KVM's functions call, without ftrace in between, for each exit meets both.
 *
 *   in     the function's arguments (rdi, rsi); on the stack: where it goes on, where it returns to
 *   out    the same, and all that the function may take for preserved
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>

/* vmx_vcpu_run: seen, and goes on. */
SYM_FUNC_START(smh_enter_trampoline)
	pushq	%rdi
	pushq	%rsi
	call	smh_enter
	popq	%rsi
	popq	%rdi
	RET
SYM_FUNC_END(smh_enter_trampoline)

/* vmx_handle_exit: goes on in ours, which returns to its caller. */
SYM_FUNC_START(smh_handle_exit_trampoline)
	movq	$smh_handle_exit, (%rsp)
	RET
SYM_FUNC_END(smh_handle_exit_trampoline)
