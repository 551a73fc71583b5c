// SPDX-License-Identifier: GPL-2.0-or-later
/* TSC values to moments, and moments to text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "../../host/lib/clock.h"

static void clock_converts(void **state)
{
	struct sm_clock clock = {.host_tsc = 1ull << 40,
				 .host_time_ns = 1700000000000000000ull,
				 .tsc_khz = 2000000,
				 .ratio_shift = 48};
	struct sm_clock_vcpu half = {.offset = -1000, .ratio = 1ull << 47};

	(void)state;
	assert_int_equal(sm_clock_host(&clock, clock.host_tsc), clock.host_time_ns);
	assert_int_equal(sm_clock_host(&clock, clock.host_tsc + 2000), clock.host_time_ns + 1000);
	assert_int_equal(sm_clock_host(&clock, clock.host_tsc - 2000), clock.host_time_ns - 1000);
	/* guest = host / 2 - 1000 */
	assert_int_equal(sm_clock_guest(&clock, &half, clock.host_tsc / 2 - 1000),
			 clock.host_time_ns);
	assert_int_equal(sm_clock_guest(&clock, &half, clock.host_tsc / 2),
			 clock.host_time_ns + 1000);
}

/* Any TSC and any clock: no overflow, no division by zero, and a moment that can be printed. */
static void clock_clamps(void **state)
{
	static const u64 values[] = {0, 1, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX};
	char text[SM_CLOCK_TEXT];
	size_t i, j, k;

	(void)state;
	for (i = 0; i < 6; i++) {
		for (j = 0; j < 6; j++) {
			for (k = 0; k < 6; k++) {
				struct sm_clock clock = {values[i], values[j] >> 1, (u32)values[k],
							 (u32)values[k]};
				struct sm_clock_vcpu vcpu = {(s64)values[j], values[i]};
				u64 ns = sm_clock_guest(&clock, &vcpu, values[k]);

				assert_true(ns <= INT64_MAX);
				sm_clock_text(ns, text);
				assert_int_equal(strlen(text), 30);
			}
		}
	}
}

static void clock_prints(void **state)
{
	char text[SM_CLOCK_TEXT];

	(void)state;
	sm_clock_text(1700000000123456789ull, text);
	assert_string_equal(text, "2023-11-14T22:13:20.123456789Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_converts),
		cmocka_unit_test(clock_clamps),
		cmocka_unit_test(clock_prints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
