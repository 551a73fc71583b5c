// SPDX-License-Identifier: GPL-2.0-or-later
/* What the compartment makes of a policy's table: verdicts and records, and that no table leads it astray. */
#include "monitor_fixture.h"

#include <stdlib.h>

#include "monitors/file/monitor.c"
#include "monitors/policy/monitor.c"
#include "monitors/socket/monitor.c"

/* struct sm_event_policy is the runtime's own: what is looked at here is its fixed part. */
struct refusal {
	struct sm_event_head head;
	struct sm_text policy;
	u32 rule, event, action;
	struct sm_text name;
	struct sm_endpoint address;
	s32 error;
	u8 enforced;
};

static struct sm_policy_table *table;
static u64 cred, mm, parent, bprm, tmp;

static int setup(void **state)
{
	int err = monitor_setup(state);

	if (err)
		return err;
	cred = new_object(0x40);
	mm = new_object(0x40);
	bprm = new_object(0x40);
	parent = new_task(7, 7, "sshd");
	tmp = new_dentry(root_dentry, "tmp");
	PUT64(task, task_struct, cred, cred);
	PUT64(task, task_struct, mm, mm);
	PUT64(task, task_struct, real_parent, parent);
	PUT64(parent, task_struct, real_parent, parent);
	PUT32(cred, cred, uid, 1000);
	PUT64(mm, mm_struct, exe_file, new_file(new_dentry(tmp, "worker")));
	policy_area.active = 1;
	policy_area.events = ~0u;
	table = &policy_area.tables[0];
	return 0;
}

/* --- tables -------------------------------------------------------------------------------- */

static u64 add_text(const void *text, u32 len)
{
	u64 at = table->text_len;

	memcpy(table->text + at, text, len);
	table->text_len = (u16)(table->text_len + len);
	return at | (u64)len << 32;
}

/* Another match of the last rule, of one value. */
static void match(u8 field, u8 op, u64 value)
{
	table->matches[table->nr_matches++] = (struct sm_policy_match){
		.field = field, .op = op, .first_value = table->nr_values, .nr_values = 1};
	table->values[table->nr_values++] = value;
	table->rules[table->nr_rules - 1].nr_matches++;
}

static void match_text(u8 field, u8 op, const char *text)
{
	match(field, op, add_text(text, (u32)strlen(text)));
}

/* A rule of a policy of its own, that always applies. */
static void rule(u8 event, u8 action, bool enforce)
{
	table->rules[table->nr_rules] = (struct sm_policy_rule){.event = event,
								.action = action,
								.enforce = enforce,
								.error = 13,
								.index = (u8)table->nr_rules,
								.policy = table->nr_rules,
								.first_match = table->nr_matches,
								.name_len = 4};
	table->nr_rules++;
}

static void start_over(void)
{
	memset(table, 0, sizeof(*table));
	add_text("test", 4);
}

static int judge(const char *name)
{
	struct sm_policy_object object = {.event = SM_POLICY_EXEC, .bprm = bprm};
	bool tell;

	sm_policy_set_name(&object, -1);
	if (name) {
		strcpy(sm_policy_name_buffer(), name);
		sm_policy_set_name(&object, (int)strlen(name));
	}
	return sm_policy_judge(&object, &tell);
}

/* --- matches ------------------------------------------------------------------------------- */

static void texts(void **state)
{
	static const struct {
		u8 op;
		const char *value, *name;
		bool match;
	} cases[] = {
		{SM_POLICY_IN, "/bin/nc", "/bin/nc", true},
		{SM_POLICY_IN, "/bin/nc", "/bin/nca", false},
		{SM_POLICY_IN, "/bin/nc", "/bin/n", false},
		{SM_POLICY_PREFIX, "/tmp/", "/tmp/x", true},
		{SM_POLICY_PREFIX, "/tmp/", "/tmp", false},
		{SM_POLICY_SUFFIX, "/nc", "/opt/nc", true},
		{SM_POLICY_SUFFIX, "/nc", "nc", false},
		{SM_POLICY_IN | SM_POLICY_NOT, "/bin/nc", "/bin/nc", false},
		{SM_POLICY_PREFIX | SM_POLICY_NOT, "/usr/", "/tmp/x", true},
		{SM_POLICY_IN, "/bin/nc", NULL, true}, /* what cannot be named is not let through */
		{SM_POLICY_IN | SM_POLICY_NOT, "/bin/nc", NULL, true},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start_over();
		rule(SM_POLICY_EXEC, SM_POLICY_DENY, true);
		match_text(SM_POLICY_FIELD_NAME, cases[i].op, cases[i].value);
		assert_int_equal(judge(cases[i].name), cases[i].match ? 13 : 0);
		if (cases[i].match)
			assert_non_null(take_event());
		assert_null(take_event());
	}
	start_over();
	rule(SM_POLICY_EXEC, SM_POLICY_ALLOW, true);
	match_text(SM_POLICY_FIELD_NAME, SM_POLICY_IN, "/bin/nc");
	assert_true(sm_policy_tells(&(struct sm_policy_object){.event = SM_POLICY_EXEC}));
}

