// SPDX-License-Identifier: GPL-2.0-or-later
/* The monitor of the kernel's integrity on a fake kernel, which tests change as rootkits do. */
#include "monitor_fixture.h"

#include <arch.h>

#include "cpu.h"

#include "compartment/runtime/vcpu.c"
#include "monitors/integrity/hidden.c"
#include "monitors/integrity/monitor.c"
#include "monitors/integrity/probes.c"
#include "monitors/integrity/sites.c"
#include "monitors/integrity/tables.c"
#include "monitors/integrity/text.c"

#define TEXT        0xffffffff80000000ULL
#define MODULE_CODE 0xffffffffc0000000ULL
#define PAGE_OFFSET 0xffff888000000000ULL
#define GDT         (PAGE_OFFSET + 0x10080)

/* What tables and lists are made of. */
static u64 hook[2], ops, probe, module, kset, init, idle_pid, worker_pid, chunk, idt;
static u64 now = 1000;

u64 smc_tsc(void)
{
	return now += 1 << 20;
}

/* Where put64() finds what lies in the kernel's image: the fake kernel's image is behind 128 KiB. */
static u64 image(u64 address)
{
	return PAGE_OFFSET + 0x20000 + (address - TEXT);
}
#define IMAGE(symbol) image(SM_SYMBOL(symbol))

static void put_list(u64 head, u64 node)
{
	put64(head, node);
	put64(head + 8, node);
	put64(node, head);
	put64(node + 8, head);
}

static void fill_text(void)
{
	static const u8 nop[] = {0x0f, 0x1f, 0x44, 0x00, 0x00}, short_nop[] = {0x66, 0x90};
	static const u8 call[] = {0xe8, 0x00, 0x01, 0x00, 0x00};
	static const u8 trampoline[] = {0xe9, 0x10, 0x00, 0x00, 0x00, 0x0f, 0xb9, 0xcc};
	u64 i, page = new_object(0x20), records = new_object(0x20);

	for (i = 0; i < 0x6000; i += 8)
		put64(image(TEXT + i), 0x9090909090909090ULL + i);
	put_bytes(image(TEXT + 0x100), nop, 5); /* static key */
	put_bytes(image(TEXT + 0x200), short_nop, 2);
	put_bytes(image(TEXT + 0x300), call, 5); /* static call */
	put_bytes(image(TEXT + 0x1ffd), nop, 5); /* ftrace's, across a border */
	put_bytes(image(TEXT + 0x400), nop, 5);
	put_bytes(image(TEXT + 0x500), "\x3e", 1); /* lock prefix */
	put_bytes(image(TEXT + 0x3004), trampoline, 8);
	put_bytes(IMAGE(ftrace_call), call, 5);
	put_bytes(IMAGE(ftrace_regs_call), call, 5);
	put32(IMAGE(__start___jump_table), 0x100 - 0x8000);
	put32(IMAGE(__start___jump_table) + 16, 0x200 - 0x8010);
	put32(IMAGE(__start_static_call_sites), 0x300 - 0x8100);
	put32(IMAGE(__smp_locks), 0x500 - 0x8200);
	put_bytes(IMAGE(uniproc_patched), "\1", 1);
	put64(records, TEXT + 0x400);
	put64(records + 16, TEXT + 0x1ffd);
	PUT64(page, ftrace_page, records, records);
	PUT32(page, ftrace_page, index, 2);
	put64(IMAGE(ftrace_pages_start), page);
}

static void fill_tables(void)
{
	u64 table, i;

	for (i = 0; i < 8; i++)
		put64(IMAGE(sys_call_table) + 8 * i, TEXT + 0x600 + i);
	for (i = 1; i < 8; i++)
		put64(GDT + 8 * i, 0x00af9b000000ffffULL);
	for (i = 0; i < 2; i++) {
		hook[i] = new_object(0x28);
		PUT64(hook[i], security_hook_list, hook, TEXT + 0x700 + i);
	}
	put64(IMAGE(security_hook_heads), hook[0]);
	put64(hook[0], hook[1]);
	put_bytes(IMAGE(modprobe_path), "/sbin/modprobe", 15);
	/* The IDT's page, through four tables of the first pages of RAM. */
	idt = PAGE_OFFSET + 0x4000;
	put64(PAGE_OFFSET + 8 * 508, 0x1001);
	for (table = 0x1000; table < 0x4000; table += 0x1000)
		put64(PAGE_OFFSET + table, (table + 0x1000) | 1);
	for (i = 0; i < 512; i++)
		put64(idt + 8 * i, i);
}

