// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's text, tables and lists. */
#include "integrity_fixture.h"

static void a_whole_kernel_is_read_once_and_told_of(void **state)
{
	(void)state;
	assert_true(await(BASELINE));
	assert_int_equal(last.address, TEXT);
	assert_int_equal(last.found, 4 + 2);
	assert_true(await(BASELINE));
	assert_int_equal(last.address, MODULE_CODE);
	assert_int_equal(last.found, 2);
	ASSERT_TEXT(&last, name, "evil");
	assert_nothing_is_told();
}

static void what_the_kernel_patches_is_no_alarm(void **state)
{
	static const u8 jump[] = {0xe9, 0x20, 0x00, 0x00, 0x00};
	/* From TEXT + 0x400 to MODULE_CODE. */
	static const u8 call[] = {0xe8, 0xfb, 0xfb, 0xff, 0x3f};

	(void)state;
	put_bytes(image(TEXT + 0x100), jump, 5);
	put_bytes(image(TEXT + 0x200), "\xeb\x10", 2);
	put_bytes(image(TEXT + 0x300), "\xc3\xcc\xcc\xcc\xcc", 5);
	put_bytes(image(TEXT + 0x400), call, 5);
	put_bytes(image(TEXT + 0x1ffd), call, 5);
	put_bytes(image(TEXT + 0x3004), "\xc3\xcc\xcc\xcc\xcc", 5);
	put_bytes(image(TEXT + 0x500), "\xf0", 1);
	put_bytes(image(TEXT + 0x800), "\xcc", 1);
	assert_nothing_is_told();
	/* The probe becomes a jump; what it replaced is kept beside it. */
	put_bytes(probe + 0x90, (u8[]){0x98, 0x90, 0x90, 0x90}, 4);
	PUT32(probe, kprobe, flags, 4);
	put_bytes(image(TEXT + 0x800), jump, 5);
	assert_nothing_is_told();
}

static void a_byte_of_text(void **state)
{
	(void)state;
	put_bytes(image(TEXT + 0x2345), "\xc3", 1);
	assert_int_equal(look(ENOUGH, KERNEL_TEXT), 1);
	assert_int_equal(last.address, TEXT + 0x2000);
	assert_true(last.expected != last.found);
	/* Breakpoints that are no kprobe's, too. */
	put_bytes(image(TEXT + 0x2345), "\xcc", 1);
	assert_int_equal(look(ENOUGH, KERNEL_TEXT), 1);
}

static void a_site_that_holds_something_else(void **state)
{
	static const u8 call[] = {0xe8, 0x00, 0x00, 0x00, 0x80}; /* to what is no text */

	(void)state;
	put_bytes(image(TEXT + 0x400), "\x48\x31\xc0\xc3\x90", 5);
	assert_int_equal(look(ENOUGH, KERNEL_TEXT_SITE), 1);
	assert_int_equal(last.address, TEXT + 0x400);
	assert_int_equal(last.found & 0xff, 0x48);
	put_bytes(image(TEXT + 0x400), call, 5);
	assert_int_equal(look(ENOUGH, KERNEL_TEXT_SITE), 1);
	put_bytes(image(TEXT + 0x400), "\x0f\x1f\x44\x00\x00", 5);
	assert_nothing_is_told();
}

static void read_only_data(void **state)
{
	(void)state;
	put_bytes(image(TEXT + 0x5fff), "x", 1);
	assert_int_equal(look(ENOUGH, KERNEL_RODATA), 1);
	assert_int_equal(last.address, TEXT + 0x5000);
}

/* --- tables --------------------------------------------------------------------------------- */

static void words_of_tables(void **state)
{
	(void)state;
	put64(idt + 8 * 100, 0x1234);
	assert_int_equal(look(ENOUGH, IDT_GATE), 1);
	assert_int_equal(last.address, IDT_ADDRESS + 8 * 100);
	assert_int_equal(last.expected, 100);
	assert_int_equal(last.found, 0x1234);
	put64(IMAGE(sys_call_table) + 8 * 7, NOWHERE);
	assert_int_equal(look(ENOUGH, SYSCALL_TABLE), 1);
	assert_int_equal(last.found, NOWHERE);
	put_bytes(IMAGE(modprobe_path), "/tmp/x", 7);
	assert_int_equal(look(ENOUGH, MODPROBE_PATH), 1);
}

