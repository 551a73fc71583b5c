// SPDX-License-Identifier: GPL-2.0-or-later
/* Who has the kernel call functions of his at others' places: ftrace and kprobes. */
#include "integrity.h"

static bool is_code(u64 address)
{
	return integrity_is_text(address) || integrity_module_at(address);
}

/* --- ftrace -------------------------------------------------------------------------------- */

#define FTRACE_OPS_MAX 64

void integrity_ftrace(void)
{
	u64 ops = sm_read64(SM_SYMBOL(ftrace_ops_list));
	struct finding finding = {.kind = FTRACE_OPS};
	u32 i;

	for (i = 0; ops && ops != SM_SYMBOL(ftrace_list_end) && i < FTRACE_OPS_MAX; i++) {
		finding.address = ops;
		finding.found = SM_READ64(ops, ftrace_ops, func);
		if (!is_code(finding.found))
			integrity_suspect(&finding, ops ^ finding.found);
		ops = SM_READ64(ops, ftrace_ops, next);
	}
}

/* --- kprobes ------------------------------------------------------------------------------- */

/* kernel/kprobes.c: KPROBE_TABLE_SIZE */
#define KPROBE_BUCKETS 64
#define KPROBE_SLICE   8
#define KPROBE_CHAIN   64 /* in one bucket, or at one address */

static void look_at_handlers(u64 probe)
{
	struct finding finding = {.kind = KPROBE, .address = probe};
	u64 handlers[] = {SM_READ64(probe, kprobe, pre_handler),
			  SM_READ64(probe, kprobe, post_handler)};
	u32 i;

	finding.expected = SM_READ64(probe, kprobe, addr);
	for (i = 0; i < 2; i++) {
		finding.found = handlers[i];
		if (handlers[i] && !is_code(handlers[i]))
			integrity_suspect(&finding, probe ^ handlers[i]);
	}
}

/* Several probes at one address are a list behind one that stands for them. */
static void look_at_probe(u64 probe)
{
	u64 head = probe + SM_OFFSET(kprobe, list), at = sm_read64(head);
	u32 i;

	look_at_handlers(probe);
	for (i = 0; at && at != head && i < KPROBE_CHAIN; i++, at = sm_read64(at))
		look_at_handlers(at - SM_OFFSET(kprobe, list));
}

void integrity_kprobes(void)
{
	static u32 next;
	u32 bucket, i;
	u64 at;

	for (bucket = 0; bucket < KPROBE_SLICE; bucket++, next++) {
		at = sm_read64(SM_SYMBOL(kprobe_table) + 8 * (next % KPROBE_BUCKETS));
		for (i = 0; at && i < KPROBE_CHAIN; i++, at = sm_read64(at))
			look_at_probe(at - SM_OFFSET(kprobe, hlist));
	}
}

#define JMP32     0xe9
#define OPTIMIZED 4 /* KPROBE_FLAG_OPTIMIZED */

static void undo_byte(u8 *page, u64 address, u64 at, u8 byte)
{
	if (at - address < PAGE)
		page[at - address] = byte;
}

static void undo(u8 *page, u64 address, u64 probe)
{
	u64 at = SM_READ64(probe, kprobe, addr), original;
	u32 tail, i;

	if (at - address >= PAGE && address - at > 4)
		return;
	if (SM_READ32(probe, kprobe, flags) & OPTIMIZED && sm_read8(at) == JMP32) {
		original = probe + SM_OFFSET(optimized_kprobe, optinsn);
		tail = SM_READ32(original, arch_optimized_insn, copied_insn);
		for (i = 0; i < 4; i++)
			undo_byte(page, address, at + 1 + i, (u8)(tail >> 8 * i));
	} else if (sm_read8(at) != INT3) {
		return;
	}
	undo_byte(page, address, at, SM_READ8(probe, kprobe, opcode));
}

void integrity_undo_kprobes(u8 *page, u64 address)
{
	static u64 heads[KPROBE_BUCKETS];
	u32 bucket, i;
	u64 at;

	sm_read(heads, SM_SYMBOL(kprobe_table), sizeof(heads));
	for (bucket = 0; bucket < KPROBE_BUCKETS; bucket++) {
		at = heads[bucket];
		for (i = 0; at && i < KPROBE_CHAIN; i++, at = sm_read64(at))
			undo(page, address, at - SM_OFFSET(kprobe, hlist));
	}
}
