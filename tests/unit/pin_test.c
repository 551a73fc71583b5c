// SPDX-License-Identifier: GPL-2.0-or-later
/* Threads are put on CPUs, and are afterwards where they were: those of this machine that the test may use. */
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cli/cli.h"

static cpu_set_t start;
static int first_cpu; /* of start */

static void assert_affinity(pid_t tid, const cpu_set_t *expected)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(tid, sizeof(set), &set), 0);
	assert_true(CPU_EQUAL(&set, expected));
}

static void assert_on(pid_t tid, int cpu)
{
	cpu_set_t only;

	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	assert_affinity(tid, &only);
}

static void lists_are_read(void **state)
{
	int *cpus;

	(void)state;
	assert_int_equal(parse_cpus("3", &cpus), 1);
	assert_int_equal(cpus[0], 3);
	free(cpus);
	assert_int_equal(parse_cpus("8,2-4,0,1023", &cpus), 6);
	assert_int_equal(cpus[0], 8);
	assert_int_equal(cpus[1], 2);
	assert_int_equal(cpus[3], 4);
	assert_int_equal(cpus[4], 0);
	assert_int_equal(cpus[5], 1023);
	free(cpus);
}

static void what_is_no_list_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",      ",",    "1,",     ",1", "1-", "-1", "2-1", "1-x",  "1,1",
		"1-3,2", "1024", "0-1024", " 1", "1 ", "+1", "0x1", "1--2", "99999999999999999999"};
	int *cpus = &first_cpu;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(parse_cpus(wrong[i], &cpus), 0);
		assert_ptr_equal(cpus, &first_cpu);
	}
}

static void a_thread_is_pinned_and_unpinned(void **state)
{
	pid_t self = gettid();
	struct pins pins;

	(void)state;
	assert_true(pin_threads(&self, 1, &first_cpu, &pins));
	assert_on(self, first_cpu);
	assert_int_equal(json_array_size(pins.cpus), 1);
	assert_int_equal(json_integer_value(json_array_get(pins.cpus, 0)), first_cpu);
	unpin_threads(&pins);
	assert_affinity(self, &start);
	unpin_threads(&pins);
}

static void a_cpu_is_chosen(void **state)
{
	pid_t self = gettid();
	struct pins pins;
	int cpu;

	(void)state;
	assert_true(pin_threads(&self, 1, NULL, &pins));
	cpu = (int)json_integer_value(json_array_get(pins.cpus, 0));
	assert_true(CPU_ISSET(cpu, &start));
	assert_on(self, cpu);
	unpin_threads(&pins);
	assert_affinity(self, &start);
}

static void too_few_cpus_pin_nothing(void **state)
{
	size_t count = (size_t)CPU_COUNT(&start) + 1, i;
	pid_t *tids = calloc(count, sizeof(*tids));
	struct pins pins;

	(void)state;
	for (i = 0; i < count; i++)
		tids[i] = gettid();
	assert_true(pin_threads(tids, count, NULL, &pins));
	assert_null(pins.cpus);
	assert_affinity(gettid(), &start);
	unpin_threads(&pins);
	free(tids);
}

static void one_that_cannot_be_pinned_unpins_the_others(void **state)
{
	pid_t tids[2] = {gettid(), fork()};
	int cpus[2] = {first_cpu, first_cpu};
	struct pins pins;

	(void)state;
	if (tids[1] == 0)
		_exit(0);
	assert_int_equal(waitpid(tids[1], NULL, 0), tids[1]);
	assert_false(pin_threads(tids, 2, cpus, &pins));
	assert_affinity(tids[0], &start);
	assert_null(pins.cpus);
	tids[1] = 0; /* what a vCPU that has never run has */
	assert_false(pin_threads(tids, 2, cpus, &pins));
	assert_affinity(tids[0], &start);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(a_thread_is_pinned_and_unpinned),
		cmocka_unit_test(a_cpu_is_chosen),
		cmocka_unit_test(too_few_cpus_pin_nothing),
		cmocka_unit_test(one_that_cannot_be_pinned_unpins_the_others),
	};

	if (sched_getaffinity(0, sizeof(start), &start))
		return EXIT_FAILURE;
	while (!CPU_ISSET(first_cpu, &start))
		first_cpu++;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
