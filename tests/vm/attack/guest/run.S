/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attacks that need exact instructions.  Each saves the callee-saved registers and tells recover.c which
 * stack to go on with after an exception.  A jump into the gate may also come back by the gate's own way,
 * a `ret` at G + SM_VA_RETURN: run_returned lies ready on the stack for it.
 */
#include <linux/linkage.h>
#include <linux/version.h>
#include <asm/ibt.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define NO_FRAME UNWIND_HINT_EMPTY
#else
#define NO_FRAME UNWIND_HINT_UNDEFINED
#endif

/* struct jump */
#define JUMP_RIP	0
#define JUMP_CR3	8
#define JUMP_LATE_CR3	16
#define JUMP_RSP	24
#define JUMP_FILL	32
#define JUMP_RFLAGS	40
#define JUMP_WARM	48
#define JUMP_CS		56
#define JUMP_GS_BASE	64
#define JUMP_SLOT	72

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
	leaq	run_returned(%rip), %rax
	pushq	%rax
	movq	%rsp, recover_sp(%rip)
.endm

	.text
SYM_CODE_START(run_refused)
	NO_FRAME
	ENDBR
	movl	$1, %eax
	jmp	run_end
SYM_CODE_END(run_refused)

/* With whatever RSP. */
SYM_CODE_START(run_back)
	NO_FRAME
	ENDBR
	movq	recover_sp(%rip), %rsp
	movl	$2, %eax
	jmp	run_end
SYM_CODE_END(run_back)

/* By `ret`: the stack is one word shorter. */
SYM_CODE_START(run_returned)
	NO_FRAME
	ENDBR
	pushq	%rax
	movl	$2, %eax
	jmp	run_end
SYM_CODE_END(run_returned)

SYM_CODE_START(run_through)
	NO_FRAME
	xorl	%eax, %eax
	jmp	run_end
SYM_CODE_END(run_through)

/* In place of the kernel's #UD handler.  The frame: RIP, CS, RFLAGS, RSP, SS. */
SYM_CODE_START(run_ud)
	NO_FRAME
	ENDBR
	cmpq	$0, recover_sp(%rip)
	je	1f
	testb	$3, 8(%rsp)
	jnz	1f
2:	pushq	%rax
	leaq	run_refused(%rip), %rax
	movq	%rax, 8(%rsp)
	movq	recover_sp(%rip), %rax
	movq	%rax, 32(%rsp)
	movq	$__KERNEL_CS, 16(%rsp)	/* it may have been 32-bit code */
	andq	$~0x700, 24(%rsp)	/* TF, IF, DF */
	popq	%rax
	iretq
1:	ANNOTATE_RETPOLINE_SAFE
	jmp	*run_ud_original(%rip)
SYM_INNER_LABEL(run_df, SYM_L_GLOBAL)	/* the same behind an error code, on a stack of its own */
	NO_FRAME
	ENDBR
	cmpq	$0, recover_sp(%rip)
	je	3f
	addq	$8, %rsp
	jmp	2b
3:	ANNOTATE_RETPOLINE_SAFE
	jmp	*run_df_original(%rip)
SYM_CODE_END(run_ud)

/*
 * In place of the kernel's #MC handler, from wherever the CPU was: counts.  That the CPU may have the next one is
 * not said here, for it would come at once, on this one's stack.
 */
SYM_CODE_START(run_mc)
	NO_FRAME
	ENDBR
	incq	run_machine_checks(%rip)
	iretq
SYM_CODE_END(run_mc)

SYM_CODE_START(run_end)
	NO_FRAME
	cld
	movq	recover_sp(%rip), %rsp
	addq	$8, %rsp
	movq	$0, recover_sp(%rip)
	movq	run_cr3(%rip), %rcx
	movq	%rcx, %cr3
	cmpq	$0, run_gs_base(%rip)
	je	1f
	movl	%eax, %esi
	movl	$MSR_GS_BASE, %ecx
	movl	run_gs_base(%rip), %eax
	movl	run_gs_base + 4(%rip), %edx
	wrmsr
	movq	$0, run_gs_base(%rip)
	movl	%esi, %eax
1:
	movq	%cr4, %rcx		/* the attacker's pages are global */
	btcq	$7, %rcx
	movq	%rcx, %cr4
	btcq	$7, %rcx
	movq	%rcx, %cr4
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
SYM_CODE_END(run_end)

SYM_CODE_START(run_read)
	NO_FRAME
	begin
	movq	(%rdi), %rcx
	jmp	run_through
SYM_CODE_END(run_read)

SYM_CODE_START(run_write)
	NO_FRAME
	begin
	movq	%rsi, (%rdi)
	jmp	run_through
SYM_CODE_END(run_write)

SYM_CODE_START(run_vmfunc)
	NO_FRAME
	begin
	movl	%edi, %eax
	movl	%esi, %ecx
	.byte	0x0f, 0x01, 0xd4
	jmp	run_through
SYM_CODE_END(run_vmfunc)

SYM_CODE_START(run_jump)
	NO_FRAME
	begin
	movq	JUMP_RIP(%rdi), %rax
	movq	%rax, run_target(%rip)
	movq	JUMP_SLOT(%rdi), %r11
	cmpq	$0, JUMP_GS_BASE(%rdi)
	je	4f
	movl	$MSR_GS_BASE, %ecx
	rdmsr
	movl	%eax, run_gs_base(%rip)
	movl	%edx, run_gs_base + 4(%rip)
	movl	JUMP_GS_BASE(%rdi), %eax
	movl	JUMP_GS_BASE + 4(%rdi), %edx
	wrmsr
	movl	JUMP_RIP(%rdi), %eax
4:
	movl	%eax, run_far_target(%rip)
	movl	JUMP_CS(%rdi), %eax
	movl	%eax, run_far_target + 4(%rip)
	movq	JUMP_RSP(%rdi), %rdx
	movq	JUMP_CR3(%rdi), %rax
	movq	JUMP_LATE_CR3(%rdi), %r8
	movq	JUMP_FILL(%rdi), %rbx
	movq	JUMP_RFLAGS(%rdi), %rcx
	testq	%rax, %rax
	jz	1f
	movq	%rax, %cr3
1:
	movq	JUMP_WARM(%rdi), %rax
	testq	%rax, %rax
	jz	2f
	ANNOTATE_RETPOLINE_SAFE
	call	*%rax
2:
	movq	%rbx, %rdi
	movq	%rbx, %rsi
	movq	%rbx, %rbp
	movq	%rbx, %r9
	movq	%rbx, %r10
	movq	%rbx, %r12
	movq	%rbx, %r13
	movq	%rbx, %r14
	movq	%rbx, %r15
	movq	%rcx, %rax
	testq	%rdx, %rdx
	cmovzq	%rsp, %rdx
	pushfq
	orq	%rax, (%rsp)
	movl	$0, %eax
	movl	$1, %ecx
	popfq
	movq	%rdx, %rsp
	movq	%rbx, %rdx
	cmpl	$0, run_far_target + 4(%rip)
	jne	3f
	ANNOTATE_RETPOLINE_SAFE
	jmp	*run_target(%rip)
3:	ljmpl	*run_far_target(%rip)
SYM_CODE_END(run_jump)

	.data
run_cr3:
	.quad	0
run_gs_base:
	.quad	0
run_target:
	.quad	0
run_far_target:
	.quad	0
	.globl	run_machine_checks
run_machine_checks:
	.quad	0
	.globl	run_ud_original, run_df_original
run_ud_original:
	.quad	0
run_df_original:
	.quad	0
	.globl	recover_sp
recover_sp:
	.quad	0
