// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the kernel patches its own text: static keys, static calls, ftrace's call sites, lock prefixes.  They are
 * gathered once, ordered by page.
 */
#include "integrity.h"

#define SITES_MAX 98304

/* A site, or the part of one that lies in this page: where it begins, and its length less 1. */
#define SITE(offset, len)   ((u16)((offset) << 3 | ((len)-1)))
#define SITE_OFFSET(site)   ((u32)(site) >> 3)
#define SITE_LENGTH(site)   (((u32)(site)&7) + 1)
#define SITE_LENGTH_LONGEST 6

static u16 sites[SITES_MAX];
/* Page i's are sites[first[i]] up to first[i + 1]. */
static u32 first[TEXT_PAGES_MAX + 1];
static u16 filled[TEXT_PAGES_MAX];
static bool overflowed;

u32 integrity_text_pages(void)
{
	u64 pages = (SM_SYMBOL(_etext) - SM_SYMBOL(_stext) + PAGE - 1) / PAGE;

	return pages < TEXT_PAGES_MAX ? (u32)pages : TEXT_PAGES_MAX;
}

bool integrity_sites_fit(void)
{
	return !overflowed;
}

/* --- gathering: once to count, once to note ----------------------------------------------------- */

static bool noting;

static void add_part(u32 index, u32 offset, u32 len)
{
	u32 at;

	if (index >= integrity_text_pages())
		return;
	if (!noting) {
		first[index + 1]++;
		return;
	}
	at = first[index] + filled[index];
	if (at >= first[index + 1] || at >= SITES_MAX) {
		overflowed = true;
		return;
	}
	sites[at] = SITE(offset, len);
	filled[index]++;
}

static void add(u64 address, u32 len)
{
	u64 distance = address - SM_SYMBOL(_stext);
	u32 offset = (u32)(distance % PAGE), here;

	if (!integrity_is_text(address))
		return;
	here = PAGE - offset < len ? PAGE - offset : len;
	add_part((u32)(distance / PAGE), offset, here);
	if (here < len)
		add_part((u32)(distance / PAGE) + 1, 0, len - here);
}

/* asm/jump_label.h: a jump or NOP of two bytes or five. */
static u32 length_of_jump(u64 address)
{
	u8 byte = sm_read8(address);

	return byte == 0xeb || byte == 0x66 ? 2 : 5;
}

/* arch/x86/kernel/static_call.c: call, or conditional jump. */
static u32 length_of_call(u64 address)
{
	return sm_read8(address) == 0x0f && (sm_read8(address + 1) & 0xf0) == 0x80 ? 6 : 5;
}

#define STEP 1024 /* bytes of a table */
static u8 buffer[STEP];

static s32 relative(u32 at)
{
	s32 value;

	__builtin_memcpy(&value, buffer + at, sizeof(value));
	return value;
}

/* Each takes one entry of the buffer, which came from address. */
static void add_jump(u32 at, u64 address)
{
	u64 code = address + (u64)relative(at);

	if (integrity_is_text(code))
		add(code, length_of_jump(code));
}

static void add_call(u32 at, u64 address)
{
	u64 code = address + (u64)relative(at);

	if (integrity_is_text(code))
		add(code, length_of_call(code));
}

/* A trampoline of a static call: a jump and the three bytes of an ud1, by which the kernel, too, tells it. */
static void add_trampoline(u32 at, u64 address)
{
	(void)at;
	if (sm_read32(address + 4) >> 8 == 0xccb90f)
		add(address, 5);
}

/* Some of them were replaced by alternatives. */
static void add_lock(u32 at, u64 address)
{
	u64 code = address + (u64)relative(at);
	u8 byte = integrity_is_text(code) ? sm_read8(code) : 0;

	if (byte == 0xf0 || byte == 0x3e)
		add(code, 1);
}

static void add_record(u32 at, u64 address)
{
	u64 ip;

	(void)address;
	__builtin_memcpy(&ip, buffer + at, sizeof(ip));
	add(ip, 5);
}

/* Reads a piece of a table from *done on; true at its end. */
static bool take(u64 from, u64 to, u32 entry, u64 *done, void (*take_entry)(u32 at, u64 address))
{
	u64 len = STEP / entry * entry;
	u32 at;

	if (from + *done >= to)
		return true;
	if (len > to - from - *done)
		len = (to - from - *done) / entry * entry;
	if (len == 0 || sm_read(buffer, from + *done, (u32)len))
		return true;
	for (at = 0; at < len; at += entry)
		take_entry(at, from + *done + at);
	*done += len;
	return false;
}

#define GROUPS_MAX 65536

/* ftrace keeps its records in groups of pages: struct ftrace_page. */
static bool take_records(u64 *done)
{
	u64 records, size = SM_SIZE(dyn_ftrace);
	static u32 groups;
	static u64 group;

	if (!groups)
		group = sm_read64(SM_SYMBOL(ftrace_pages_start));
	if (!group || ++groups > GROUPS_MAX) {
		groups = 0;
		return true;
	}
	records = SM_READ64(group, ftrace_page, records);
	if (take(records, records + SM_READ32(group, ftrace_page, index) * size, (u32)size, done,
		 add_record)) {
		group = SM_READ64(group, ftrace_page, next);
		*done = 0;
	}
	return false;
}

