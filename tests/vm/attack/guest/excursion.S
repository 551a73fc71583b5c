/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Out of long mode, to an instruction of the attacker's, and back by the exception that it meets.
 *
 * excursion_code is copied to the start of a page below 4 GiB that is mapped at its own physical address in
 * all page tables that take part; struct excursion (excursion.h) lies at its end.  EBX is that address.
 */
#include <linux/linkage.h>
#include <linux/version.h>
#include <asm/ibt.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include "excursion.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define NO_FRAME UNWIND_HINT_EMPTY
#else
#define NO_FRAME UNWIND_HINT_UNDEFINED
#endif

#define OWN(field) EXCURSION_DATA + EXCURSION_##field
#define HERE(label) label - excursion_code

	.text
/* RDI = the page, RSI = the CR3 that shows it, with interrupts off.  EAX: what brought it back. */
SYM_CODE_START(excursion_go)
	NO_FRAME
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movl	%ds, %eax
	pushq	%rax
	movl	%es, %eax
	pushq	%rax
	movq	%rdi, %rbx
	movq	%cr3, %rdx
	movq	%rsi, %cr3
	movq	%rdx, OWN(OLD_CR3)(%rbx)
	movq	%rsp, OWN(RSP)(%rbx)
	sgdt	OWN(OLD_GDTR)(%rbx)
	sidt	OWN(OLD_IDTR)(%rbx)
	movq	%cr4, %rax
	movq	%rax, OWN(OLD_CR4)(%rbx)
	andl	$~X86_CR4_PCIDE, %eax
	movq	%rax, %cr4
	movl	$__KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	leaq	EXCURSION_STACK(%rbx), %rsp
	leaq	HERE(excursion_leave)(%rbx), %rax
	pushq	$__KERNEL32_CS
	pushq	%rax
	lretq
SYM_CODE_END(excursion_go)

/* Back in 64-bit mode, on the attacker's page tables. */
SYM_CODE_START(excursion_end)
	NO_FRAME
	ENDBR
	movl	OWN(LANDING)(%rbx), %eax
	movq	OWN(OLD_CR4)(%rbx), %rcx
	movq	OWN(OLD_CR3)(%rbx), %rdx
	movq	OWN(RSP)(%rbx), %rsp
	lgdt	OWN(OLD_GDTR)(%rbx)
	lidt	OWN(OLD_IDTR)(%rbx)
	btcq	$X86_CR4_PGE_BIT, %rcx	/* the attacker's pages are global */
	movq	%rcx, %cr4
	btcq	$X86_CR4_PGE_BIT, %rcx
	movq	%rcx, %cr4
	movq	%rdx, %cr3
	popq	%rcx
	movl	%ecx, %es
	popq	%rcx
	movl	%ecx, %ds
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ANNOTATE_UNRET_SAFE
	ret
	int3
SYM_CODE_END(excursion_end)

/* Data to objtool: it is executed elsewhere, and most of it is no 64-bit code. */
	.section .rodata
	.globl	excursion_code, excursion_code_end
	.code32
excursion_code:
	/* Exceptions, by vector; each gate leads to one of these. */
	.set	vector, 0
	.rept	EXCURSION_VECTORS
	.org	excursion_code + EXCURSION_ENTRY_SIZE * vector
	movb	$vector, %al
	jmp	excursion_back
	.set	vector, vector + 1
	.endr

excursion_leave:
	movl	%cr0, %eax
	andl	$~X86_CR0_PG, %eax
	movl	%eax, %cr0
	movl	$MSR_EFER, %ecx
	rdmsr
	andl	$~(1 << _EFER_LME), %eax
	wrmsr
	lgdt	OWN(GDTR)(%ebx)
	lidt	OWN(IDTR)(%ebx)
	movl	OWN(CR3)(%ebx), %eax
	movl	%eax, %cr3
	movl	%cr0, %eax
	orl	OWN(CR0)(%ebx), %eax
	movl	%eax, %cr0
	movl	OWN(LATE_CR3)(%ebx), %edx
	movl	OWN(FILL)(%ebx), %esi
	movl	OWN(FILL)(%ebx), %edi
	movl	OWN(FILL)(%ebx), %ebp
	pushl	OWN(CS)(%ebx)
	pushl	OWN(EIP)(%ebx)
	movl	OWN(ECX)(%ebx), %ecx
	xorl	%eax, %eax
	lret

/* On to ESI without protected mode; CS stays what it was. */
excursion_real:
	lidt	OWN(REAL_IDTR)(%ebx)
	movl	%cr0, %eax
	andl	$~X86_CR0_PE, %eax
	movl	%eax, %cr0
	xorl	%eax, %eax
	jmp	*%esi

excursion_back:
	movl	$__KERNEL_DS, %ebx
	movl	%ebx, %ds
	movl	%ebx, %es
	movl	%ebx, %ss
	.byte	0xbb			/* movl $page, %ebx */
excursion_patch:
	.long	0
	movzbl	%al, %eax
	movl	%eax, OWN(LANDING)(%ebx)
	leal	EXCURSION_STACK(%ebx), %esp
	movl	%cr0, %eax
	andl	$~X86_CR0_PG, %eax
	movl	%eax, %cr0
	movl	OWN(OWN_CR3)(%ebx), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(1 << _EFER_LME), %eax
	wrmsr
	movl	%cr0, %eax
	orl	$X86_CR0_PG, %eax
	movl	%eax, %cr0
	leal	HERE(excursion_long)(%ebx), %eax
	pushl	$__KERNEL_CS
	pushl	%eax
	lret

	.code64
excursion_long:
	movl	%ebx, %ebx
	jmp	*OWN(RETURN)(%rbx)
excursion_code_end:
	.globl	excursion_patch, excursion_real, excursion_back

/*
 * Copied to below 1 MiB: where real mode's exceptions lead.  They change the base of CS alone, so this is 32-bit
 * code, too.
 */
	.code32
	.globl	excursion_low, excursion_low_end, excursion_low_patch
excursion_low:
	.set	vector, 0
	.rept	EXCURSION_VECTORS
	.org	excursion_low + EXCURSION_ENTRY_SIZE * vector
	movb	$vector, %al
	jmp	1f
	.set	vector, vector + 1
	.endr
1:	movl	%cr0, %ecx
	orl	$X86_CR0_PE, %ecx
	movl	%ecx, %cr0
	.byte	0xea			/* ljmp to excursion_back */
excursion_low_patch:
	.long	0
	.word	__KERNEL32_CS
excursion_low_end:
