// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Machine checks of CPU 0, which goes through the gate meanwhile.  The VMM makes them
 * (tests/vm/host/machine_check.c), the next one when the guest says that the last is handled; so one that is lost is
 * the last.
 */

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <asm/mce.h>
#include <asm/msr.h>

#include "attack.h"
#include "gate_offsets.h"

#define WANTED          200
#define PASSES_A_LOOK   500 /* a look exits; in between is the gate */
#define LOOKS_TILL_LOST 3
#define WAIT            (20 * HZ)

static bool is_in_progress(void)
{
	u64 status;

	rdmsrl(MSR_IA32_MCG_STATUS, status);
	return status & MCG_STATUS_MCIP;
}

static void let_next_come(void)
{
	wrmsrl(MSR_IA32_MCG_STATUS, 0);
}

/* A slot without a monitor. */
static bool pass(void)
{
	const struct jump jump = {.rip = (u64)gate + GATE_ENTER_OFFSET, .slot = SM_SLOTS - 1};

	return run_jump(&jump) == LANDED_BACK;
}

/* Until all came, one did not come, or a pass did not come back. */
static enum outcome pass_until_all_came(void)
{
	unsigned long start = READ_ONCE(run_machine_checks), end = jiffies + WAIT, seen = start,
		      now;
	unsigned int i, looks = 0;

	let_next_come();
	while (time_before(jiffies, end)) {
		for (i = 0; i < PASSES_A_LOOK; i++)
			if (!pass())
				return ATTACK_SUCCEEDED;
		now = READ_ONCE(run_machine_checks);
		if (now - start >= WANTED)
			return ATTACK_REFUSED;
		if (now != seen) {
			let_next_come();
			looks = 0;
		} else if (is_in_progress() && ++looks == LOOKS_TILL_LOST) {
			return ATTACK_SUCCEEDED;
		}
		seen = now;
	}
	return ATTACK_IMPOSSIBLE;
}

static enum outcome machine_checks(void)
{
	enum outcome outcome;
	cpumask_t allowed;

	cpumask_copy(&allowed, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	outcome = pass_until_all_came();
	set_cpus_allowed_ptr(current, &allowed);
	return outcome;
}

const struct attack machine_check_attacks[] = {{"machine-checks", machine_checks}, {}};