/* One match decides. */
static void expect_match(bool holds, u8 field, u8 op, const char *text, u64 number)
{
	start_over();
	rule(SM_POLICY_EXEC, SM_POLICY_DENY, true);
	if (text)
		match_text(field, op, text);
	else
		match(field, op, number);
	assert_int_equal(judge("/bin/id"), holds ? 13 : 0);
	take_event();
}

#define RANGE(first, last) ((first) | (u64)(last) << 32)

static void who_it_is(void **state)
{
	u64 space = new_object(0x40), namespace = new_object(0x40);
	u64 proxy = new_object(0x40);
	const u8 no = SM_POLICY_IN | SM_POLICY_NOT;

	(void)state;
	PUT64(cred, cred, cap_effective, 1ULL << 21);
	PUT64(cred, cred, user_ns, space);
	PUT32(space, user_namespace, ns.inum, 77);
	PUT64(task, task_struct, nsproxy, proxy);
	PUT64(proxy, nsproxy, net_ns, namespace);
	PUT32(namespace, net, ns.inum, 88);
	PUT64(parent, task_struct, mm, new_object(0x40));
	PUT64(SM_READ64(parent, task_struct, mm), mm_struct, exe_file,
	      new_file(new_dentry(root_dentry, "sshd")));
	expect_match(true, SM_POLICY_FIELD_UID, SM_POLICY_IN, NULL, RANGE(1000, 1000));
	expect_match(true, SM_POLICY_FIELD_UID, SM_POLICY_IN, NULL, RANGE(1, 4000));
	expect_match(false, SM_POLICY_FIELD_UID, SM_POLICY_IN, NULL, RANGE(0, 999));
	expect_match(true, SM_POLICY_FIELD_UID, no, NULL, RANGE(0, 999));
	expect_match(true, SM_POLICY_FIELD_EUID, SM_POLICY_IN, NULL, 0);
	expect_match(true, SM_POLICY_FIELD_PID, SM_POLICY_IN, NULL, RANGE(80, 80));
	expect_match(true, SM_POLICY_FIELD_PPID, SM_POLICY_IN, NULL, RANGE(7, 7));
	expect_match(true, SM_POLICY_FIELD_CAPABILITY, SM_POLICY_IN, NULL, 21);
	expect_match(false, SM_POLICY_FIELD_CAPABILITY, SM_POLICY_IN, NULL, 20);
	expect_match(true, SM_POLICY_FIELD_USER_NAMESPACE, SM_POLICY_IN, NULL, RANGE(77, 77));
	expect_match(true, SM_POLICY_FIELD_NETWORK_NAMESPACE, SM_POLICY_IN, NULL, RANGE(88, 88));
	expect_match(true, SM_POLICY_FIELD_COMM, SM_POLICY_IN, "worker", 0);
	expect_match(true, SM_POLICY_FIELD_PARENT_COMM, SM_POLICY_PREFIX, "ssh", 0);
	expect_match(true, SM_POLICY_FIELD_BINARY, SM_POLICY_IN, "/tmp/worker", 0);
	expect_match(false, SM_POLICY_FIELD_BINARY, SM_POLICY_IN, "/sshd", 0);
	expect_match(true, SM_POLICY_FIELD_PARENT_BINARY, SM_POLICY_IN, "/sshd", 0);
	/* No program of a program's is a port, in whatever way it is asked. */
	expect_match(false, SM_POLICY_FIELD_PORT, no, NULL, RANGE(1, 1));
	expect_match(false, 200, SM_POLICY_IN, NULL, 0);
	/* A kernel's thread runs nothing. */
	PUT64(task, task_struct, mm, 0);
	expect_match(false, SM_POLICY_FIELD_BINARY, SM_POLICY_PREFIX, "/", 0);
	expect_match(true, SM_POLICY_FIELD_BINARY, no, "/sshd", 0);
}

