// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules of a policy, into its table. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_yaml.h"

#define EVENT(event) (1u << SM_POLICY_##event)

static const struct policy_word events[] = {
	{"process_exec", SM_POLICY_EXEC},       {"process_exit", SM_POLICY_EXIT},
	{"module_load", SM_POLICY_MODULE_LOAD}, {"module_unload", SM_POLICY_MODULE_UNLOAD},
	{"file_open", SM_POLICY_FILE_OPEN},     {"socket_connect", SM_POLICY_SOCKET_CONNECT},
	{"socket_bind", SM_POLICY_SOCKET_BIND}, {0},
};
static const struct policy_word actions[] = {
	{"allow", SM_POLICY_ALLOW},
	{"notify", SM_POLICY_NOTIFY},
	{"deny", SM_POLICY_DENY},
	{"kill", SM_POLICY_KILL},
	{0},
};
/* By then it has happened. */
#define REFUSABLE (~(EVENT(EXIT) | EVENT(MODULE_UNLOAD)))

static const char *event_name(unsigned int event)
{
	const struct policy_word *word;

	for (word = events; word->word && word->value != event; word++)
		;
	return word->word;
}

/* Two words for one field: what has a path has no name. */
#define FIELD_PATH 0x100

static const struct policy_word fields[] = {
	{"path", SM_POLICY_FIELD_NAME | FIELD_PATH},
	{"name", SM_POLICY_FIELD_NAME},
	{"arguments", SM_POLICY_FIELD_ARGUMENTS},
	{"address", SM_POLICY_FIELD_ADDRESS},
	{"port", SM_POLICY_FIELD_PORT},
	{"binary", SM_POLICY_FIELD_BINARY},
	{"parent_binary", SM_POLICY_FIELD_PARENT_BINARY},
	{"ancestor_binary", SM_POLICY_FIELD_ANCESTOR_BINARY},
	{"comm", SM_POLICY_FIELD_COMM},
	{"parent_comm", SM_POLICY_FIELD_PARENT_COMM},
	{"uid", SM_POLICY_FIELD_UID},
	{"euid", SM_POLICY_FIELD_EUID},
	{"gid", SM_POLICY_FIELD_GID},
	{"pid", SM_POLICY_FIELD_PID},
	{"ppid", SM_POLICY_FIELD_PPID},
	{"capability", SM_POLICY_FIELD_CAPABILITY},
	{"mount_namespace", SM_POLICY_FIELD_MOUNT_NAMESPACE},
	{"network_namespace", SM_POLICY_FIELD_NETWORK_NAMESPACE},
	{"user_namespace", SM_POLICY_FIELD_USER_NAMESPACE},
	{0},
};

#define HAVE_ADDRESS (EVENT(SOCKET_CONNECT) | EVENT(SOCKET_BIND))

