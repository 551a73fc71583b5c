// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a region's first sight to its last: the places that the kernel patches are gathered, then its pages hashed;
 * when it goes, all is given back.  Step by step, one region after the other.
 */
#include "integrity.h"

#define LEAVING_PAGES 32 /* in one step */

static bool pending; /* some region may have something to do */
static u32 departures;
static struct {
	u32 number; /* of the region */
	u8 state;   /* that it was in at the last step */
	u32 next;   /* page */
} work = {.number = REGIONS - 1};

u32 integrity_departures(void)
{
	return departures;
}

static void set_state(struct region *region, enum region_state state)
{
	region->state = state;
	pending = true;
}

static void tell_of(u32 kind, const struct region *region, u32 pages)
{
	struct finding finding = {.kind = kind, .address = region->base, .found = pages};

	if (region->module && kind != MODULE_GONE)
		finding.name = region->module + SM_OFFSET(module, name);
	integrity_tell(&finding);
}

/* --- coming and going ----------------------------------------------------------------------------- */

static void refuse(struct region *region)
{
	region->refused = true;
	region->tried = departures;
	if (!region->told)
		tell_of(NOT_CHECKED, region, region->pages);
	region->told = true;
}

void integrity_admit(struct region *region)
{
	region->refused = false;
	if (integrity_place(region)) {
		set_state(region, REGION_GATHERING);
	} else {
		refuse(region);
		region->state = REGION_NO_ROOM;
	}
}

void integrity_let_go(struct region *region)
{
	if (region->state == REGION_KNOWN)
		tell_of(MODULE_GONE, region, region->pages);
	region->refused = false;
	if (region->state == REGION_NO_ROOM)
		region->state = REGION_FREE;
	else
		set_state(region, REGION_LEAVING);
}

static void leave(struct region *region)
{
	u32 i;

	for (i = 0; i < LEAVING_PAGES && work.next < region->pages; i++)
		integrity_drop_sites(region->first + work.next++);
	if (work.next < region->pages)
		return;
	if (!region->refused)
		departures++;
	region->state = region->refused ? REGION_NO_ROOM : REGION_FREE;
}

/* --- learning ------------------------------------------------------------------------------------- */

static void gather(struct region *region)
{
	switch (integrity_gather_step(region)) {
	case GATHERING_GOES_ON:
		return;
	case GATHERED:
		set_state(region, REGION_HASHING);
		return;
	case GATHERED_TOO_MANY:
		/* What is freed meanwhile may hold any number. */
		if (integrity_is_there(region))
			refuse(region);
		set_state(region, REGION_LEAVING);
		return;
	}
}

static void tell_of_baseline(const struct region *region)
{
	const struct region *text = integrity_region(KERNEL_REGION);

	if (region->module)
		tell_of(BASELINE, region, region->pages);
	else if (region != text)
		tell_of(BASELINE, text, text->pages + region->pages);
}

static void learn(struct region *region)
{
	integrity_hash_first(region, region->first + work.next++);
	if (work.next < region->pages)
		return;
	if (!integrity_is_there(region)) {
		set_state(region, REGION_LEAVING);
		return;
	}
	region->state = REGION_KNOWN;
	tell_of_baseline(region);
}

/* --- steps ---------------------------------------------------------------------------------------- */

static bool has_work(const struct region *region)
{
	return region->state == REGION_GATHERING || region->state == REGION_HASHING ||
	       region->state == REGION_LEAVING;
}

/* The next after the last that had, so that none waits for ever. */
static bool find_work(void)
{
	u32 i, number;

	if (has_work(integrity_region(work.number)))
		return true;
	for (i = 1; pending && i < REGIONS; i++) {
		number = (work.number + i) % REGIONS;
		if (has_work(integrity_region(number))) {
			work.number = number;
			work.state = REGION_FREE;
			return true;
		}
	}
	pending = false;
	return false;
}

/* .BTF and what follows it is no use to an attacker. */
static void admit_kernel(void)
{
	struct region *text = integrity_region(KERNEL_REGION);
	struct region *rodata = integrity_region(RODATA_REGION);
	u64 pages = (SM_SYMBOL(__start_BTF) - SM_SYMBOL(__start_rodata)) / PAGE;

	text->base = SM_SYMBOL(_stext);
	text->bytes = (u32)(SM_SYMBOL(_etext) - text->base);
	text->pages = (text->bytes + PAGE - 1) / PAGE;
	integrity_admit(text);
	rodata->base = SM_SYMBOL(__start_rodata);
	rodata->pages = pages < PAGES_MAX - text->pages ? (u32)pages : PAGES_MAX - text->pages;
	rodata->bytes = rodata->pages * PAGE;
	integrity_admit(rodata);
	set_state(rodata, REGION_HASHING);
}

bool integrity_baseline_step(void)
{
	struct region *region;

	if (integrity_region(RODATA_REGION)->state == REGION_FREE)
		admit_kernel();
	if (!find_work())
		return false;
	region = integrity_region(work.number);
	if (work.state != region->state) {
		work.state = region->state;
		work.next = 0;
		integrity_gather_begin();
	}
	if (region->state == REGION_GATHERING)
		gather(region);
	else if (region->state == REGION_HASHING)
		learn(region);
	else
		leave(region);
	return true;
}

bool integrity_kernel_is_known(void)
{
	return integrity_region(RODATA_REGION)->state == REGION_KNOWN;
}
