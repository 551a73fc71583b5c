// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of processes: what it keeps, and what it forgets first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../host/lib/process_table.h"

static int put(struct sm_process_table *table, u32 tgid, const char *path)
{
	struct sm_process process = {
		.path = path, .path_len = strlen(path), .argv = "a\0b", .argv_len = 4};

	return sm_process_table_put(table, tgid, 1000 + tgid, &process);
}

static bool holds(struct sm_process_table *table, u32 tgid, const char *path)
{
	const struct sm_process *process = sm_process_table_get(table, tgid, 1000 + tgid);

	return process && process->path_len == strlen(path) &&
	       memcmp(process->path, path, process->path_len) == 0 && process->argv_len == 4 &&
	       memcmp(process->argv, "a\0b", 4) == 0;
}

static void finds_what_was_put(void **state)
{
	struct sm_process_table *table = sm_process_table_create(8, 1000);

	(void)state;
	assert_int_equal(put(table, 1, "/one"), 0);
	assert_int_equal(put(table, 2, "/two"), 0);
	assert_true(holds(table, 1, "/one"));
	assert_true(holds(table, 2, "/two"));
	assert_null(sm_process_table_get(table, 3, 1003));
	assert_null(sm_process_table_get(table, 1, 1002));
	assert_int_equal(sm_process_table_count(table), 2);
	sm_process_table_destroy(table);
}

static void keeps_a_copy(void **state)
{
	struct sm_process_table *table = sm_process_table_create(8, 1000);
	char path[] = "/path";

	(void)state;
	put(table, 1, path);
	memset(path, 'x', sizeof(path) - 1);
	assert_true(holds(table, 1, "/path"));
	sm_process_table_destroy(table);
}

static void replaces(void **state)
{
	struct sm_process_table *table = sm_process_table_create(8, 1000);
	const struct sm_process *old;

	(void)state;
	put(table, 1, "/one");
	put(table, 1, "/other");
	assert_true(holds(table, 1, "/other"));
	assert_int_equal(sm_process_table_count(table), 1);
	/* By itself, which ends while it is put. */
	put(table, 2, "/two");
	old = sm_process_table_get(table, 1, 1001);
	assert_int_equal(sm_process_table_put(table, 1, 1001, old), 0);
	assert_true(holds(table, 1, "/other"));
	assert_true(holds(table, 2, "/two"));
	sm_process_table_destroy(table);
}

static void forgets_the_least_recently_used(void **state)
{
	struct sm_process_table *table = sm_process_table_create(3, 1000);

	(void)state;
	put(table, 1, "/1");
	put(table, 2, "/2");
	put(table, 3, "/3");
	assert_true(holds(table, 1, "/1"));
	put(table, 4, "/4");
	assert_int_equal(sm_process_table_count(table), 3);
	assert_false(holds(table, 2, "/2"));
	assert_true(holds(table, 1, "/1"));
	assert_true(holds(table, 3, "/3"));
	assert_true(holds(table, 4, "/4"));
	sm_process_table_destroy(table);
}

static void bounds_the_bytes(void **state)
{
	struct sm_process_table *table = sm_process_table_create(100, 32);

	(void)state;
	put(table, 1, "/1234567890"); /* 15 bytes with the arguments */
	put(table, 2, "/1234567890");
	assert_int_equal(sm_process_table_count(table), 2);
	put(table, 3, "/123");
	assert_int_equal(sm_process_table_count(table), 2);
	assert_false(holds(table, 1, "/1234567890"));
	assert_true(holds(table, 2, "/1234567890"));
	assert_true(holds(table, 3, "/123"));
	sm_process_table_destroy(table);
}

static void refuses_what_will_never_fit(void **state)
{
	struct sm_process_table *table = sm_process_table_create(100, 8);

	(void)state;
	assert_int_equal(put(table, 1, "/12345"), -E2BIG);
	assert_int_equal(put(table, 2, "/123"), 0);
	assert_int_equal(sm_process_table_count(table), 1);
	sm_process_table_destroy(table);
}

static void room_for_one(void **state)
{
	struct sm_process_table *table = sm_process_table_create(1, 1000);
	u32 i;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_int_equal(put(table, i, "/x"), 0);
	assert_int_equal(sm_process_table_count(table), 1);
	assert_true(holds(table, 99, "/x"));
	/* In the same bucket, but not the same process. */
	assert_null(sm_process_table_get(table, 99, 1098));
	assert_null(sm_process_table_get(table, 98, 1099));
	sm_process_table_destroy(table);
}

static void empty_strings(void **state)
{
	struct sm_process_table *table = sm_process_table_create(2, 10);
	struct sm_process nothing = {0};

	(void)state;
	assert_int_equal(sm_process_table_put(table, 1, 1, &nothing), 0);
	assert_int_equal(sm_process_table_get(table, 1, 1)->path_len, 0);
	sm_process_table_destroy(table);
	sm_process_table_destroy(NULL);
}

/* A guest that forks without end. */
static void stays_bounded(void **state)
{
	struct sm_process_table *table = sm_process_table_create(256, 4096);
	char path[32];
	u32 i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		assert_int_equal(put(table, i, path), 0);
		assert_true(sm_process_table_count(table) <= 256);
	}
	assert_true(holds(table, 99999, "/99999"));
	assert_null(sm_process_table_get(table, 1, 1001));
	sm_process_table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put),
		cmocka_unit_test(keeps_a_copy),
		cmocka_unit_test(replaces),
		cmocka_unit_test(forgets_the_least_recently_used),
		cmocka_unit_test(bounds_the_bytes),
		cmocka_unit_test(refuses_what_will_never_fit),
		cmocka_unit_test(room_for_one),
		cmocka_unit_test(empty_strings),
		cmocka_unit_test(stays_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
