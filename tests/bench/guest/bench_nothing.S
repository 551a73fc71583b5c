/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends at once.  A C library would first ask CPUID some thirty times, each of which exits to the host. */
	.globl	_start
_start:
	movl	$60, %eax		/* exit(0) */
	xorl	%edi, %edi
	syscall
	.section .note.GNU-stack, "", @progbits
