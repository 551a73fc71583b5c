// SPDX-License-Identifier: GPL-2.0-or-later
/* VMFUNC from where it does not belong. */

#include <linux/kernel.h>

#include "attack.h"
#include "gate_offsets.h"

/*
 * Where the attacker wants to land in view 2: the jump at the end of the compartment's entry, which leads
 * out with EDX as it is.  A verdict without a monitor.
 */
static enum outcome to_monitor_view(void)
{
	return run_vmfunc(0, SM_VIEW_MONITOR) == LANDED_UD ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome to_gate_view(void)
{
	return run_vmfunc(0, SM_VIEW_GATE) == LANDED_UD ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome to_own_view(void)
{
	return run_vmfunc(0, SM_VIEW_TARGET) == LANDED_UD ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome indices(void)
{
	static const u32 beyond[] = {512,        513,        0x10000,   0x7fffffff,
				     0x80000000, 0xfffffffe, 0xffffffff};
	unsigned int refused = 0;
	u32 i;

	for (i = 1; i < 512; i++)
		refused += run_vmfunc(0, i) == LANDED_UD;
	for (i = 0; i < ARRAY_SIZE(beyond); i++)
		refused += run_vmfunc(0, beyond[i]) == LANDED_UD;
	attack_note("%u of %zu refused", refused, 511 + ARRAY_SIZE(beyond));
	return refused == 511 + ARRAY_SIZE(beyond) ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome functions(void)
{
	unsigned int refused = 0;
	u32 i;

	for (i = 1; i < 64; i++)
		refused += run_vmfunc(i, SM_VIEW_TARGET) == LANDED_UD;
	refused += run_vmfunc(64, 0) == LANDED_UD;
	refused += run_vmfunc(0xffffffff, 0) == LANDED_UD;
	attack_note("%u of 65 refused", refused);
	return refused == 65 ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

const struct attack vmfunc_attacks[] = {
	{"vmfunc-monitor", to_monitor_view}, {"vmfunc-gate", to_gate_view},
	{"vmfunc-index", indices},           {"vmfunc-function", functions},
	{"vmfunc.control", to_own_view},     {}};
