// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The built-in monitors with what they use of the runtime, on a fake guest kernel: objects in RAM,
 * laid out as fake_arch/layout tells the linker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

#include <arch.h>
#include <cpu.h>

#include "monitors/module/monitor.c"
#include "monitors/process_exec/monitor.c"
#include "monitors/process_exit/monitor.c"

#define RAM_SIZE    0x100000ULL
#define PAGE_OFFSET 0xffff888000000000ULL
#define KERNEL_VA   0xffffffff80000000ULL
#define KERNEL_PA   0x20000ULL
#define ROOT_TABLE  0x1000ULL
#define OBJECTS     0x10000ULL
#define ARGS_VA     0x00007ffffffde000ULL
#define ARGS_GPA    0x8000ULL

struct sm_cpu_state sm_cpu_state;
struct sm_policy_area policy_area __asm__("smc_policy"); /* not const here */

static u8 *ram;
static u64 next_object;
static u64 task, bprm, root, root_mount;

static struct {
	u8 bytes[SM_RECORD_MAX];
	u32 len;
	bool full, reserved;
} ring;

/* --- the machine -------------------------------------------------------------------------- */

u64 smc_cr3(void)
{
	return ROOT_TABLE;
}

u64 smc_gs_base(void)
{
	return PAGE_OFFSET + OBJECTS;
}

const void *fake_ram(u64 gpa, u64 len)
{
	assert_true(gpa < SM_RAM_LIMIT);
	return gpa < RAM_SIZE && len <= RAM_SIZE - gpa ? ram + gpa : NULL;
}

u64 sm_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

void *sm_reserve(u16 type, u32 max)
{
	struct sm_record *rec = (struct sm_record *)ring.bytes;

	assert_true(max <= SM_EMIT_MAX);
	if (ring.full)
		return NULL;
	memset(ring.bytes, 0xcc, sizeof(ring.bytes));
	rec->type = type;
	rec->len = max;
	ring.reserved = true;
	return rec;
}

