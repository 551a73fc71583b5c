// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor_fixture.h"

#include <stdlib.h>

#include <arch.h>
#include <cpu.h>

#define RAM_SIZE    0x40000ULL
#define PAGE_OFFSET 0xffff888000000000ULL
#define OBJECTS     0x10000ULL

u64 task, root_dentry, root_mount;

struct sm_policy_area policy_area;
struct sm_cpu_state sm_cpu_state;

static u8 *ram;
static u64 next_object;
static struct {
	u64 bytes[SM_RECORD_MAX / 8];
	u32 len; /* 0: nothing was committed */
	bool full, reserved;
} ring;

/* --- the machine -------------------------------------------------------------------------- */

u64 smc_cr3(void)
{
	return 0;
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
	ring.reserved = false;
}

void fill_ring(void)
{
	ring.full = true;
}

const void *take_event(void)
{
	const void *event = ring.len ? ring.bytes : NULL;

	ring.len = 0;
	if (event)
		assert_int_equal(((const struct sm_event_head *)event)->task.pid, 81);
	return event;
}

void assert_text(const void *event, const struct sm_text *text, const char *expected)
{
	char got[1025];

	assert_true(text->len < sizeof(got));
	memcpy(got, (const char *)event + text->at, text->len);
	got[text->len] = '\0';
	assert_string_equal(got, expected);
	assert_int_equal(text->flags, 0);
}

/* --- the guest's kernel ------------------------------------------------------------------- */

void put_bytes(u64 address, const void *bytes, size_t len)
{
	memcpy(ram + (address - PAGE_OFFSET), bytes, len);
}

void put64(u64 address, u64 value)
{
	put_bytes(address, &value, sizeof(value));
}

void put32(u64 address, u32 value)
{
	put_bytes(address, &value, sizeof(value));
}

void put16(u64 address, u16 value)
{
	put_bytes(address, &value, sizeof(value));
}

u64 new_object(size_t size)
{
	u64 address = PAGE_OFFSET + next_object;

	next_object += (size + 63) & ~63UL;
	assert_true(next_object <= RAM_SIZE);
	return address;
}

u64 new_string(const char *string)
{
	u64 address = new_object(strlen(string) + 1);

	put_bytes(address, string, strlen(string) + 1);
	return address;
}

u64 new_dentry(u64 parent, const char *name)
{
	u64 dentry = new_object(0x40);

	PUT64(dentry, dentry, d_parent, parent ? parent : dentry);
	PUT32(dentry, dentry, d_name.len, (u32)strlen(name));
	PUT64(dentry, dentry, d_name.name, new_string(name));
	return dentry;
}

static void put_path_at(u64 address, u64 dentry)
{
	PUT64(address, path, dentry, dentry);
	PUT64(address, path, mnt, root_mount + SM_OFFSET(mount, mnt));
}

u64 new_path(u64 dentry)
{
	u64 path = new_object(0x10);

	put_path_at(path, dentry);
	return path;
}

u64 new_file(u64 dentry)
{
	u64 file = new_object(0x40);

	put_path_at(file + SM_OFFSET(file, f_path), dentry);
	return file;
}

u64 new_task(u32 pid, u32 tgid, const char *comm)
{
	u64 address = new_object(0xc0);

	PUT32(address, task_struct, pid, pid);
	PUT32(address, task_struct, tgid, tgid);
	PUT64(address, task_struct, group_leader, address);
	put_bytes(address + SM_OFFSET(task_struct, comm), comm, strlen(comm) + 1);
	return address;
}

int monitor_setup(void **state)
{
	(void)state;
	ram = calloc(1, RAM_SIZE);
	if (!ram)
		return -1;
	memset(&ring, 0, sizeof(ring));
	memset(&policy_area, 0, sizeof(policy_area));
	next_object = OBJECTS + 0x100;
	task = new_task(81, 80, "worker");
	put64(PAGE_OFFSET + OBJECTS + SM_SYMBOL(current_task), task);
	root_dentry = new_dentry(0, "/");
	root_mount = new_object(0x60);
	PUT64(root_mount, mount, mnt.mnt_root, root_dentry);
	PUT64(root_mount, mount, mnt_parent, root_mount);
	return 0;
}

int monitor_teardown(void **state)
{
	(void)state;
	free(ram);
	return 0;
}
