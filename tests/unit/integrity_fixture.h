/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor of the kernel's integrity on a fake kernel, which tests change as rootkits do.  For a test's one file:
 * the monitor is part of it.
 */
#ifndef SHADOWMON_INTEGRITY_FIXTURE_H
#define SHADOWMON_INTEGRITY_FIXTURE_H

#include "monitor_fixture.h"

#include <arch.h>

#include "cpu.h"

#include "compartment/runtime/vcpu.c"
#include "monitors/integrity/baseline.c"
#include "monitors/integrity/gather.c"
#include "monitors/integrity/hidden.c"
#include "monitors/integrity/modules.c"
#include "monitors/integrity/monitor.c"
#include "monitors/integrity/probes.c"
#include "monitors/integrity/regions.c"
#include "monitors/integrity/sites.c"
#include "monitors/integrity/tables.c"
#include "monitors/integrity/text.c"

#define TEXT        0xffffffff80000000ULL
#define MODULE_CODE 0xffffffffc0000000ULL
#define PAGE_OFFSET 0xffff888000000000ULL
#define GDT         (PAGE_OFFSET + 0x10080)

/* What tables and lists are made of. */
static u64 hook[2], ops, probe, module, init, chunk, idt;
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
	u64 i, page = new_object(0x20), records = new_object(0x20), locks = new_object(0x28);

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
	put32(image(TEXT + 0x8200), 0x500 - 0x8200);
	PUT64(locks, smp_alt_module, locks, TEXT + 0x8200);
	PUT64(locks, smp_alt_module, locks_end, TEXT + 0x8204);
	put64(IMAGE(smp_alt_modules), locks + SM_OFFSET(smp_alt_module, next));
	PUT64(locks, smp_alt_module, next, SM_SYMBOL(smp_alt_modules));
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

/* --- modules: text at MODULE_CODE, of MODULE_BYTES; behind it, within reach of signed 32 bits, their tables --- */

#define MODULE_BYTES  0x2000
#define MODULE_TABLES (MODULE_CODE + MODULE_BYTES)
#define MODULE_RAM    0x30000 /* guest-physical */

/* Where put64() finds what is in a module's memory. */
static u64 module_ram(u64 address)
{
	return PAGE_OFFSET + MODULE_RAM + (address - MODULE_CODE);
}

/* Three pages from MODULE_CODE on, through tables in the first pages of RAM. */
static void map_modules(void)
{
	u64 i;

	put64(PAGE_OFFSET + 8 * 511, 0x5001);
	put64(PAGE_OFFSET + 0x5000 + 8 * 511, 0x6001);
	put64(PAGE_OFFSET + 0x6000, 0x7001);
	for (i = 0; i < 3; i++)
		put64(PAGE_OFFSET + 0x7000 + 8 * i, (MODULE_RAM + i * 0x1000) | 1);
}

static u64 memory_of(u64 of)
{
	return of + SM_OFFSET(module, mem);
}

static u64 node_of(u64 of)
{
	return memory_of(of) + SM_OFFSET(module_memory, mtn) + SM_OFFSET(mod_tree_node, node);
}

/* In sysfs, where each has a number that none had before. */
static void put_into_sysfs(u64 of)
{
	static u64 folders;
	u64 folder = new_object(0x20);

	PUT64(folder, kernfs_node, id, ++folders);
	PUT64(of, module, mkobj.kobj.sd, folder);
}

static u64 new_module(const char *name, u64 base, u32 bytes)
{
	u64 new = new_object(0x100);

	put_bytes(new + SM_OFFSET(module, name), name, strlen(name) + 1);
	PUT64(memory_of(new), module_memory, base, base);
	PUT32(memory_of(new), module_memory, size, bytes);
	put64(memory_of(new) + SM_OFFSET(module_memory, mtn), new);
	put_into_sysfs(new);
	return new;
}

static void fill_modules(void)
{
	u64 kobject = new_object(0x60), kset = new_object(0x20), i;

	map_modules();
	for (i = 0; i < MODULE_BYTES; i += 8)
		put64(module_ram(MODULE_CODE + i), 0x9090909090909090ULL + i);
	module = new_module("evil", MODULE_CODE, MODULE_BYTES);
	put_list(IMAGE(modules), module + SM_OFFSET(module, list));
	put64(module + SM_OFFSET(module, list), SM_SYMBOL(modules));
	put64(module + SM_OFFSET(module, list) + 8, SM_SYMBOL(modules));
	put64(IMAGE(mod_tree) + 8, node_of(module));
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
	u64 leader = new_task(80, 80, "worker"), above = new_object(0x240);
	u64 head = SM_SYMBOL(init_task) + SM_OFFSET(task_struct, tasks), pid;

	init = leader;
	PUT64(task, task_struct, group_leader, leader);
	put_list(image(head), leader + SM_OFFSET(task_struct, tasks));
	put64(leader + SM_OFFSET(task_struct, tasks), head);
	put64(leader + SM_OFFSET(task_struct, tasks) + 8, head);
	pid = new_pid(leader);
	chunk = new_object(0x240);
	put_bytes(above, (u8[]){6}, 1); /* 64 pids each */
	put64(above + 0x28 + 8 * 1, chunk + 2);
	put64(chunk + 0x28 + 8 * (80 - 64), pid);
	put64(IMAGE(init_pid_ns) + 8, above + 2);
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

/* Until there is one of that kind; others may be before. */
static bool await(u32 kind)
{
	const struct sm_event_integrity *e;
	u32 i;

	for (i = 0; i < 8 * ENOUGH; i++) {
		integrity_task(0, 0);
		e = take_event();
		if (!e || e->kind != kind)
			continue;
		memcpy(last_record.bytes, e, e->head.h.len);
		return true;
	}
	return false;
}

static void assert_nothing_is_told(void)
{
	assert_int_equal(look(ENOUGH, 0), 0);
}

#endif
