// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gathers where a region's text is patched: static keys, static calls, ftrace's call sites, lock prefixes.  The
 * kernel has tables of these, and each module brings its own.
 */
#include "integrity.h"

#define STEP 1024 /* bytes of a table */

/* A table: entries of so many bytes.  Trampolines are in none: all text that may have some is read. */
enum kind { JUMPS, CALLS, TRAMPOLINES, LOCKS, RECORDS };
struct source {
	enum kind kind;
	u32 entry;
	u64 from;
	u64 to;
};

/* How far it is with the region at hand. */
static struct {
	struct source source;
	bool open;  /* the source is known */
	u32 number; /* of the source */
	u32 tries;  /* of the entry at hand */
	u64 done;   /* bytes of the source */
	u64 group;  /* of ftrace's records */
} progress;

static u8 buffer[PAGE + 4];

/* What becomes of an entry, or a step. */
enum outcome { GO_ON, LATER, NO_ROOM };

/* --- sites ---------------------------------------------------------------------------------------- */

/* So often, in steps of their own, a place is looked at that the kernel is just about to patch. */
#define PATCHING_TRIES 256

static bool is_in(const struct region *region, u64 address)
{
	return address - region->base < region->bytes;
}

static enum outcome add(const struct region *region, u64 address, u32 len)
{
	return integrity_add_site(region, address, len) ? GO_ON : NO_ROOM;
}

static bool is_being_patched(u64 address)
{
	return sm_read8(address) == INT3 && ++progress.tries < PATCHING_TRIES;
}

/* asm/jump_label.h: a jump or NOP of two bytes or five. */
static enum outcome add_jump(const struct region *region, u64 address)
{
	u8 byte = sm_read8(address);

	if (is_being_patched(address))
		return LATER;
	return add(region, address, byte == 0xeb || byte == 0x66 ? 2 : 5);
}

/* arch/x86/kernel/static_call.c: call, or conditional jump. */
static enum outcome add_call(const struct region *region, u64 address)
{
	bool conditional = sm_read8(address) == 0x0f && (sm_read8(address + 1) & 0xf0) == 0x80;

	if (is_being_patched(address))
		return LATER;
	return add(region, address, conditional ? 6 : 5);
}

/* Some of them were replaced by alternatives. */
static enum outcome add_lock(const struct region *region, u64 address)
{
	u8 byte = sm_read8(address);

	return byte == 0xf0 || byte == 0x3e ? add(region, address, 1) : GO_ON;
}

/* The entry in the buffer, which came from address: its first member says where the place is. */
static enum outcome add_entry(const struct region *region, enum kind kind, u32 at, u64 address)
{
	s32 distance;
	u64 code;

	if (kind == RECORDS) {
		__builtin_memcpy(&code, buffer + at, sizeof(code));
		return add(region, code, 5);
	}
	__builtin_memcpy(&distance, buffer + at, sizeof(distance));
	code = address + (u64)(s64)distance;
	if (!is_in(region, code))
		return GO_ON;
	if (kind == JUMPS)
		return add_jump(region, code);
	return kind == CALLS ? add_call(region, code) : add_lock(region, code);
}

/* --- steps of a source ---------------------------------------------------------------------------- */

static enum outcome take_entries(const struct region *region, const struct source *source)
{
	u64 len = STEP / source->entry * source->entry, from = source->from + progress.done;
	enum outcome outcome;
	u32 at;

	if (len > source->to - from)
		len = (source->to - from) / source->entry * source->entry;
	if (len == 0 || sm_read(buffer, from, (u32)len)) {
		progress.done = source->to - source->from;
		return GO_ON;
	}
	for (at = 0; at < len; at += source->entry) {
		outcome = add_entry(region, source->kind, at, from + at);
		if (outcome != GO_ON)
			return outcome;
		progress.done += source->entry;
		progress.tries = 0;
	}
	return GO_ON;
}

/* Jumps with the three bytes of an ud1 behind them, by which the kernel, too, tells them. */
static enum outcome take_trampolines(const struct region *region, const struct source *source)
{
	u64 from = source->from + progress.done;
	u32 at, word, len = sizeof(buffer);

	if (len > source->to - from)
		len = (u32)(source->to - from);
	progress.done += PAGE;
	if (sm_read(buffer, from, len))
		return GO_ON;
	for (at = 0; at + 8 <= len; at += 4) {
		__builtin_memcpy(&word, buffer + at + 4, sizeof(word));
		if (word >> 8 == 0xccb90f && !integrity_add_site(region, from + at, 5))
			return NO_ROOM;
	}
	return GO_ON;
}

/* --- sources -------------------------------------------------------------------------------------- */

#define LOCK_TABLES_MAX 1024
#define GROUPS_MAX      65536

