// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * compartment/runtime/memory.c on a fake guest: RAM_SIZE bytes of RAM from guest-physical 0, page
 * tables that each test builds, and sm_cfg.* as build.mk defines them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <shadowmon/memory.h>

#include <arch.h>

#define RAM_SIZE        0x100000ULL
#define PAGE_OFFSET     0xffff888000000000ULL
#define DIRECT_MAP_SIZE 0x40000000ULL
#define KERNEL_VA       0xffffffff80000000ULL
#define KERNEL_PA       0x20000ULL

#define PRESENT 1ULL
#define USER    4ULL
#define LARGE   0x80ULL
#define NX      (1ULL << 63)
#define ALL     (PRESENT | USER)

#define ROOT 0x1000ULL

#define USER_VA       0x00005555aaaab000ULL
#define KERNEL_MAPPED 0xffffc90000123000ULL

static u8 *ram;
static u64 cr3, next_table;

u64 smc_cr3(void)
{
	return cr3;
}

const void *fake_ram(u64 gpa, u64 len)
{
	assert_true(gpa < SM_RAM_LIMIT);
	assert_true(len <= SM_PAGE_SIZE);
	return gpa < RAM_SIZE && len <= RAM_SIZE - gpa ? ram + gpa : NULL;
}

static u64 *entry_at(u64 table, u64 address, int level)
{
	return (u64 *)(ram + table) + ((address >> (12 + 9 * level)) & 511);
}

/* The entry for address at level (0: page), the tables above it made with flags. */
static u64 *entry_for(u64 address, int level, u64 flags)
{
	u64 table = ROOT, *entry;
	int l;

	for (l = 3; l > level; l--) {
		entry = entry_at(table, address, l);
		if (!*entry) {
			*entry = next_table | flags;
			next_table += SM_PAGE_SIZE;
		}
		table = *entry & 0xffffffffff000;
	}
	return entry_at(table, address, level);
}

static void map(u64 address, u64 gpa, u64 flags)
{
	*entry_for(address, 0, flags) = gpa | flags;
}

static int setup(void **state)
{
	u64 i;

	(void)state;
	ram = malloc(RAM_SIZE);
	if (!ram)
		return -1;
	memset(ram, 0, RAM_SIZE);
	for (i = 0x40000; i < RAM_SIZE; i++)
		ram[i] = (u8)(i * 7 + (i >> 8) + 1);
	cr3 = ROOT;
	next_table = 0x2000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(ram);
	return 0;
}

static void assert_reads(u64 address, u64 gpa, u32 len)
{
	u8 buf[3 * SM_PAGE_SIZE];

	assert_int_equal(sm_read(buf, address, len), 0);
	assert_memory_equal(buf, ram + gpa, len);
}

static void assert_reads_user(u64 address, u64 gpa, u32 len)
{
	u8 buf[3 * SM_PAGE_SIZE];

	assert_int_equal(sm_read_user(buf, address, len), 0);
	assert_memory_equal(buf, ram + gpa, len);
}

static void assert_faults(u64 address)
{
	u64 value = ~0ULL;

	assert_int_equal(sm_read(&value, address, sizeof(value)), -SM_EFAULT);
	assert_int_equal(value, 0);
	assert_int_equal(sm_read64(address), 0);
	assert_int_equal(sm_read8(address), 0);
}

static void assert_faults_user(u64 address)
{
	u64 value = ~0ULL;

	assert_int_equal(sm_read_user(&value, address, sizeof(value)), -SM_EFAULT);
	assert_int_equal(value, 0);
}

static void direct_map_is_subtraction(void **state)
{
	(void)state;
	assert_reads(PAGE_OFFSET + 0x41003, 0x41003, 17);
	assert_reads(PAGE_OFFSET + 0x41ff0, 0x41ff0, 2 * SM_PAGE_SIZE);
	assert_int_equal(sm_read8(PAGE_OFFSET + 0x50001), ram[0x50001]);
	assert_memory_equal(&(u16){sm_read16(PAGE_OFFSET + 0x50fff)}, ram + 0x50fff, 2);
	assert_memory_equal(&(u32){sm_read32(PAGE_OFFSET + 0x50ffe)}, ram + 0x50ffe, 4);
	assert_memory_equal(&(u64){sm_read64(PAGE_OFFSET + 0x50ffb)}, ram + 0x50ffb, 8);
}

