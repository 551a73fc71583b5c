// SPDX-License-Identifier: GPL-2.0-or-later
/* Linked first of all in outside/: the beginning of what the monitors gather in sections. */
#include <shadowmon/hook.h>

#include "context.h"

extern const struct sm_hook smx_hooks[];
extern struct smx_value smx_values[];

const struct sm_hook smx_hooks[0] __section(".sm.hooks");
struct smx_value smx_values[0] __section(".sm.values");