static void ancestors(void **state)
{
	u64 grandparent = new_task(1, 1, "init"), memory = new_object(0x40);
	u64 child = task;
	int i;

	(void)state;
	PUT64(memory, mm_struct, exe_file, new_file(new_dentry(root_dentry, "init")));
	PUT64(grandparent, task_struct, mm, memory);
	PUT64(grandparent, task_struct, real_parent, grandparent);
	PUT64(parent, task_struct, real_parent, grandparent);
	expect_match(true, SM_POLICY_FIELD_ANCESTOR_BINARY, SM_POLICY_IN, "/init", 0);
	expect_match(false, SM_POLICY_FIELD_ANCESTOR_BINARY, SM_POLICY_IN, "/tmp/worker", 0);
	/* As many as one looks at, and more. */
	for (i = 0; i < 20; i++) {
		u64 next = new_task(100, 100, "link");

		PUT64(child, task_struct, real_parent, next);
		child = next;
	}
	PUT64(child, task_struct, real_parent, grandparent);
	expect_match(true, SM_POLICY_FIELD_ANCESTOR_BINARY, SM_POLICY_IN, "/nobody", 0);
}

/* Page tables of a program that is about to be, with its arguments at 0x7000. */
static void give_arguments(const char *strings, u32 len, u32 argc)
{
	u64 tables = 0x1000, at;
	int level;

	for (level = 3; level >= 0; level--) {
		at = 0xffff888000000000ULL + tables + (u64)(3 - level) * 0x1000;
		put64(at + (level ? 0 : 7 * 8), (tables + (u64)(4 - level) * 0x1000) | 5);
	}
	put_bytes(0xffff888000000000ULL + tables + 0x4000, strings, len);
	PUT64(bprm, linux_binprm, mm, mm);
	PUT64(mm, mm_struct, pgd, 0xffff888000000000ULL + tables);
	PUT64(bprm, linux_binprm, p, 0x7000);
	PUT32(bprm, linux_binprm, argc, argc);
}

static void arguments(void **state)
{
	static char many[200];
	char longer[1100] = "";

	(void)state;
	give_arguments("nc\0-l\0--port=7\0ENV=1", 20, 3);
	expect_match(true, SM_POLICY_FIELD_ARGUMENTS, SM_POLICY_IN, "-l", 0);
	expect_match(true, SM_POLICY_FIELD_ARGUMENTS, SM_POLICY_PREFIX, "--port", 0);
	expect_match(false, SM_POLICY_FIELD_ARGUMENTS, SM_POLICY_PREFIX, "ENV", 0);
	expect_match(true, SM_POLICY_FIELD_ARGUMENTS, SM_POLICY_IN | SM_POLICY_NOT, "ENV=1", 0);
	/* What nobody can read, or is too much to read, is not let through. */
	memset(longer, 'x', sizeof(longer) - 1);
	give_arguments(longer, sizeof(longer), 1);
	expect_match(true, SM_POLICY_FIELD_ARGUMENTS, SM_POLICY_IN, "-l", 0);
	give_arguments(many, sizeof(many), 100);
	expect_match(true, SM_POLICY_FIELD_ARGUMENTS, SM_POLICY_IN, "-l", 0);
	PUT64(bprm, linux_binprm, p, 0x9000);
	PUT32(bprm, linux_binprm, argc, 1);
	expect_match(true, SM_POLICY_FIELD_ARGUMENTS, SM_POLICY_IN, "-l", 0);
	PUT64(mm, mm_struct, pgd, NOWHERE);
	expect_match(true, SM_POLICY_FIELD_ARGUMENTS, SM_POLICY_IN, "-l", 0);
}

/* --- decisions ------------------------------------------------------------------------------ */

