// SPDX-License-Identifier: GPL-2.0-or-later
/* Hashes of text and read-only data, page by page. */
#include "integrity.h"

static u64 hashes[PAGES_MAX]; /* 0: not known */
static u64 secret;            /* so that nobody finds other bytes with the same hash */

static bool is_text(const struct region *region)
{
	return region != integrity_region(RODATA_REGION);
}

static u64 address_of(const struct region *region, u32 page)
{
	return region->base + (u64)(page - region->first) * PAGE;
}

static u64 hash(const u64 *words)
{
	u64 value = secret;
	u32 i;

	for (i = 0; i < PAGE / sizeof(*words); i++) {
		value = (value ^ words[i]) * (secret | 1);
		value ^= value >> 32;
	}
	return value ? value : 1;
}

/*
 * Of a page without what the kernel may change in it; 0: cannot be read.  What is of a module must be its text
 * before and after it is read.
 */
static u64 hash_of_page(const struct region *region, u32 page, u64 *ret_wrong)
{
	static u64 words[PAGE / sizeof(u64)];
	u64 address = address_of(region, page);
	u32 rest = region->bytes - (page - region->first) * PAGE, len = rest < PAGE ? rest : PAGE;
	u8 *copy = (u8 *)words;

	*ret_wrong = 0;
	if (!integrity_is_there(region) || sm_read(copy, address, len))
		return 0;
	while (len < PAGE)
		copy[len++] = 0;
	if (is_text(region)) {
		integrity_undo_kprobes(copy, address);
		*ret_wrong = integrity_blank_sites(copy, page, address);
	}
	return integrity_is_there(region) ? hash(words) : 0;
}

void integrity_hash_first(const struct region *region, u32 page)
{
	u64 ignored;

	if (!secret)
		secret = sm_random() | 1;
	hashes[page] = hash_of_page(region, page, &ignored);
}

static u32 kind_of(const struct region *region)
{
	if (region->module)
		return MODULE_TEXT;
	return is_text(region) ? KERNEL_TEXT : KERNEL_RODATA;
}

static void tell_of_page(const struct region *region, u32 page, u64 found, u64 wrong)
{
	struct finding finding = {.kind = kind_of(region), .address = address_of(region, page)};

	if (region->module)
		finding.name = region->module + SM_OFFSET(module, name);
	if (found != hashes[page]) {
		finding.expected = hashes[page];
		finding.found = found;
		hashes[page] = found;
		integrity_tell(&finding);
	}
	if (wrong) {
		finding.kind = region->module ? MODULE_TEXT_SITE : KERNEL_TEXT_SITE;
		finding.address = wrong;
		finding.expected = 0;
		finding.found = sm_read64(wrong);
		integrity_tell_once(&finding, wrong ^ finding.found ^ region->id);
	}
}

/* --- one after the other, each once in a pass ----------------------------------------------------- */

#define ORDER_TRIES 4

/* False: by chance, none of those that the order names next is in use. */
static bool next_page(u32 *ret_page)
{
	static u32 turn, places, start, stride;
	const struct region *region;
	u32 tries, end;

	for (tries = 0; tries < ORDER_TRIES; tries++) {
		if (turn == places) {
			end = integrity_pages_end();
			for (places = 1; places < end;)
				places *= 2;
			turn = 0;
			start = (u32)sm_random();
			stride = (u32)sm_random() | 1; /* odd: comes by each place */
		}
		*ret_page = (start + turn++ * stride) & (places - 1);
		region = integrity_region_of(*ret_page);
		if (region && region->state == REGION_KNOWN)
			return true;
	}
	return false;
}

#define LOOKS \
	3 /* at a page that is not as it was, one after the other: the kernel may have been at it */

void integrity_page(void)
{
	static u32 looks, page;
	const struct region *region;
	u64 wrong, found;

	if (!looks && !next_page(&page))
		return;
	region = integrity_region_of(page);
	if (!region || region->state != REGION_KNOWN) {
		looks = 0;
		return;
	}
	found = hash_of_page(region, page, &wrong);
	if (!hashes[page] || !found || (found == hashes[page] && !wrong)) {
		looks = 0;
		return;
	}
	if (++looks < LOOKS)
		return;
	looks = 0;
	tell_of_page(region, page, found, wrong);
}
