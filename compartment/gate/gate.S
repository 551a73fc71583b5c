/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate: one page of static, position-independent bytes.  The guest module's text holds a copy
 * (view 0); in views 1 and 2 trusted tables map the same virtual address, G, to the host's copy.
 *
 * In:       R11 = slot, RDI RSI RDX R10 R8 R9 = arguments
 * Out:      at G + SM_VA_RETURN: EDX = verdict, IF = 0; RSP RBX RBP R10-R15 as they came
 * Clobbers: RAX, RCX, flags; the compartment clears RSI RDI R8 R9
 *
 * CR3 is the guest's throughout.  In views 1 and 2 every page below 2^38 shows B, the trusted
 * top-level table, so the walk starts there whatever CR3 holds, provided it is below 2^38 and the CPU
 * is in long mode: that is what the code after `arm` tests.
 *
 * An attacker can start at any byte of this page in any view but the monitor's, with any registers.
 * gatecheck proves from all offsets, in 16, 32 and 64-bit decoding, that (1) view 1 writes nothing but
 * the armed byte, (2) from `arm` every way to a VMFUNC passes the mode trap and the CR3 test or disarms,
 * (3) all fill traps.  What stands before `arm` can be skipped, so no sanitising step stands there.
 *
 * Bytes are chosen for what they mean when read from the wrong offset.  00 to 03 before a byte below c0
 * writes memory, so constants come from LEA's one-byte displacement with a byte above c0 (CLD) behind it;
 * the distances in layout.h consist of traps and register moves; .org places an instruction where
 * the lowest byte of its distance is one, too.
 */
#include <shadowmon/layout.h>
#include <shadowmon/hypercall.h>

	.section .gate, "ax"
	.globl	gate, gate_enter, gate_vmfunc_enter, gate_arm, gate_mode_trap, gate_cr3_branch, gate_vmfunc_monitor
	.globl	gate_exit, gate_disarm, gate_leave, gate_bad, gate_end

gate:
.Lgate:					/* view 0, guest's copy */
	.org	.Lgate + 0x03, 0xcc
gate_enter:
	xorl	%eax, %eax
	cli				/* no interrupt finds view 1; the one that counts comes below */
	leal	SM_VIEW_GATE(%rax), %ecx
	cld
gate_vmfunc_enter:
	vmfunc
gate_arm:					/* view 1, host's copy from here on */
	movb	$SM_EPTP_ARMED, .Lgate + SM_VA_LIST + SM_LIST_MONITOR_BYTE(%rip)
gate_mode_trap:
	movabsq	$0x0b0f0b0f0b0f0b0f, %rcx	/* 16 and 32-bit code meets ud2 in the immediate */
	movq	%cr3, %rcx
	cli
	shrq	$SM_ALIAS_SHIFT, %rcx
gate_cr3_branch:
	jnz	.Lbad
	xorl	%eax, %eax
	cld
	leal	SM_VIEW_MONITOR(%rax), %ecx
gate_vmfunc_monitor:
	vmfunc
	jmp	.Lgate + SM_VA_ENTRY		/* view 2 */
	.fill	12, 1, 0xcc

gate_exit:					/* view 2, EDX = verdict */
	xorl	%eax, %eax
	cld
	leal	SM_VIEW_GATE(%rax), %ecx
	cld
	vmfunc
gate_disarm:					/* view 1, EAX = 0 */
	movb	$SM_EPTP_DISARMED, .Lgate + SM_VA_LIST + SM_LIST_MONITOR_BYTE(%rip)
	movabsq	$0x0b0f0b0f0b0f0b0f, %rcx	/* that store may forge an EPTP in 16 and 32-bit mode */
	leal	SM_VIEW_TARGET(%rax), %ecx
	cld
	vmfunc
gate_leave:					/* view 0, guest's copy */
	jmp	.Lgate + SM_VA_RETURN
	.fill	5, 1, 0xcc

gate_bad:
.Lbad:						/* view 1 */
	movb	$SM_EPTP_DISARMED, .Lgate + SM_VA_LIST + SM_LIST_MONITOR_BYTE(%rip)
	movl	$SM_HC_GATE_VIOLATION, %eax
	vmcall

	.org	.Lgate + SM_PAGE_SIZE, 0xcc	/* int3 at every offset */
gate_end:
