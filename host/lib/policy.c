// SPDX-License-Identifier: GPL-2.0-or-later
/* Policies together: one table for the compartment. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"
#include "policy_internal.h"

int policy_add_text(struct sm_policy_table *table, const char *text, size_t len)
{
	int at = table->text_len;

	if (len > sizeof(table->text) - table->text_len)
		return -E2BIG;
	memcpy(table->text + at, text, len);
	table->text_len += (uint16_t)len;
	return at;
}

/* Where the events of rules come from: the hooked function that asks, and whose it is. */
static const struct source {
	const char *event, *refuse, *refuse_monitor, *tell, *tell_monitor;
} sources[] = {
	[SM_POLICY_EXEC] = {"process_exec", "security_bprm_check", "policy",
			    "security_bprm_committed_creds", "process_exec"},
	[SM_POLICY_EXIT] = {"process_exit", NULL, NULL, "acct_process", "process_exit"},
	[SM_POLICY_MODULE_LOAD] = {"module_load", "module_finalize", "policy", "do_init_module",
				   "module"},
	[SM_POLICY_MODULE_UNLOAD] = {"module_unload", NULL, NULL, "free_module", "module"},
	[SM_POLICY_FILE_OPEN] = {"file_open", "security_file_open", "file", "security_file_open",
				 "file"},
	[SM_POLICY_SOCKET_CONNECT] = {"socket_connect", "security_socket_connect", "socket",
				      "security_socket_connect", "socket"},
	[SM_POLICY_SOCKET_BIND] = {"socket_bind", "security_socket_bind", "socket",
				   "security_socket_bind", "socket"},
};

#define NR_SOURCES (sizeof(sources) / sizeof(sources[0]))

static bool is_hooked(const struct sm_image *image, const char *function)
{
	const struct sm_image_hook *hooks;
	unsigned int count = sm_image_hooks(image, &hooks), i;

	for (i = 0; i < count; i++)
		if (function && strcmp(hooks[i].function, function) == 0)
			return true;
	return false;
}

struct policy_hooks policy_hooks(const struct sm_image *image)
{
	struct policy_hooks hooks = {0};
	unsigned int event;

	for (event = 1; event < NR_SOURCES; event++) {
		hooks.refuse |= (uint32_t)is_hooked(image, sources[event].refuse) << event;
		hooks.tell |= (uint32_t)is_hooked(image, sources[event].tell) << event;
	}
	return hooks;
}

/* A rule that nobody asks for would be one that does nothing. */
static int check_hooks(const struct policy_hooks *hooks, const struct sm_policy *policy,
		       struct sm_error *err)
{
	const struct sm_policy_table *table = &policy->table;
	unsigned int i;

	for (i = 0; i < table->nr_rules; i++) {
		bool refuses = SM_POLICY_REFUSES(table->rules[i].action);
		const struct source *source = &sources[table->rules[i].event];

		if ((refuses ? hooks->refuse : hooks->tell) & 1u << table->rules[i].event)
			continue;
		return sm_error_set(err, -EOPNOTSUPP,
				    "policy %s: the monitor that %s %s is not hooked: load %s, or "
				    "name it when attaching",
				    policy->name, refuses ? "refuses" : "tells", source->event,
				    refuses ? source->refuse_monitor : source->tell_monitor);
	}
	return 0;
}

