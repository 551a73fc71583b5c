/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attacks that need exact instructions.  Each saves the callee-saved registers, tells recover.c where to
 * go on after #UD, and attacks.  A jump into the gate may also come back by the gate's own way, a `ret`
 * at G - 16: run_back lies ready on the stack for it.
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>

.macro begin
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq
	cli
	movq	%cr3, %rax
	movq	%rax, run_cr3(%rip)
	leaq	run_refused(%rip), %rax
	movq	%rax, recover_ip(%rip)
	leaq	run_back(%rip), %rax
	pushq	%rax
	movq	%rsp, recover_sp(%rip)
.endm

	.text
SYM_CODE_START(run_refused)
	ANNOTATE_NOENDBR
	movl	$1, %eax
	jmp	1f
SYM_INNER_LABEL(run_fell_through, SYM_L_LOCAL)
	xorl	%eax, %eax
1:	movq	recover_sp(%rip), %rsp
	addq	$8, %rsp
SYM_INNER_LABEL(run_end, SYM_L_LOCAL)
	movq	$0, recover_ip(%rip)
	movq	run_cr3(%rip), %rcx
	movq	%rcx, %cr3
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ANNOTATE_UNRET_SAFE
	ret
	int3
SYM_CODE_END(run_refused)

/* By `ret`: the stack is one word shorter. */
SYM_CODE_START(run_back)
	ANNOTATE_NOENDBR
	xorl	%eax, %eax
	jmp	run_end
SYM_CODE_END(run_back)

SYM_CODE_START(run_read)
	begin
	movq	(%rdi), %rcx
	jmp	run_fell_through
SYM_CODE_END(run_read)

SYM_CODE_START(run_write)
	begin
	movq	%rsi, (%rdi)
	jmp	run_fell_through
SYM_CODE_END(run_write)

SYM_CODE_START(run_vmfunc)
	begin
	movl	%edi, %eax
	movl	%esi, %ecx
	.byte	0x0f, 0x01, 0xd4
	jmp	run_fell_through
SYM_CODE_END(run_vmfunc)

SYM_CODE_START(run_jump)
	begin
	movq	%rdi, %r8
	xorl	%r11d, %r11d
	testq	%rdx, %rdx
	jz	2f
	movq	%rdx, %rsp
2:	testq	%rsi, %rsi
	jz	3f
	movq	%rsi, %cr3
	btq	$63, %rsi		/* "no flush": what the TLB holds is the attack */
	jc	3f
	invlpg	(%r8)
3:	xorl	%eax, %eax
	movl	$1, %ecx
	ANNOTATE_RETPOLINE_SAFE
	jmp	*%r8
SYM_CODE_END(run_jump)

SYM_CODE_START(run_single_step)
	begin
	movq	%rdi, %r8
	pushfq
	orq	$0x100, (%rsp)		/* TF */
	xorl	%r11d, %r11d
	popfq
	ANNOTATE_RETPOLINE_SAFE
	jmp	*%r8
SYM_CODE_END(run_single_step)

	.data
run_cr3:
	.quad	0
	.globl	recover_ip, recover_sp
recover_ip:
	.quad	0
recover_sp:
	.quad	0