static void fill_probes(void)
{
	ops = new_object(0x10);
	PUT64(ops, ftrace_ops, func, MODULE_CODE + 0x10);
	PUT64(ops, ftrace_ops, next, SM_SYMBOL(ftrace_list_end));
	put64(IMAGE(ftrace_ops_list), ops);
	probe = new_object(0x100);
	PUT64(probe, kprobe, list, probe + SM_OFFSET(kprobe, list));
	PUT64(probe, kprobe, addr, TEXT + 0x800);
	PUT64(probe, kprobe, pre_handler, TEXT + 0x900);
	put64(IMAGE(kprobe_table) + 8 * 3, probe);
	put_bytes(probe + SM_OFFSET(kprobe, opcode), (u8[]){0x90}, 1);
}

static void fill_modules(void)
{
	u64 memory = new_object(0x48), kobject = new_object(0x60);

	module = new_object(0x60);
	put_bytes(module + SM_OFFSET(module, name), "evil", 5);
	put_list(IMAGE(modules), module + SM_OFFSET(module, list));
	put64(module + SM_OFFSET(module, list), SM_SYMBOL(modules));
	put64(module + SM_OFFSET(module, list) + 8, SM_SYMBOL(modules));
	PUT64(memory, module_memory, base, MODULE_CODE);
	PUT32(memory, module_memory, size, 0x1000);
	put64(memory + 0x10, module);
	put64(IMAGE(mod_tree) + 8, memory + 0x18);
	kset = new_object(0x20);
	put64(IMAGE(module_kset), kset);
	put_list(kset, kobject + 8);
	put64(kobject + 0x40, module);
}

static u64 new_pid(u64 leader)
{
	u64 pid = new_object(0x40);

	put64(pid + SM_OFFSET(pid, tasks) + 8, leader + SM_OFFSET(task_struct, pid_links) + 16);
	PUT64(leader, task_struct, thread_pid, pid);
	return pid;
}

/* init_task, and the process of the current task. */
static void fill_processes(void)
{
	u64 leader = new_task(80, 80, "worker"),
	    head = SM_SYMBOL(init_task) + SM_OFFSET(task_struct, tasks);

	init = leader;
	PUT64(task, task_struct, group_leader, leader);
	put_list(image(head), leader + SM_OFFSET(task_struct, tasks));
	put64(leader + SM_OFFSET(task_struct, tasks), head);
	put64(leader + SM_OFFSET(task_struct, tasks) + 8, head);
	worker_pid = new_pid(leader);
	chunk = new_object(0x240);
	idle_pid = new_object(0x240); /* the node above: 64 pids each */
	put_bytes(idle_pid, (u8[]){6}, 1);
	put64(idle_pid + 0x28 + 8 * 1, chunk + 2);
	put64(chunk + 0x28 + 8 * (80 - 64), worker_pid);
	put64(IMAGE(init_pid_ns) + 8, idle_pid + 2);
}

static int setup(void **state)
{
	int err = monitor_setup(state);

	if (err)
		return err;
	fill_text();
	fill_tables();
	fill_probes();
	fill_modules();
	fill_processes();
	return 0;
}

/* --- looking -------------------------------------------------------------------------------- */

static union {
	struct sm_event_integrity e;
	u8 bytes[512];
} last_record;
#define last last_record.e

/* So many checks; how many events of that kind there were.  No others may be. */
static u32 look(u32 checks, u32 kind)
{
	const struct sm_event_integrity *e;
	u32 i, count = 0;

	for (i = 0; i < checks; i++) {
		integrity_task(0, 0);
		e = take_event();
		if (!e)
			continue;
		assert_int_equal(e->kind, kind);
		memcpy(last_record.bytes, e, e->head.h.len);
		count++;
	}
	return count;
}

#define ENOUGH 400 /* for all that there is in this kernel, each thing several times */

static void a_whole_kernel_is_read_once_and_told_of(void **state)
{
	(void)state;
	assert_int_equal(look(100, BASELINE), 1);
	assert_int_equal(last.found, 4 + 2);
	assert_int_equal(look(ENOUGH, 0), 0);
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
	assert_int_equal(look(ENOUGH, 0), 0);
	/* The probe becomes a jump; what it replaced is kept beside it. */
	put_bytes(probe + 0x90, (u8[]){0x98, 0x90, 0x90, 0x90}, 4);
	PUT32(probe, kprobe, flags, 4);
	put_bytes(image(TEXT + 0x800), jump, 5);
	assert_int_equal(look(ENOUGH, 0), 0);
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
	assert_int_equal(look(ENOUGH, 0), 0);
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
	assert_int_equal(look(ENOUGH, 0), 0); /* thread-local storage */
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
	PUT64(ops, ftrace_ops, func, MODULE_CODE + 0x1000);
	assert_int_equal(look(ENOUGH, FTRACE_OPS), 1);
	assert_int_equal(last.address, ops);
	PUT64(ops, ftrace_ops, func, MODULE_CODE + 0xfff);
	PUT64(probe, kprobe, post_handler, NOWHERE);
	assert_int_equal(look(ENOUGH, KPROBE), 1);
	assert_int_equal(last.expected, TEXT + 0x800);
	PUT64(probe, kprobe, post_handler, 0);
	assert_int_equal(look(ENOUGH, 0), 0);
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