static void direct_map_without_ram_faults(void **state)
{
	(void)state;
	assert_faults(PAGE_OFFSET + RAM_SIZE);
	assert_faults(PAGE_OFFSET + DIRECT_MAP_SIZE - 8);
	assert_faults(PAGE_OFFSET + DIRECT_MAP_SIZE);
	assert_faults(PAGE_OFFSET - 8);
	assert_faults(PAGE_OFFSET + SM_RAM_LIMIT);
}

static void kernel_image_is_at_its_place(void **state)
{
	(void)state;
	assert_reads(KERNEL_VA + 0x30010, KERNEL_PA + 0x30010, 100);
	assert_memory_equal(&(u64){sm_read64(KERNEL_VA + 0x30ffc)}, ram + KERNEL_PA + 0x30ffc, 8);
	assert_faults(KERNEL_VA + RAM_SIZE);
}

static void small_pages_are_walked(void **state)
{
	(void)state;
	map(USER_VA, 0x60000, ALL | NX);
	map(KERNEL_MAPPED, 0x61000, PRESENT | NX);
	assert_reads_user(USER_VA + 0x123, 0x60123, 200);
	assert_reads(KERNEL_MAPPED + 0x123, 0x61123, 200);
	assert_int_equal(sm_read32(KERNEL_MAPPED + 4), *(u32 *)(ram + 0x61004));
}

static void large_pages_are_walked(void **state)
{
	u64 pat = 1ULL << 12; /* in a large page's entry no part of the address */

	(void)state;
	*entry_for(0xffffc90000200000, 1, PRESENT) = pat | LARGE | PRESENT;
	assert_reads(0xffffc90000200000 + 0x45678, 0x45678, 300);
	*entry_for(0xffffea0040000000, 2, PRESENT) = pat | LARGE | PRESENT;
	assert_reads(0xffffea0040000000 + 0x4ff00, 0x4ff00, 4096);
	assert_faults(0xffffea0040000000 + RAM_SIZE);
}

static void pages_next_to_each_other_need_not_be_in_ram(void **state)
{
	u8 buf[16];
	u64 value;

	(void)state;
	map(USER_VA, 0x60000, ALL);
	map(USER_VA + 0x1000, 0x50000, ALL);
	assert_int_equal(sm_read_user(buf, USER_VA + 0xff8, 16), 0);
	assert_memory_equal(buf, ram + 0x60ff8, 8);
	assert_memory_equal(buf + 8, ram + 0x50000, 8);

	map(KERNEL_MAPPED, 0x61000, PRESENT);
	map(KERNEL_MAPPED + 0x1000, 0x51000, PRESENT);
	value = sm_read64(KERNEL_MAPPED + 0xffd);
	assert_memory_equal(&value, ram + 0x61ffd, 3);
	assert_memory_equal((u8 *)&value + 3, ram + 0x51000, 5);
}

static void half_a_read_is_none(void **state)
{
	u8 buf[16], zero[16] = {0};

	(void)state;
	map(USER_VA, 0x60000, ALL);
	memset(buf, 0xaa, sizeof(buf));
	assert_int_equal(sm_read_user(buf, USER_VA + 0xffc, 16), -SM_EFAULT);
	assert_memory_equal(buf, ram + 0x60ffc, 4);
	assert_memory_equal(buf + 4, zero, 12);
	map(KERNEL_MAPPED, 0x61000, PRESENT);
	assert_int_equal(sm_read(buf, KERNEL_MAPPED + 0xffc, 8), -SM_EFAULT);
	assert_int_equal(sm_read64(KERNEL_MAPPED + 0xffc), 0);
}

static void missing_entries_fault(void **state)
{
	int level;

	(void)state;
	for (level = 0; level <= 3; level++) {
		u64 *entry;

		map(KERNEL_MAPPED, 0x61000, PRESENT);
		assert_reads(KERNEL_MAPPED, 0x61000, 8);
		entry = entry_for(KERNEL_MAPPED, level, PRESENT);
		*entry &= ~PRESENT;
		assert_faults(KERNEL_MAPPED);
		*entry |= PRESENT;
	}
}

