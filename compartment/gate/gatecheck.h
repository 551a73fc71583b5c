/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gatecheck: proves the gate page's rules (gate.S) on its bytes.
 *
 * decode   what the instruction at each offset is, in each mode: one of few kinds, or refused
 * walk     all paths through the page in view 1, from each offset in each mode
 * form     what must be there at all, and that everything else is 0xcc
 */
#ifndef GATECHECK_H
#define GATECHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <shadowmon/layout.h>

enum gc_rule {
	GC_RULE_FORM = 0,  /* the gate is complete and each of its branches direct */
	GC_RULE_WRITE = 1, /* view 1 writes nothing but the armed byte */
	GC_RULE_ARM = 2,   /* arm, mode trap, CR3 test, VMFUNC: in that order, or disarm */
	GC_RULE_FILL = 3,  /* fill traps, nothing falls off the page */
};

enum gc_mode { GC_16, GC_32, GC_64, GC_MODES };

enum gc_kind {
	GC_REFUSED,      /* breaks `rule` wherever it is reached */
	GC_TRAP,         /* the path ends */
	GC_PLAIN,        /* writes registers and flags at most */
	GC_NOP,          /* not even those */
	GC_LOAD,         /* EAX or ECX = constant, or EAX or ECX plus a constant */
	GC_ARM,          /* the two stores to the list */
	GC_DISARM,       /* ... */
	GC_NARROW_STORE, /* in 16 and 32-bit mode: a write that must lead to a trap */
	GC_CLI,
	GC_CLD,
	GC_CR3_LOAD,  /* reg = CR3 */
	GC_CR3_SHIFT, /* reg >>= SM_ALIAS_SHIFT, all 64 bits */
	GC_JUMP,      /* to target */
	GC_BRANCH,    /* to target or on; nothing known about the condition */
	GC_BRANCH_ZERO,
	GC_BRANCH_NONZERO,
	GC_VMFUNC,
	GC_VMCALL,
};

/* Registers whose value matters to VMFUNC. */
enum gc_reg { GC_EAX, GC_ECX, GC_KNOWN_REGS, GC_NO_REG = GC_KNOWN_REGS };

struct gc_insn {
	enum gc_kind kind;
	enum gc_rule rule;  /* GC_REFUSED */
	const char *reason; /* GC_REFUSED: end of the sentence "this instruction ..." */
	u8 size;            /* bytes; 0 if they are no instruction */
	bool mode_trap;     /* 64-bit: the same bytes trap in 16 and 32-bit mode */
	u16 cr3_reg;        /* GC_CR3_*: capstone's number */
	enum gc_reg reg;    /* GC_LOAD: destination */
	enum gc_reg base;   /* GC_LOAD: what the constant is added to, or GC_NO_REG */
	u32 value;          /* GC_LOAD */
	s64 target;         /* GC_JUMP, GC_BRANCH*: distance from the page's start */
	char text[64];
};

struct gc_page {
	struct gc_insn code[GC_MODES][SM_PAGE_SIZE];
};

#define GC_VIOLATIONS_MAX 64

struct gc_violation {
	enum gc_rule rule;
	enum gc_mode mode;
	unsigned int offset;
	char sentence[512];
};

struct gc_report {
	unsigned int nr_violations; /* those beyond GC_VIOLATIONS_MAX are counted only */
	struct gc_violation violations[GC_VIOLATIONS_MAX];
	unsigned int states[GC_MODES]; /* distinct (offset, knowledge) pairs visited */
	unsigned int vmfuncs;          /* offsets that decode as VMFUNC in 64-bit mode */
	unsigned int arms;
	unsigned int disarms;
	/* Paths on which ... */
	unsigned int ways_in;   /* a VMFUNC(1) stands before an arm store */
	unsigned int entries;   /* the armed VMFUNC(2) is reached as it should be */
	unsigned int ways_back; /* a VMFUNC(1) stands before a disarm store */
	unsigned int exits;     /* VMFUNC(0) is reached */
};

/*
 * Judges the SM_PAGE_SIZE bytes at @bytes.  @report says what was found; the gate is good if it
 * holds no violation.  0, -ENOMEM, or -ENOTSUP if capstone cannot be used.
 */
int gatecheck_page(const u8 *bytes, struct gc_report *report);

/* Prints the page's code as it is meant to run, 64-bit, to stdout.  Errors as gatecheck_page(). */
int gatecheck_list(const u8 *bytes);

/* --- between the parts -------------------------------------------------------------------- */

extern const unsigned int gc_mode_bits[GC_MODES];

/* Fills @page from @bytes.  0 or -ENOTSUP. */
int gc_decode(const u8 *bytes, struct gc_page *page);

/* Which of the tracked registers capstone's @reg is or contains as its lower half. */
enum gc_reg gc_known_reg(unsigned int reg);

/* Rules 1 and 2, and that no path falls off the page.  0 or -ENOMEM. */
int gc_walk(const struct gc_page *page, struct gc_report *report);

/* The rest of rule 3, and that the gate is all there; after gc_walk(). */
void gc_form(const u8 *bytes, const struct gc_page *page, struct gc_report *report);

/*
 * Notes that the instruction at @offset breaks @rule, once for each.  @reason ends the sentence
 * "this instruction ..."; @path may be empty.
 */
void gc_violate(struct gc_report *report, const struct gc_page *page, enum gc_rule rule,
		enum gc_mode mode, unsigned int offset, const char *reason, const char *path);

#endif
