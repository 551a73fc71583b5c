// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policies from YAML to verdicts: what is wrong in a file is told with its place, and what is right
 * judges as it says.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../host/lib/policy_internal.h"

#define HEAD "apiVersion: shadowmon/v1\nkind: Policy\nmetadata:\n  name: test\nspec:\n"

#define ONE_MATCH(event, field, value)                                   \
	HEAD "  rules:\n  - {event: " event ", action: deny, match: [\n" \
	     "      {field: " field ", operator: In, values: [\"" value "\"]}]}\n"

static struct sm_policy *parse(const char *text)
{
	struct sm_policy *policy = NULL;
	struct sm_error err = {0};

	if (sm_policy_parse("p.yaml", text, strlen(text), &policy, &err))
		fail_msg("%s", err.text);
	return policy;
}

static void refused(const char *text, const char *expected)
{
	struct sm_policy *policy = NULL;
	struct sm_error err = {0};

	assert_int_not_equal(sm_policy_parse("p.yaml", text, strlen(text), &policy, &err), 0);
	assert_null(policy);
	if (!strstr(err.text, expected))
		fail_msg("\"%s\" is not in \"%s\"", expected, err.text);
}

static void test_errors(void **state)
{
	(void)state;
	refused("", "p.yaml:1:1: expected a policy");
	refused("[1, 2", "p.yaml:2:1: this is no YAML");
	refused("- a\n", "p.yaml:1:1: expected a policy: a mapping with the keys apiVersion, kind");
	refused("apiVersion: shadowmon/v1\nkind: Polic\nmetadata: {name: a}\nspec: {rules: []}\n",
		"p.yaml:2:7: expected the kind Policy");
	refused("kind: Policy\n", "p.yaml:1:1: a policy lacks the key apiVersion");
	refused(HEAD "  rules: []\n", "p.yaml:6:10: expected a list of rules");
	refused(HEAD "  mode: Enforce\n  rules: []\n",
		"p.yaml:6:9: \"Enforce\" is no mode; expected monitor, enforce");
	refused(HEAD "  rules:\n  - event: exec\n    action: deny\n",
		"p.yaml:7:12: \"exec\" is no event; expected process_exec, process_exit");
	refused(HEAD "  rules:\n  - event: process_exec\n    acton: deny\n",
		"p.yaml:8:5: a rule has no key \"acton\"; expected event, match, action, error");
	refused(HEAD "  rules:\n  - {event: process_exit, action: deny}\n",
		"p.yaml:7:35: process_exit cannot be refused");
	refused(HEAD "  rules:\n  - {event: module_unload, action: kill}\n",
		"p.yaml:7:36: module_unload cannot be refused");
	refused(HEAD "  rules:\n  - {event: process_exec, action: allow, error: EPERM}\n",
		"only deny and kill have an error");
	refused(HEAD "  rules:\n  - event: process_exec\n    action: deny\n    match:\n"
		     "    - {field: uid, operator: Prefix, values: [1]}\n",
		"p.yaml:10:30: expected In or NotIn");
	refused(HEAD "  rules:\n  - event: process_exec\n    action: deny\n    match:\n"
		     "    - {field: uid, operator: In, values: [1, -2]}\n",
		"p.yaml:10:46: \"-2\" is no number");
	refused(ONE_MATCH("process_exec", "uid", "5-4"), "p.yaml:8:43: \"5-4\" is empty");
	refused(ONE_MATCH("process_exec", "port", "80"), "process_exec has no port");
	refused(ONE_MATCH("process_exec", "name", "a"), "process_exec has no name");
	refused(ONE_MATCH("module_load", "path", "a"), "module_load has no path");
	refused(ONE_MATCH("socket_bind", "port", "65536"),
		"\"65536\" is no number; expected 0 to 65535");
	refused(ONE_MATCH("socket_bind", "address", "10.0.0.1/8"),
		"without bits behind the prefix");
	refused(ONE_MATCH("socket_bind", "address", "10.0.0.0/33"), "is no network");
	refused(ONE_MATCH("socket_bind", "address", "localhost"), "\"localhost\" is no network");
	refused(HEAD "  rules:\n  - event: process_exec\n    action: deny\n    match:\n"
		     "    - {field: capability, operator: In, values: [CAP_NONE]}\n",
		"\"CAP_NONE\" is no capability");
	refused(HEAD "  rules:\n  - {event: process_exec, action: deny}\n  mode: monitor\n"
		     "  mode: enforce\n",
		"p.yaml:9:3: the key mode is there twice");
	refused(HEAD "  rules:\n  - {event: process_exec, action: deny}\n---\na: b\n",
		"p.yaml:9:1: a second policy begins here");
}

