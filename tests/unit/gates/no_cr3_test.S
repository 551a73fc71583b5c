/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CR3 is read, and nothing follows from it. */
	.macro	jnz target
	.fill	2, 1, 0x90
	.endm
#include "gate.S"
