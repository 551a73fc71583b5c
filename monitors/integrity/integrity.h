/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this monitor offer each other.  A slice is a piece of work of bounded cost that goes on where
 * the last one ended; one vCPU at a time does them.
 */
#ifndef INTEGRITY_H
#define INTEGRITY_H

#include <shadowmon/monitor.h>
#include <shadowmon/vcpu.h>

#define INTEGRITY_KINDS(N)      \
	N(IDT_GATE, 1)          \
	N(GDT_ENTRY, 2)         \
	N(SYSCALL_TABLE, 3)     \
	N(LSM_HOOK, 4)          \
	N(FTRACE_OPS, 5)        \
	N(KPROBE, 6)            \
	N(MODPROBE_PATH, 7)     \
	N(HIDDEN_MODULE, 8)     \
	N(HIDDEN_PROCESS, 9)    \
	N(HIDDEN_PID, 10)       \
	N(KERNEL_TEXT, 11)      \
	N(KERNEL_TEXT_SITE, 12) \
	N(KERNEL_RODATA, 13)    \
	N(NOT_CHECKED, 14)      \
	N(BASELINE, 15)         \
	N(MODULE_TEXT, 16)      \
	N(MODULE_TEXT_SITE, 17) \
	N(MODULE_GONE, 18)
SM_CONSTANTS(INTEGRITY_KINDS);

struct finding {
	u32 kind;
	u32 pid;      /* of the process that it is about, or 0 */
	u64 address;  /* of what is wrong */
	u64 expected; /* what was there, a hash of it, or 0 */
	u64 found;
	u64 name; /* where the guest has a string that names it, or 0 */
};

/* monitor.c: reports it.  Who calls remembers that it was told. */
void integrity_tell(const struct finding *finding);
/* Reports what was not told yet; id tells one such thing from another of its kind. */
void integrity_tell_once(const struct finding *finding, u64 id);
/*
 * The same of what was seen twice, some time apart: for what is wrong for a moment whenever the kernel changes it.
 */
void integrity_suspect(const struct finding *finding, u64 id);

/* tables.c: slices of what has few words, and of the hooks of security modules. */
void integrity_idt(void);
void integrity_gdt(void);
void integrity_syscalls(void);
void integrity_modprobe(void);
void integrity_lsm(void);
bool integrity_is_text(u64 address);

/* probes.c: slices of ftrace's and kprobes' lists. */
void integrity_ftrace(void);
void integrity_kprobes(void);
/* Takes out of page, a copy of the kernel's text at address, what kprobes put there. */
void integrity_undo_kprobes(u8 *page, u64 address);

/* hidden.c: slices that compare lists with each other. */
void integrity_modules(void);
void integrity_processes(void);
void integrity_current(void);
/* The module whose memory holds it, or 0. */
u64 integrity_module_at(u64 address);

/* regions.c: what is hashed.  Regions never move. */
#define PAGES_MAX   16384
#define MODULES_MAX 512
enum { KERNEL_REGION, RODATA_REGION, FIRST_MODULE, REGIONS = FIRST_MODULE + MODULES_MAX };

enum region_state {
	REGION_FREE,
	REGION_GATHERING, /* the places that the kernel patches are looked up */
	REGION_HASHING,   /* for the first time */
	REGION_KNOWN,
	REGION_LEAVING, /* gives its places back, and is free then, or has no room */
	REGION_NO_ROOM, /* is not looked at; has no pages */
};

struct region {
	u64 base;
	u64 module; /* 0: the kernel's */
	u64 id;     /* of the module's folder in sysfs: no two have the same */
	u32 bytes;
	u32 pages;
	u16 first; /* place of the first page */
	u8 state;
	bool refused; /* there is no room for it ... */
	bool told;    /* ... and that was told */
	u32 tried;    /* integrity_departures() when there was none */
};

struct region *integrity_region(u32 number);
/* That has this page; NULL: none. */
struct region *integrity_region_of(u32 page);
/* Behind the last that any region has. */
u32 integrity_pages_end(void);
/* Gives it as many pages as it says.  False: there are not so many together. */
bool integrity_place(struct region *region);

/* modules.c: a module of the kernel's tree, whose memory from base on may be its text. */
void integrity_meet_module(u64 module, u64 base);
/* Looks whether some of the modules that were met are still there. */
void integrity_look_for_modules(void);
/* Whether its module is there, and the same as ever, with text that does not change. */
bool integrity_is_there(const struct region *region);

/* sites.c: places that the kernel patches.  False: there is no room. */
bool integrity_add_site(const struct region *region, u64 address, u32 len);
void integrity_drop_sites(u32 page);
/*
 * Blanks them in copy, that of a page at address.  0, or the address of one with something that the kernel does not
 * put there.
 */
u64 integrity_blank_sites(u8 *copy, u32 page, u64 address);

/* gather.c: finds these, for one region at a time. */
enum gathered { GATHERING_GOES_ON, GATHERED, GATHERED_TOO_MANY };
void integrity_gather_begin(void);
enum gathered integrity_gather_step(const struct region *region);

/* baseline.c: a step of what there is to do before a region is known, and when it goes.  False: nothing. */
bool integrity_baseline_step(void);
bool integrity_kernel_is_known(void);
/* Has a region looked at; or tells, once, that there is no room for it. */
void integrity_admit(struct region *region);
void integrity_let_go(struct region *region);
/* How many regions went and left room. */
u32 integrity_departures(void);

/* text.c: hashes. */
void integrity_hash_first(const struct region *region, u32 page);
/* A page, in no order that can be foreseen. */
void integrity_page(void);

/* Where modules are, ftrace's trampolines and BPF's: from MODULES_VADDR of any kernel to MODULES_END. */
#define MODULES_FROM 0xffffffffa0000000ULL
#define MODULES_TO   0xffffffffff000000ULL

#define PAGE 4096u
#define INT3 0xcc

#endif
