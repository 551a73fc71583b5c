/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a hooked function calls its stub.  Once in each module that includes it. */
#ifndef SHADOWMON_ATTACK_CALL_SITE_H
#define SHADOWMON_ATTACK_CALL_SITE_H

#include <linux/string.h>
#include <asm/text-patching.h>

#include <shadowmon/hypercall.h>

#include "lookup.h"

#define CALL_SIZE       SM_CALL_SITE_SIZE
#define FENTRY_DISTANCE 16

static const u8 nop5[CALL_SIZE] = {0x0f, 0x1f, 0x44, 0x00, 0x00};

static u8 *call_site(const char *name)
{
	u8 *entry = (u8 *)lookup(name);
	unsigned int i;

	for (i = 0; entry && i < FENTRY_DISTANCE; i++)
		if (entry[i] == CALL_INSN_OPCODE || !memcmp(entry + i, nop5, CALL_SIZE))
			return entry + i;
	return NULL;
}

#endif
