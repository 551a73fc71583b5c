// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables of few words, of which a copy is kept; the hooks of security modules. */
#include "integrity.h"

bool integrity_is_text(u64 address)
{
	return address >= SM_SYMBOL(_stext) && address < SM_SYMBOL(_etext);
}

/* --- tables that never change -------------------------------------------------------------- */

#define SLICE_WORDS 64

struct table {
	u32 kind;
	u32 words;
	u64 *copy;
	u32 next;  /* where the next slice begins */
	u32 known; /* words of the copy */
};

static void look_at_word(struct table *t, u64 address, u32 i, u64 word)
{
	struct finding finding = {.kind = t->kind, .address = address + 8 * i, .found = word};

	if (i == t->known) {
		t->copy[i] = word;
		t->known++;
		return;
	}
	if (i > t->known || t->copy[i] == word)
		return;
	finding.expected = t->copy[i];
	t->copy[i] = word; /* told once, and again when it changes again */
	integrity_tell(&finding);
}

static void look_at_table(struct table *t, u64 address)
{
	u64 words[SLICE_WORDS / 2];
	u32 i, count, half;

	for (half = 0; half < 2; half++) {
		count = t->words - t->next < SLICE_WORDS / 2 ? t->words - t->next : SLICE_WORDS / 2;
		if (sm_read(words, address + 8 * t->next, 8 * count) == 0)
			for (i = 0; i < count; i++)
				look_at_word(t, address, t->next + i, words[i]);
		t->next += count;
		if (t->next >= t->words)
			t->next = 0;
	}
}

/* asm/cpu_entry_area.h: CPU_ENTRY_AREA_RO_IDT, which IDTR holds; the host has pinned that. */
#define IDT_ADDRESS 0xfffffe0000000000ULL
#define IDT_WORDS   512

void integrity_idt(void)
{
	static u64 copy[IDT_WORDS];
	static struct table idt = {.kind = IDT_GATE, .words = IDT_WORDS, .copy = copy};

	look_at_table(&idt, IDT_ADDRESS);
}

/* kmod.h: KMOD_PATH_LEN */
#define MODPROBE_WORDS 32

void integrity_modprobe(void)
{
	static u64 copy[MODPROBE_WORDS];
	static bool known;
	struct finding finding = {.kind = MODPROBE_PATH};
	u64 words[MODPROBE_WORDS];
	bool changed = false;
	u32 i;

	finding.address = finding.name = SM_SYMBOL(modprobe_path);
	if (sm_read(words, finding.address, sizeof(words)))
		return;
	for (i = 0; i < MODPROBE_WORDS; i++) {
		changed |= copy[i] != words[i];
		copy[i] = words[i];
	}
	if (changed && known)
		integrity_tell(&finding);
	known = true;
}

/* --- system calls -------------------------------------------------------------------------- */

#define SYSCALLS_MAX 512

/* The table ends where something else than functions comes. */
static u32 count_syscalls(u64 address)
{
	u32 i;

	for (i = 0; i < SYSCALLS_MAX; i++)
		if (!integrity_is_text(sm_read64(address + 8 * i)))
			break;
	return i;
}

void integrity_syscalls(void)
{
	static u64 copy[SYSCALLS_MAX];
	static struct table table = {.kind = SYSCALL_TABLE, .copy = copy};
	u64 address = SM_SYMBOL(sys_call_table);

	if (!table.words)
		table.words = count_syscalls(address);
	else
		look_at_table(&table, address);
}

/* --- segments ------------------------------------------------------------------------------ */

/* asm/segment.h */
#define GDT_ENTRIES 16
#define GDT_CODE    1 /* up to 7: flat segments, which never change */
#define GDT_TSS     8 /* up to 11: TSS and LDT, two entries each */
#define GDT_TLS     12
/* SDM vol. 3, "Segment descriptors" */
#define DESCRIPTOR_PRESENT (1ULL << 47)
#define DESCRIPTOR_SEGMENT (1ULL << 44) /* code or data; else a gate or the like */