void sm_commit(void *record, u32 len)
{
	assert_true(ring.reserved);
	assert_ptr_equal(record, ring.bytes);
	assert_true(len <= ((struct sm_record *)record)->len);
	ring.len = len;
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
	assert_true(next_object <= RAM_SIZE);
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

/* A struct mount; parent 0: the root of all. */
static u64 new_mount(u64 root_dentry, u64 parent, u64 mountpoint)
{
	u64 mount = new_object(0x60);

	put64(mount + SM_OFFSET(mount, mnt.mnt_root), root_dentry);
	put64(mount + SM_OFFSET(mount, mnt_parent), parent ? parent : mount);
	put64(mount + SM_OFFSET(mount, mnt_mountpoint), mountpoint);
	return mount;
}

static void put_path_at(u64 address, u64 dentry, u64 mount)
{
	put64(address + SM_OFFSET(path, dentry), dentry);
	put64(address + SM_OFFSET(path, mnt), mount + SM_OFFSET(mount, mnt));
}

static u64 new_task(u32 pid, u32 tgid, u64 leader, u64 parent, u64 start, const char *comm)
{
	u64 address = new_object(0x80);

	put32(address + SM_OFFSET(task_struct, pid), pid);
	put32(address + SM_OFFSET(task_struct, tgid), tgid);
	put64(address + SM_OFFSET(task_struct, group_leader), leader ? leader : address);
	put64(address + SM_OFFSET(task_struct, real_parent), parent);
	put64(address + SM_OFFSET(task_struct, start_boottime), start);
	memcpy(ram + (address + SM_OFFSET(task_struct, comm) - PAGE_OFFSET), comm,
	       strlen(comm) + 1);
	return address;
}

static void put_credentials(u64 to)
{
	u64 cred = new_object(0x40);
	u32 i;

	for (i = 0; i < 9; i++)
		put32(cred + 4 * i, 1000 + i);
	put64(to + SM_OFFSET(task_struct, cred), cred);
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

static void put_args(u32 offset, const char *bytes, size_t len, u32 argc)
{
	memcpy(ram + ARGS_GPA + offset, bytes, len);
	put64(bprm + SM_OFFSET(linux_binprm, p), ARGS_VA + offset);
	put32(bprm + SM_OFFSET(linux_binprm, argc), argc);
}

static void put_filename(const char *name)
{
	u64 filename = new_string(name);

	put64(bprm + SM_OFFSET(linux_binprm, filename), filename);
	put64(bprm + SM_OFFSET(linux_binprm, interp), filename);
}

static void put_file(u64 dentry, u64 mount)
{
	u64 file = new_object(0x40);

	put_path_at(file + SM_OFFSET(file, f_path), dentry, mount);
	put64(bprm + SM_OFFSET(linux_binprm, file), file);
}

static void put_directory(u64 dentry, u64 mount)
{
	u64 fs = new_object(0x40);

	put_path_at(fs + SM_OFFSET(fs_struct, pwd), dentry, mount);
	put64(task + SM_OFFSET(task_struct, fs), fs);
}

static int setup(void **state)
{
	u64 parent, leader;

	(void)state;
	ram = calloc(1, RAM_SIZE);
	if (!ram)
		return -1;
	memset(&ring, 0, sizeof(ring));
	next_object = OBJECTS + 0x100;
	leader = new_task(70, 70, 0, 0, 111, "shell");
	parent = new_task(71, 70, leader, 0, 222, "thread");
	leader = new_task(80, 80, 0, parent, 333, "leader");
	task = new_task(81, 80, leader, parent, 444, "worker");
	put_credentials(task);
	put64(PAGE_OFFSET + OBJECTS + SM_SYMBOL(current_task), task);
	root = new_dentry(0, "/");
	root_mount = new_mount(root, 0, 0);
	bprm = new_object(0x80);
	put_directory(root, root_mount);
	map_page(ARGS_VA, ARGS_GPA);
	put_args(0, "", 1, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(ram);
	return 0;
}

/* --- exec --------------------------------------------------------------------------------- */

static const struct sm_record_exec *run_exec(void)
{
	const struct sm_record_exec *rec = (const void *)ring.bytes;

	assert_int_equal(process_exec(bprm), SM_ALLOW);
	assert_int_equal(rec->h.type, SM_RECORD_EXEC);
	assert_int_equal(ring.len, sizeof(*rec) + rec->path_len + rec->argv_len);
	return rec;
}

static void assert_path(const char *path)
{
	const struct sm_record_exec *rec = run_exec();
	char got[SM_PATH_MAX + 1];

	memcpy(got, rec + 1, rec->path_len);
	got[rec->path_len] = '\0';
	assert_string_equal(got, path);
	assert_int_equal(rec->flags, 0);
}

static void task_is_described(void **state)
{
	const struct sm_task *who;

	(void)state;
	put_filename("/bin/true");
	who = &run_exec()->task;
	assert_int_equal(who->pid, 81);
	assert_int_equal(who->tgid, 80);
	assert_int_equal(who->ppid, 70);
	assert_int_equal(who->uid, 1001);
	assert_int_equal(who->gid, 1002);
	assert_int_equal(who->suid, 1003);
	assert_int_equal(who->sgid, 1004);
	assert_int_equal(who->euid, 1005);
	assert_int_equal(who->egid, 1006);
	assert_int_equal(who->fsuid, 1007);
	assert_int_equal(who->fsgid, 1008);
	assert_int_equal(who->reserved, 0);
	assert_int_equal(who->start_time, 333);
	assert_int_equal(who->parent_start_time, 111);
	assert_string_equal(who->comm, "worker");
	assert_string_equal(who->parent_comm, "shell");
}

static void task_may_be_nonsense(void **state)
{
	static const u64 addresses[] = {0, 8, ~0ULL, 0x8000000000000000,
					PAGE_OFFSET + RAM_SIZE - 4};
	struct sm_task who;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		memset(&who, 0xcc, sizeof(who));
		sm_task_describe(&who, addresses[i]);
		assert_memory_equal(&who, &(struct sm_task){0}, sizeof(who));
	}
}

static void absolute_name_is_as_given(void **state)
{
	(void)state;
	put_filename("/usr/bin/../bin/id");
	assert_path("/usr/bin/../bin/id");
}

static void relative_name_is_the_files(void **state)
{
	u64 usr = new_dentry(root, "usr"), usr_root = new_dentry(0, "/");
	u64 usr_mount = new_mount(usr_root, root_mount, usr);

	(void)state;
	put_filename("./id");
	put_file(new_dentry(new_dentry(usr_root, "bin"), "id"), usr_mount);
	assert_path("/usr/bin/id");
}

/* A mount may show but a part of its file system. */
static void mounts_of_directories_are_left_at_their_roots(void **state)
{
	u64 sub = new_dentry(root, "sub"), place = new_dentry(sub, "place");
	u64 other = new_dentry(new_dentry(0, "/"), "other");
	u64 mount = new_mount(other, new_mount(sub, 0, 0), place);

	(void)state;
	put_filename("./id");
	put_file(new_dentry(other, "id"), mount);
	assert_path("/place/id");
}

/* A file named by len letters in a root directory, its name at address. */
static void assert_named(u32 len, u64 address)
{
	u64 dentry = new_dentry(root, "");
	char want[2 + 255] = "/";
	u32 i;

	for (i = 0; i < len; i++)
		want[1 + i] = (char)('a' + i % 26);
	want[1 + len] = '\0';
	put_filename("relative");
	put32(dentry + SM_OFFSET(dentry, d_name.len), len);
	put64(dentry + SM_OFFSET(dentry, d_name.name), address);
	put_file(dentry, root_mount);
	assert_path(want);
}

static void names_of_all_lengths_and_places(void **state)
{
	static const u64 gpas[] = {0, 1, 7, 8, 0xf001, RAM_SIZE - 255};
	char name[255];
	size_t i;
	u32 len;

	(void)state;
	for (i = 0; i < sizeof(name); i++)
		name[i] = (char)('a' + i % 26);
	for (i = 0; i < sizeof(gpas) / sizeof(gpas[0]); i++) {
		memcpy(ram + gpas[i], name, sizeof(name));
		for (len = 1; len <= sizeof(name); len += len < 40 ? 1 : 43)
			assert_named(len, PAGE_OFFSET + gpas[i]);
	}
	/* In the kernel's image. */
	memcpy(ram + KERNEL_PA + 0xb0000, name, sizeof(name));
	for (len = 1; len <= 20; len++)
		assert_named(len, KERNEL_VA + 0xb0000);
}

/* Paths that fill their room to the last byte, or to one more. */
static void paths_just_fit(void **state)
{
	static char path[SM_PATH_MAX + 8];
	u64 dentry, file;
	char name[256];
	u32 size, i;
	int len;

	(void)state;
	file = new_object(0x40);
	dentry = root;
	for (i = 0; i < 4; i++) {
		memset(name, 'p' + (int)i, sizeof(name));
		name[1 + i * 3] = '\0';
		dentry = new_dentry(dentry, name);
	}
	put_path_at(file, dentry, root_mount);
	for (size = 2; size < 60; size++) {
		memset(path, '#', sizeof(path));
		len = sm_path(path + 8, size, file);
		assert_memory_equal(path, "########", 8);
		for (i = 8 + size; i < sizeof(path); i++)
			assert_int_equal(path[i], '#');
		if (size > 26) {
			assert_int_equal(len, 26);
			assert_string_equal(path + 8, "/p/qqqq/rrrrrrr/ssssssssss");
		} else if (size > 11) {
			assert_int_equal(len, size);
			assert_true(path[8] == '/' && strlen(path + 8) < size);
			assert_string_equal(path + 8 + strlen(path + 8) - 10, "ssssssssss");
		} else {
			assert_int_equal(len, -SM_EFAULT);
			assert_string_equal(path + 8, "");
		}
	}
}

static void script_is_named_not_its_interpreter(void **state)
{
	u64 home = new_dentry(new_dentry(root, "home"), "eve");

	(void)state;
	put_filename("run.sh");
	put64(bprm + SM_OFFSET(linux_binprm, interp), new_string("/bin/sh"));
	put_file(new_dentry(new_dentry(root, "bin"), "sh"), root_mount);
	put_directory(home, root_mount);
	assert_path("/home/eve/run.sh");
	put_directory(root, root_mount);
	assert_path("/run.sh");
}

static void file_by_descriptor_is_found(void **state)
{
	(void)state;
	put_filename("/dev/fd/5");
	put64(bprm + SM_OFFSET(linux_binprm, fdpath), new_string("/dev/fd/5"));
	put_file(new_dentry(root, "tool"), root_mount);
	assert_path("/tool");
	/* In no tree: memfd_create() */
	put_file(new_dentry(0, "memfd:payload"), new_mount(new_dentry(0, "/"), 0, 0));
	assert_path("/memfd:payload");
	put64(bprm + SM_OFFSET(linux_binprm, interp), new_string("/bin/sh"));
	assert_path("/dev/fd/5");
}

static void hostile_paths_are_survived(void **state)
{
	static const u32 lengths[] = {0, 256, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe};
	u64 dentry = new_dentry(root, "x"), other = new_dentry(dentry, "y");
	size_t i;

	(void)state;
	put_filename("x");
	put_file(dentry, root_mount);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		put32(dentry + SM_OFFSET(dentry, d_name.len), lengths[i]);
		assert_path("x");
	}
	put32(dentry + SM_OFFSET(dentry, d_name.len), 1);
	put64(dentry + SM_OFFSET(dentry, d_name.name), PAGE_OFFSET + RAM_SIZE);
	assert_path("x");
	put_file(0, root_mount);
	assert_path("x");
	put_file(0, 0);
	assert_path("x");
	put64(bprm + SM_OFFSET(linux_binprm, file), 0);
	assert_path("x");

	/* Circles of dentries and of mounts end somewhere. */
	put64(dentry + SM_OFFSET(dentry, d_name.name), new_string("x"));
	put64(dentry + SM_OFFSET(dentry, d_parent), other);
	put_file(dentry, root_mount);
	assert_int_equal(run_exec()->flags, SM_EXEC_PATH_TRUNCATED);
	put64(root_mount + SM_OFFSET(mount, mnt_parent), new_mount(root, root_mount, root));
	put64(root_mount + SM_OFFSET(mount, mnt_mountpoint), root);
	put_file(root, root_mount);
	assert_path("x");
}

static void long_paths_are_cut(void **state)
{
	const struct sm_record_exec *rec;
	char name[256], path[SM_PATH_MAX + 10];
	u64 dentry = root;
	unsigned int i;

	(void)state;
	memset(name, 'd', 255);
	name[255] = '\0';
	for (i = 0; i < 5; i++)
		dentry = new_dentry(dentry, name);
	put_filename("relative");
	put_file(dentry, root_mount);
	rec = run_exec();
	assert_int_equal(rec->flags, SM_EXEC_PATH_TRUNCATED);
	assert_true(rec->path_len < SM_PATH_MAX);

	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	put_filename(path);
	rec = run_exec();
	assert_int_equal(rec->flags, SM_EXEC_PATH_TRUNCATED);
	assert_int_equal(rec->path_len, SM_PATH_MAX - 1);
	assert_memory_equal(rec + 1, path, SM_PATH_MAX - 1);
	path[SM_PATH_MAX - 1] = '\0';
	put_filename(path);
	assert_path(path);
}

static void arguments_are_copied(void **state)
{
	static const char args[] = "id\0-u\0\0last\0PATH=/bin";
	const struct sm_record_exec *rec;

	(void)state;
	put_filename("/bin/id");
	put_args(0x123, args, sizeof(args), 4);
	rec = run_exec();
	assert_int_equal(rec->argc, 4);
	assert_int_equal(rec->flags, 0);
	assert_int_equal(rec->argv_len, 12);
	assert_memory_equal((const u8 *)(rec + 1) + rec->path_len, args, 12);
}

static void arguments_may_be_long_or_away(void **state)
{
	const struct sm_record_exec *rec;
	char args[3000];

	(void)state;
	put_filename("/bin/id");
	memset(args, 'a', sizeof(args));
	args[sizeof(args) - 1] = '\0';
	put_args(0, args, sizeof(args), 1);
	rec = run_exec();
	assert_int_equal(rec->flags, SM_EXEC_ARGV_TRUNCATED);
	assert_int_equal(rec->argv_len, SM_ARGV_MAX);

	put_args(0x1000 - 6, "ls\0-la", 6, 2); /* the next page is not there */
	rec = run_exec();
	assert_int_equal(rec->flags, SM_EXEC_ARGV_UNREADABLE);
	assert_int_equal(rec->argv_len, 6);
	put64(bprm + SM_OFFSET(linux_binprm, p), PAGE_OFFSET + OBJECTS);
	rec = run_exec();
	assert_int_equal(rec->flags, SM_EXEC_ARGV_UNREADABLE);
	assert_int_equal(rec->argv_len, 0);
	put32(bprm + SM_OFFSET(linux_binprm, argc), 0xffffffff);
	put64(bprm + SM_OFFSET(linux_binprm, p), ARGS_VA);
	assert_int_equal(run_exec()->flags, SM_EXEC_ARGV_TRUNCATED);
}

static void full_ring_is_no_reason_to_stop(void **state)
{
	(void)state;
	ring.full = true;
	assert_int_equal(process_exec(bprm), SM_ALLOW);
	assert_int_equal(process_exit(), SM_ALLOW);
	assert_int_equal(module_load(0), SM_ALLOW);
	assert_int_equal(module_unload(0), SM_ALLOW);
	assert_int_equal(ring.len, 0);
}

static void bprm_may_be_nonsense(void **state)
{
	const struct sm_record_exec *rec;

	(void)state;
	bprm = 0;
	rec = run_exec();
	assert_int_equal(rec->path_len, 0);
	assert_int_equal(rec->argv_len, 0);
	assert_int_equal(rec->argc, 0);
}

/* --- exit, modules ------------------------------------------------------------------------ */

static const struct sm_record_exit *run_exit(u32 exit_code, u32 group_flags, u32 group_code)
{
	u64 signal = new_object(0x20);

	put32(task + SM_OFFSET(task_struct, exit_code), exit_code);
	put64(task + SM_OFFSET(task_struct, signal), signal);
	put32(signal + SM_OFFSET(signal_struct, flags), group_flags);
	put32(signal + SM_OFFSET(signal_struct, group_exit_code), group_code);
	assert_int_equal(process_exit(), SM_ALLOW);
	assert_int_equal(ring.len, sizeof(struct sm_record_exit));
	return (const struct sm_record_exit *)ring.bytes;
}

static void exit_is_the_groups(void **state)
{
	const struct sm_record_exit *rec = run_exit(3 << 8, 0, 0);

	(void)state;
	assert_int_equal(rec->h.type, SM_RECORD_EXIT);
	assert_int_equal(rec->task.tgid, 80);
	assert_int_equal(rec->code, 3);
	assert_int_equal(rec->signal, 0);
	assert_int_equal(rec->core_dumped, 0);
	assert_int_equal(rec->reserved, 0);
	rec = run_exit(0, 0x4, 255 << 8);
	assert_int_equal(rec->code, 255);
	rec = run_exit(9, 0x4, 0x80 | 11);
	assert_int_equal(rec->code, 0);
	assert_int_equal(rec->signal, 11);
	assert_int_equal(rec->core_dumped, 1);
}

static const struct sm_record_module *run_module(int (*monitor)(u64), const char *name, size_t len)
{
	u64 module = new_object(0x80);

	memcpy(ram + (module + SM_OFFSET(module, name) - PAGE_OFFSET), name, len);
	assert_int_equal(monitor(module), SM_ALLOW);
	assert_int_equal(ring.len, sizeof(struct sm_record_module));
	return (const struct sm_record_module *)ring.bytes;
}

static void modules_are_named(void **state)
{
	char name[SM_MODULE_NAME_LEN + 8], want[SM_MODULE_NAME_LEN] = "ext4";
	const struct sm_record_module *rec = run_module(module_load, "ext4", 5);

	(void)state;
	assert_int_equal(rec->h.type, SM_RECORD_MODULE_LOAD);
	assert_int_equal(rec->task.pid, 81);
	assert_memory_equal(rec->name, want, sizeof(want));
	memset(name, 'n', sizeof(name));
	rec = run_module(module_unload, name, sizeof(name));
	assert_int_equal(rec->h.type, SM_RECORD_MODULE_UNLOAD);
	memset(want, 'n', sizeof(want) - 1);
	assert_memory_equal(rec->name, want, sizeof(want));
	memset(want, 0, sizeof(want));
	module_load(0);
	assert_memory_equal(rec->name, want, sizeof(want));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(task_is_described),
		TEST(task_may_be_nonsense),
		TEST(absolute_name_is_as_given),
		TEST(relative_name_is_the_files),
		TEST(mounts_of_directories_are_left_at_their_roots),
		TEST(names_of_all_lengths_and_places),
		TEST(paths_just_fit),
		TEST(script_is_named_not_its_interpreter),
		TEST(file_by_descriptor_is_found),
		TEST(hostile_paths_are_survived),
		TEST(long_paths_are_cut),
		TEST(arguments_are_copied),
		TEST(arguments_may_be_long_or_away),
		TEST(full_ring_is_no_reason_to_stop),
		TEST(bprm_may_be_nonsense),
		TEST(exit_is_the_groups),
		TEST(modules_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
