// SPDX-License-Identifier: GPL-2.0-or-later
/* Judging by the table that the host has written.  Every index is masked or checked, every loop counted. */
#include "policy_facts.h"

#include "cpu.h"

#define POLICY_EVENTS(N)                            \
	N(process_exec, SM_POLICY_EXEC)             \
	N(process_exit, SM_POLICY_EXIT)             \
	N(module_load, SM_POLICY_MODULE_LOAD)       \
	N(module_unload, SM_POLICY_MODULE_UNLOAD)   \
	N(file_open, SM_POLICY_FILE_OPEN)           \
	N(socket_connect, SM_POLICY_SOCKET_CONNECT) \
	N(socket_bind, SM_POLICY_SOCKET_BIND)
#define POLICY_ACTIONS(N)       \
	N(deny, SM_POLICY_DENY) \
	N(kill, SM_POLICY_KILL)
#define POLICY(F)                               \
	F(SM_STRING(64), policy)                \
	F(SM_U32, rule)                         \
	F(SM_NAMED(POLICY_EVENTS), event)       \
	F(SM_NAMED(POLICY_ACTIONS), action)     \
	F(SM_STRING(SM_POLICY_FACT_SIZE), name) \
	F(SM_ENDPOINT, address)                 \
	F(SM_ERRNO, error)                      \
	F(SM_BOOL, enforced)
SM_EVENT(policy, POLICY);

/* Tries to see one table until the end: the host changes it every now and then, not for ever. */
#define TRIES 4

struct subject {
	const volatile struct sm_policy_table *table;
	const struct sm_policy_object *object;
	u64 task;
	u32 steps;
};

enum answer {
	NO,
	YES,
	UNKNOWN,
	NONE, /* what happens has no such property: the match does not hold, NOT or not */
};

/* --- rules -------------------------------------------------------------------------------- */

static bool may_step(struct subject *s)
{
	return s->steps++ < SM_POLICY_STEPS_MAX;
}

/* The i-th of a match's values. */
static u64 value_of(const struct subject *s, const volatile struct sm_policy_match *match, u32 i)
{
	return s->table->values[(match->first_value + i) % SM_POLICY_VALUES];
}

static bool compare_text(const struct subject *s, struct sm_fact_text text, u32 op, u64 value)
{
	u32 at = (u32)value, len = (u32)(value >> 32), from = 0, i;

	if (len > SM_POLICY_TEXT || at > SM_POLICY_TEXT - len || len > text.len)
		return false;
	if (op == SM_POLICY_IN && len != text.len)
		return false;
	if (op == SM_POLICY_SUFFIX)
		from = text.len - len;
	for (i = 0; i < len; i++)
		if (s->table->text[at + i] != text.data[from + i])
			return false;
	return true;
}

static enum answer match_text(struct subject *s, const volatile struct sm_policy_match *match)
{
	u32 op = match->op & ~SM_POLICY_NOT, count = match->nr_values, i, k;
	struct sm_fact_texts texts;
	struct sm_fact_text text;

	smc_fact_texts(&texts, s->object, s->task, match->field);
	for (k = 0; k < SM_POLICY_TEXTS_MAX && may_step(s); k++) {
		enum sm_fact_result result = smc_fact_next(&texts, &text);

		if (result != SM_FACT_TEXT)
			return result == SM_FACT_END ? NO : UNKNOWN;
		for (i = 0; i < count && may_step(s); i++)
			if (compare_text(s, text, op, value_of(s, match, i)))
				return YES;
	}
	return UNKNOWN;
}

