// SPDX-License-Identifier: GPL-2.0-or-later
/* Hashes of the kernel's text and read-only data, page by page. */
#include "integrity.h"

#define PAGES_MAX   16384
#define FIRST_STEPS 4 /* in one check: a page, or a piece of a table */

static u64 hashes[PAGES_MAX]; /* 0: not known */
static u64 secret;            /* so that nobody finds other bytes with the same hash */

static u32 count_pages(void)
{
	/* .BTF and what follows it is no use to an attacker. */
	u64 pages = integrity_text_pages() +
		    (SM_SYMBOL(__start_BTF) - SM_SYMBOL(__start_rodata)) / PAGE;

	return pages < PAGES_MAX ? (u32)pages : PAGES_MAX;
}

static bool is_text_page(u32 index)
{
	return index < integrity_text_pages();
}

static u64 address_of(u32 index)
{
	if (is_text_page(index))
		return SM_SYMBOL(_stext) + (u64)index * PAGE;
	return SM_SYMBOL(__start_rodata) + (u64)(index - integrity_text_pages()) * PAGE;
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

/* Of a page without what the kernel may change in it; 0: cannot be read. */
static u64 hash_of_page(u32 index, u64 *ret_wrong)
{
	static u64 words[PAGE / sizeof(u64)];
	u8 *page = (u8 *)words;
	u64 address = address_of(index);
	u32 len = PAGE;

	*ret_wrong = 0;
	if (is_text_page(index) && SM_SYMBOL(_etext) - address < PAGE)
		len = (u32)(SM_SYMBOL(_etext) - address);
	if (sm_read(page, address, len))
		return 0;
	while (len < PAGE)
		page[len++] = 0;
	if (is_text_page(index)) {
		integrity_undo_kprobes(page, address);
		*ret_wrong = integrity_blank_sites(page, index);
	}
	return hash(words);
}

static void tell_of_page(u32 index, u64 found, u64 wrong)
{
	struct finding finding = {.kind = is_text_page(index) ? KERNEL_TEXT : KERNEL_RODATA,
				  .address = address_of(index)};

	if (found != hashes[index]) {
		finding.expected = hashes[index];
		finding.found = found;
		hashes[index] = found;
		integrity_tell(&finding);
	}
	if (wrong) {
		finding = (struct finding){.kind = KERNEL_TEXT_SITE, .address = wrong};
		finding.found = sm_read64(wrong);
		integrity_tell_once(&finding, wrong ^ finding.found);
	}
}

/* --- first all of them ---------------------------------------------------------------------------- */

static void tell_of_first_pass(void)
{
	struct finding finding = {.kind = BASELINE, .address = SM_SYMBOL(_stext)};

	finding.found = count_pages();
	integrity_tell(&finding);
	if (integrity_sites_fit())
		return;
	finding.kind = NOT_CHECKED;
	finding.found = integrity_text_pages();
	integrity_tell(&finding);
}

bool integrity_first_pages(void)
{
	static bool have_sites;
	static u32 next;
	u64 ignored;
	u32 i;

	if (!secret)
		secret = sm_random() | 1;
	for (i = 0; i < FIRST_STEPS; i++) {
		if (!have_sites) {
			have_sites = integrity_sites_step();
		} else if (next < count_pages()) {
			if (!is_text_page(next) || integrity_sites_fit())
				hashes[next] = hash_of_page(next, &ignored);
			next++;
		} else {
			tell_of_first_pass();
			return false;
		}
	}
	return true;
}

/* --- then one after the other, each once in a pass ------------------------------------------------ */

static u32 next_page(void)
{
	static u32 turn, start, stride;
	u32 count = count_pages(), places = 1, tries, index;

	while (places < count)
		places *= 2;
	for (tries = 0; tries < 4; tries++) {
		if (turn % places == 0) {
			start = (u32)sm_random();
			stride = (u32)sm_random() | 1; /* odd: comes by each place */
		}
		index = (start + turn++ * stride) & (places - 1);
		if (index < count)
			return index;
	}
	return count - 1;
}

#define LOOKS \
	3 /* at a page that is not as it was, one after the other: the kernel may have been at it */

void integrity_page(void)
{
	static u32 looks, suspect;
	u32 index = looks ? suspect : next_page();
	u64 wrong, found = hash_of_page(index, &wrong);

	if (!hashes[index] || !found)
		return;
	if (found == hashes[index] && !wrong) {
		looks = 0;
		return;
	}
	suspect = index;
	if (++looks < LOOKS)
		return;
	looks = 0;
	tell_of_page(index, found, wrong);
}
