/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compartment's one entry point, SM_IMAGE_ENTRY bytes into the image.
 *
 * In:   view 2, from the gate: R11 = slot, RDI RSI RDX R10 R8 R9 = arguments, IF = DF = 0, the rest the
 *       guest's
 * Out:  to the gate's exit: EDX = verdict, RSP RBX as they came, RSI RDI R8 R9 cleared, RAX and RCX left
 *       to the gate.  RBP and R10 to R15 no code here touches.
 *
 * All registers may be an attacker's.  The slot is masked, and every entry of the table is a handler.
 * What is stored first is for the host, if it must abort.
 *
 * Each event pays for each instruction here.  So handlers mask their verdicts, and those with more than three
 * arguments fetch the fourth from R10 themselves: for most that is nothing (monitor.h).
 */
#include <shadowmon/layout.h>

#define STATE(member) sm_cpu_state + member(%rip)
#include "state_offsets.h"

	.section .text.entry, "ax"
	.fill	SM_IMAGE_ENTRY, 1, 0xcc
	.globl	smc_entry
	.type	smc_entry, @function
smc_entry:
	movq	%rsp, STATE(STATE_RSP)
	leaq	sm_cpu_state - SM_CPU_STATE + SM_CPU_STACK + SM_CPU_STACK_SIZE(%rip), %rsp
	.if . - smc_entry != SM_ENTRY_RSP_SAVED
	.error	"SM_ENTRY_RSP_SAVED"
	.endif
	movq	%rbx, STATE(STATE_RBX)
	.if . - smc_entry != SM_ENTRY_RBX_SAVED
	.error	"SM_ENTRY_RBX_SAVED"
	.endif
	incq	STATE(STATE_ENTRIES)
	andl	$(SM_SLOTS - 1), %r11d
	movl	%r11d, STATE(STATE_SLOT)
	movq	smc_dispatch(, %r11, 8), %rax
	call	__x86_indirect_thunk_rax
	movl	STATE(STATE_ATTENTION), %edx
	orl	%eax, %edx
	xorl	%esi, %esi			/* nothing of ours leaves */
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	movq	STATE(STATE_RSP), %rsp
	jmp	sm_gate_exit
	.size	smc_entry, . - smc_entry

/*
 * Indirect calls: a return whose predicted target leads nowhere, so that what the guest taught the branch
 * predictors is of no use.  The runtime makes but the one above; the others are for monitors that have
 * pointers to functions.
 */
	.text
	.irp	reg, rax, rbx, rcx, rdx, rsi, rdi, r8, r9
	.balign	16, 0xcc
	.globl	__x86_indirect_thunk_\reg
	.type	__x86_indirect_thunk_\reg, @function
__x86_indirect_thunk_\reg:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	movq	%\reg, (%rsp)
	ret
	.size	__x86_indirect_thunk_\reg, . - __x86_indirect_thunk_\reg
	.endr

/* The handler of slots without one. */
	.type	smc_unbound, @function
smc_unbound:
	xorl	%eax, %eax
	ret
	.size	smc_unbound, . - smc_unbound

/* Filled by the loader, slot by slot. */
	.section .rodata.dispatch, "a"
	.balign	512				/* in one page: the host writes to it */
	.globl	smc_dispatch
	.type	smc_dispatch, @object
smc_dispatch:
	.rept	SM_SLOTS
	.quad	smc_unbound
	.endr
	.size	smc_dispatch, . - smc_dispatch

	.section .note.GNU-stack, "", @progbits
