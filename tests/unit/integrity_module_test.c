// SPDX-License-Identifier: GPL-2.0-or-later
/* Modules' text: what the kernel patches in it, modules that come and go, and what a hostile kernel says of them. */
#include "integrity_fixture.h"

#define CODE(offset)  module_ram(MODULE_CODE + (offset))
#define TABLE(offset) module_ram(MODULE_TABLES + (offset))

/* Where the tables of the first module are, from MODULE_TABLES on. */
#define JUMPS_AT  0x000
#define CALLS_AT  0x100
#define LOCKS_AT  0x200
#define TRACED_AT 0x300

static const u8 nop[] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
static u64 locks; /* struct smp_alt_module */

static void put_relative(u32 table, u64 code)
{
	put32(TABLE(table), (u32)(MODULE_CODE + code - (MODULE_TABLES + table)));
}

/* Of each kind of site one, and one across a border of pages. */
static void fill_sites(void)
{
	static const u8 call[] = {0xe8, 0x00, 0x01, 0x00, 0x00};
	static const u8 trampoline[] = {0xe9, 0x10, 0x00, 0x00, 0x00, 0x0f, 0xb9, 0xcc};

	put_bytes(CODE(0x100), nop, 5);
	put_bytes(CODE(0x200), "\x66\x90", 2);
	put_bytes(CODE(0x300), call, 5);
	put_bytes(CODE(0x400), "\x3e", 1);
	put_bytes(CODE(0x500), nop, 5);
	put_bytes(CODE(0xffc), trampoline, 8);
	put_relative(JUMPS_AT, 0x100);
	put_relative(JUMPS_AT + 16, 0x200);
	put_relative(CALLS_AT, 0x300);
	put_relative(LOCKS_AT, 0x400);
	put64(TABLE(TRACED_AT), MODULE_CODE + 0x500);
	PUT64(module, module, jump_entries, MODULE_TABLES + JUMPS_AT);
	PUT32(module, module, num_jump_entries, 2);
	PUT64(module, module, static_call_sites, MODULE_TABLES + CALLS_AT);
	PUT32(module, module, num_static_call_sites, 1);
	PUT64(module, module, ftrace_callsites, MODULE_TABLES + TRACED_AT);
	PUT32(module, module, num_ftrace_callsites, 1);
	locks = new_object(0x28);
	PUT64(locks, smp_alt_module, mod, module);
	PUT64(locks, smp_alt_module, locks, MODULE_TABLES + LOCKS_AT);
	PUT64(locks, smp_alt_module, locks_end, MODULE_TABLES + LOCKS_AT + 4);
	PUT64(locks, smp_alt_module, next, SM_SYMBOL(smp_alt_modules));
	put64(sm_read64(SM_SYMBOL(smp_alt_modules)), locks + SM_OFFSET(smp_alt_module, next));
}

static int setup_modules(void **state)
{
	int err = setup(state);

	if (!err)
		fill_sites();
	return err;
}

/* It went and came again, unseen, at the same place. */
static void load_again(u64 of)
{
	put_into_sysfs(of);
}

static void expect_known_again(void)
{
	assert_true(await(MODULE_GONE));
	assert_int_equal(last.address, MODULE_CODE);
	assert_true(await(BASELINE));
	assert_int_equal(last.address, MODULE_CODE);
	assert_nothing_is_told();
}

static void what_the_kernel_patches_is_no_alarm(void **state)
{
	static const u8 jump[] = {0xe9, 0x20, 0x00, 0x00, 0x00};

	(void)state;
	assert_true(await(BASELINE));
	assert_int_equal(last.address, TEXT);
	assert_int_equal(look(ENOUGH, BASELINE), 1);
	ASSERT_TEXT(&last, name, "evil");
	put_bytes(CODE(0x100), jump, 5);
	put_bytes(CODE(0x200), "\xeb\x10", 2);
	put_bytes(CODE(0x300), nop, 5);
	put_bytes(CODE(0x400), "\xf0", 1);
	put_bytes(CODE(0x500), "\xe8\xfb\x0a\x00\x00", 5);
	put_bytes(CODE(0xffc), "\xc3\xcc\xcc\xcc\xcc", 5);
	assert_nothing_is_told();
}

static void a_probe_is_no_alarm(void **state)
{
	(void)state;
	PUT64(probe, kprobe, addr, MODULE_CODE + 0x1800);
	put_bytes(probe + SM_OFFSET(kprobe, opcode), (u8[]){0x90}, 1);
	put_bytes(CODE(0x1800), "\xcc", 1);
	assert_nothing_is_told();
}

