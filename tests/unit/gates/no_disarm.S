/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The failure path skips its disarm store, of 7 bytes. */
	.macro	jnz target
	.purgem	jnz
	jnz	\target + 7
	.endm
#include "gate.S"