/* Fields that not all events have. */
static const struct {
	unsigned int field, events;
} limited[] = {
	{SM_POLICY_FIELD_NAME | FIELD_PATH, EVENT(EXEC) | EVENT(FILE_OPEN) | HAVE_ADDRESS},
	{SM_POLICY_FIELD_NAME, EVENT(MODULE_LOAD) | EVENT(MODULE_UNLOAD)},
	{SM_POLICY_FIELD_ARGUMENTS, EVENT(EXEC)},
	{SM_POLICY_FIELD_ADDRESS, HAVE_ADDRESS},
	{SM_POLICY_FIELD_PORT, HAVE_ADDRESS},
};
static const struct policy_word operators[] = {
	{"In", SM_POLICY_IN},
	{"NotIn", SM_POLICY_IN | SM_POLICY_NOT},
	{"Prefix", SM_POLICY_PREFIX},
	{"NotPrefix", SM_POLICY_PREFIX | SM_POLICY_NOT},
	{"Suffix", SM_POLICY_SUFFIX},
	{"NotSuffix", SM_POLICY_SUFFIX | SM_POLICY_NOT},
	{0},
};
/* asm-generic/errno.h, those that a refusal may well look like. */
static const struct policy_word errors[] = {
	{"EPERM", 1},
	{"ENOENT", 2},
	{"EIO", 5},
	{"ENOEXEC", 8},
	{"EAGAIN", 11},
	{"ENOMEM", 12},
	{"EACCES", 13},
	{"EBUSY", 16},
	{"ENODEV", 19},
	{"EINVAL", 22},
	{"ENETUNREACH", 101},
	{"ECONNREFUSED", 111},
	{"EHOSTUNREACH", 113},
	{0},
};
/* linux/capability.h */
static const struct policy_word capabilities[] = {
	{"CAP_CHOWN", 0},
	{"CAP_DAC_OVERRIDE", 1},
	{"CAP_DAC_READ_SEARCH", 2},
	{"CAP_FOWNER", 3},
	{"CAP_FSETID", 4},
	{"CAP_KILL", 5},
	{"CAP_SETGID", 6},
	{"CAP_SETUID", 7},
	{"CAP_SETPCAP", 8},
	{"CAP_LINUX_IMMUTABLE", 9},
	{"CAP_NET_BIND_SERVICE", 10},
	{"CAP_NET_BROADCAST", 11},
	{"CAP_NET_ADMIN", 12},
	{"CAP_NET_RAW", 13},
	{"CAP_IPC_LOCK", 14},
	{"CAP_IPC_OWNER", 15},
	{"CAP_SYS_MODULE", 16},
	{"CAP_SYS_RAWIO", 17},
	{"CAP_SYS_CHROOT", 18},
	{"CAP_SYS_PTRACE", 19},
	{"CAP_SYS_PACCT", 20},
	{"CAP_SYS_ADMIN", 21},
	{"CAP_SYS_BOOT", 22},
	{"CAP_SYS_NICE", 23},
	{"CAP_SYS_RESOURCE", 24},
	{"CAP_SYS_TIME", 25},
	{"CAP_SYS_TTY_CONFIG", 26},
	{"CAP_MKNOD", 27},
	{"CAP_LEASE", 28},
	{"CAP_AUDIT_WRITE", 29},
	{"CAP_AUDIT_CONTROL", 30},
	{"CAP_SETFCAP", 31},
	{"CAP_MAC_OVERRIDE", 32},
	{"CAP_MAC_ADMIN", 33},
	{"CAP_SYSLOG", 34},
	{"CAP_WAKE_ALARM", 35},
	{"CAP_BLOCK_SUSPEND", 36},
	{"CAP_AUDIT_READ", 37},
	{"CAP_PERFMON", 38},
	{"CAP_BPF", 39},
	{"CAP_CHECKPOINT_RESTORE", 40},
	{0},
};

/* --- values ---------------------------------------------------------------------------------------- */

static int add_text(struct policy_reader *r, const yaml_node_t *node, const void *text, size_t len,
		    uint64_t *ret_value)
{
	int at = policy_add_text(&r->policy->table, text, len);

	if (at < 0)
		return policy_fail(r, node, "the policy is too large: more than %d bytes of text",
				   SM_POLICY_TEXT);
	*ret_value = (uint64_t)at | (uint64_t)len << 32;
	return 0;
}

static int read_text(struct policy_reader *r, const yaml_node_t *node, uint64_t *ret_value)
{
	size_t len;
	const char *text = policy_scalar(node, &len);

	if (len == 0 || len >= SM_POLICY_FACT_SIZE)
		return policy_fail(r, node, "expected a text of 1 to %d bytes",
				   SM_POLICY_FACT_SIZE - 1);
	return add_text(r, node, text, len, ret_value);
}

/* Digits, and nothing but them, up to the end.  False: they are none, or too large a number. */
static bool read_digits(const char *text, const char *end, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (text == end)
		return false;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > max)
			return false;
	}
	*ret_number = number;
	return true;
}

/* A number, or from one to another. */
static int read_number(struct policy_reader *r, const yaml_node_t *node, uint64_t max,
		       uint64_t *ret_value)
{
	size_t len;
	const char *text = policy_scalar(node, &len), *dash = memchr(text, '-', len);
	uint64_t first, last;

	if (!read_digits(text, dash ? dash : text + len, max, &first) ||
	    (dash && !read_digits(dash + 1, text + len, max, &last)))
		return policy_fail(r, node,
				   "\"%.40s\" is no number; expected 0 to %llu, or FIRST-LAST",
				   text, (unsigned long long)max);
	if (!dash)
		last = first;
	if (last < first)
		return policy_fail(r, node, "\"%.40s\" is empty; expected the smaller number first",
				   text);
	*ret_value = first | last << 32;
	return 0;
}