/* Patched when a second CPU comes, of the kernel (module 0) and of those modules that were loaded before. */
static void find_locks(u64 module, struct source *source)
{
	u64 head, at, item;
	u32 i;

	if (!SM_HAS_SYMBOL(smp_alt_modules) || !SM_HAS_SYMBOL(uniproc_patched) ||
	    !SM_HAS(smp_alt_module, next) || !SM_HAS(smp_alt_module, mod) ||
	    !SM_HAS(smp_alt_module, locks) || !SM_HAS(smp_alt_module, locks_end) ||
	    !sm_read8(SM_SYMBOL(uniproc_patched)))
		return;
	head = SM_SYMBOL(smp_alt_modules);
	at = sm_read64(head);
	for (i = 0; at && at != head && i < LOCK_TABLES_MAX; i++, at = sm_read64(at)) {
		item = at - SM_OFFSET(smp_alt_module, next);
		if (SM_READ64(item, smp_alt_module, mod) != module)
			continue;
		source->from = SM_READ64(item, smp_alt_module, locks);
		source->to = SM_READ64(item, smp_alt_module, locks_end);
		return;
	}
}

/* ftrace keeps its records in groups of pages: struct ftrace_page. */
static bool open_group(u32 number, struct source *source)
{
	progress.group = number ? SM_READ64(progress.group, ftrace_page, next)
				: sm_read64(SM_SYMBOL(ftrace_pages_start));
	source->entry = (u32)SM_SIZE(dyn_ftrace);
	source->from = SM_READ64(progress.group, ftrace_page, records);
	source->to =
		source->from + (u64)SM_READ32(progress.group, ftrace_page, index) * source->entry;
	return progress.group && number < GROUPS_MAX;
}

static bool open_of_kernel(struct source *source)
{
	switch (source->kind) {
	case JUMPS:
		source->from = SM_SYMBOL(__start___jump_table);
		source->to = SM_SYMBOL(__stop___jump_table);
		return true;
	case CALLS:
		source->from = SM_SYMBOL(__start_static_call_sites);
		source->to = SM_SYMBOL(__stop_static_call_sites);
		return true;
	case TRAMPOLINES:
		source->from = SM_SYMBOL(__static_call_text_start);
		source->to = SM_SYMBOL(__static_call_text_end);
		return true;
	case LOCKS:
		find_locks(0, source);
		return true;
	default:
		return open_group(progress.number - RECORDS, source);
	}
}

static bool open_of_module(const struct region *region, struct source *source)
{
	u64 count = 0;

	switch (source->kind) {
	case JUMPS:
		source->from = SM_READ64(region->module, module, jump_entries);
		count = SM_READ32(region->module, module, num_jump_entries);
		break;
	case CALLS:
		source->from = SM_READ64(region->module, module, static_call_sites);
		count = SM_READ32(region->module, module, num_static_call_sites);
		break;
	case TRAMPOLINES:
		source->from = region->base;
		count = region->bytes;
		break;
	case LOCKS:
		find_locks(region->module, source);
		return true;
	case RECORDS:
		/* Addresses, as a record of ftrace's begins with one. */
		source->entry = sizeof(u64);
		source->from = SM_READ64(region->module, module, ftrace_callsites);
		count = SM_READ32(region->module, module, num_ftrace_callsites);
		break;
	}
	source->to = source->from + count * source->entry;
	return progress.number <= RECORDS;
}

/* False: there are no more. */
static bool open_source(const struct region *region, struct source *source)
{
	*source = (struct source){.kind = progress.number < RECORDS ? progress.number : RECORDS,
				  .entry = 4};
	if (source->kind == JUMPS)
		source->entry = (u32)SM_SIZE(jump_entry);
	else if (source->kind == CALLS)
		source->entry = (u32)SM_SIZE(static_call_site);
	else if (source->kind == TRAMPOLINES)
		source->entry = 1;
	return region->module ? open_of_module(region, source) : open_of_kernel(source);
}

/* Not more entries than the text has bytes. */
static bool is_sane(const struct region *region, const struct source *source)
{
	return source->to >= source->from &&
	       source->to - source->from <= (u64)source->entry * region->bytes;
}

void integrity_gather_begin(void)
{
	__builtin_memset(&progress, 0, sizeof(progress));
}

enum gathered integrity_gather_step(const struct region *region)
{
	struct source *source = &progress.source;
	enum outcome outcome;

	if (!progress.open) {
		if (!open_source(region, source))
			return GATHERED;
		if (!is_sane(region, source))
			return GATHERED_TOO_MANY;
		progress.open = true;
		progress.done = 0;
	}
	outcome = source->kind == TRAMPOLINES ? take_trampolines(region, source)
					      : take_entries(region, source);
	if (outcome == NO_ROOM)
		return GATHERED_TOO_MANY;
	if (progress.done >= source->to - source->from) {
		progress.open = false;
		progress.number++;
	}
	return GATHERING_GOES_ON;
}
