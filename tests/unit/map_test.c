// SPDX-License-Identifier: GPL-2.0-or-later
/* Maps, counters and rate limits of monitors, alone and from several threads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include <shadowmon/map.h>

#include <arch.h>

#include "cpu.h"

#define THREADS 4
#define ROUNDS  20000

struct sm_cpu_state sm_cpu_state;

static u64 tsc;

u64 smc_tsc(void)
{
	return tsc;
}

SM_MAP(map, 64);
SM_MAP(small, 8);
SM_LRU_MAP(lru, 8);
SM_RATE(rate, 8, 3, 1000);
static struct sm_counter counter;

static int setup(void **unused)
{
	(void)unused;
	memset(map_entries, 0, sizeof(map_entries));
	memset(small_entries, 0, sizeof(small_entries));
	memset(lru_entries, 0, sizeof(lru_entries));
	memset(rate_map_entries, 0, sizeof(rate_map_entries));
	memset(&counter, 0, sizeof(counter));
	rate_forgotten = 0;
	tsc = 1ULL << 40;
	return 0;
}

static void keys_come_and_go(void **unused)
{
	u64 value = 7;

	(void)unused;
	assert_false(sm_map_get(&map, 5, &value));
	assert_int_equal(value, 7);
	assert_true(sm_map_set(&map, 5, 50));
	assert_true(sm_map_get(&map, 5, &value));
	assert_int_equal(value, 50);
	assert_true(sm_map_set(&map, 5, 51));
	assert_int_equal(sm_map_add(&map, 5, 9), 60);
	assert_int_equal(sm_map_add(&map, 5, (u64)-20), 40);
	assert_int_equal(sm_map_add(&map, 6, 1), 1);
	assert_true(sm_map_delete(&map, 5));
	assert_false(sm_map_delete(&map, 5));
	assert_false(sm_map_get(&map, 5, &value));
	assert_true(sm_map_get(&map, 6, &value));
}

static void zero_is_no_key(void **unused)
{
	u64 value;

	(void)unused;
	assert_false(sm_map_set(&map, 0, 1));
	assert_false(sm_map_get(&map, 0, &value));
	assert_int_equal(sm_map_add(&map, 0, 1), 0);
	assert_false(sm_map_delete(&map, 0));
	assert_int_not_equal(sm_map_key(0, 0), 0);
	assert_int_not_equal(sm_map_key(1, 2), sm_map_key(2, 1));
}

static void a_full_map_refuses(void **unused)
{
	u64 key, value;

	(void)unused;
	for (key = 1; key <= 8; key++)
		assert_true(sm_map_set(&small, key, key));
	assert_false(sm_map_set(&small, 9, 9));
	assert_int_equal(sm_map_add(&small, 9, 9), 0);
	assert_true(sm_map_set(&small, 8, 80));
	assert_true(sm_map_delete(&small, 3));
	assert_true(sm_map_set(&small, 9, 9));
	for (key = 1; key <= 9; key++)
		assert_int_equal(sm_map_get(&small, key, &value), key != 3);
}

static void the_least_recently_used_goes(void **unused)
{
	u64 key, value;

	(void)unused;
	for (key = 1; key <= 8; key++, tsc += 1 << 20)
		assert_true(sm_map_set(&lru, key, key));
	assert_true(sm_map_get(&lru, 1, &value));
	tsc += 1 << 20;
	assert_int_equal(sm_map_add(&lru, 9, 5), 5); /* not the value of 2, whose place it has */
	for (key = 1; key <= 9; key++)
		assert_int_equal(sm_map_get(&lru, key, &value), key != 2);
}

/* --- rate limits ------------------------------------------------------------------------------ */

static void bursts_pass_and_more_is_counted(void **unused)
{
	u64 suppressed = 1;
	int i;

	(void)unused;
	for (i = 0; i < 3; i++) {
		assert_true(sm_rate_pass(&rate, 5, &suppressed));
		assert_int_equal(suppressed, 0);
	}
	for (i = 0; i < 10; i++)
		assert_false(sm_rate_pass(&rate, 5, &suppressed));
	assert_true(sm_rate_pass(&rate, 6, &suppressed)); /* a key of its own */
	assert_int_equal(suppressed, 0);
	tsc += 1000;
	assert_true(sm_rate_pass(&rate, 5, &suppressed));
	assert_int_equal(suppressed, 10);
	assert_false(sm_rate_pass(&rate, 5, &suppressed));
	tsc += 1000000; /* no more than a burst is saved up */
	for (i = 0; i < 3; i++)
		assert_true(sm_rate_pass(&rate, 5, &suppressed));
	assert_false(sm_rate_pass(&rate, 5, &suppressed));
}

static void a_tsc_that_goes_back_suppresses_nothing(void **unused)
{
	u64 suppressed;
	int i;

	(void)unused;
	for (i = 0; i < 4; i++)
		sm_rate_pass(&rate, 5, &suppressed);
	tsc -= 100000;
	assert_true(sm_rate_pass(&rate, 5, &suppressed));
	assert_int_equal(suppressed, 1);
}

static void what_was_forgotten_is_told_with_others(void **unused)
{
	u64 key, suppressed;
	int i;

	(void)unused;
	for (i = 0; i < 8; i++)
		sm_rate_pass(&rate, 1, &suppressed);
	for (key = 2; key <= 8; key++) {
		tsc += 1 << 20;
		assert_true(sm_rate_pass(&rate, key, &suppressed));
		assert_int_equal(suppressed, 0);
	}
	assert_true(sm_rate_pass(&rate, 9, &suppressed));
	assert_int_equal(suppressed, 5);
}

/* --- several at once -------------------------------------------------------------------------- */

static void *work(void *unused)
{
	u64 i, value;

	(void)unused;
	for (i = 0; i < ROUNDS; i++) {
		sm_counter_add(&counter, 1);
		/* Each value is its key's own, or it is torn. */
		if (sm_map_set(&lru, 1 + i % 16, 1000 + i % 16) &&
		    sm_map_get(&lru, 1 + (i * 7) % 16, &value) && value != 1000 + (i * 7) % 16)
			return (void *)1;
		while (!sm_map_add(&map, 77, 1))
			;
	}
	return NULL;
}

static void threads_do_not_tear_entries(void **unused)
{
	pthread_t threads[THREADS];
	u64 value;
	void *result;
	int i;

	(void)unused;
	assert_true(sm_map_set(&map, 77, 0));
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	assert_int_equal(sm_counter_sum(&counter), THREADS * ROUNDS);
	assert_true(sm_map_get(&map, 77, &value));
	assert_int_equal(value, THREADS * ROUNDS);
}

static void counters_add_up_over_vcpus(void **unused)
{
	u32 vcpu;

	(void)unused;
	for (vcpu = 0; vcpu < 200; vcpu++) {
		sm_cpu_state.vcpu = vcpu;
		sm_counter_add(&counter, vcpu);
	}
	sm_cpu_state.vcpu = 0;
	assert_int_equal(sm_counter_sum(&counter), 19900);
	assert_int_equal(counter.of_vcpu[63].value, 63 + 127 + 191);
}

#define TEST(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_come_and_go),
		TEST(zero_is_no_key),
		TEST(a_full_map_refuses),
		TEST(the_least_recently_used_goes),
		TEST(bursts_pass_and_more_is_counted),
		TEST(a_tsc_that_goes_back_suppresses_nothing),
		TEST(what_was_forgotten_is_told_with_others),
		TEST(threads_do_not_tear_entries),
		TEST(counters_add_up_over_vcpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
