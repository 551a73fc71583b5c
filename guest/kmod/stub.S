/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a hooked function to the gate and back.  ftrace lets the function's fentry call one of these
 * directly; which one depends on the number of arguments, because what is live must be saved and each
 * push costs, and on the slot, which tells the compartment what was hooked.
 *
 *	RSP on entry	return into the function, after its fentry
 *	    + 8		return to the function's caller
 *
 *	RSP at the gate	return into the stub (from `call`)
 *	    + 8		arguments, last first
 *			RFLAGS
 *			return into the function
 *
 * Kept: RBX RBP R12-R15 and the nargs arguments.  Clobbered: the rest, which at function entry is dead.
 * All is view 0.  The gate page follows at a distance that it knows: SM_VA_RETURN.
 *
 * Plain RET: no speculation past these leads to anything that a guest does not know.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>

#include <shadowmon/hypercall.h>
#include <shadowmon/layout.h>
#include "gate_offsets.h"

.macro save_arguments nargs
	.if \nargs > 0
	pushq	%rdi
	.endif
	.if \nargs > 1
	pushq	%rsi
	.endif
	.if \nargs > 2
	pushq	%rdx
	.endif
	.if \nargs > 3
	pushq	%rcx
	.endif
	.if \nargs > 4
	pushq	%r8
	.endif
	.if \nargs > 5
	pushq	%r9
	.endif
.endm

.macro restore_all nargs
	.if \nargs > 5
	popq	%r9
	.endif
	.if \nargs > 4
	popq	%r8
	.endif
	.if \nargs > 3
	popq	%rcx
	.endif
	.if \nargs > 2
	popq	%rdx
	.endif
	.if \nargs > 1
	popq	%rsi
	.endif
	.if \nargs > 0
	popq	%rdi
	.endif
	popfq
.endm

.macro stub nargs, slot
	.balign	SM_STUB_SIZE, 0xcc
	pushfq
	save_arguments \nargs
	movl	$\slot, %r11d
	.if \nargs > 3
	movq	%rcx, %r10
	.endif
	call	smg_gate + GATE_ENTER_OFFSET
	testl	%edx, %edx
	jnz	verdict_\nargs
	restore_all \nargs
	ANNOTATE_UNRET_SAFE
	ret
	int3
.endm

/* EDX = verdict, not 0. */
.macro verdict nargs
verdict_\nargs:
	testl	$SM_VERDICT_ATTENTION, %edx
	jz	1f
	movl	$SM_HC_ATTENTION, %eax
	vmcall
1:	testl	$SM_VERDICT_KILL, %edx
	jz	2f
	pushq	%rdx
	pushq	(\nargs + 1) * 8(%rsp)	/* as if the hooked function called it: interrupts as it has them */
	popfq
	call	smg_kill
	popq	%rdx
2:	andl	$SM_VERDICT_ERRNO, %edx
	jz	3f
	movl	%edx, %eax
	negq	%rax
	restore_all \nargs
	leaq	8(%rsp), %rsp		/* the function does not run: back to its caller */
	ANNOTATE_UNRET_SAFE
	ret
	int3
3:	restore_all \nargs
	ANNOTATE_UNRET_SAFE
	ret
	int3
.endm

.macro nokprobe_verdict nargs
_ASM_NOKPROBE(verdict_\nargs)
.endm

	.text
	.balign	4096, 0xcc
SYM_INNER_LABEL(smg_stubs, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR		/* ftrace calls them directly */
	.altmacro
	.set	nargs, 0
	.rept	SM_ARGS_MAX + 1
	.set	slot, 0
	.rept	SM_SLOTS
	stub	%nargs, %slot
	.set	slot, slot + 1
	.endr
	.set	nargs, nargs + 1
	.endr
	.balign	SM_STUB_SIZE, 0xcc

	.set	nargs, 0
	.rept	SM_ARGS_MAX + 1
	verdict	%nargs
	.set	nargs, nargs + 1
	.endr
SYM_INNER_LABEL(smg_stubs_end, SYM_L_GLOBAL)

/*
 * The gate's bytes jump to where nothing is in view 0, which objtool takes for an error.  So this section
 * is data until the module is linked; build.mk makes it code then.
 */
	.section .shadowmon.gate, "a"
	.balign	4096, 0xcc
SYM_INNER_LABEL(smg_gate_absent, SYM_L_GLOBAL)	/* hooks.c leads here */
	xorl	%edx, %edx
	jmp	gate_return

	.org	smg_gate_absent + 4096 + SM_VA_RETURN, 0xcc
gate_return:				/* G + SM_VA_RETURN */
	.byte	0xc3			/* ret, into the stub: objtool does not see it */
	.balign	4096, 0xcc
SYM_INNER_LABEL(smg_gate, SYM_L_GLOBAL)
	.incbin	"gate.bin"

/* No kprobes here: the host would drop the breakpoint, and the kernel BUG(). */
_ASM_NOKPROBE(smg_stubs)		/* each up to the next symbol */
	.set	nargs, 0
	.rept	SM_ARGS_MAX + 1
	nokprobe_verdict %nargs
	.set	nargs, nargs + 1
	.endr
_ASM_NOKPROBE(smg_gate_absent)
_ASM_NOKPROBE(gate_return)
_ASM_NOKPROBE(smg_gate)
