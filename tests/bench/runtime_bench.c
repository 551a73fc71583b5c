// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions of each monitor for one event, counted by single-stepping: exact, the same on every
 * machine.  Runtime and monitors are compiled with the compartment's own flags and read a fake
 * guest kernel through a window in user space.  As in the lab's emulator each turn of a repeated
 * string instruction counts.
 *
 *   runtime_bench          a line for each kind of event; fails if one costs more than we allow
 *   runtime_bench EVENT    where its instructions are: "count address" lines, for addr2line
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <shadowmon/event.h>
#include <shadowmon/hook.h>
#include <shadowmon/kernel.h>
#include <shadowmon/policy_table.h>

#include "cpu.h"

#define RAM_SIZE    0x100000ULL
#define PAGE_OFFSET 0xffff888000000000ULL
#define ROOT_TABLE  0x1000ULL
#define ARGS_GPA    0x8000ULL
#define ARGS_VA     0x00007ffffffde000ULL
#define OBJECTS     0x10000ULL
#define TRAP_FLAG   0x100UL
#define TEXT_SIZE   0x100000

struct sm_cpu_state sm_cpu_state;
struct smc_ring sm_ring;
struct sm_policy_area policy_area __asm__("smc_policy"); /* not const here */
u64 bench_cr3 = ROOT_TABLE, bench_gs_base = PAGE_OFFSET + OBJECTS;

extern const struct sm_hook image_hooks[], image_hooks_end[];
extern const char __executable_start[];

static u8 *ram;
static u64 next_object = OBJECTS + 0x100;
static u64 task, bprm, root, root_mount;

/* --- counting ----------------------------------------------------------------------------- */

static volatile u32 steps;
static u32 steps_at[TEXT_SIZE];

static void on_step(int signal, siginfo_t *info, void *context)
{
	u64 offset =
		(u64)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] - (u64)__executable_start;

	(void)signal;
	(void)info;
	steps++;
	if (offset < TEXT_SIZE)
		steps_at[offset]++;
}

/* From the call to the return. */
static u32 count(u64 handler, u64 argument)
{
	u64 stack;

	steps = 0;
	memset(steps_at, 0, sizeof(steps_at));
	__asm__ volatile("pushfq\n"
			 "	orq %2, (%%rsp)\n"
			 "	popfq\n"
			 "	call *%1\n"
			 "	pushfq\n"
			 "	andq %3, (%%rsp)\n"
			 "	popfq"
			 : "+D"(argument), "+r"(handler), "=&r"(stack)
			 : "i"(~TRAP_FLAG), "2"(TRAP_FLAG)
			 : "rax", "rcx", "rdx", "rsi", "r8", "r9", "memory", "cc");
	return steps - 4; /* call, and the three that switch this off */
}

static u64 handler_of(const char *name)
{
	const struct sm_hook *hook;

	for (hook = image_hooks; hook < image_hooks_end; hook++)
		if (!strcmp((const char *)hook->name, name))
			return hook->handler;
	fprintf(stderr, "runtime_bench: no monitor of %s\n", name);
	exit(1);
}

/* --- the guest's kernel ------------------------------------------------------------------- */

static void put64(u64 address, u64 value)
{
	memcpy(ram + (address - PAGE_OFFSET), &value, 8);
}

static void put32(u64 address, u32 value)
{
	memcpy(ram + (address - PAGE_OFFSET), &value, 4);
}

static u64 new_object(size_t size)
{
	u64 address = PAGE_OFFSET + next_object;

	next_object += (size + 63) & ~63UL;
	return address;
}

static u64 new_string(const char *string)
{
	u64 address = new_object(strlen(string) + 1);

	memcpy(ram + (address - PAGE_OFFSET), string, strlen(string) + 1);
	return address;
}

static u64 new_dentry(u64 parent, const char *name)
{
	u64 dentry = new_object(0x40);

	put64(dentry + SM_OFFSET(dentry, d_parent), parent ? parent : dentry);
	put32(dentry + SM_OFFSET(dentry, d_name.len), (u32)strlen(name));
	put64(dentry + SM_OFFSET(dentry, d_name.name), new_string(name));
	return dentry;
}

static void put_path_at(u64 address, u64 dentry)
{
	put64(address + SM_OFFSET(path, dentry), dentry);
	put64(address + SM_OFFSET(path, mnt), root_mount + SM_OFFSET(mount, mnt));
}

static u64 new_task(u64 parent)
{
	u64 address = new_object(0x80), cred = new_object(0x40), signal = new_object(0x20);

	put32(address + SM_OFFSET(task_struct, pid), 80);
	put32(address + SM_OFFSET(task_struct, tgid), 80);
	put64(address + SM_OFFSET(task_struct, group_leader), address);
	put64(address + SM_OFFSET(task_struct, real_parent), parent ? parent : address);
	put64(address + SM_OFFSET(task_struct, cred), cred);
	put64(address + SM_OFFSET(task_struct, signal), signal);
	memcpy(ram + (address + SM_OFFSET(task_struct, comm) - PAGE_OFFSET), "program", 8);
	return address;
}

static void map_page(u64 address, u64 gpa)
{
	u64 table = ROOT_TABLE;
	int level;

	for (level = 3; level > 0; level--) {
		put64(PAGE_OFFSET + table + ((address >> (12 + 9 * level)) & 511) * 8,
		      (table + 0x1000) | 5);
		table += 0x1000;
	}
	put64(PAGE_OFFSET + table + ((address >> 12) & 511) * 8, gpa | 5);
}

