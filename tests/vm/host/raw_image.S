/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest compartment: counts its activations and goes back.  Position-independent, so that it
 * needs no loader; what it tests is the gate and the host module.
 */
#include <shadowmon/layout.h>
#include "gate_offsets.h"

	.text
	.globl	_start
_start:
	.fill	SM_IMAGE_ENTRY, 1, 0xcc
	movq	%rsp, _start - SM_VA_IMAGE + SM_VA_CPU + SM_CPU_STATE(%rip)
	incq	_start - SM_VA_IMAGE + SM_VA_CPU + SM_CPU_STATE + 16(%rip)	/* entries */
	movl	_start - SM_VA_IMAGE + SM_VA_CPU + SM_CPU_STATE + 24(%rip), %edx	/* attention */
	jmp	_start - SM_VA_IMAGE + GATE_EXIT_OFFSET