static bool is_in_network(const struct subject *s, const u8 address[16], u64 value)
{
	const volatile char *text = s->table->text;
	u32 at = (u32)value, bits, i;

	if (at > SM_POLICY_TEXT - sizeof(struct sm_policy_network))
		return false;
	text += at;
	bits = (u8)text[offsetof(struct sm_policy_network, bits)];
	for (i = 0; i < bits && i < 128; i++)
		if (((u8)text[i / 8] ^ address[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static bool is_number(u32 field, u64 fact, u64 value)
{
	if (field == SM_POLICY_FIELD_CAPABILITY)
		return fact >> (value & 63) & 1;
	return fact >= (u32)value && fact <= value >> 32;
}

static enum answer match_address(struct subject *s, const volatile struct sm_policy_match *match)
{
	u32 count = match->nr_values, i;
	u8 address[16];

	if (!smc_fact_address(s->object, address))
		return NONE;
	for (i = 0; i < count && may_step(s); i++)
		if (is_in_network(s, address, value_of(s, match, i)))
			return YES;
	return NO;
}

static enum answer match_number(struct subject *s, const volatile struct sm_policy_match *match)
{
	u32 field = match->field, count = match->nr_values, i;
	u64 fact;

	if (!smc_fact_number(s->object, s->task, field, &fact))
		return NONE;
	for (i = 0; i < count && may_step(s); i++)
		if (is_number(field, fact, value_of(s, match, i)))
			return YES;
	return NO;
}

static bool holds(struct subject *s, const volatile struct sm_policy_match *match, u32 action)
{
	u32 field = match->field, op = match->op;
	enum answer answer;

	if (field == SM_POLICY_FIELD_ADDRESS)
		answer = match_address(s, match);
	else if (SM_POLICY_FIELD_IS_TEXT(field))
		answer = match_text(s, match);
	else
		answer = match_number(s, match);
	switch (answer) {
	case UNKNOWN:
		return SM_POLICY_REFUSES(action);
	case NONE:
		return false;
	default:
		return (answer == YES) != (op & SM_POLICY_NOT);
	}
}

static bool applies(struct subject *s, const volatile struct sm_policy_rule *rule)
{
	u32 first = rule->first_match, count = rule->nr_matches, action = rule->action, i;

	if (rule->event != s->object->event)
		return false;
	for (i = 0; i < count; i++)
		if (!may_step(s) ||
		    !holds(s, &s->table->matches[(first + i) % SM_POLICY_MATCHES], action))
			return false;
	return true;
}

/* --- decisions ---------------------------------------------------------------------------- */

struct decision {
	u32 strength;               /* 0: no rule applies */
	struct sm_policy_rule rule; /* the strongest */
};

/* A kill that is told alone does not take the place of a refusal. */
static u32 strength(const volatile struct sm_policy_rule *rule)
{
	u32 action = rule->action;

	return SM_POLICY_REFUSES(action) && rule->enforce ? action + SM_POLICY_KILL : action;
}

/* Of each policy the first rule that applies, and of those the strongest. */
static void decide_once(struct subject *s, struct decision *decision)
{
	u32 count = s->table->nr_rules, settled = 0x10000, i;

	decision->strength = 0;
	s->steps = 0;
	for (i = 0; i < count && i < SM_POLICY_RULES && may_step(s); i++) {
		const volatile struct sm_policy_rule *rule = &s->table->rules[i];
		u32 policy = rule->policy;

		if (policy == settled || !applies(s, rule))
			continue;
		settled = policy;
		if (strength(rule) <= decision->strength)
			continue;
		decision->rule = *rule;
		decision->strength = strength(&decision->rule);
	}
}

static void decide(struct subject *s, const struct sm_policy_object *object,
		   struct decision *decision)
{
	u32 active, written, i;

	s->object = object;
	s->task = sm_current();
	for (i = 0; i < TRIES; i++) {
		active = smc_policy.active;
		decision->strength = 0;
		if (active < 1 || active > 2)
			return;
		written = smc_policy.written[active - 1];
		s->table = &smc_policy.tables[active - 1];
		decide_once(s, decision);
		if (smc_policy.written[active - 1] == written)
			return;
	}
}

static void tell_refusal(const struct subject *s, const struct sm_policy_rule *rule)
{
	const struct sm_policy_object *object = s->object;
	u32 at = rule->name_at, len = rule->name_len, i;
	struct sm_event_policy *e = SM_RESERVE(policy);
	char name[64];

	if (!e)
		return;
	for (i = 0; i < len && i < sizeof(name); i++)
		name[i] = s->table->text[(at + i) % SM_POLICY_TEXT];
	e->rule = rule->index;
	e->event = object->event;
	e->action = rule->action;
	e->error = rule->error & SM_VERDICT_ERRNO;
	e->enforced = rule->enforce != 0;
	e->address = object->endpoint;
	SM_PUT_TEXT(e, policy, name, i);
	if (object->name)
		SM_PUT_TEXT(e, name, object->name, object->name_len);
	SM_COMMIT(e);
}

bool sm_policy_tells(const struct sm_policy_object *object)
{
	struct decision decision;
	struct subject s;

	decide(&s, object, &decision);
	return decision.strength != SM_POLICY_ALLOW;
}

int sm_policy_judge(const struct sm_policy_object *object, bool *ret_tell)
{
	struct decision decision;
	struct subject s;
	int error;

	decide(&s, object, &decision);
	*ret_tell = decision.strength != SM_POLICY_ALLOW;
	if (!SM_POLICY_REFUSES(decision.strength))
		return SM_ALLOW;
	tell_refusal(&s, &decision.rule);
	error = decision.rule.error & SM_VERDICT_ERRNO;
	if (!decision.rule.enforce)
		return SM_ALLOW;
	return decision.rule.action == SM_POLICY_KILL ? SM_KILL(error) : SM_DENY(error);
}

/* --- names -------------------------------------------------------------------------------- */

char *sm_policy_name_buffer(void)
{
	return sm_cpu_state.scratch[0];
}

void sm_policy_set_name(struct sm_policy_object *object, int len)
{
	bool known = len >= 0 && len < SM_POLICY_FACT_SIZE;

	object->name = known ? sm_policy_name_buffer() : NULL;
	object->name_len = known ? (u32)len : 0;
}