void integrity_gdt(void)
{
	static u64 copy[GDT_TSS];
	static bool known;
	struct finding finding = {.kind = GDT_ENTRY};
	u64 gdt[GDT_ENTRIES], address = sm_per_cpu(SM_SYMBOL(gdt_page));
	u32 i;

	if (sm_read(gdt, address, sizeof(gdt)))
		return;
	for (i = GDT_CODE; i < GDT_TSS; i++) {
		finding.address = address + 8 * i;
		finding.expected = copy[i];
		finding.found = gdt[i];
		copy[i] = known ? copy[i] : gdt[i];
		if (copy[i] != gdt[i])
			integrity_suspect(&finding, finding.address ^ gdt[i]);
	}
	known = true;
	/* What a thread may set with set_thread_area() are segments; a gate is somebody's way into ring 0. */
	for (i = GDT_TLS; i < GDT_ENTRIES; i++) {
		finding.address = address + 8 * i;
		finding.expected = 0;
		finding.found = gdt[i];
		if ((gdt[i] & DESCRIPTOR_PRESENT) && !(gdt[i] & DESCRIPTOR_SEGMENT))
			integrity_suspect(&finding, finding.address ^ gdt[i]);
	}
}

/* --- security modules ---------------------------------------------------------------------- */

#define LSM_MAX    4096
#define LSM_SLICE  16
#define LSM_LENGTH 16 /* modules that have the same hook */

/* Of which a kernel has one, up to 6.11 or from 6.12 on. */
__asm__(".weak sm_size.security_hook_heads, sm_size.lsm_static_calls_table, sm_size.lsm_static_call");

static u64 lsm_known[LSM_MAX];

static u64 mix(u64 hash, u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ (hash >> 32);
}

static u64 hook_function(u64 hook)
{
	return sm_read64(hook + SM_OFFSET(security_hook_list, hook));
}

static void look_at_function(u64 holder, u64 function)
{
	struct finding finding = {.kind = LSM_HOOK, .address = holder, .found = function};

	if (!integrity_is_text(function))
		integrity_suspect(&finding, holder ^ function);
}

/* Up to 6.11 each hook is a list of functions. */
static u64 hash_of_list(u64 head)
{
	u64 hook = sm_read64(head), hash = 1;
	u32 i;

	for (i = 0; hook && i < LSM_LENGTH; i++) {
		look_at_function(hook, hook_function(hook));
		hash = mix(mix(hash, hook), hook_function(hook));
		hook = SM_READ64(hook, security_hook_list, list);
	}
	return hash;
}

/* From 6.12 on each hook has some static calls, which are on or off. */
static u64 hash_of_call(u64 call)
{
	u64 key = SM_READ64(call, lsm_static_call, key), hash = 1;
	u64 hook = SM_READ64(call, lsm_static_call, hl);
	u64 active = SM_READ64(call, lsm_static_call, active);

	if (hook) {
		look_at_function(hook, hook_function(hook));
		hash = mix(hash, hook_function(hook));
	}
	hash = mix(mix(hash, hook), SM_READ64(key, static_call_key, func));
	hash = mix(mix(hash, key), SM_READ64(call, lsm_static_call, trampoline));
	return mix(mix(hash, active), SM_READ32(active, static_key, enabled));
}

static void look_at_hook(u32 i, u64 address, u64 hash)
{
	struct finding finding = {
		.kind = LSM_HOOK, .address = address, .expected = lsm_known[i], .found = hash};

	lsm_known[i] = hash;
	if (finding.expected && finding.expected != hash)
		integrity_tell(&finding);
}

void integrity_lsm(void)
{
	bool lists = SM_HAS_SYMBOL(security_hook_heads) && SM_HAS(security_hook_list, list);
	bool calls = SM_HAS_SYMBOL(static_calls_table) && SM_HAS(lsm_static_call, key) &&
		     SM_HAS(lsm_static_call, hl) && SM_HAS(lsm_static_call, active) &&
		     SM_HAS(lsm_static_call, trampoline);
	u64 address, size, count = 0;
	static u32 next;
	u32 i;

	if (lists) {
		address = SM_SYMBOL(security_hook_heads);
		size = 8;
		count = SM_SIZE(security_hook_heads) / size;
	} else if (calls) {
		address = SM_SYMBOL(static_calls_table);
		size = SM_SIZE(lsm_static_call);
		count = size ? SM_SIZE(lsm_static_calls_table) / size : 0;
	}
	for (i = 0; count && i < LSM_SLICE; i++, next++) {
		if (next >= count || next >= LSM_MAX)
			next = 0;
		look_at_hook(next, address + next * size,
			     lists ? hash_of_list(address + next * size)
				   : hash_of_call(address + next * size));
	}
}
