// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Follows all paths through the page in view 1, with what is known on each.
 *
 * An attacker enters view 1 from view 0 at any offset, in any mode, with any registers; the list is
 * disarmed then.  The compartment's way back enters it behind a VMFUNC, in 64-bit mode, armed.  On
 * exits that are no violation the host resumes the guest where it was, so that a path is the same
 * with and without them.
 *
 * A VMFUNC goes on in view 1 if ECX is 1.  Else it exits (function or entry invalid, list
 * disarmed), or leads to view 0, whose code is the guest's own, or, armed, to view 2.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatecheck.h"

/* What was passed since the list was armed. */
#define ARMED   0x01
#define TRAPPED 0x02 /* 64-bit mode is certain */
#define TESTED  0x04 /* CR3 is below 2^SM_ALIAS_SHIFT */
#define CLI     0x08
#define CLD     0x10
/* Something in the list may be forged (16 and 32-bit mode). */
#define FORGED 0x20

/* The CR3 test under way: what `cr3_reg` and the flags hold. */
enum stage { NOTHING, LOADED, SHIFTED };

/* Compared bytewise: no padding. */
struct state {
	u16 offset;
	u16 cr3_reg;
	u8 mode;
	u8 flags;
	u8 stage;
	u8 known; /* bit r: value[r] is what register r holds */
	u32 value[GC_KNOWN_REGS];
};

_Static_assert(sizeof(struct state) == 16, "no padding");

struct node {
	struct state state;
	u32 parent; /* itself: a start */
};

/* A good gate needs some 13,000. */
#define NODES_MAX (1u << 18)
#define SLOTS     (2 * NODES_MAX)
#define NO_NODE   UINT32_MAX

struct walk {
	const struct gc_page *page;
	struct gc_report *report;
	struct node *nodes; /* in the order found, which is that of a breadth-first search */
	u32 count;
	u32 *slots; /* hash of states: index + 1 into nodes, or 0 */
	bool full;
};

static u32 hash(const struct state *state)
{
	const u8 *bytes = (const u8 *)state;
	u32 sum = 2166136261u;
	size_t i;

	for (i = 0; i < sizeof(*state); i++)
		sum = (sum ^ bytes[i]) * 16777619u;
	return sum;
}

static void push(struct walk *walk, const struct state *state, u32 parent)
{
	u32 slot = hash(state) % SLOTS;

	for (; walk->slots[slot]; slot = (slot + 1) % SLOTS) {
		if (!memcmp(&walk->nodes[walk->slots[slot] - 1].state, state, sizeof(*state)))
			return;
	}
	if (walk->count == NODES_MAX) {
		walk->full = true;
		return;
	}
	walk->nodes[walk->count].state = *state;
	walk->nodes[walk->count].parent = parent == NO_NODE ? walk->count : parent;
	walk->slots[slot] = ++walk->count;
	walk->report->states[state->mode]++;
}

/* "0x00a 0x011 ...", from the start of the way to @node; the middle of a long one is left out. */
static void describe_path(const struct walk *walk, u32 node, char *text, size_t size)
{
	enum { SHOWN = 24 };
	u32 path[SHOWN], length = 0, start = node;
	size_t used = 0;
	u32 i;

	for (;; node = walk->nodes[node].parent) {
		if (length < SHOWN)
			path[length] = walk->nodes[node].state.offset;
		length++;
		start = node;
		if (walk->nodes[node].parent == node)
			break;
	}
	used = snprintf(text, size, "%s",
			walk->nodes[start].state.flags & ARMED ? "back from view 2: " : "");
	if (length > SHOWN)
		used += snprintf(text + used, size - used, "0x%03x ... ",
				 walk->nodes[start].state.offset);
	for (i = length < SHOWN ? length : SHOWN; i-- > 0;)
		used += snprintf(text + used, size - used, "0x%03x%s", path[i], i ? " " : "");
}

static void violate(const struct walk *walk, u32 node, enum gc_rule rule, const char *reason)
{
	const struct state *state = &walk->nodes[node].state;
	char path[256];

	describe_path(walk, node, path, sizeof(path));
	gc_violate(walk->report, walk->page, rule, state->mode, state->offset, reason, path);
}

/*
 * Outside the page nothing is executable, so a path that leaves it ends.  Not so in 16 and 32-bit
 * mode: with PDPTEs of the attacker's the page may show up at several addresses, and IP may wrap.
 * Every offset is a start anyway; but what follows a store must go straight to its trap.
 */
static void jump(struct walk *walk, struct state state, s64 target, u32 from)
{
	if (state.flags & FORGED) {
		violate(walk, from, GC_RULE_ARM, "branches after a store in 16 or 32-bit mode");
		return;
	}
	if (target < 0 || target >= SM_PAGE_SIZE)
		return;
	state.offset = target;
	push(walk, &state, from);
}

static void fall_through(struct walk *walk, struct state state, u32 from)
{
	unsigned int next = state.offset + walk->page->code[state.mode][state.offset].size;

	if (next >= SM_PAGE_SIZE) {
		violate(walk, from, GC_RULE_FILL, "lets the path fall off the page's end");
		return;
	}
	state.offset = next;
	push(walk, &state, from);
}

