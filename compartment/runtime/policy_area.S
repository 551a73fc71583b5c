/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct sm_policy_area, in pages of its own: the compartment reads, the host writes. */
#include <shadowmon/layout.h>

	.section .rodata.policy, "a"
	.balign	SM_PAGE_SIZE
	.globl	smc_policy
	.type	smc_policy, @object
smc_policy:
	.zero	5 * SM_PAGE_SIZE
	.size	smc_policy, . - smc_policy

	.section .note.GNU-stack, "", @progbits