/* Patched when a second CPU comes; else its table may be gone. */
static bool locks_are_patched(void)
{
	return SM_HAS_SYMBOL(uniproc_patched) && SM_HAS_SYMBOL(__smp_locks) &&
	       SM_HAS_SYMBOL(__smp_locks_end) && sm_read8(SM_SYMBOL(uniproc_patched));
}

/* Piece after piece of the tables; true when there is no more. */
static bool gather(void)
{
	static u64 done;
	static u32 table;
	bool ended = true;

	switch (table) {
	case 0:
		ended = take(SM_SYMBOL(__start___jump_table), SM_SYMBOL(__stop___jump_table),
			     (u32)SM_SIZE(jump_entry), &done, add_jump);
		break;
	case 1:
		ended = take(SM_SYMBOL(__start_static_call_sites),
			     SM_SYMBOL(__stop_static_call_sites), (u32)SM_SIZE(static_call_site),
			     &done, add_call);
		break;
	case 2:
		ended = take(SM_SYMBOL(__static_call_text_start), SM_SYMBOL(__static_call_text_end),
			     4, &done, add_trampoline);
		break;
	case 3:
		ended = take_records(&done);
		break;
	case 4:
		if (locks_are_patched())
			ended = take(SM_SYMBOL(__smp_locks), SM_SYMBOL(__smp_locks_end), 4, &done,
				     add_lock);
		break;
	default:
		add(SM_SYMBOL(ftrace_call), 5);
		add(SM_SYMBOL(ftrace_regs_call), 5);
		done = table = 0;
		return true;
	}
	if (ended) {
		done = 0;
		table++;
	}
	return false;
}

static void add_up(void)
{
	u32 i;

	for (i = 1; i <= TEXT_PAGES_MAX; i++)
		first[i] += first[i - 1];
	overflowed = first[TEXT_PAGES_MAX] > SITES_MAX;
}

bool integrity_sites_step(void)
{
	if (!gather())
		return false;
	if (noting)
		return true;
	add_up();
	noting = true;
	return overflowed;
}

/* --- blanking ----------------------------------------------------------------------------------- */

/* Where modules, trampolines of ftrace and BPF's are: from MODULES_VADDR of any kernel to MODULES_END. */
static bool is_target(u64 address)
{
	return integrity_is_text(address) ||
	       (address >= 0xffffffffa0000000ULL && address < 0xffffffffff000000ULL);
}

static bool is_one_of(const u8 *site, const u8 (*forms)[5], u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (__builtin_memcmp(site, forms[i], 5) == 0)
			return true;
	return false;
}

/* What the kernel may put there; int3 is there while it does. */
static bool is_whole(const u8 *site, u32 len, u64 address)
{
	static const u8 forms[][5] = {
		{0x0f, 0x1f, 0x44, 0x00, 0x00}, /* nop */
		{0xc3, 0xcc, 0xcc, 0xcc, 0xcc}, /* return, for a function that was not set */
		{0x2e, 0x2e, 0x2e, 0x31, 0xc0}, /* xor %eax, %eax for one that returns 0 */
		{0x66, 0x66, 0x48, 0x31, 0xc0}, /* the same of older kernels */
		{0x67, 0x48, 0x0f, 0xb9, 0x3a}, /* trap for one that must not be called */
	};
	s32 distance;

	if (site[0] == 0xcc)
		return true;
	if (len == 1)
		return site[0] == 0xf0 || site[0] == 0x3e;
	if (len == 2)
		return site[0] == 0xeb || (site[0] == 0x66 && site[1] == 0x90);
	if (site[0] == 0xe8 || site[0] == 0xe9 || len == 6) {
		__builtin_memcpy(&distance, site + len - 4, sizeof(distance));
		return is_target(address + len + (u64)(s64)distance);
	}
	return is_one_of(site, forms, sizeof(forms) / sizeof(forms[0]));
}

u64 integrity_blank_sites(u8 *page, u32 index)
{
	u64 address = SM_SYMBOL(_stext) + (u64)index * PAGE, wrong = 0;
	u32 i, offset, len;

	for (i = first[index]; i < first[index + 1] && i < SITES_MAX; i++) {
		offset = SITE_OFFSET(sites[i]);
		len = SITE_LENGTH(sites[i]);
		if (offset + len > PAGE)
			continue;
		/* Of one that lies across a border only parts are seen. */
		if (offset && offset + SITE_LENGTH_LONGEST <= PAGE &&
		    !is_whole(page + offset, len, address + offset))
			wrong = address + offset;
		while (len--)
			page[offset + len] = 0;
	}
	return wrong;
}
