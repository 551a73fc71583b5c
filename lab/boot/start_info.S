/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvm_start_info version 1 (xen/include/public/arch-x86/hvm/start_info.h) with memory map, one module
 * (the initramfs) and the command line.
 */
#define RAM		1
#define RESERVED	2
#define ACPI		3
#define ACPI_SIZE	0x10000		/* Bochs' BIOS puts its tables at the end of memory */

	.section .data
start_info:
	.long	0x336ec578, 1, 0, 1
	.quad	START_INFO + (modules - start_info)
	.quad	START_INFO + (command_line - start_info)
	.quad	0			/* RSDP: the kernel looks for it */
	.quad	START_INFO + (memory_map - start_info)
	.long	(modules - memory_map) / 24, 0
memory_map:
	.quad	0x0, 0x9f000
	.long	RAM, 0
	.quad	0x100000, MAILBOX - 0x100000
	.long	RAM, 0
	.quad	MAILBOX, MAILBOX_SIZE
	.long	RESERVED, 0
	.quad	MAILBOX + MAILBOX_SIZE, MEMORY - MAILBOX - MAILBOX_SIZE - ACPI_SIZE
	.long	RAM, 0
	.quad	MEMORY - ACPI_SIZE, ACPI_SIZE
	.long	ACPI, 0
modules:
	.quad	INITRD, INITRD_SIZE, 0, 0
command_line:
	.incbin	"cmdline"
	.byte	0