static void forget(struct state *state)
{
	state->known = 0;
	memset(state->value, 0, sizeof(state->value));
}

static void learn(struct state *state, enum gc_reg reg, u32 value)
{
	state->known |= 1u << reg;
	state->value[reg] = value;
}

static bool knows(const struct state *state, enum gc_reg reg, u32 value)
{
	return (state->known & (1u << reg)) && state->value[reg] == value;
}

static bool excludes(const struct state *state, enum gc_reg reg, u32 value)
{
	return (state->known & (1u << reg)) && state->value[reg] != value;
}

static void load(struct state *state, const struct gc_insn *insn)
{
	bool known = insn->base == GC_NO_REG || (state->known & (1u << insn->base));
	u32 value = insn->value + (insn->base == GC_NO_REG ? 0 : state->value[insn->base]);

	state->known &= ~(1u << insn->reg);
	state->value[insn->reg] = 0;
	if (known)
		learn(state, insn->reg, value);
}

/* The one that ends the CR3 test tells on one side that the register is 0. */
static void branch(struct walk *walk, const struct gc_insn *insn, struct state state,
		   const struct state *before, u32 from)
{
	struct state zero = state;

	if (before->stage == SHIFTED) {
		zero.flags |= TESTED;
		if (gc_known_reg(before->cr3_reg) != GC_NO_REG)
			learn(&zero, gc_known_reg(before->cr3_reg), 0);
	}
	switch (insn->kind) {
	case GC_BRANCH_ZERO:
		fall_through(walk, state, from);
		jump(walk, zero, insn->target, from);
		break;
	case GC_BRANCH_NONZERO:
		fall_through(walk, zero, from);
		jump(walk, state, insn->target, from);
		break;
	default:
		fall_through(walk, state, from);
		jump(walk, state, insn->target, from);
	}
}

/* Padding: it changes registers at most, and none that counts there. */
static bool is_padding(const struct gc_insn *insn)
{
	return insn->kind == GC_NOP || insn->kind == GC_PLAIN || insn->kind == GC_LOAD;
}

/* The 64-bit instruction behind the one at @offset, padding skipped, or NULL. */
static const struct gc_insn *behind(const struct gc_page *page, unsigned int *offset)
{
	const struct gc_insn *code = page->code[GC_64];

	do
		*offset += code[*offset].size;
	while (*offset < SM_PAGE_SIZE && is_padding(&code[*offset]));
	return *offset < SM_PAGE_SIZE ? &code[*offset] : NULL;
}

/* As meant, it runs in view 0 or 2; in view 1 it changes nothing. */
static void enter_gate(struct walk *walk, const struct state *state)
{
	const struct gc_insn *insn;
	unsigned int offset = state->offset;

	insn = behind(walk->page, &offset);
	walk->report->ways_in += insn && insn->kind == GC_ARM;
	walk->report->ways_back += insn && insn->kind == GC_DISARM;
}

/* In view 2 the page jumps to the entry point, no more. */
static void enter_monitor(struct walk *walk, const struct state *state, u32 node)
{
	const struct gc_insn *insn;
	unsigned int offset = state->offset;

	walk->report->entries++;
	insn = behind(walk->page, &offset);
	if (!insn || insn->kind != GC_JUMP || insn->target != SM_VA_ENTRY)
		violate(walk, node, GC_RULE_FORM, "does not lead to the compartment's entry point");
}

static void leave_to_guest(struct walk *walk, const struct state *state, u32 node)
{
	const struct gc_insn *insn;
	unsigned int offset = state->offset;

	walk->report->exits++;
	insn = behind(walk->page, &offset);
	if (!insn || insn->kind != GC_JUMP || insn->target != SM_VA_RETURN)
		violate(walk, node, GC_RULE_FORM,
			"is not followed by the jump to the stub's return");
}

static void vmfunc_armed(struct walk *walk, const struct state *state, u32 node)
{
	const char *missing = NULL;

	if (state->flags & FORGED)
		missing = "follows a store in 16 or 32-bit mode";
	else if (!(state->flags & TRAPPED))
		missing = "is reached armed and without the mode trap";
	else if (!(state->flags & TESTED))
		missing = "is reached armed and without the CR3 test after the mode trap";
	else if (!(state->flags & CLI) || !(state->flags & CLD))
		missing = "is reached armed and without cli and cld";
	else if (!knows(state, GC_EAX, 0) || !knows(state, GC_ECX, SM_VIEW_MONITOR))
		missing = "is reached armed, with other values than EAX = 0 and ECX = 2 possible";
	if (missing)
		violate(walk, node, GC_RULE_ARM, missing);
	else
		enter_monitor(walk, state, node);
}