static void spaces_are_apart(void **state)
{
	int level;

	(void)state;
	map(USER_VA, 0x60000, ALL);
	map(KERNEL_MAPPED, 0x61000, PRESENT);
	assert_faults(USER_VA);
	assert_faults(0);
	assert_faults_user(KERNEL_MAPPED);
	assert_faults_user(PAGE_OFFSET + 0x41000);
	assert_faults_user(KERNEL_VA + 0x30000);

	/* One supervisor entry on the way makes a user address the kernel's ... */
	for (level = 0; level <= 3; level++) {
		u64 *entry = entry_for(USER_VA, level, ALL);

		*entry &= ~USER;
		assert_faults_user(USER_VA);
		*entry |= USER;
		assert_reads_user(USER_VA, 0x60000, 8);
	}
	/* ... and what user space reaches is no kernel memory; U in upper levels alone means
	 * nothing. */
	map(0xfffffe0000000000, 0x60000, ALL);
	assert_faults(0xfffffe0000000000);
	*entry_for(0xfffffe0000000000, 0, ALL) &= ~USER;
	assert_reads(0xfffffe0000000000, 0x60000, 8);
}

static void addresses_that_are_none(void **state)
{
	static const u64 addresses[] = {
		0x0000800000000000,
		0xffff7fffffffffff,
		0x0008800000000000,
		0x8000000000000000,
		0x00007ffffffffffc,
		0xfffffffffffffffc,
		0,
	};
	size_t i;

	(void)state;
	/* All of both halves is mapped; the holes and ends are not. */
	for (i = 0; i < 512; i++)
		((u64 *)(ram + ROOT))[i] = 0x9000 | (i < 256 ? ALL : PRESENT);
	for (i = 0; i < 512; i++)
		((u64 *)(ram + 0x9000))[i] = LARGE | (ALL);
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		assert_faults(addresses[i]);
		if (addresses[i])
			assert_faults_user(addresses[i]);
	}
	/* The window's own address is one of the guest's, if the guest maps it. */
	assert_reads(SM_WINDOW_VA + 0x41000, 0x41000, 8);
}

static void tables_and_pages_beyond_the_limit(void **state)
{
	static const u64 beyond[] = {SM_RAM_LIMIT,   SM_RAM_LIMIT - SM_PAGE_SIZE, SM_WINDOW_GPA,
				     SM_PRIVATE_GPA, 0x000ffffffffff000,          RAM_SIZE};
	size_t i;
	int level;

	(void)state;
	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		for (level = 0; level <= 3; level++) {
			u64 *entry, old;

			map(KERNEL_MAPPED, 0x61000, PRESENT);
			entry = entry_for(KERNEL_MAPPED, level, PRESENT);
			old = *entry;
			*entry = beyond[i] | PRESENT;
			assert_faults(KERNEL_MAPPED);
			if (level == 1 || level == 2) {
				*entry = beyond[i] | PRESENT | LARGE;
				if (beyond[i] >= 1ULL << 30)
					assert_faults(KERNEL_MAPPED);
			}
			*entry = old;
		}
		cr3 = beyond[i];
		assert_faults(KERNEL_MAPPED);
		cr3 = ROOT;
	}
}

static void tables_may_contain_themselves(void **state)
{
	u64 self = 0xffff000000000000 | 300ULL << 39 | 300ULL << 30 | 300ULL << 21 | 300ULL << 12;

	(void)state;
	*entry_at(ROOT, self, 3) = ROOT | PRESENT;
	assert_reads(self, ROOT, SM_PAGE_SIZE);
}

static void cr3_has_other_bits(void **state)
{
	(void)state;
	map(KERNEL_MAPPED, 0x61000, PRESENT);
	cr3 = ROOT | NX | 0xfff;
	assert_reads(KERNEL_MAPPED, 0x61000, 8);
}

static void put_string(u64 gpa, const char *string)
{
	memcpy(ram + gpa, string, strlen(string) + 1);
}

static void strings_end_where_they_end(void **state)
{
	char buf[32];
	u32 start;

	(void)state;
	for (start = 0; start < 16; start++) {
		put_string(0x60000 + start, "security");
		memset(buf, '#', sizeof(buf));
		assert_int_equal(sm_read_string(buf, PAGE_OFFSET + 0x60000 + start, sizeof(buf)),
				 8);
		assert_string_equal(buf, "security");
		assert_int_equal(buf[9], '#');
	}
	put_string(0x60000, "");
	assert_int_equal(sm_read_string(buf, PAGE_OFFSET + 0x60000, sizeof(buf)), 0);
	assert_string_equal(buf, "");
}

