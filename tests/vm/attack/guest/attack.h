/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The attacker: ring 0 of the guest, with the documents and the sources at hand. */
#ifndef SHADOWMON_TEST_ATTACK_H
#define SHADOWMON_TEST_ATTACK_H

#include <linux/types.h>

#include <shadowmon/layout.h>

enum outcome {
	ATTACK_SUCCEEDED, /* it got what it was after */
	ATTACK_REFUSED,
	ATTACK_IMPOSSIBLE, /* it could not be tried: no memory, no such CPU */
};

/* run.S: where a jump ended.  #UD is what the host gives an attacker. */
enum landing {
	LANDED_THROUGH = 0, /* behind the instruction, as if nothing were there */
	LANDED_UD = 1,
	LANDED_BACK =
		2, /* the gate brought it back to the stub's return label or to the attacker's page */
};

struct attack {
	const char *name;
	enum outcome (*run)(void);
};

/* One array a file, each ended by an empty entry. */
extern const struct attack memory_attacks[], vmfunc_attacks[], gate_attacks[], sweep_attacks[],
	register_attacks[], control_attacks[], remap_attacks[], dma_attacks[], flip_attacks[],
	mode_attacks[], storm_attacks[], tlb_attacks[], forged_attacks[], window_attacks[],
	machine_check_attacks[];

/*
 * main.c: the guest module's copy of the gate page, G; the address of a symbol, or NULL; a line for whoever
 * reads the result.
 */
extern u8 *gate;
void *attack_symbol(const char *name);
__printf(1, 2) void attack_note(const char *format, ...);

/* --- run.S: with interrupts off; each comes back ---------------------------------------------- */

struct jump {
	u64 rip;
	u64 cr3;      /* loaded before the jump; 0: as it is */
	u64 late_cr3; /* left in R8 for the attacker's code */
	u64 rsp;      /* 0: as it is */
	u64 fill;     /* RBX RDX RDI RSI RBP R9 to R15 */
	u64 rflags;   /* OR'ed in */
	u64 warm;     /* called once CR3 is loaded: brings its page into the TLB; 0: nothing */
	u64 cs;       /* of 32-bit code, RIP being below 4 GiB; 0: as it is */
	u64 gs_base;  /* 0: as it is */
	u64 slot;     /* R11 */
};

enum landing run_read(const void *address);
enum landing run_write(void *address, u64 value);
enum landing run_vmfunc(u32 function, u32 index);
/* With EAX = 0, ECX = 1, as VMFUNC to view 1 wants them. */
enum landing run_jump(const struct jump *jump);
/* For code of the attacker's that is reached in view 0 with any RSP: jump there. */
extern char run_back[];
/* How many came so far, on any CPU. */
extern unsigned long run_machine_checks;

/* --- recover.c: exceptions on the way lead back ------------------------------------------------- */

int recover_init(void *idt_table);
void recover_exit(void);

/* --- tables.c: page tables of the attacker's, the current ones but for what it maps ------------- */

struct tables {
	u64 *own[24];
	unsigned int count;
};

/* 0: no memory. */
int tables_create(struct tables *t);
int tables_map(struct tables *t, unsigned long va, u64 pa);
/* The same, not global: kept in the TLB by its PCID alone. */
int tables_map_local(struct tables *t, unsigned long va, u64 pa);
u64 tables_cr3(const struct tables *t);
void tables_destroy(struct tables *t);

/* --- page.c: pages of the attacker's where the gate, its list and the entry are in views 1 and 2 -- */

struct attack_page {
	struct tables tables;
	u8 *code;  /* two pages: the one before the gate, and the gate's */
	u8 *stack; /* seen around the list's address */
};

int page_create(struct attack_page *page);
/* A value for RSP. */
u64 page_stack(const struct attack_page *page);
void page_destroy(struct attack_page *page);
/*
 * Fills the pages with int3, with a way back at the addresses where view 0 goes on, and puts VMFUNC so
 * that the next instruction is at offset of the gate page.  With late_cr3, MOV CR3, R8 stands before it.
 */
void page_aim(struct attack_page *page, unsigned int offset, bool late_cr3);
/* The offset in the gate page at which page_aim() has put a RET. */
unsigned int page_warm(unsigned int offset);

/* --- silence.c: the hook of shadowmon_ping(), and code that would silence it --------------------- */

struct ping {
	unsigned long (*call)(unsigned long op);
	u8 *site; /* of the call of its stub */
	u8 *stub;
};

int ping_find(struct ping *ping);
/* Calls it for as long as the host may take to look at everything; how often. */
unsigned int ping_hold(const struct ping *ping);

enum place { AT_CALL_SITE, AT_STUB, AT_GATE };

struct patch {
	u8 *at;
	u8 code[5];
	unsigned int size;
};

void ping_silent(const struct ping *ping, enum place place, struct patch *ret_patch);
/* The page that it is for, and what that page would be with it. */
u8 *patch_page(const struct patch *patch);
void patch_copy(const struct patch *patch, u8 *copy);

/* --- remap.c: the tables that the kernel itself uses --------------------------------------------- */

/* The entry that maps a page of 4 KiB, or NULL; the same entry, but for where it leads. */
u64 *remap_entry(const void *va);
u64 remap_to(u64 entry, const void *page);
/* On this CPU. */
void remap_flush(const void *va);

#endif