/* ADDRESS or ADDRESS/BITS, of which no other bit is set. */
static bool parse_network(char *text, struct sm_policy_network *network)
{
	char *slash = strchr(text, '/');
	uint64_t bits = 128;
	unsigned int i, skip = 0;

	*network = (struct sm_policy_network){0};
	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET6, text, network->address) != 1) {
		network->address[10] = network->address[11] = 0xff;
		if (inet_pton(AF_INET, text, network->address + 12) != 1)
			return false;
		skip = 96;
	}
	if (slash && !read_digits(slash + 1, slash + 1 + strlen(slash + 1), 128 - skip, &bits))
		return false;
	network->bits = (uint8_t)(slash ? bits + skip : 128);
	for (i = network->bits; i < 128; i++)
		if (network->address[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

static int read_network(struct policy_reader *r, const yaml_node_t *node, uint64_t *ret_value)
{
	struct sm_policy_network network;
	char copy[64] = "";
	size_t len;
	const char *text = policy_scalar(node, &len);

	if (len < sizeof(copy))
		memcpy(copy, text, len);
	if (strlen(copy) != len || !parse_network(copy, &network))
		return policy_fail(
			r, node,
			"\"%.60s\" is no network; expected ADDRESS or ADDRESS/BITS of IPv4 or "
			"IPv6, without bits behind the prefix",
			text);
	return add_text(r, node, &network, sizeof(network), ret_value);
}

static int read_value(struct policy_reader *r, const yaml_node_t *node, unsigned int field,
		      uint64_t *ret_value)
{
	unsigned int capability;
	int code;

	if (node->type != YAML_SCALAR_NODE)
		return policy_fail(r, node, "expected a value");
	switch (field) {
	case SM_POLICY_FIELD_ADDRESS:
		return read_network(r, node, ret_value);
	case SM_POLICY_FIELD_CAPABILITY:
		code = policy_read_word(r, node, "capability", capabilities, &capability);
		if (!code)
			*ret_value = capability;
		return code;
	case SM_POLICY_FIELD_PORT:
		return read_number(r, node, UINT16_MAX, ret_value);
	default:
		return SM_POLICY_FIELD_IS_TEXT(field) ? read_text(r, node, ret_value)
						      : read_number(r, node, UINT32_MAX, ret_value);
	}
}

static int read_values(struct policy_reader *r, const yaml_node_t *node,
		       struct sm_policy_match *match)
{
	struct sm_policy_table *table = &r->policy->table;
	yaml_node_item_t *item;
	int code;

	if (node->type != YAML_SEQUENCE_NODE ||
	    node->data.sequence.items.start == node->data.sequence.items.top)
		return policy_fail(r, node, "expected a list of values");
	match->first_value = table->nr_values;
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		const yaml_node_t *value = policy_node(r, *item);

		if (table->nr_values == SM_POLICY_VALUES)
			return policy_fail(r, value, "the policy is too large: more than %d values",
					   SM_POLICY_VALUES);
		code = read_value(r, value, match->field, &table->values[table->nr_values]);
		if (code)
			return code;
		table->nr_values++;
		match->nr_values++;
	}
	return 0;
}

/* --- rules ----------------------------------------------------------------------------------------- */

/* In what events a field is there. */
static unsigned int events_of(unsigned int field)
{
	size_t i;

	for (i = 0; i < sizeof(limited) / sizeof(limited[0]); i++)
		if (limited[i].field == field)
			return limited[i].events;
	return ~0u;
}

static int read_field(struct policy_reader *r, const yaml_node_t *node, unsigned int event,
		      unsigned int *ret_field)
{
	unsigned int field;
	int code = policy_read_word(r, node, "field", fields, &field);
	size_t len;

	if (code)
		return code;
	if (!(events_of(field) & 1u << event))
		return policy_fail(r, node, "%s has no %s", event_name(event),
				   policy_scalar(node, &len));
	*ret_field = field & ~FIELD_PATH;
	return 0;
}

static bool has_operator(unsigned int field, unsigned int op)
{
	return (op & ~SM_POLICY_NOT) == SM_POLICY_IN ||
	       (SM_POLICY_FIELD_IS_TEXT(field) && field != SM_POLICY_FIELD_ADDRESS);
}

static int read_match(struct policy_reader *r, const yaml_node_t *node,
		      const struct sm_policy_rule *rule)
{
	struct policy_key keys[] = {
		{"field", true, NULL}, {"operator", true, NULL}, {"values", true, NULL}, {0}};
	struct sm_policy_table *table = &r->policy->table;
	struct sm_policy_match *match = &table->matches[table->nr_matches];
	unsigned int field = 0, op;
	int code;

	if (table->nr_matches == SM_POLICY_MATCHES)
		return policy_fail(r, node, "the policy is too large: more than %d matches",
				   SM_POLICY_MATCHES);
	code = policy_read_mapping(r, node, "a match", keys);
	if (!code)
		code = read_field(r, keys[0].value, rule->event, &field);
	if (!code)
		code = policy_read_word(r, keys[1].value, "operator", operators, &op);
	if (code)
		return code;
	if (!has_operator(field, op))
		return policy_fail(r, keys[1].value, "expected In or NotIn: the field is no text");
	match->field = (u8)field;
	match->op = (u8)op;
	code = read_values(r, keys[2].value, match);
	table->nr_matches++;
	return code;
}

static int read_matches(struct policy_reader *r, const yaml_node_t *node,
			struct sm_policy_rule *rule)
{
	yaml_node_item_t *item;
	int code = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return policy_fail(r, node, "expected a list of matches");
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top && !code;
	     item++) {
		code = read_match(r, policy_node(r, *item), rule);
		rule->nr_matches++;
	}
	return code;
}