static void segments(void **state)
{
	(void)state;
	put64(GDT + 8 * 12, 0x00cff3000000ffffULL);
	assert_nothing_is_told(); /* thread-local storage */
	put64(GDT + 8 * 13, 0xffffec0000100000ULL);
	assert_int_equal(look(ENOUGH, GDT_ENTRY), 1); /* a call gate */
	assert_int_equal(last.address, GDT + 8 * 13);
	put64(GDT + 8 * 13, 0);
	put64(GDT + 8 * 2, 0x00afff000000ffffULL);
	assert_int_equal(look(ENOUGH, GDT_ENTRY), 1);
	put64(GDT + 8 * 2, 0x00af9b000000ffffULL);
}

static void hooks_of_security_modules(void **state)
{
	(void)state;
	put64(hook[0], 0);
	assert_int_equal(look(ENOUGH, LSM_HOOK), 1);
	assert_int_equal(last.address, SM_SYMBOL(security_hook_heads));
	PUT64(hook[0], security_hook_list, hook, NOWHERE);
	assert_int_equal(look(ENOUGH, LSM_HOOK), 2); /* it changed, and it is no text */
}

static void functions_of_probes(void **state)
{
	(void)state;
	PUT64(ops, ftrace_ops, func, MODULE_CODE + MODULE_BYTES);
	assert_int_equal(look(ENOUGH, FTRACE_OPS), 1);
	assert_int_equal(last.address, ops);
	PUT64(ops, ftrace_ops, func, MODULE_CODE + MODULE_BYTES - 1);
	PUT64(probe, kprobe, post_handler, NOWHERE);
	assert_int_equal(look(ENOUGH, KPROBE), 1);
	assert_int_equal(last.expected, TEXT + 0x800);
	PUT64(probe, kprobe, post_handler, 0);
	assert_nothing_is_told();
}

/* --- what is hidden ------------------------------------------------------------------------- */

static void a_module_that_left_the_list(void **state)
{
	(void)state;
	put64(IMAGE(modules), SM_SYMBOL(modules));
	put64(IMAGE(modules) + 8, SM_SYMBOL(modules));
	assert_int_equal(look(ENOUGH, HIDDEN_MODULE), 1);
	assert_int_equal(last.address, module);
	ASSERT_TEXT(&last, name, "evil");
}

static void a_process_that_left_a_list(void **state)
{
	u64 node = init + SM_OFFSET(task_struct, tasks), other = new_object(0x10);
	u64 head = SM_SYMBOL(init_task) + SM_OFFSET(task_struct, tasks);

	(void)state;
	/* A ring of its own looks like the list from near. */
	put_list(other, node);
	put64(image(head), head);
	put64(image(head) + 8, head);
	assert_int_equal(look(20 * ENOUGH, HIDDEN_PROCESS), 1);
	assert_int_equal(last.pid, 80);
	put64(chunk + 0x28 + 8 * (80 - 64), 0);
	assert_int_equal(look(ENOUGH, HIDDEN_PID), 1);
	assert_int_equal(last.pid, 80);
}

/* Lists and trees without an end, and pointers to nowhere: checks end, and may say what they like. */
static void hostile_lists(void **state)
{
	u64 node = new_object(0x40);
	u32 i;

	(void)state;
	put64(node, node);
	put64(node + 8, node);
	put64(node + 16, node);
	put64(IMAGE(security_hook_heads), node);
	put64(IMAGE(ftrace_ops_list), node);
	put64(IMAGE(modules), node);
	put64(IMAGE(mod_tree) + 8, node);
	put64(IMAGE(module_kset), node);
	for (i = 0; i < 64; i++)
		put64(IMAGE(kprobe_table) + 8 * i, node);
	put64(IMAGE(init_pid_ns) + 8, node + 2);
	for (i = 0; i < ENOUGH; i++)
		integrity_tick(0);
	put64(IMAGE(init_pid_ns) + 8, NOWHERE + 2);
	put64(IMAGE(module_kset), NOWHERE);
	put64(IMAGE(mod_tree) + 8, NOWHERE);
	for (i = 0; i < ENOUGH; i++)
		integrity_tick(0);
	take_event();
}

/* They go on from each other: what the monitor knows it keeps. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_kernel_is_read_once_and_told_of),
		cmocka_unit_test(what_the_kernel_patches_is_no_alarm),
		cmocka_unit_test(a_byte_of_text),
		cmocka_unit_test(a_site_that_holds_something_else),
		cmocka_unit_test(read_only_data),
		cmocka_unit_test(words_of_tables),
		cmocka_unit_test(segments),
		cmocka_unit_test(hooks_of_security_modules),
		cmocka_unit_test(functions_of_probes),
		cmocka_unit_test(a_module_that_left_the_list),
		cmocka_unit_test(a_process_that_left_a_list),
		cmocka_unit_test(hostile_lists),
	};

	return cmocka_run_group_tests(tests, setup, monitor_teardown);
}
