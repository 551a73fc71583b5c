/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulated host's boot loader, an option ROM.  It copies nothing: Bochs reads the preload image
 * (lib/boot.sh) straight into its vector of host memory before the machine starts.  Bochs hands that
 * vector out in blocks of 128 KiB, in the order in which the machine first touches each of its own, so
 * touching the addresses of kernel, start info and initramfs in the order of the image is loading them.
 *
 * The BIOS has touched some blocks before.  The image therefore begins with blocks to throw away, and
 * the last of them is marked: blocks below the payload are touched until that mark shows up.
 *
 * In: real mode, called by the BIOS' scan for option ROMs.  Out, never back: PVH
 * (xen/include/public/arch-x86/hvm/start_info.h): EBX = start info, flat 32-bit segments, paging off,
 * interrupts off.
 */
#define BLOCK		0x20000
#define THROW_AWAY	0x100000	/* and up to PAYLOAD */
#define START_MAGIC	0x336ec578
#define COM1		0x3f8

	.code16
	.globl	_start
_start:
	.word	0xaa55
	.byte	1			/* units of 512 bytes */
	cli
	inb	$0x92, %al		/* A20 */
	orb	$2, %al
	outb	%al, $0x92
	lgdtl	%cs:gdt_pointer - _start
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
	cld
	movl	$THROW_AWAY, %esi
1:	cmpl	$MARK, (%esi)
	je	2f
	addl	$BLOCK, %esi
	cmpl	$PAYLOAD, %esi
	jb	1b
	jmp	failed
2:	movl	$PAYLOAD, %esi
3:	movl	(%esi), %eax
	addl	$BLOCK, %esi
	cmpl	$PAYLOAD_END, %esi
	jb	3b
	movl	$PAYLOAD, %ebx
	cmpl	$START_MAGIC, (%ebx)
	jne	failed
	movl	$ENTRY, %eax
	jmp	*%eax

/* Says so on the serial port, at a pace that it can follow. */
failed:
	movl	$message, %esi
4:	movw	$COM1 + 5, %dx
	inb	%dx, %al
	testb	$0x20, %al
	jz	4b
	movw	$COM1, %dx
	lodsb
	outb	%al, %dx
	testb	%al, %al
	jnz	4b
5:	hlt
	jmp	5b

	.balign	8
gdt:	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt
message:
	.asciz	"=lab failed the preloaded image is not where it should be\r\n"
	.org	511
	.byte	0			/* checksum, filled in by lib/boot.sh */
