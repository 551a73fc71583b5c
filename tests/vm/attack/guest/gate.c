// SPDX-License-Identifier: GPL-2.0-or-later
/* Into the gate by other ways than the stubs'. */

#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/debugreg.h>

#include "attack.h"
#include "gate_offsets.h"

#define NO_FLUSH    BIT_ULL(63)
#define ENTRY_LEAVE 0x4d /* the jump at the end of the compartment's entry */
#define ROUNDS      20000

static enum landing enter_at(unsigned int offset)
{
	struct jump jump = {.rip = (u64)gate + offset};

	return run_jump(&jump);
}

static enum outcome own_entry(void)
{
	return enter_at(GATE_ENTER_OFFSET) == LANDED_BACK ? ATTACK_SUCCEEDED : ATTACK_IMPOSSIBLE;
}

/*
 * The guest's copy, in view 0, at each instruction that matters.  The list's address shows a page of the
 * attacker's, so that what the gate writes there writes nothing.
 */
static enum outcome copy(void)
{
	static const u16 offsets[] = {
		GATE_ARM_OFFSET,
		GATE_MODE_TRAP_OFFSET,
		GATE_CR3_BRANCH_OFFSET,
		GATE_VMFUNC_MONITOR_OFFSET - 3,
		GATE_VMFUNC_MONITOR_OFFSET,
		GATE_EXIT_OFFSET,
		GATE_LEAVE_OFFSET,
		GATE_BAD_OFFSET,
	};
	struct attack_page page;
	struct jump jump = {};
	unsigned int i, refused = 0;

	if (page_create(&page))
		return ATTACK_IMPOSSIBLE;
	memcpy(page.code + PAGE_SIZE, gate, PAGE_SIZE);
	memcpy(page.code, gate - PAGE_SIZE, PAGE_SIZE);
	jump.cr3 = tables_cr3(&page.tables);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		jump.rip = (u64)gate + offsets[i];
		refused += run_jump(&jump) != LANDED_THROUGH;
	}
	page_destroy(&page);
	attack_note("%u of %zu entries led nowhere", refused, ARRAY_SIZE(offsets));
	return refused == ARRAY_SIZE(offsets) ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/* CR3 in the shadow region: in views 1 and 2 the walk would start there instead of at the alias. */
static enum outcome cr3_in_shadow_region(void)
{
	struct jump jump = {.late_cr3 = SM_TABLES_GPA | NO_FLUSH};
	struct attack_page page;
	enum landing landing;

	if (!(__read_cr4() & X86_CR4_PCIDE) || page_create(&page))
		return ATTACK_IMPOSSIBLE;
	page_aim(&page, GATE_ARM_OFFSET, true);
	jump.cr3 = tables_cr3(&page.tables);
	jump.rip = (u64)gate + GATE_ARM_OFFSET - 7;
	landing = run_jump(&jump);
	page_destroy(&page);
	return landing == LANDED_UD ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/*
 * VMFUNC(2) by the attacker, at an address at which view 2 has the jump out of the compartment: a verdict
 * without a monitor.
 */
static enum outcome jump_into_compartment(void)
{
	static const u8 code[] = {0xb9, 2, 0, 0, 0, 0x0f, 0x01, 0xd4}; /* mov $2, %ecx; vmfunc */
	unsigned long target = (unsigned long)gate + SM_VA_ENTRY + ENTRY_LEAVE;
	struct jump jump = {.rip = target - sizeof(code)};
	struct attack_page page;
	enum landing landing;

	if (page_create(&page))
		return ATTACK_IMPOSSIBLE;
	page_aim(&page, 0, false);
	if (tables_map(&page.tables, target & PAGE_MASK, virt_to_phys(page.stack))) {
		page_destroy(&page);
		return ATTACK_IMPOSSIBLE;
	}
	memcpy(page.stack + offset_in_page(target) - sizeof(code), code, sizeof(code));
	jump.cr3 = tables_cr3(&page.tables);
	landing = run_jump(&jump);
	page_destroy(&page);
	return landing == LANDED_UD ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome single_step(void)
{
	struct jump jump = {.rip = (u64)gate + GATE_ENTER_OFFSET, .rflags = X86_EFLAGS_TF};

	return run_jump(&jump) == LANDED_UD ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum landing enter_with_breakpoint(u64 address, u64 dr7)
{
	enum landing landing;
	unsigned long flags;

	local_irq_save(flags);
	set_debugreg(address, 0);
	set_debugreg(BIT(10) | dr7, 7);
	landing = enter_at(GATE_ENTER_OFFSET);
	set_debugreg(0, 7);
	set_debugreg(0, 0);
	local_irq_restore(flags);
	return landing;
}

/* On instructions of the gate and the compartment, and on the list and the compartment's data. */
static enum outcome breakpoints(void)
{
	const u64 execute = DR_GLOBAL_ENABLE << 0 | 1, access = execute | 3ULL << DR_CONTROL_SHIFT;
	const u64 state = (u64)gate + SM_VA_CPU + SM_CPU_STATE;
	unsigned int refused = 0;

	refused += enter_with_breakpoint((u64)gate + GATE_ARM_OFFSET, execute) == LANDED_UD;
	refused +=
		enter_with_breakpoint((u64)gate + GATE_VMFUNC_MONITOR_OFFSET, execute) == LANDED_UD;
	refused += enter_with_breakpoint((u64)gate + SM_VA_LIST + SM_LIST_MONITOR_BYTE, access) ==
		   LANDED_UD;
	/* In view 2 the abort is the monitor's: back at the stub with its verdict. */
	refused += enter_with_breakpoint((u64)gate + SM_VA_ENTRY, execute) == LANDED_BACK;
	refused += enter_with_breakpoint(state, access) == LANDED_BACK;
	attack_note("%u of 5 refused or aborted", refused);
	return refused == 5 ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/* Behind the entry's CLI, with interrupts on and on their way. */
static enum outcome interrupts_on(void)
{
	struct attack_page page;
	struct jump jump = {.rflags = X86_EFLAGS_IF};
	unsigned int i, back = 0;

	if (page_create(&page))
		return ATTACK_IMPOSSIBLE;
	page_aim(&page, GATE_ARM_OFFSET, false);
	jump.cr3 = tables_cr3(&page.tables);
	jump.rip = (u64)gate + GATE_ARM_OFFSET - 3;
	for (i = 0; i < ROUNDS; i++)
		back += run_jump(&jump) == LANDED_BACK;
	page_destroy(&page);
	attack_note("%u of %u came back whole", back, ROUNDS);
	return back == ROUNDS ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

const struct attack gate_attacks[] = {{"gate-copy", copy},
				      {"gate-cr3", cr3_in_shadow_region},
				      {"gate-jump-compartment", jump_into_compartment},
				      {"gate-single-step", single_step},
				      {"gate-breakpoints", breakpoints},
				      {"gate-interrupts-on", interrupts_on},
				      {"gate.control", own_entry},
				      {}};