static void test_table(void **state)
{
	struct sm_policy *policies[2];
	struct sm_policy_table *table = malloc(sizeof(*table));
	uint32_t events;

	(void)state;
	policies[0] = parse(
		HEAD "  mode: enforce\n  rules:\n  - event: process_exec\n"
		     "    match:\n    - {field: path, operator: In, values: [/bin/nc, /bin/ncat]}\n"
		     "    action: deny\n    error: EACCES\n");
	policies[1] =
		parse(HEAD "  rules:\n  - event: module_load\n"
			   "    match:\n    - {field: name, operator: Prefix, values: [dum]}\n"
			   "    - {field: uid, operator: NotIn, values: [0, 7]}\n"
			   "    action: deny\n");
	assert_int_equal(policy_join(policies, 2, table, &events, NULL), 0);
	assert_int_equal(events, 1 << SM_POLICY_EXEC | 1 << SM_POLICY_MODULE_LOAD);
	assert_int_equal(table->nr_rules, 2);
	assert_int_equal(table->rules[0].error, 13);
	assert_true(table->rules[0].enforce);
	assert_int_equal(table->rules[1].error, 1);
	assert_false(table->rules[1].enforce);
	assert_int_equal(table->rules[1].policy, 1);
	assert_int_equal(table->rules[1].first_match, 1);
	assert_int_equal(table->matches[1].first_value, 2);
	assert_int_equal(table->values[2] >> 32, 3);
	assert_memory_equal(table->text + (uint32_t)table->values[2], "dum", 3);
	assert_int_equal(table->values[4], 7 | 7ULL << 32);
	assert_memory_equal(table->text + table->rules[1].name_at, "test", 4);
	free(table);
	sm_policy_free(policies[0]);
	sm_policy_free(policies[1]);
}

static const struct sm_policy_network *network_of(const struct sm_policy *policy)
{
	assert_int_equal(policy->table.values[0] >> 32, sizeof(struct sm_policy_network));
	return (const void *)(policy->table.text + (uint32_t)policy->table.values[0]);
}

static void test_networks(void **state)
{
	static const struct {
		const char *text;
		uint8_t address[16], bits;
	} cases[] = {
		{ONE_MATCH("socket_connect", "address", "10.1.0.0/16"),
		 {[10] = 0xff, 0xff, 10, 1},
		 112},
		{ONE_MATCH("socket_connect", "address", "10.1.2.3"),
		 {[10] = 0xff, 0xff, 10, 1, 2, 3},
		 128},
		{ONE_MATCH("socket_connect", "address", "0.0.0.0/0"), {[10] = 0xff, 0xff}, 96},
		{ONE_MATCH("socket_connect", "address", "2001:db8::/32"), {0x20, 1, 0xd, 0xb8}, 32},
		{ONE_MATCH("socket_connect", "address", "::/0"), {0}, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sm_policy *policy = parse(cases[i].text);

		assert_memory_equal(network_of(policy)->address, cases[i].address, 16);
		assert_int_equal(network_of(policy)->bits, cases[i].bits);
		sm_policy_free(policy);
	}
}

/* --- applying: the device is played by the test -------------------------------------------------- */

static struct sm_ioc_policy applied;
static int applied_error;

int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	assert_int_equal(fd, 42);
	assert_int_equal(request, SM_IOC_POLICY);
	applied = *(struct sm_ioc_policy *)arg;
	errno = applied_error;
	return applied_error ? -1 : 0;
}

static void test_apply(void **state)
{
	struct sm_policy *policy = parse(ONE_MATCH("socket_connect", "port", "80-90"));
	struct policy_hooks hooks = {.refuse = 1 << SM_POLICY_EXEC,
				     .tell = 1 << SM_POLICY_SOCKET_CONNECT};
	struct sm_error err = {0};

	(void)state;
	assert_int_equal(policy_apply(42, &hooks, &policy, 1, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text,
			       "policy test: the monitor that refuses socket_connect is not "
			       "hooked: load socket, or name it when attaching"));
	assert_int_equal(applied.size, 0);
	hooks.refuse = 1 << SM_POLICY_SOCKET_CONNECT;
	assert_int_equal(policy_apply(42, &hooks, &policy, 1, &err), 0);
	assert_int_equal(applied.events, 1 << SM_POLICY_SOCKET_CONNECT);
	assert_int_equal(applied.table_size, sizeof(struct sm_policy_table));
	applied_error = EAGAIN;
	assert_int_equal(policy_apply(42, &hooks, &policy, 1, &err), -EAGAIN);
	sm_policy_free(policy);
	policy = parse(HEAD "  rules:\n  - {event: module_load, action: notify}\n");
	assert_int_equal(policy_apply(42, &hooks, &policy, 1, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "tells module_load"));
	sm_policy_free(policy);
}

static void test_limits(void **state)
{
	struct sm_policy *policies[SM_POLICY_RULES + 1];
	struct sm_error err = {0};
	size_t i;

	(void)state;
	for (i = 0; i < SM_POLICY_RULES + 1; i++)
		policies[i] = parse(HEAD "  rules:\n  - {event: process_exit, action: allow}\n");
	assert_int_equal(sm_policies_check(policies, SM_POLICY_RULES, &err), 0);
	assert_int_not_equal(sm_policies_check(policies, SM_POLICY_RULES + 1, &err), 0);
	assert_non_null(strstr(err.text, "too large together"));
	for (i = 0; i < SM_POLICY_RULES + 1; i++)
		sm_policy_free(policies[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),   cmocka_unit_test(test_table),
		cmocka_unit_test(test_networks), cmocka_unit_test(test_apply),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
