// SPDX-License-Identifier: GPL-2.0-or-later
/* compartment/runtime/libc.c under other names, against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define memcpy  smc_memcpy
#define memmove smc_memmove
#define memset  smc_memset
#define memcmp  smc_memcmp
#include "compartment/runtime/libc.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

static void fill(unsigned char *bytes, size_t len)
{
	while (len--)
		bytes[len] = (unsigned char)(len * 3 + 1);
}

static void moves_overlap(void **state)
{
	unsigned char got[64], want[64];
	size_t from, to, len;

	(void)state;
	for (from = 0; from < 20; from++) {
		for (to = 0; to < 20; to++) {
			for (len = 0; len < 40; len++) {
				fill(got, sizeof(got));
				fill(want, sizeof(want));
				memmove(want + to, want + from, len);
				assert_ptr_equal(smc_memmove(got + to, got + from, len), got + to);
				assert_memory_equal(got, want, sizeof(got));
			}
		}
	}
}

static void copies_and_sets(void **state)
{
	unsigned char got[64], from[64], want[64];
	size_t at, len;

	(void)state;
	fill(from, sizeof(from));
	for (at = 0; at < 9; at++) {
		for (len = 0; len < 40; len++) {
			memset(got, 0x11, sizeof(got));
			memset(want, 0x11, sizeof(want));
			assert_ptr_equal(smc_memset(got + at, 0x1a5, len), got + at);
			memset(want + at, 0xa5, len);
			assert_memory_equal(got, want, sizeof(got));
			assert_ptr_equal(smc_memcpy(got + at, from + 3, len), got + at);
			memcpy(want + at, from + 3, len);
			assert_memory_equal(got, want, sizeof(got));
		}
	}
}

static void compares_as_unsigned(void **state)
{
	(void)state;
	assert_int_equal(smc_memcmp("abc", "abd", 2), 0);
	assert_true(smc_memcmp("abc", "abd", 3) < 0);
	assert_true(smc_memcmp("\xff", "\x01", 1) > 0);
	assert_int_equal(smc_memcmp("a", "b", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_overlap),
		cmocka_unit_test(copies_and_sets),
		cmocka_unit_test(compares_as_unsigned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
