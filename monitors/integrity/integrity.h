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
	N(BASELINE, 15)
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

/* sites.c: where the kernel patches its own text.  A step is true when all places are known. */
#define TEXT_PAGES_MAX 8192
bool integrity_sites_step(void);
/* False: there are more places than there is room for. */
bool integrity_sites_fit(void);
/*
 * Blanks those in page, the copy of page number index of the text.  0, or the address of one with something that the
 * kernel does not put there.
 */
u64 integrity_blank_sites(u8 *page, u32 index);
u32 integrity_text_pages(void);

/* text.c: some pages of the first pass, false when that is over; then one page, in no order that can be foreseen. */
bool integrity_first_pages(void);
void integrity_page(void);

#define PAGE 4096u

#endif
