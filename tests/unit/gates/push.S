/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A push in view 1: RSP may point into the list. */
	.macro	cli
	push	%rax
	.endm
#include "gate.S"
