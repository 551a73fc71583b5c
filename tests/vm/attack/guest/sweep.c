// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entry into the gate page in view 1 at its 4096 offsets, in many situations.  The attacker's
 * page with VMFUNC lies at the gate's virtual address: the instruction behind VMFUNC is the real gate's.
 *
 * An entry may come back: from the offsets from which all tests are passed, the compartment runs at its
 * entry point with forged arguments, which is no more than a hooked function could give it.
 */

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "attack.h"

#define NO_FLUSH  BIT_ULL(63) /* what the TLB holds goes on working: the attacker's page */
#define CODE_SIZE 0x80        /* of the gate page; the rest is fill */
#define HOLE_GPA  0x3000000000ULL

#define TICKS  250000 /* of the TSC: more than one of the timer's, guest's or host's */
#define EXIT   1000   /* what an exit takes at least */
#define ENOUGH (4 * TICKS)

/* With CR3 elsewhere each entry takes the host a while: of the fill, which is all alike, some samples. */
static unsigned int next(unsigned int offset, bool late_cr3)
{
	return late_cr3 && offset >= CODE_SIZE ? offset + 61 : offset + 1;
}

static enum landing enter(struct attack_page *page, struct jump *jump, unsigned int offset,
			  u64 late_cr3)
{
	page_aim(page, offset, late_cr3);
	jump->late_cr3 = late_cr3 | NO_FLUSH;
	jump->rip = (u64)gate + offset - (late_cr3 ? 7 : 3);
	jump->warm = late_cr3 ? (u64)gate + page_warm(offset) : 0;
	return run_jump(jump);
}

/*
 * Between MOV CR3 and VMFUNC it is the TLB that leads on.  An emulated CPU empties it at an exit, and where CR3 leads
 * to no RAM, the VM is lost then.  With interrupts off the guest's own timer makes one exit at most; right behind
 * one that comes later, the host's next tick is far.
 */
static void await_tick(void)
{
	u64 start = rdtsc(), last = start, now;

	for (;; last = now) {
		native_irq_disable(); /* an emulated CPU may look for the host's interrupts only then */
		now = rdtsc();
		if (now - start > ENOUGH || (now - start > TICKS && now - last > EXIT))
			return;
	}
}

static enum landing enter_behind_tick(struct attack_page *page, struct jump *jump,
				      unsigned int offset, u64 late_cr3)
{
	enum landing landing;
	unsigned long flags;

	local_irq_save(flags);
	await_tick();
	landing = enter(page, jump, offset, late_cr3);
	local_irq_restore(flags);
	return landing;
}

/*
 * Below the window, CR3 is as good as any to the gate.  From where it lets an entry through, it leads back to
 * view 0, and there an attacker without page tables is lost, and his VM with him: nothing to be tried.
 */
static bool is_suicide(struct attack_page *page, struct jump *jump, unsigned int offset,
		       u64 late_cr3)
{
	return late_cr3 == HOLE_GPA && enter(page, jump, offset, jump->cr3) == LANDED_BACK;
}

static enum outcome sweep(u64 late_cr3, s64 rsp, u64 fill)
{
	struct attack_page page;
	struct jump jump = {.fill = fill};
	bool has_tables = !late_cr3 || late_cr3 >= SM_PRIVATE_GPA;
	unsigned int offset, tried = 0, refused = 0, back = 0, first = 0, last = 0;

	if ((late_cr3 && !(__read_cr4() & X86_CR4_PCIDE)) || page_create(&page))
		return ATTACK_IMPOSSIBLE;
	jump.cr3 = tables_cr3(&page.tables);
	jump.rsp = rsp ? (u64)gate + rsp : page_stack(&page);
	for (offset = 0; offset < SM_PAGE_SIZE; offset = next(offset, late_cr3)) {
		if (!(offset & 255))
			cond_resched();
		if (is_suicide(&page, &jump, offset, late_cr3))
			continue;
		tried++;
		switch ((has_tables ? enter : enter_behind_tick)(&page, &jump, offset, late_cr3)) {
		case LANDED_UD:
			refused++;
			break;
		case LANDED_BACK:
			first = back++ ? first : offset;
			last = offset;
			break;
		case LANDED_THROUGH:
			break;
		}
	}
	page_destroy(&page);
	attack_note("%u of %u refused, %u came back (0x%x to 0x%x)", refused, tried, back, first,
		    last);
	return refused + back == tried && back <= 32 ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

#define RSP_IN_LIST (SM_VA_LIST + 0x18)

static enum outcome in_ram(void)
{
	return sweep(0, 0, 0);
}

static enum outcome in_ram_rsp(void)
{
	return sweep(0, RSP_IN_LIST, 0);
}

static enum outcome in_ram_registers(void)
{
	return sweep(0, RSP_IN_LIST, (u64)gate + SM_VA_LIST + SM_LIST_MONITOR_BYTE);
}

static enum outcome in_hole(void)
{
	return sweep(HOLE_GPA, 0, 0);
}

static enum outcome in_hole_rsp(void)
{
	return sweep(HOLE_GPA, RSP_IN_LIST, (u64)gate + SM_VA_LIST);
}

static enum outcome in_tables(void)
{
	return sweep(SM_TABLES_GPA, RSP_IN_LIST, (u64)gate + SM_VA_LIST);
}

static enum outcome in_lower_tables(void)
{
	return sweep(SM_TABLES_GPA + SM_PAGE_SIZE, RSP_IN_LIST, (u64)gate + SM_VA_LIST);
}

static enum outcome in_gate(void)
{
	return sweep(SM_GATE_GPA, RSP_IN_LIST, (u64)gate + SM_VA_LIST);
}

static enum outcome in_list(void)
{
	return sweep(SM_CPU_GPA + SM_CPU_LIST, RSP_IN_LIST, (u64)gate + SM_VA_LIST);
}

static enum outcome in_image(void)
{
	return sweep(SM_IMAGE_GPA, RSP_IN_LIST, (u64)gate + SM_VA_LIST);
}

/* The attacker's own tables, as the window shows them in view 2. */
static enum outcome in_window(void)
{
	return sweep(SM_WINDOW_GPA + (__read_cr3() & GENMASK_ULL(51, 12)), RSP_IN_LIST,
		     (u64)gate + SM_VA_LIST);
}

const struct attack sweep_attacks[] = {{"sweep-cr3-ram", in_ram},
				       {"sweep-cr3-ram-rsp-list", in_ram_rsp},
				       {"sweep-cr3-ram-registers-list", in_ram_registers},
				       {"sweep-cr3-hole", in_hole},
				       {"sweep-cr3-hole-rsp-list", in_hole_rsp},
				       {"sweep-cr3-tables", in_tables},
				       {"sweep-cr3-lower-tables", in_lower_tables},
				       {"sweep-cr3-gate", in_gate},
				       {"sweep-cr3-list", in_list},
				       {"sweep-cr3-image", in_image},
				       {"sweep-cr3-window", in_window},
				       {}};