static void a_byte_of_text(void **state)
{
	(void)state;
	put_bytes(CODE(0x1234), "\xc3", 1);
	assert_int_equal(look(ENOUGH, MODULE_TEXT), 1);
	assert_int_equal(last.address, MODULE_CODE + 0x1000);
	assert_true(last.expected != last.found);
	ASSERT_TEXT(&last, name, "evil");
}

static void a_site_that_holds_something_else(void **state)
{
	(void)state;
	put_bytes(CODE(0x500), "\x48\x31\xc0\xc3\x90", 5);
	assert_int_equal(look(ENOUGH, MODULE_TEXT_SITE), 1);
	assert_int_equal(last.address, MODULE_CODE + 0x500);
	assert_int_equal(last.found & 0xff, 0x48);
	ASSERT_TEXT(&last, name, "evil");
	put_bytes(CODE(0x500), nop, 5);
	assert_nothing_is_told();
}

static void one_that_goes_is_not_looked_at(void **state)
{
	(void)state;
	PUT32(module, module, state, 2);
	put_bytes(CODE(0x1100), "\x55", 1);
	assert_int_equal(look(ENOUGH, MODULE_GONE), 1);
	assert_int_equal(last.address, MODULE_CODE);
	assert_nothing_is_told();
}

static void one_that_comes_again_is_another(void **state)
{
	(void)state;
	PUT32(module, module, state, 0);
	assert_int_equal(look(ENOUGH, BASELINE), 1);
	put_bytes(CODE(0x1100), "\x56", 1);
	load_again(module);
	expect_known_again();
	put_bytes(CODE(0x1100), "\x57", 1);
	assert_int_equal(look(ENOUGH, MODULE_TEXT), 1);
}

/* Its length is not to be seen then. */
static void a_site_that_is_just_being_patched(void **state)
{
	u32 i;

	(void)state;
	put_bytes(CODE(0x200), "\xcc\x10", 2);
	load_again(module);
	assert_true(await(MODULE_GONE));
	for (i = 0; i < 100; i++)
		integrity_task(0, 0);
	put_bytes(CODE(0x200), "\xeb\x10", 2);
	assert_true(await(BASELINE));
	put_bytes(CODE(0x200), "\x66\x90", 2);
	assert_nothing_is_told();
}

/* --- hostile ---------------------------------------------------------------------------------- */

/* Of one that was known: that there is no room is told, once. */
static void expect_refused(void)
{
	load_again(module);
	assert_true(await(MODULE_GONE));
	assert_int_equal(look(ENOUGH, NOT_CHECKED), 1);
	assert_int_equal(last.address, MODULE_CODE);
	ASSERT_TEXT(&last, name, "evil");
}

/* It is as it should be again. */
static void expect_known(void)
{
	load_again(module);
	assert_int_equal(look(ENOUGH, BASELINE), 1);
	ASSERT_TEXT(&last, name, "evil");
}

/* An array of addresses, all of the same place, so long that a few bytes less were too many for one page. */
#define ENDLESS     (MODULE_CODE + 0x10000)
#define ENDLESS_RAM 0x38000

static void map_endless(void)
{
	u64 i;

	for (i = 0; i < 512; i++)
		put64(PAGE_OFFSET + ENDLESS_RAM + 8 * i, MODULE_CODE + 0x500);
	for (i = 16; i < 512; i++)
		put64(PAGE_OFFSET + 0x7000 + 8 * i, ENDLESS_RAM | 1);
}

static void tables_that_are_too_long(void **state)
{
	(void)state;
	map_endless();
	PUT32(module, module, num_jump_entries, 0xffffffff);
	expect_refused();
	PUT32(module, module, num_jump_entries, 2);
	expect_known();
	PUT64(module, module, ftrace_callsites, ENDLESS);
	PUT32(module, module, num_ftrace_callsites, MODULE_BYTES);
	expect_refused();
	PUT64(module, module, ftrace_callsites, MODULE_TABLES + TRACED_AT);
	PUT32(module, module, num_ftrace_callsites, 1);
	expect_known();
}

static void sizes_that_cannot_be(void **state)
{
	(void)state;
	PUT32(memory_of(module), module_memory, size, 0xffffffff);
	expect_refused();
	PUT32(memory_of(module), module_memory, size, MODULE_BYTES);
	expect_known();
}