static void strings_are_cut(void **state)
{
	char buf[16];

	(void)state;
	put_string(0x60001, "0123456789");
	memset(buf, '#', sizeof(buf));
	assert_int_equal(sm_read_string(buf, PAGE_OFFSET + 0x60001, 11), 10);
	assert_string_equal(buf, "0123456789");
	assert_int_equal(sm_read_string(buf, PAGE_OFFSET + 0x60001, 10), 10);
	assert_string_equal(buf, "012345678");
	assert_int_equal(sm_read_string(buf, PAGE_OFFSET + 0x60001, 1), 1);
	assert_string_equal(buf, "");
	assert_int_equal(buf[11], '#');
}

static void strings_cross_pages(void **state)
{
	char buf[16];

	(void)state;
	map(KERNEL_MAPPED, 0x60000, PRESENT);
	put_string(0x60ffa, "abcdef");
	put_string(0x50000, "ghi");
	assert_int_equal(sm_read_string(buf, KERNEL_MAPPED + 0xffa, sizeof(buf)), -SM_EFAULT);
	assert_string_equal(buf, "");
	map(KERNEL_MAPPED + 0x1000, 0x50000, PRESENT);
	assert_int_equal(sm_read_string(buf, KERNEL_MAPPED + 0xffa, sizeof(buf)), 9);
	assert_string_equal(buf, "abcdefghi");
	memset(buf, '#', sizeof(buf));
	assert_int_equal(sm_read_string(buf, KERNEL_MAPPED + 0xffa, 9), 9);
	assert_string_equal(buf, "abcdefgh");
	assert_int_equal(buf[9], '#');
	/* Nothing behind the end is looked at. */
	put_string(0x60ffa, "abcde");
	*entry_for(KERNEL_MAPPED + 0x1000, 0, PRESENT) = 0;
	assert_int_equal(sm_read_string(buf, KERNEL_MAPPED + 0xffa, sizeof(buf)), 5);
	assert_int_equal(sm_read_string(buf, 0, sizeof(buf)), -SM_EFAULT);
}

static void strings_of_user_space_are_counted(void **state)
{
	char buf[64];
	u32 count = 3;

	(void)state;
	map(USER_VA, 0x60000, ALL);
	memcpy(ram + 0x60ff3, "ls\0-l\0/tmp\0X", 13);
	assert_int_equal(sm_read_user_strings(buf, USER_VA + 0xff3, sizeof(buf), &count), 11);
	assert_int_equal(count, 0);
	assert_memory_equal(buf, "ls\0-l\0/tmp", 11);

	count = 1000; /* the page ends before they do */
	assert_int_equal(sm_read_user_strings(buf, USER_VA + 0xff3, sizeof(buf), &count), 13);
	assert_int_equal(count, 1000 - 4);

	count = 3;
	assert_int_equal(sm_read_user_strings(buf, USER_VA + 0xff3, 7, &count), 7);
	assert_int_equal(count, 1);
	count = 0;
	assert_int_equal(sm_read_user_strings(buf, USER_VA + 0xff3, 7, &count), 0);
	count = 1;
	assert_int_equal(sm_read_user_strings(buf, PAGE_OFFSET + 0x60000, 7, &count), 0);
	assert_int_equal(count, 1);
}

/* With no RAM behind it, so that no word may reach over its end. */
#define LAST_PAGE (RAM_SIZE - SM_PAGE_SIZE)

/* Reads of every length and alignment, up to and over the end of a page: no byte too much or too
 * few. */
static void reads_of_all_lengths(void **state)
{
	u8 buf[64], want[64];
	u32 offset, len;

	(void)state;
	map(KERNEL_MAPPED, LAST_PAGE, PRESENT);
	map(KERNEL_MAPPED + 0x1000, 0x51000, PRESENT);
	for (offset = SM_PAGE_SIZE - 40; offset < SM_PAGE_SIZE + 8; offset++) {
		for (len = 0; len <= 40; len++) {
			u32 i;

			memset(buf, '#', sizeof(buf));
			memset(want, '#', sizeof(want));
			for (i = 0; i < len; i++)
				want[i] = offset + i < SM_PAGE_SIZE
						  ? ram[LAST_PAGE + offset + i]
						  : ram[0x51000 + offset + i - SM_PAGE_SIZE];
			assert_int_equal(sm_read(buf, KERNEL_MAPPED + offset, len), 0);
			assert_memory_equal(buf, want, sizeof(buf));
		}
	}
}