static void mode_monitor(void **state)
{
	const struct refusal *e;

	(void)state;
	start_over();
	rule(SM_POLICY_EXEC, SM_POLICY_DENY, false);
	assert_int_equal(judge("/bin/id"), 0);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->enforced, 0);
	ASSERT_TEXT(e, policy, "test");
	ASSERT_TEXT(e, name, "/bin/id");
	/* Another policy enforces. */
	rule(SM_POLICY_EXEC, SM_POLICY_DENY, true);
	assert_int_equal(judge("/bin/id"), 13);
	e = take_event();
	assert_int_equal(e->enforced, 1);
	assert_int_equal(e->rule, 1);
	assert_int_equal(e->error, 13);
	/* A full ring does not open the door. */
	fill_ring();
	assert_int_equal(judge("/bin/id"), 13);
}

static void kill_task(void **state)
{
	const struct refusal *e;

	(void)state;
	start_over();
	rule(SM_POLICY_EXEC, SM_POLICY_DENY, true);
	rule(SM_POLICY_EXEC, SM_POLICY_KILL, false);
	table->rules[1].error = 2;
	/* What is only told is weaker than what is enforced, in whatever order they come. */
	assert_int_equal(judge("/bin/id"), 13);
	e = take_event();
	assert_int_equal(e->action, SM_POLICY_DENY);
	table->rules[0].enforce = 0;
	table->rules[1].enforce = 1;
	assert_int_equal(judge("/bin/id"), SM_KILL(2));
	e = take_event();
	assert_int_equal(e->action, SM_POLICY_KILL);
	assert_int_equal(e->enforced, 1);
	table->rules[0].enforce = 1;
	assert_int_equal(judge("/bin/id"), SM_KILL(2));
	take_event();
}

static void first_rule_of_a_policy(void **state)
{
	(void)state;
	start_over();
	rule(SM_POLICY_EXEC, SM_POLICY_NOTIFY, true);
	match_text(SM_POLICY_FIELD_NAME, SM_POLICY_IN, "/bin/id");
	rule(SM_POLICY_EXEC, SM_POLICY_DENY, true);
	table->rules[1].policy = 0;
	assert_int_equal(judge("/bin/id"), 0);
	assert_int_equal(judge("/bin/nc"), 13);
}

static void filter(void **state)
{
	struct sm_policy_object object = {
		.event = SM_POLICY_EXEC, .name = "/bin/id", .name_len = 7};

	(void)state;
	start_over();
	assert_true(sm_policy_tells(&object));
	rule(SM_POLICY_EXEC, SM_POLICY_ALLOW, false);
	match_text(SM_POLICY_FIELD_NAME, SM_POLICY_IN, "/bin/id");
	assert_false(sm_policy_tells(&object));
	object.name = "/bin/ls";
	assert_true(sm_policy_tells(&object));
	object.event = SM_POLICY_EXIT;
	assert_true(sm_policy_tells(&object));
	assert_int_equal(judge("/bin/id"), 0);
	assert_null(take_event());
	policy_area.active = 0;
	object.event = SM_POLICY_EXEC;
	object.name = "/bin/id";
	assert_true(sm_policy_tells(&object));
}

/* --- monitors ------------------------------------------------------------------------------- */

static u64 new_ipv4(u8 a, u8 b, u8 c, u8 d, u16 port)
{
	const u8 bytes[16] = {2, 0, (u8)(port >> 8), (u8)port, a, b, c, d};
	u64 address = new_object(sizeof(bytes));

	put_bytes(address, bytes, sizeof(bytes));
	return address;
}

