/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trap and test stand where they can be skipped. */
#include <shadowmon/layout.h>
	.macro	movb operands:vararg
	.purgem	movb
	.endm
	.macro	jnz target
	.purgem	jnz
	jnz	\target
	movb	$SM_EPTP_ARMED, .Lgate + SM_VA_LIST + SM_LIST_MONITOR_BYTE(%rip)
	.endm
#include "gate.S"