/* What sm_read_user_strings() promises, byte by byte. */
static u32 expected_strings(u8 *dst, const u8 *src, u32 readable, u32 size, u32 *count)
{
	u32 len = 0;

	while (len < size && len < readable && *count) {
		dst[len] = src[len];
		*count -= src[len++] == 0;
	}
	return len;
}

/* Texts of letters, NULs and the bytes that word-wise searches for NULs take for one. */
static void strings_of_all_shapes(void **state)
{
	static const u8 alphabet[] = {0, 1, 'a', 0x7f, 0x80, 0x81, 0xff, 'b'};
	u8 got[80], want[80], *text = ram + LAST_PAGE;
	unsigned int round;

	(void)state;
	map(USER_VA, LAST_PAGE, ALL);
	srand(1);
	for (round = 0; round < 200000; round++) {
		u32 offset = SM_PAGE_SIZE - 64 + (u32)rand() % 64, size = (u32)rand() % 72, i;
		u32 count = (u32)rand() % 6, want_count = count, len;
		u32 letters = round % 3 ? 8 : 2;

		for (i = SM_PAGE_SIZE - 64; i < SM_PAGE_SIZE; i++)
			text[i] = alphabet[(u32)rand() % letters];
		memset(got, '#', sizeof(got));
		memset(want, '#', sizeof(want));
		len = expected_strings(want, text + offset, SM_PAGE_SIZE - offset, size,
				       &want_count);
		assert_int_equal(sm_read_user_strings((char *)got, USER_VA + offset, size, &count),
				 len);
		assert_int_equal(count, want_count);
		assert_memory_equal(got, want, sizeof(got));
	}
}

static void strings_without_ram(void **state)
{
	char buf[16] = "#";
	u32 count = 2;

	(void)state;
	assert_int_equal(sm_read_string(buf, PAGE_OFFSET + RAM_SIZE, sizeof(buf)), -SM_EFAULT);
	assert_string_equal(buf, "");
	map(USER_VA, 0x60000, ALL);
	map(USER_VA + 0x1000, RAM_SIZE, ALL);
	memcpy(ram + 0x60ffb, "ab\0cd", 5);
	assert_int_equal(sm_read_user_strings(buf, USER_VA + 0xffb, sizeof(buf), &count), 5);
	assert_int_equal(count, 1);
	assert_memory_equal(buf, "ab\0cd", 5);
}

static void assert_member(struct sm_object object, u64 offset, u64 gpa)
{
	u64 value = 0;
	u32 half = 0;

	if (gpa) {
		memcpy(&value, ram + gpa, sizeof(value));
		memcpy(&half, ram + gpa, sizeof(half));
	}
	assert_true(sm_get64(object, offset) == value);
	assert_int_equal(sm_get32(object, offset), half);
}

static void objects_are_read_wherever_they_are(void **state)
{
	u64 end = PAGE_OFFSET + DIRECT_MAP_SIZE;

	(void)state;
	assert_member(sm_object(PAGE_OFFSET + 0x50003, 0x100), 0x21, 0x50024);
	assert_int_not_equal(sm_object(PAGE_OFFSET + 0x50003, 0x100).window, 0);
	assert_member(sm_object(KERNEL_VA + 0x30000, 0x100), 0x20, KERNEL_PA + 0x30020);
	map(KERNEL_MAPPED, 0x61000, PRESENT);
	assert_member(sm_object(KERNEL_MAPPED + 0xf80, 0x100), 0x20, 0x61fa0);
	assert_member(sm_object(KERNEL_MAPPED + 0xf80, 0x100), 0x80, 0);
	assert_member(sm_object(PAGE_OFFSET + RAM_SIZE - 0x80, 0x100), 0x80, 0);
	assert_member(sm_object(PAGE_OFFSET + RAM_SIZE - 0x80, 0x100), 0x10, RAM_SIZE - 0x70);
	assert_member(sm_object(0, 0x100), 0x20, 0);

	/* Only what lies in the direct map from its first byte to its last is taken for that. */
	assert_int_not_equal(sm_object(end - 0x100, 0x100).window, 0);
	assert_int_equal(sm_object(end - 0xff, 0x100).window, 0);
	assert_int_equal(sm_object(end - 1, 0x100).window, 0);
	assert_int_equal(sm_object(end, 0x100).window, 0);
	assert_int_equal(sm_object(end + 0x1000, 0x100).window, 0);
	assert_int_equal(sm_object(PAGE_OFFSET - 1, 0x100).window, 0);
	assert_int_equal(sm_object(PAGE_OFFSET - 0x80, 0x100).window, 0);
	assert_int_equal(sm_object(PAGE_OFFSET + 8, DIRECT_MAP_SIZE).window, 0);
	assert_int_equal(sm_object(PAGE_OFFSET + 8, ~0ULL).window, 0);
	assert_int_equal(sm_object(~0ULL, 0x100).window, 0);
}

