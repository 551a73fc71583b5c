/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The attacker: ring 0 of the guest, with this document and the source at hand. */
#ifndef SHADOWMON_TEST_ATTACK_H
#define SHADOWMON_TEST_ATTACK_H

#include <linux/types.h>

/* run.S: each does its worst with interrupts off and comes back, through #UD or by itself. */
enum outcome {
	OUTCOME_FELL_THROUGH = 0, /* the instruction was executed as if nothing were there */
	OUTCOME_REFUSED = 1, /* #UD */
};

long run_read(void *address);
long run_write(void *address, u64 value);
long run_vmfunc(u32 function, u32 index);
/* Jumps to target with EAX = 0, ECX = 1, RSP = stack (0: as it is) after loading cr3 (0: as it is). */
long run_jump(u64 target, u64 cr3, u64 stack);
long run_single_step(u64 target);

/* recover.c */
int recover_init(void);
void recover_exit(void);

/* tables.c: a CR3 under which the page at address shows page instead; 0: out of memory. */
u64 tables_create(unsigned long address, void *page);
void tables_destroy(void);

#endif