static int read_action(struct policy_reader *r, const struct policy_key *action,
		       const struct policy_key *error, struct sm_policy_rule *rule)
{
	unsigned int value, number = 1; /* EPERM */
	int code = policy_read_word(r, action->value, "action", actions, &value);

	if (code)
		return code;
	rule->action = (u8)value;
	if (SM_POLICY_REFUSES(value) && !(REFUSABLE & 1u << rule->event))
		return policy_fail(r, action->value, "%s cannot be refused",
				   event_name(rule->event));
	if (error->value && !SM_POLICY_REFUSES(value))
		return policy_fail(r, error->value, "only deny and kill have an error");
	if (error->value)
		code = policy_read_word(r, error->value, "error", errors, &number);
	rule->error = SM_POLICY_REFUSES(value) ? (u16)number : 0;
	return code;
}

static int read_rule(struct policy_reader *r, const yaml_node_t *node)
{
	struct policy_key keys[] = {{"event", true, NULL},
				    {"match", false, NULL},
				    {"action", true, NULL},
				    {"error", false, NULL},
				    {0}};
	struct sm_policy_table *table = &r->policy->table;
	struct sm_policy_rule *rule = &table->rules[table->nr_rules];
	unsigned int event;
	int code;

	if (table->nr_rules == SM_POLICY_RULES)
		return policy_fail(r, node, "the policy is too large: more than %d rules",
				   SM_POLICY_RULES);
	code = policy_read_mapping(r, node, "a rule", keys);
	if (!code)
		code = policy_read_word(r, keys[0].value, "event", events, &event);
	if (code)
		return code;
	rule->event = (u8)event;
	rule->index = (u8)table->nr_rules;
	rule->first_match = table->nr_matches;
	rule->name_at = 0;
	rule->name_len = (u16)strlen(r->policy->name);
	code = read_action(r, &keys[2], &keys[3], rule);
	if (!code && keys[1].value)
		code = read_matches(r, keys[1].value, rule);
	table->nr_rules++;
	return code;
}

int policy_read_rules(struct policy_reader *r, const yaml_node_t *node)
{
	yaml_node_item_t *item;
	int code = 0;

	if (node->type != YAML_SEQUENCE_NODE ||
	    node->data.sequence.items.start == node->data.sequence.items.top)
		return policy_fail(r, node, "expected a list of rules");
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top && !code;
	     item++)
		code = read_rule(r, policy_node(r, *item));
	return code;
}