static void objects_on_stacks_are_found_once(void **state)
{
	struct sm_object object;

	(void)state;
	map(KERNEL_MAPPED, 0x61000, PRESENT);
	object = sm_stack_object(KERNEL_MAPPED + 0xf00, 0x100);
	assert_int_not_equal(object.window, 0);
	assert_member(object, 0xf8, 0x61ff8);
	object = sm_stack_object(KERNEL_MAPPED + 0xf01, 0x100);
	assert_int_equal(object.window, 0);
	assert_member(object, 0x20, 0x61f21);
	assert_member(sm_stack_object(PAGE_OFFSET + 0x50003, 0x100), 0x21, 0x50024);
	assert_member(sm_stack_object(PAGE_OFFSET + RAM_SIZE, 0x100), 0x20, 0);
	assert_int_equal(sm_stack_object(KERNEL_MAPPED, ~0ULL).window, 0);
	assert_int_equal(sm_stack_object(USER_VA, 0x100).window, 0);

	/* What user space can reach is none of the kernel's. */
	map(KERNEL_MAPPED + (1ULL << 40), 0x62000, ALL);
	assert_int_equal(sm_stack_object(KERNEL_MAPPED + (1ULL << 40), 0x100).window, 0);
	map(KERNEL_MAPPED + 0x2000, SM_RAM_LIMIT, PRESENT);
	assert_int_equal(sm_stack_object(KERNEL_MAPPED + 0x2000, 0x100).window, 0);
}

static void integers_of_the_image_are_read_to_its_end(void **state)
{
	u64 value;
	u32 i;

	(void)state;
	for (i = 0; i < 16; i++) {
		memcpy(&value, ram + KERNEL_PA + 0x30000 + i, sizeof(value));
		assert_true(sm_read64(KERNEL_VA + 0x30000 + i) == value);
		assert_int_equal(sm_read32(KERNEL_VA + 0x30000 + i), (u32)value);
		assert_int_equal(sm_read16(KERNEL_VA + 0x30000 + i), (u16)value);
		assert_int_equal(sm_read8(KERNEL_VA + 0x30000 + i), (u8)value);
	}
	/* Before it is what the page tables say. */
	map(KERNEL_VA - 0x1000, 0x63000, PRESENT);
	memcpy(&value, ram + 0x63ff8, sizeof(value));
	assert_true(sm_read64(KERNEL_VA - 8) == value);
	assert_int_equal(sm_read8(KERNEL_VA - 1), ram[0x63fff]);
	/* Its last pages are no RAM here. */
	assert_int_equal(sm_read64(KERNEL_VA + 0x40000000 - 8), 0);
	assert_int_equal(sm_read32(KERNEL_VA + 0x40000000 - 4), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(direct_map_is_subtraction),
		TEST(direct_map_without_ram_faults),
		TEST(kernel_image_is_at_its_place),
		TEST(small_pages_are_walked),
		TEST(large_pages_are_walked),
		TEST(pages_next_to_each_other_need_not_be_in_ram),
		TEST(half_a_read_is_none),
		TEST(missing_entries_fault),
		TEST(spaces_are_apart),
		TEST(addresses_that_are_none),
		TEST(tables_and_pages_beyond_the_limit),
		TEST(tables_may_contain_themselves),
		TEST(cr3_has_other_bits),
		TEST(strings_end_where_they_end),
		TEST(strings_are_cut),
		TEST(strings_cross_pages),
		TEST(strings_of_user_space_are_counted),
		TEST(reads_of_all_lengths),
		TEST(strings_of_all_shapes),
		TEST(strings_without_ram),
		TEST(objects_are_read_wherever_they_are),
		TEST(objects_on_stacks_are_found_once),
		TEST(integers_of_the_image_are_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