/* Copies what one policy has behind what is there, and moves what refers to it. */
static int append(struct sm_policy_table *to, const struct sm_policy *policy, uint16_t number)
{
	const struct sm_policy_table *from = &policy->table;
	int text = policy_add_text(to, from->text, from->text_len);
	uint16_t i, k;

	if (text < 0 || from->nr_rules > SM_POLICY_RULES - to->nr_rules ||
	    from->nr_matches > SM_POLICY_MATCHES - to->nr_matches ||
	    from->nr_values > SM_POLICY_VALUES - to->nr_values)
		return -E2BIG;
	for (i = 0; i < from->nr_rules; i++) {
		struct sm_policy_rule *rule = &to->rules[to->nr_rules + i];

		*rule = from->rules[i];
		rule->policy = number;
		rule->enforce = policy->enforce;
		rule->first_match += to->nr_matches;
		rule->name_at += (uint16_t)text;
	}
	memcpy(&to->values[to->nr_values], from->values, from->nr_values * sizeof(from->values[0]));
	for (i = 0; i < from->nr_matches; i++) {
		struct sm_policy_match *match = &to->matches[to->nr_matches + i];

		*match = from->matches[i];
		match->first_value += to->nr_values;
		for (k = 0; SM_POLICY_FIELD_IS_TEXT(match->field) && k < match->nr_values; k++)
			to->values[match->first_value + k] += (uint16_t)text;
	}
	to->nr_rules += from->nr_rules;
	to->nr_matches += from->nr_matches;
	to->nr_values += from->nr_values;
	return 0;
}

int policy_join(struct sm_policy *const *policies, size_t count, struct sm_policy_table *table,
		uint32_t *ret_events, struct sm_error *err)
{
	size_t i;

	*table = (struct sm_policy_table){.revision = SM_POLICY_REVISION};
	for (i = 0; i < count; i++)
		if (append(table, policies[i], (uint16_t)i))
			return sm_error_set(err, -E2BIG,
					    "policies are too large together: with %s more than %d "
					    "rules, %d matches, %d values or %d bytes of text",
					    policies[i]->name, SM_POLICY_RULES, SM_POLICY_MATCHES,
					    SM_POLICY_VALUES, SM_POLICY_TEXT);
	*ret_events = 0;
	for (i = 0; i < table->nr_rules; i++)
		*ret_events |= 1u << table->rules[i].event;
	return 0;
}

int policy_check_hooks(const struct policy_hooks *hooks, struct sm_policy *const *policies,
		       size_t count, struct sm_error *err)
{
	int code = 0;
	size_t i;

	for (i = 0; i < count && !code; i++)
		code = check_hooks(hooks, policies[i], err);
	return code;
}

int policy_apply(int fd, const struct policy_hooks *hooks, struct sm_policy *const *policies,
		 size_t count, struct sm_error *err)
{
	struct sm_ioc_policy arg = {.size = sizeof(arg),
				    .table_size = sizeof(struct sm_policy_table)};
	struct sm_policy_table *table = malloc(sizeof(*table));
	int code = table ? 0 : sm_error_set(err, -ENOMEM, "no memory for the policies");

	if (!code)
		code = policy_check_hooks(hooks, policies, count, err);
	if (!code)
		code = policy_join(policies, count, table, &arg.events, err);
	arg.table = (uintptr_t)table;
	if (!code && ioctl(fd, SM_IOC_POLICY, &arg) < 0) {
		code = -errno;
		sm_error_set(err, code, "cannot apply the policies: %s",
			     code == -EOPNOTSUPP ? "the monitors are without them, or another "
						   "transport than the gate is used"
						 : strerror(-code));
	}
	free(table);
	return code;
}

int sm_policies_apply(const struct sm_attachment *attachment, struct sm_policy *const *policies,
		      size_t count, struct sm_error *err)
{
	return policy_apply(sm_attachment_fd(attachment), attachment_policy_hooks(attachment),
			    policies, count, err);
}

int sm_policies_check(struct sm_policy *const *policies, size_t count, struct sm_error *err)
{
	struct sm_policy_table *table = malloc(sizeof(*table));
	uint32_t events;
	int code;

	if (!table)
		return sm_error_set(err, -ENOMEM, "no memory for the policies");
	code = policy_join(policies, count, table, &events, err);
	free(table);
	return code;
}

void sm_policy_free(struct sm_policy *policy)
{
	free(policy);
}

const char *sm_policy_name(const struct sm_policy *policy)
{
	return policy->name;
}

size_t sm_policy_rules(const struct sm_policy *policy)
{
	return policy->table.nr_rules;
}

bool sm_policy_enforces(const struct sm_policy *policy)
{
	return policy->enforce;
}

void sm_policy_set_enforce(struct sm_policy *policy, bool enforce)
{
	policy->enforce = enforce;
}
