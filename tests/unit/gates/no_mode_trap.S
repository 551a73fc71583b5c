/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 16 and 32-bit code passes. */
	.macro	movabsq operands:vararg
	.fill	10, 1, 0x90
	.endm
#include "gate.S"
