/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes that gatecheck has passed, to be copied into each VM's gate page. */
#include <linux/linkage.h>

	.section .rodata
	.balign 4096
SYM_DATA_START(smh_gate_page)
	.incbin "gate.bin"
SYM_DATA_END(smh_gate_page)
