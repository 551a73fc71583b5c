// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Places in text that the kernel patches, by page: a pool of small chunks, of which each page has a chain.  What
 * may stand at such a place.
 */
#include "integrity.h"

/* A site, or the part of one that lies in this page: where it begins, and its length.  0: none. */
#define SITE(offset, len)   ((u16)((offset) << 3 | (len)))
#define SITE_OFFSET(site)   ((u32)(site) >> 3)
#define SITE_LENGTH(site)   ((u32)(site)&7)
#define SITE_LENGTH_LONGEST 6

#define CHUNKS      20480
#define CHUNK_SITES 7
/* In one page: more places than there are instructions. */
#define CHAIN_MAX 256

struct chunk {
	u16 sites[CHUNK_SITES]; /* filled from the first on */
	u16 next;               /* 0: none */
};

static struct chunk chunks[CHUNKS]; /* the first of them is not used */
static u16 chains[PAGES_MAX];
static u16 free_chunks; /* a chain, too */
static u16 never_used = 1;

static u16 take_chunk(void)
{
	u16 chunk = free_chunks;

	if (chunk)
		free_chunks = chunks[chunk].next;
	else if (never_used < CHUNKS)
		chunk = never_used++;
	return chunk;
}

/* Before those that the page has. */
static bool add_chunk(u32 page)
{
	u32 length = 0;
	u16 chunk;

	for (chunk = chains[page]; chunk; chunk = chunks[chunk].next)
		if (++length == CHAIN_MAX)
			return false;
	chunk = take_chunk();
	if (!chunk)
		return false;
	chunks[chunk] = (struct chunk){.next = chains[page]};
	chains[page] = chunk;
	return true;
}

static bool add_part(u32 page, u32 offset, u32 len)
{
	u16 *sites;
	u32 i;

	if ((!chains[page] || chunks[chains[page]].sites[CHUNK_SITES - 1]) && !add_chunk(page))
		return false;
	sites = chunks[chains[page]].sites;
	for (i = 0; i < CHUNK_SITES - 1 && sites[i]; i++)
		;
	sites[i] = SITE(offset, len);
	return true;
}

bool integrity_add_site(const struct region *region, u64 address, u32 len)
{
	u64 distance = address - region->base;
	u32 page = (u32)(distance / PAGE), offset = (u32)(distance % PAGE), here;

	if (distance >= region->bytes)
		return true;
	here = PAGE - offset < len ? PAGE - offset : len;
	if (!add_part(region->first + page, offset, here))
		return false;
	return here == len || page + 1 == region->pages ||
	       add_part(region->first + page + 1, 0, len - here);
}

void integrity_drop_sites(u32 page)
{
	u16 chunk = chains[page], next;
	u32 i;

	chains[page] = 0;
	for (i = 0; chunk && i < CHAIN_MAX; i++, chunk = next) {
		next = chunks[chunk].next;
		chunks[chunk].next = free_chunks;
		free_chunks = chunk;
	}
}

/* --- blanking ----------------------------------------------------------------------------------- */

/* Where modules, trampolines of ftrace and BPF's are. */
static bool is_target(u64 address)
{
	return integrity_is_text(address) || (address >= MODULES_FROM && address < MODULES_TO);
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

	if (site[0] == INT3)
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

/* Of one that lies across a border only parts are seen. */
static bool is_seen_whole(u32 offset)
{
	return offset && offset + SITE_LENGTH_LONGEST <= PAGE;
}

u64 integrity_blank_sites(u8 *copy, u32 page, u64 address)
{
	u32 i, length, offset, len;
	u16 chunk = chains[page];
	u64 wrong = 0;

	for (length = 0; chunk && length < CHAIN_MAX; length++, chunk = chunks[chunk].next) {
		for (i = 0; i < CHUNK_SITES && chunks[chunk].sites[i]; i++) {
			offset = SITE_OFFSET(chunks[chunk].sites[i]);
			len = SITE_LENGTH(chunks[chunk].sites[i]);
			if (is_seen_whole(offset) &&
			    !is_whole(copy + offset, len, address + offset))
				wrong = address + offset;
			while (len--)
				copy[offset + len] = 0;
		}
	}
	return wrong;
}
