/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What excursion.S and mode.c share: the page that is the attacker's outside long mode. */
#ifndef SHADOWMON_TEST_EXCURSION_H
#define SHADOWMON_TEST_EXCURSION_H

#define EXCURSION_DATA       0xa00
#define EXCURSION_STACK      0xa00
#define EXCURSION_VECTORS    32
#define EXCURSION_ENTRY_SIZE 8

/* struct excursion */
#define EXCURSION_RSP       0
#define EXCURSION_RETURN    8
#define EXCURSION_OLD_CR3   16
#define EXCURSION_OLD_CR4   24
#define EXCURSION_OLD_GDTR  32
#define EXCURSION_OLD_IDTR  48
#define EXCURSION_GDTR      64
#define EXCURSION_IDTR      72
#define EXCURSION_OWN_CR3   80
#define EXCURSION_CR3       84
#define EXCURSION_LATE_CR3  88
#define EXCURSION_CR0       92
#define EXCURSION_EIP       96
#define EXCURSION_CS        100
#define EXCURSION_ECX       104
#define EXCURSION_FILL      108
#define EXCURSION_LANDING   112
#define EXCURSION_REAL_IDTR 120

#ifndef __ASSEMBLER__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

struct excursion_table {
	u16 limit;
	u32 base;
	u16 unused;
} __packed;

struct excursion {
	u64 rsp, back, old_cr3, old_cr4;
	u8 old_gdtr[16], old_idtr[16];
	struct excursion_table gdtr, idtr;
	u32 own_cr3;  /* long mode's */
	u32 cr3;      /* the other mode's */
	u32 late_cr3; /* in EDX when it gets there */
	u32 cr0;      /* OR'ed in */
	u32 eip, cs, ecx, fill;
	u32 landing; /* the vector of the exception that ended it */
	u32 unused;
	struct excursion_table real_idtr;
	u64 gdt[8], idt[EXCURSION_VECTORS];
	u32 real_idt[EXCURSION_VECTORS];
};

static_assert(offsetof(struct excursion, old_gdtr) == EXCURSION_OLD_GDTR);
static_assert(offsetof(struct excursion, gdtr) == EXCURSION_GDTR);
static_assert(offsetof(struct excursion, idtr) == EXCURSION_IDTR);
static_assert(offsetof(struct excursion, own_cr3) == EXCURSION_OWN_CR3);
static_assert(offsetof(struct excursion, landing) == EXCURSION_LANDING);
static_assert(offsetof(struct excursion, real_idtr) == EXCURSION_REAL_IDTR);

/* excursion.S */
unsigned int excursion_go(u64 page, u64 cr3);
extern char excursion_code[], excursion_code_end[], excursion_patch[], excursion_end[];
extern char excursion_real[], excursion_back[];
extern char excursion_low[], excursion_low_end[], excursion_low_patch[];
#endif

#endif
