/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store to where the attacker's register says. */
	.macro	xorl operands:vararg
	movl	%eax, (%rcx)
	.endm
#include "gate.S"