/* Path of depth 3, and arguments of 10 bytes and their NULs. */
static void build_guest(void)
{
	static const char args[] = "/usr/bin/i\0-u--groups\0/tmp/file1";
	u64 dentry, file, fs;

	ram = mmap((void *)SM_WINDOW_VA, RAM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (ram == MAP_FAILED) {
		perror("runtime_bench: mmap");
		exit(1);
	}
	task = new_task(new_task(0));
	put64(PAGE_OFFSET + OBJECTS + SM_SYMBOL(current_task), task);
	root = new_dentry(0, "/");
	root_mount = new_object(0x60);
	put64(root_mount + SM_OFFSET(mount, mnt.mnt_root), root);
	put64(root_mount + SM_OFFSET(mount, mnt_parent), root_mount);
	dentry = new_dentry(new_dentry(new_dentry(root, "usr"), "bin"), "python3.11");
	fs = new_object(0x40);
	put_path_at(fs + SM_OFFSET(fs_struct, pwd), dentry);
	put64(task + SM_OFFSET(task_struct, fs), fs);
	file = new_object(0x40);
	put_path_at(file + SM_OFFSET(file, f_path), dentry);
	bprm = new_object(0x80);
	put64(bprm + SM_OFFSET(linux_binprm, file), file);
	map_page(ARGS_VA, ARGS_GPA);
	memcpy(ram + ARGS_GPA + 0xf3d, args, sizeof(args));
	put64(bprm + SM_OFFSET(linux_binprm, p), ARGS_VA + 0xf3d);
	put32(bprm + SM_OFFSET(linux_binprm, argc), 3);
}

static u64 exec_of(const char *name, const char *interpreter)
{
	u64 filename = new_string(name);

	put64(bprm + SM_OFFSET(linux_binprm, filename), filename);
	put64(bprm + SM_OFFSET(linux_binprm, interp),
	      interpreter ? new_string(interpreter) : filename);
	return bprm;
}

static u64 exec_absolute(void)
{
	return exec_of("/usr/bin/python3.11", NULL);
}

static u64 exec_relative(void)
{
	return exec_of("./python3.11", NULL);
}

static u64 exec_script(void)
{
	return exec_of("./script.sh", "/bin/sh");
}

static u64 judge_nothing(void)
{
	return bprm;
}

/* One rule that refuses programs of one path, which this is not. */
static u64 judge_path(void)
{
	struct sm_policy_table *table = &policy_area.tables[0];

	policy_area.active = 1;
	policy_area.events = 1 << SM_POLICY_EXEC;
	table->nr_rules = 1;
	table->rules[0] = (struct sm_policy_rule){.event = SM_POLICY_EXEC,
						  .action = SM_POLICY_DENY,
						  .enforce = 1,
						  .error = 1,
						  .nr_matches = 1};
	table->matches[0] = (struct sm_policy_match){.field = SM_POLICY_FIELD_NAME, .nr_values = 1};
	memcpy(table->text, "/usr/bin/python3.12", 19);
	table->values[0] = 19ULL << 32;
	return bprm;
}

static u64 module(void)
{
	u64 address = new_object(0x80);

	memcpy(ram + (address + SM_OFFSET(module, name) - PAGE_OFFSET), "nf_tables", 10);
	return address;
}

static u64 number(void)
{
	return 59;
}

/* --- events ------------------------------------------------------------------------------- */

static const struct event {
	const char *name, *function;
	u64 (*prepare)(void); /* the handler's argument */
	u32 limit;
} events[] = {
	{"ping", "shadowmon_ping", number, 2},
	{"number", "bench_number", number, 190}, /* stub and gate are 56 more: below 250 in all */
	{"syscall", "x64_sys_call", number, 190},
	{"exit", "acct_process", number, 350},
	{"module", "do_init_module", module, 600},
	{"exec", "security_bprm_committed_creds", exec_absolute, 1200},
	{"exec-relative", "security_bprm_committed_creds", exec_relative, 1600},
	{"exec-script", "security_bprm_committed_creds", exec_script, 2000},
	{"judge-none", "security_bprm_check", judge_nothing, 8},
	{"judge-path", "security_bprm_check", judge_path, 1200}, /* the last: it leaves a policy */
};

static u32 measure(const struct event *event)
{
	u64 argument = event->prepare();

	/* Twice alike: the ring lies where it lay. */
	sm_ring.producer.head = sm_ring.consumer.tail = 0;
	sm_ring.consumer.size = SM_RING_MAX_SIZE;
	return count(handler_of(event->function), argument);
}

static void print_places(void)
{
	u32 i;

	for (i = 0; i < TEXT_SIZE; i++)
		if (steps_at[i])
			printf("%u 0x%lx\n", steps_at[i], (unsigned long)__executable_start + i);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
	int status = 0;
	size_t i;

	sigaction(SIGTRAP, &action, NULL);
	build_guest();
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		u32 instructions;

		if (argc > 1 && strcmp(argv[1], events[i].name))
			continue;
		instructions = measure(&events[i]);
		if (argc > 1) {
			print_places();
			continue;
		}
		printf("%-16s %5u", events[i].name, instructions);
		if (instructions > events[i].limit) {
			printf("  more than %u", events[i].limit);
			status = 1;
		}
		printf("\n");
	}
	return status;
}