/* Tables that are nowhere have no places; lists and addresses that lead nowhere or round end. */
static void tables_that_are_nowhere(void **state)
{
	u64 next = sm_read64(locks + SM_OFFSET(smp_alt_module, next));

	(void)state;
	PUT64(module, module, jump_entries, NOWHERE);
	PUT64(module, module, static_call_sites, -16ULL);
	PUT64(locks, smp_alt_module, mod, NOWHERE);
	PUT64(locks, smp_alt_module, next, locks + SM_OFFSET(smp_alt_module, next));
	load_again(module);
	expect_known_again();
	PUT64(module, module, mkobj.kobj.sd, NOWHERE);
	expect_known_again();
	PUT64(module, module, jump_entries, MODULE_TABLES + JUMPS_AT);
	PUT64(module, module, static_call_sites, MODULE_TABLES + CALLS_AT);
	PUT64(locks, smp_alt_module, mod, module);
	PUT64(locks, smp_alt_module, next, next);
	load_again(module);
	expect_known_again();
}

/* --- no room ---------------------------------------------------------------------------------- */

static void go(u64 of)
{
	PUT32(of, module, state, 2);
	assert_int_equal(look(ENOUGH, MODULE_GONE), 1);
	PUT32(of, module, state, 0);
}

static void pages_that_others_have(void **state)
{
	struct region *others = integrity_region(REGIONS - 1);

	(void)state;
	go(module);
	*others = (struct region){.base = MODULES_FROM, .pages = PAGES_MAX - 6};
	assert_true(integrity_place(others));
	memset(hashes + others->first, 0, others->pages * sizeof(hashes[0]));
	others->state = REGION_KNOWN;
	assert_int_equal(look(ENOUGH, NOT_CHECKED), 1);
	/* As soon as they go, there is. */
	integrity_let_go(others);
	take_event();
	assert_int_equal(look(2 * ENOUGH, BASELINE), 1);
	ASSERT_TEXT(&last, name, "evil");
}

/* Also if others had all pages when the pass began that goes on. */
#define ENOUGH_FOR_ALL_PAGES (8 * ENOUGH)

static void more_modules_than_are_known(void **state)
{
	u64 other = new_module("other", MODULE_CODE + 0x3000, 0x1000);
	u32 i;

	(void)state;
	put64(PAGE_OFFSET + 0x7000 + 8 * 3, (MODULE_RAM + 0x3000) | 1);
	put_list(module + SM_OFFSET(module, list), other + SM_OFFSET(module, list));
	put64(module + SM_OFFSET(module, list) + 8, SM_SYMBOL(modules));
	put64(other + SM_OFFSET(module, list), SM_SYMBOL(modules));
	put64(IMAGE(modules) + 8, other + SM_OFFSET(module, list));
	PUT64(node_of(module), rb_node, rb_right, node_of(other));
	for (end = REGIONS, i = FIRST_MODULE; i < end; i++)
		if (integrity_region(i)->state == REGION_FREE)
			*integrity_region(i) = (struct region){.state = REGION_NO_ROOM};
	assert_int_equal(look(ENOUGH, NOT_CHECKED), 1);
	ASSERT_TEXT(&last, name, "other");
	/* The first goes on being looked at, and when it goes there is room. */
	put_bytes(CODE(0x1500), "\x12", 1);
	assert_int_equal(look(ENOUGH_FOR_ALL_PAGES, MODULE_TEXT), 1);
	PUT32(module, module, state, 2);
	assert_true(await(BASELINE));
	ASSERT_TEXT(&last, name, "other");
	put_bytes(CODE(0x3500), "\x12", 1);
	assert_int_equal(look(ENOUGH_FOR_ALL_PAGES, MODULE_TEXT), 1);
	ASSERT_TEXT(&last, name, "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_patches_is_no_alarm),
		cmocka_unit_test(a_probe_is_no_alarm),
		cmocka_unit_test(a_byte_of_text),
		cmocka_unit_test(a_site_that_holds_something_else),
		cmocka_unit_test(one_that_goes_is_not_looked_at),
		cmocka_unit_test(one_that_comes_again_is_another),
		cmocka_unit_test(a_site_that_is_just_being_patched),
		cmocka_unit_test(tables_that_are_too_long),
		cmocka_unit_test(sizes_that_cannot_be),
		cmocka_unit_test(tables_that_are_nowhere),
		cmocka_unit_test(pages_that_others_have),
		cmocka_unit_test(more_modules_than_are_known),
	};

	return cmocka_run_group_tests(tests, setup_modules, monitor_teardown);
}