static void vmfunc(struct walk *walk, struct state state, u32 node)
{
	if (state.flags & (ARMED | FORGED)) {
		vmfunc_armed(walk, &state, node);
		return;
	}
	if (state.mode == GC_64 && knows(&state, GC_EAX, 0)) {
		if (knows(&state, GC_ECX, SM_VIEW_TARGET))
			leave_to_guest(walk, &state, node);
		else if (knows(&state, GC_ECX, SM_VIEW_GATE))
			enter_gate(walk, &state);
	}
	if (excludes(&state, GC_EAX, 0) || excludes(&state, GC_ECX, SM_VIEW_GATE))
		return;
	learn(&state, GC_EAX, 0);
	learn(&state, GC_ECX, SM_VIEW_GATE);
	fall_through(walk, state, node);
}

/* The test is load, shift, jump on one register; only cli and cld may stand between. */
static void follow_test(struct state *state, const struct gc_insn *insn, const struct state *before)
{
	switch (insn->kind) {
	case GC_CR3_LOAD:
		if (!(state->flags & TRAPPED))
			return; /* too early: it proves nothing */
		state->stage = LOADED;
		state->cr3_reg = insn->cr3_reg;
		return;
	case GC_CR3_SHIFT:
		if (before->stage != LOADED || before->cr3_reg != insn->cr3_reg)
			return;
		state->stage = SHIFTED;
		state->cr3_reg = insn->cr3_reg;
		return;
	case GC_CLI:
	case GC_CLD:
		state->stage = before->stage;
		state->cr3_reg = before->cr3_reg;
		return;
	default:
		return;
	}
}

static void step(struct walk *walk, u32 node)
{
	const struct state before = walk->nodes[node].state;
	const struct gc_insn *insn = &walk->page->code[before.mode][before.offset];
	struct state state = before;

	state.stage = NOTHING;
	state.cr3_reg = 0;
	if (insn->mode_trap && (state.flags & ARMED))
		state.flags |= TRAPPED;

	switch (insn->kind) {
	case GC_REFUSED:
		violate(walk, node, insn->rule, insn->reason);
		return;
	case GC_TRAP:
		return;
	case GC_JUMP:
		jump(walk, state, insn->target, node);
		return;
	case GC_BRANCH:
	case GC_BRANCH_ZERO:
	case GC_BRANCH_NONZERO:
		branch(walk, insn, state, &before, node);
		return;
	case GC_VMFUNC:
		vmfunc(walk, state, node);
		return;
	case GC_VMCALL:
		/* The host takes it for a violation; disarmed first, even if it should go on. */
		if (state.flags & ARMED) {
			violate(walk, node, GC_RULE_ARM, "is reached armed");
			return;
		}
		forget(&state);
		break;
	case GC_ARM:
		state.flags = ARMED;
		break;
	case GC_DISARM:
		state.flags = 0;
		break;
	case GC_NARROW_STORE:
		state.flags |= FORGED;
		break;
	case GC_CLI:
		state.flags |= state.flags & ARMED ? CLI : 0;
		break;
	case GC_CLD:
		state.flags |= state.flags & ARMED ? CLD : 0;
		break;
	case GC_LOAD:
		load(&state, insn);
		break;
	case GC_NOP:
		break;
	case GC_PLAIN:
	case GC_CR3_LOAD:
	case GC_CR3_SHIFT:
		forget(&state);
		break;
	}
	follow_test(&state, insn, &before);
	fall_through(walk, state, node);
}

static void start_everywhere(struct walk *walk)
{
	struct state state;
	unsigned int offset;
	int mode;

	memset(&state, 0, sizeof(state));
	for (mode = GC_MODES - 1; mode >= 0; mode--) {
		for (offset = 0; offset < SM_PAGE_SIZE; offset++) {
			state.mode = mode;
			state.offset = offset;
			push(walk, &state, NO_NODE);
		}
	}
}

static void start_behind_vmfuncs(struct walk *walk)
{
	struct state state;
	unsigned int offset;

	memset(&state, 0, sizeof(state));
	state.mode = GC_64;
	state.flags = ARMED;
	learn(&state, GC_EAX, 0);
	learn(&state, GC_ECX, SM_VIEW_GATE);
	for (offset = 0; offset < SM_PAGE_SIZE; offset++) {
		const struct gc_insn *insn = &walk->page->code[GC_64][offset];

		if (insn->kind != GC_VMFUNC || offset + insn->size >= SM_PAGE_SIZE)
			continue;
		state.offset = offset + insn->size;
		push(walk, &state, NO_NODE);
	}
}

int gc_walk(const struct gc_page *page, struct gc_report *report)
{
	struct walk walk = {.page = page, .report = report};
	u32 node;
	int err = -ENOMEM;

	walk.nodes = malloc(NODES_MAX * sizeof(*walk.nodes));
	walk.slots = calloc(SLOTS, sizeof(*walk.slots));
	if (!walk.nodes || !walk.slots)
		goto free;

	start_everywhere(&walk);
	start_behind_vmfuncs(&walk);
	for (node = 0; node < walk.count; node++)
		step(&walk, node);
	if (walk.full)
		violate(&walk, walk.count - 1, GC_RULE_FORM,
			"is one of more combinations than can be followed");
	err = 0;
free:
	free(walk.slots);
	free(walk.nodes);
	return err;
}