static void addresses(void **state)
{
	struct sm_policy_network network = {.bits = 112};
	u64 socket = new_object(0x40), mapped = new_object(28), local = new_object(16);
	const u8 ipv6[28] = {10, 0, 0, 80, [18] = 0xff, 0xff, 127, 66, 9, 9};
	const struct refusal *refused;

	(void)state;
	start_over();
	rule(SM_POLICY_SOCKET_CONNECT, SM_POLICY_DENY, true);
	memset(network.address + 10, 0xff, 2);
	network.address[12] = 127;
	network.address[13] = 66;
	match(SM_POLICY_FIELD_ADDRESS, SM_POLICY_IN, add_text(&network, sizeof(network)));
	match(SM_POLICY_FIELD_PORT, SM_POLICY_IN, RANGE(80, 90));
	assert_int_equal(socket_connect(socket, new_ipv4(127, 66, 1, 2, 80), 16), 13);
	refused = take_event();
	assert_non_null(refused);
	assert_int_equal(refused->event, SM_POLICY_SOCKET_CONNECT);
	assert_int_equal(refused->address.port, 80);
	assert_null(take_event());
	assert_int_equal(socket_connect(socket, new_ipv4(127, 67, 1, 2, 80), 16), 0);
	assert_int_equal(socket_connect(socket, new_ipv4(127, 66, 1, 2, 91), 16), 0);
	assert_int_equal(socket_bind(socket, new_ipv4(127, 66, 1, 2, 80), 16), 0);
	put_bytes(mapped, ipv6, sizeof(ipv6));
	assert_int_equal(socket_connect(socket, mapped, 28), 13);
	/* A socket of the file system has no address that is in a network, or in none. */
	put_bytes(local, "\1\0/dev/log", 11);
	table->matches[0].op |= SM_POLICY_NOT;
	table->rules[0].nr_matches = 1;
	assert_int_equal(socket_connect(socket, local, 11), 0);
	assert_int_equal(socket_connect(socket, new_ipv4(127, 66, 1, 2, 80), 16), 0);
	assert_int_equal(socket_connect(socket, new_ipv4(127, 67, 1, 2, 80), 16), 13);
	take_event();
	start_over();
	rule(SM_POLICY_SOCKET_CONNECT, SM_POLICY_DENY, true);
	match_text(SM_POLICY_FIELD_NAME, SM_POLICY_PREFIX, "/dev/");
	assert_int_equal(socket_connect(socket, local, 11), 13);
}

static void monitors_ask(void **state)
{
	u64 file = new_file(new_dentry(tmp, "closed")), module = new_object(0x60);

	(void)state;
	start_over();
	rule(SM_POLICY_FILE_OPEN, SM_POLICY_DENY, true);
	match_text(SM_POLICY_FIELD_NAME, SM_POLICY_PREFIX, "/tmp/");
	rule(SM_POLICY_EXEC, SM_POLICY_DENY, true);
	match_text(SM_POLICY_FIELD_NAME, SM_POLICY_IN, "/tmp/closed");
	rule(SM_POLICY_MODULE_LOAD, SM_POLICY_DENY, true);
	match_text(SM_POLICY_FIELD_NAME, SM_POLICY_IN, "dummy");
	PUT32(file, file, f_mode, 2);
	assert_int_equal(file_open(file), 13);
	PUT32(file, file, f_mode, 1); /* for reading */
	assert_int_equal(file_open(file), 0);
	PUT64(bprm, linux_binprm, file, file);
	assert_int_equal(policy_exec(bprm), 13);
	PUT64(bprm, linux_binprm, file, NOWHERE);
	assert_int_equal(policy_exec(bprm), 13);
	put_bytes(module + SM_OFFSET(module, name), "dummy", 6);
	assert_int_equal(policy_module(0, 0, module), 13);
	put_bytes(module + SM_OFFSET(module, name), "dummx", 6);
	assert_int_equal(policy_module(0, 0, module), 0);
	/* No rule: nobody looks at the table. */
	policy_area.events = 0;
	assert_int_equal(file_open(file), 0);
	assert_int_equal(policy_exec(bprm), 0);
}

/* Any bytes are a table. */
static void noise(void **state)
{
	u8 *bytes = (u8 *)&policy_area;
	unsigned int i, k;

	(void)state;
	srand(1);
	give_arguments("a\0b\0c", 6, 3);
	for (i = 0; i < 300; i++) {
		for (k = 0; k < sizeof(policy_area); k++)
			bytes[k] = (u8)(rand() >> 8);
		policy_area.active = 1 + i % 2;
		for (k = 0; k < SM_POLICY_RULES && i % 3; k++)
			policy_area.tables[i % 2].rules[k].event = SM_POLICY_EXEC;
		assert_in_range(judge("/bin/id"), 0, SM_VERDICT_MASK);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, monitor_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(texts),
		TEST(who_it_is),
		TEST(ancestors),
		TEST(arguments),
		TEST(mode_monitor),
		TEST(kill_task),
		TEST(first_rule_of_a_policy),
		TEST(filter),
		TEST(addresses),
		TEST(monitors_ask),
		TEST(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
