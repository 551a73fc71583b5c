// SPDX-License-Identifier: GPL-2.0-or-later
/* Which modules there are, as far as their text goes: each is a region from when it is met until it is gone. */
#include "integrity.h"

#define LOOK_SLICE 4 /* modules that are looked for at once */

/* From 6.4 on a module has memory of several types; before, a layout whose first part is text. */
__asm__(".weak sm_size.module_memory, sm_enum.mod_mem_type.MOD_TEXT");

static u64 text_of(u64 module, u32 *ret_bytes)
{
	u64 memory;

	if (SM_HAS(module, mem) && SM_HAS(module_memory, base) && SM_HAS(module_memory, size)) {
		memory = module + SM_OFFSET(module, mem) +
			 SM_ENUM(mod_mem_type, MOD_TEXT) * SM_SIZE(module_memory);
		*ret_bytes = SM_READ32(memory, module_memory, size);
		return SM_READ64(memory, module_memory, base);
	}
	if (SM_HAS(module, core_layout) && SM_HAS(module_layout, base) &&
	    SM_HAS(module_layout, text_size)) {
		memory = module + SM_OFFSET(module, core_layout);
		*ret_bytes = SM_READ32(memory, module_layout, text_size);
		return SM_READ64(memory, module_layout, base);
	}
	*ret_bytes = 0;
	return 0;
}

/* False: it is coming or going, or what is there is no module. */
static bool describe(u64 module, struct region *region)
{
	u64 folder = SM_READ64(module, module, mkobj.kobj.sd);

	*region = (struct region){.module = module, .id = SM_READ64(folder, kernfs_node, id)};
	region->base = text_of(module, &region->bytes);
	region->pages = region->bytes / PAGE + (region->bytes % PAGE != 0);
	return SM_READ32(module, module, state) == SM_ENUM(module_state, MODULE_STATE_LIVE) &&
	       region->bytes && region->base % PAGE == 0 && region->base >= MODULES_FROM &&
	       region->base < MODULES_TO;
}

static bool is_same(const struct region *region, const struct region *other)
{
	return region->id == other->id && region->base == other->base &&
	       region->bytes == other->bytes;
}

bool integrity_is_there(const struct region *region)
{
	struct region now;

	return !region->module || (describe(region->module, &now) && is_same(region, &now));
}

static void tell_of_too_many(u64 module, const struct region *seen)
{
	struct finding finding = {.kind = NOT_CHECKED, .address = seen->base, .found = seen->pages};

	finding.name = module + SM_OFFSET(module, name);
	integrity_tell_once(&finding, module ^ seen->id);
}

/* Behind the last region that ever was a module's. */
static u32 end = FIRST_MODULE;

/* NULL: it is none yet, and ret_free is one for it; or NULL, too. */
static struct region *find(u64 module, struct region **ret_free)
{
	struct region *region;
	u32 i;

	*ret_free = NULL;
	for (i = FIRST_MODULE; i < end; i++) {
		region = integrity_region(i);
		if (region->state != REGION_FREE && region->module == module)
			return region;
		if (region->state == REGION_FREE && !*ret_free)
			*ret_free = region;
	}
	if (!*ret_free && end < REGIONS)
		*ret_free = integrity_region(end++);
	return NULL;
}

void integrity_meet_module(u64 module, u64 base)
{
	struct region seen, *region, *free;

	if (!describe(module, &seen) || seen.base != base)
		return;
	region = find(module, &free);
	if (!region && !free)
		return tell_of_too_many(module, &seen);
	if (!region) {
		*free = seen;
		return integrity_admit(free);
	}
	/* One that goes makes place for what came in its stead. */
	if (!is_same(region, &seen) && region->state != REGION_LEAVING)
		integrity_let_go(region);
	else if (region->state == REGION_NO_ROOM && region->tried != integrity_departures())
		integrity_admit(region);
}

void integrity_look_for_modules(void)
{
	u32 i, looked_for = 0;
	static u32 next;
	struct region *region;

	for (i = FIRST_MODULE; i < end && looked_for < LOOK_SLICE; i++) {
		region = integrity_region(FIRST_MODULE + next++ % (end - FIRST_MODULE));
		if (region->state == REGION_FREE || region->state == REGION_LEAVING)
			continue;
		looked_for++;
		if (!integrity_is_there(region))
			integrity_let_go(region);
	}
}
