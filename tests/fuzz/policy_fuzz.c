// SPDX-License-Identifier: GPL-2.0-or-later
/* A policy's file may be anything; and what is read from it, together with itself, is a table whose indices hold. */
#include <assert.h>
#include <stdlib.h>

#include "../../host/lib/policy_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(const struct sm_policy_table *table)
{
	unsigned int i, k;

	assert(table->nr_rules <= SM_POLICY_RULES && table->nr_matches <= SM_POLICY_MATCHES);
	assert(table->nr_values <= SM_POLICY_VALUES && table->text_len <= SM_POLICY_TEXT);
	for (i = 0; i < table->nr_rules; i++) {
		const struct sm_policy_rule *rule = &table->rules[i];

		assert(rule->first_match + rule->nr_matches <= table->nr_matches);
		assert(rule->name_at + rule->name_len <= table->text_len);
		assert(!SM_POLICY_REFUSES(rule->action) || rule->error);
	}
	for (i = 0; i < table->nr_matches; i++) {
		const struct sm_policy_match *match = &table->matches[i];

		assert(match->nr_values &&
		       match->first_value + match->nr_values <= table->nr_values);
		for (k = 0; SM_POLICY_FIELD_IS_TEXT(match->field) && k < match->nr_values; k++) {
			uint64_t value = table->values[match->first_value + k];

			assert((uint32_t)value + (value >> 32) <= table->text_len);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sm_policy *policy, *twice[2];
	struct sm_policy_table *table;
	struct sm_error err = {0};
	uint32_t events;

	if (sm_policy_parse("fuzz", (const char *)data, size, &policy, &err)) {
		assert(err.text[0]);
		return 0;
	}
	check_table(&policy->table);
	twice[0] = twice[1] = policy;
	table = malloc(sizeof(*table));
	if (table && policy_join(twice, 2, table, &events, &err) == 0) {
		assert(table->nr_rules == 2 * policy->table.nr_rules);
		check_table(table);
	}
	free(table);
	sm_policy_free(policy);
	return 0;
}
