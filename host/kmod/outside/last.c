// SPDX-License-Identifier: GPL-2.0-or-later
/* Linked last of all in outside/: the end of what the monitors gather in sections, and how to find it. */
#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include <shadowmon/hook.h>

#include "context.h"

extern const struct sm_hook smx_hooks[], smx_hooks_end[];
extern struct smx_value smx_values[], smx_values_end[];

const struct sm_hook smx_hooks_end[0] __section(".sm.hooks");
struct smx_value smx_values_end[0] __section(".sm.values");

struct smx_value *smx_find_value(u32 index)
{
	u32 count = smx_values_end - smx_values;

	return index < count ? &smx_values[array_index_nospec(index, count)] : NULL;
}

void *smx_find_handler(const char *function, u32 nargs)
{
	const struct sm_hook *hook;

	for (hook = smx_hooks; hook < smx_hooks_end; hook++)
		if (strcmp((const char *)hook->name, function) == 0)
			return hook->nargs == nargs ? (void *)hook->handler : ERR_PTR(-EINVAL);
	return ERR_PTR(-ENOENT);
}
