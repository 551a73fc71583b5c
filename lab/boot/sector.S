/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulated host's boot sector: enters 32-bit protected mode, reads kernel, start info and
 * initramfs from the disk by programmed I/O, and jumps to the kernel's PVH entry.  In emulation that is
 * one instruction for four bytes; the BIOS would need hundreds, and a bzImage would unpack itself.
 *
 * In: real mode, CS:IP = 0:7c00.  Out: PVH (xen/include/public/arch-x86/hvm/start_info.h):
 * EBX = start info, flat 32-bit segments, paging off, interrupts off.
 */
#define ATA_DATA	0x1f0
#define ATA_COUNT	0x1f2
#define ATA_STATUS	0x1f7		/* and command */
#define ATA_CONTROL	0x3f6
#define ATA_READ	0x20
#define ATA_BUSY	0x80
#define ATA_DRQ		0x08

	.code16
	.globl	_start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	inb	$0x92, %al		/* A20 */
	orb	$2, %al
	outb	%al, $0x92
	lgdt	gdt_pointer
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$8, $protected

	.code32
protected:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$0x7c00, %esp
	cld
	movb	$2, %al			/* no interrupts from the disk */
	movw	$ATA_CONTROL, %dx
	outb	%al, %dx
	movl	$CHUNK_SECTORS, %ebx	/* chunk 0 is this sector's */
	movl	$loads, %esi
next_load:
	lodsl				/* destination */
	testl	%eax, %eax
	jz	start
	movl	%eax, %edi
	lodsl				/* chunks of 256 sectors */
	movl	%eax, %ebp
1:	call	read_chunk
	decl	%ebp
	jnz	1b
	jmp	next_load
start:
	movl	$START_INFO, %ebx
	movl	$ENTRY, %eax
	jmp	*%eax

/* Reads 256 sectors from LBA EBX to EDI; advances both. */
read_chunk:
	movw	$ATA_COUNT, %dx
	xorl	%eax, %eax		/* 0 means 256 */
	outb	%al, %dx
	movl	%ebx, %eax
	incw	%dx
	outb	%al, %dx
	shrl	$8, %eax
	incw	%dx
	outb	%al, %dx
	shrl	$8, %eax
	incw	%dx
	outb	%al, %dx
	movb	%ah, %al
	andb	$0x0f, %al
	orb	$0xe0, %al		/* LBA, first drive */
	incw	%dx
	outb	%al, %dx
	incw	%dx
	movb	$ATA_READ, %al
	outb	%al, %dx
	addl	$CHUNK_SECTORS, %ebx
	pushl	$CHUNK_SECTORS
2:	movw	$ATA_STATUS, %dx
	inb	%dx, %al
	testb	$ATA_BUSY, %al
	jnz	2b
	testb	$ATA_DRQ, %al
	jz	2b
	movw	$ATA_DATA, %dx
	movl	$128, %ecx
	rep insl
	decl	(%esp)
	jnz	2b
	popl	%eax
	ret

	.balign	8
gdt:	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt
loads:
	.long	KERNEL_BASE, KERNEL_CHUNKS
	.long	START_INFO, 1
	.long	INITRD, INITRD_CHUNKS
	.long	0

	.org	510
	.word	0xaa55
