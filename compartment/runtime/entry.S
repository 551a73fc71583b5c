/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compartment's one entry point: first byte of the image.
 *
 * In:   view 2, from the gate: RBX = guest RSP, R11 = slot, RDI RSI RDX R10 R8 R9 = arguments, RSP = top
 *       of this vCPU's stack, IF = 0, DF as the guest had it
 * Out:  to the gate's exit: EDX = verdict, RBX RBP R12-R15 as they came, the rest cleared or the gate's
 *
 * All registers may be an attacker's.  The slot is masked, and every entry of the table is a handler.
 */
#include <shadowmon/layout.h>

	.section .text.entry, "ax"
	.globl	smc_entry
smc_entry:
	movq	%rbx, sm_cpu_state+0(%rip)	/* for the host, if it must abort */
	movq	%rbp, sm_cpu_state+8(%rip)
	movq	%r12, sm_cpu_state+16(%rip)
	movq	%r13, sm_cpu_state+24(%rip)
	movq	%r14, sm_cpu_state+32(%rip)
	movq	%r15, sm_cpu_state+40(%rip)
	incq	sm_cpu_state+48(%rip)		/* entries */
	andl	$(SM_SLOTS - 1), %r11d
	movl	%r11d, sm_cpu_state+64(%rip)	/* slot */
	cld
	movq	%r10, %rcx
	movq	smc_dispatch(, %r11, 8), %rax
	call	__x86_indirect_thunk_rax
	andl	$SM_VERDICT_ERRNO, %eax
	movl	sm_cpu_state+56(%rip), %edx	/* attention */
	orl	%eax, %edx
	xorl	%esi, %esi			/* nothing of ours leaves */
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	jmp	sm_gate_exit

/* A retpoline: the return predictor, not the indirect one, guesses where this goes. */
	.text
	.globl	__x86_indirect_thunk_rax
__x86_indirect_thunk_rax:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	movq	%rax, (%rsp)
	ret

	.globl	smc_unbound
smc_unbound:
	xorl	%eax, %eax
	ret

/* Filled by the loader, slot by slot. */
	.section .rodata.dispatch, "a"
	.balign	64
	.globl	smc_dispatch
	.type	smc_dispatch, @object
smc_dispatch:
	.rept	SM_SLOTS
	.quad	smc_unbound
	.endr
	.size	smc_dispatch, . - smc_dispatch

	.section .note.GNU-stack, "", @progbits
