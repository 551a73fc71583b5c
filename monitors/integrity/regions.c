// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is hashed: the kernel's text, its read-only data, and the text of each module.  All their pages share one
 * array of places, in which a region has as many that follow each other as it has pages.
 */
#include "integrity.h"

static struct region regions[REGIONS];
/* The region that had this place last; whether it still has is for the region to say. */
static u16 owners[PAGES_MAX];

struct region *integrity_region(u32 number)
{
	return &regions[number];
}

static bool has_pages(const struct region *region)
{
	return region->state != REGION_FREE && region->state != REGION_NO_ROOM;
}

struct region *integrity_region_of(u32 page)
{
	struct region *region = &regions[owners[page]];

	if (!has_pages(region) || page - region->first >= region->pages)
		return NULL;
	return region;
}

u32 integrity_pages_end(void)
{
	u32 i, end = 0;

	for (i = 0; i < REGIONS; i++)
		if (has_pages(&regions[i]) && regions[i].first + regions[i].pages > end)
			end = regions[i].first + regions[i].pages;
	return end;
}

bool integrity_place(struct region *region)
{
	const struct region *owner;
	u32 page = 0, free = 0;

	while (page < PAGES_MAX && free < region->pages) {
		owner = integrity_region_of(page);
		free = owner ? 0 : free + 1;
		page = owner ? owner->first + owner->pages : page + 1;
	}
	if (free < region->pages)
		return false;
	region->first = (u16)(page - free);
	while (free--)
		owners[region->first + free] = (u16)(region - regions);
	return true;
}
