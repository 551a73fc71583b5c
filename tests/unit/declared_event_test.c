// SPDX-License-Identifier: GPL-2.0-or-later
/* Declared events all the way: the monitor's macros make schema and record, the host shows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include <shadowmon/monitor.h>

#include <arch.h>

#include "event_fixture.h"

#define RAM_SIZE    0x20000ULL
#define PAGE_OFFSET 0xffff888000000000ULL
#define ROOT_TABLE  0x1000ULL
#define TEXT_GPA    0x6000ULL
#define USER_VA     0x7ffff000ULL
#define OBJECTS     0x10000ULL

#define BITS(N)  N(BOTH, 3) N(ONE, 1) N(TWO, 2) N(TOP, 1ULL << 63) N(NOTHING, 0)
#define WORDS(N) N(RED, 1) N(GREEN, 2)
#define EVERYTHING(F)            \
	F(SM_U8, u8)             \
	F(SM_U64, u64)           \
	F(SM_U16, u16)           \
	F(SM_S32, s32)           \
	F(SM_S64, s64)           \
	F(SM_BOOL, yes)          \
	F(SM_U32, u32)           \
	F(SM_HEX, address)       \
	F(SM_OCTAL, mode)        \
	F(SM_ERRNO, result)      \
	F(SM_SIGNAL, signal)     \
	F(SM_NAMED(WORDS), word) \
	F(SM_FLAGS(BITS), bits)  \
	F(SM_STRING(16), name)   \
	F(SM_STRINGS(32), argv)  \
	F(SM_BYTES(8), raw)      \
	F(SM_STRING(64), path)   \
	F(SM_TASK, target)       \
	F(SM_ENDPOINT, peer)
SM_EVENT(everything, EVERYTHING);

#define LONE(F) F(SM_U8, only)
SM_EVENT(lone, LONE);
SM_CONSTANTS(WORDS);

static u8 ram[RAM_SIZE];
static bool full;

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
	return gpa < RAM_SIZE && len <= RAM_SIZE - gpa ? ram + gpa : NULL;
}

void *sm_reserve(u16 type, u32 max)
{
	assert_true(max <= SM_EMIT_MAX);
	if (full)
		return NULL;
	memset(&rec, 0xcc, sizeof(rec));
	rec.record.type = type;
	rec.record.len = (max + 7) & ~7u;
	rec.record.seq = 7;
	return &rec;
}

void sm_commit(void *record, u32 len)
{
	assert_ptr_equal(record, &rec);
	assert_true(len <= rec.record.len);
	rec.record.len = (len + 7) & ~7u;
}

static void put64(u64 gpa, u64 value)
{
	memcpy(ram + gpa, &value, sizeof(value));
}

/* At TEXT_GPA; its kernel address.  The page is the process's too, at USER_VA. */
static u64 put_text(const char *text, size_t len)
{
	memcpy(ram + TEXT_GPA, text, len);
	return PAGE_OFFSET + TEXT_GPA;
}
#define TEXT(literal) put_text(literal, sizeof(literal))

static int setup(void **state)
{
	u64 table = ROOT_TABLE, task = PAGE_OFFSET + OBJECTS + 0x100;
	int level;

	memset(ram, 0, sizeof(ram));
	full = false;
	for (level = 3; level >= 0; level--, table += 0x1000)
		put64(table + ((USER_VA >> (12 + 9 * level)) & 511) * 8,
		      (level ? table + 0x1000 : TEXT_GPA) | 5);
	put64(OBJECTS + SM_SYMBOL(current_task), task);
	put64(OBJECTS + 0x100 + SM_OFFSET(task_struct, group_leader), task);
	put64(OBJECTS + 0x100 + SM_OFFSET(task_struct, start_boottime), 555);
	memcpy(ram + OBJECTS + 0x100 + SM_OFFSET(task_struct, comm), "cat", 4);
	ram[OBJECTS + 0x100 + SM_OFFSET(task_struct, tgid)] = 42;
	if (event_setup(state))
		return -1;
	schema = sm_schema_create();
	assert_non_null(schema);
	assert_int_equal(
		sm_schema_add(schema, sm_schema_everything, sizeof(sm_schema_everything), NULL), 0);
	return sm_schema_add(schema, sm_schema_lone, sizeof(sm_schema_lone), NULL);
}

static void show(void)
{
	decode_from(1);
	to_json();
}

/* --- what monitors do --------------------------------------------------------------------- */

static void numbers_and_names(void **state)
{
	struct sm_event_everything *e = SM_RESERVE(everything);

	(void)state;
	e->u8 = 200;
	e->u16 = 60000;
	e->u32 = 4000000000;
	e->u64 = ~0ULL;
	e->s32 = -5;
	e->s64 = INT64_MIN;
	e->yes = 2;
	e->address = 0xffffffff81000000;
	e->mode = 0100644;
	e->result = -13;
	e->signal = 9;
	e->word = GREEN;
	e->bits = 3 | 1ULL << 63 | 0x10;
	SM_COMMIT(e);
	show();
	assert_string("everything.process.comm", "cat");
	assert_string("everything.process.exec_id", "web:555:42");
	assert_non_null(field("everything.parent.exec_id"));
	assert_number("everything.u8", 200);
	assert_number("everything.u16", 60000);
	assert_number("everything.u32", 4000000000);
	assert_number("everything.u64", INT64_MAX);
	assert_number("everything.s32", -5);
	assert_number("everything.s64", INT64_MIN);
	assert_true(json_is_true(field("everything.yes")));
	assert_string("everything.address", "0xffffffff81000000");
	assert_string("everything.mode", "0100644");
	assert_string("everything.result", "EACCES");
	assert_string("everything.signal", "SIGKILL");
	assert_string("everything.word", "GREEN");
	assert_int_equal(json_array_size(field("everything.bits")), 3);
	assert_string_equal(json_string_value(json_array_get(field("everything.bits"), 0)), "BOTH");
	assert_string_equal(json_string_value(json_array_get(field("everything.bits"), 1)), "TOP");
	assert_string_equal(json_string_value(json_array_get(field("everything.bits"), 2)), "0x10");
	assert_string("vm", "web");
	assert_number("seq", 7);
	assert_line(
		"/1 everything pid=42 uid=0 parent=0() cat u8=200 u64=18446744073709551615 "
		"u16=60000 s32=-5 s64=-9223372036854775808 yes=yes u32=4000000000 "
		"address=0xffffffff81000000 mode=0100644 result=EACCES signal=SIGKILL word=GREEN "
		"bits=BOTH|TOP|0x10 name=\"\" argv=[] raw= path=\"\" target=0() peer=AF_UNSPEC");
}

static void nothing_set_is_nothing_shown(void **state)
{
	struct sm_event_everything *e = SM_RESERVE(everything);

	(void)state;
	e->word = 7;
	SM_COMMIT(e);
	show();
	assert_string("everything.result", "");
	assert_string("everything.signal", "");
	assert_string("everything.word", "7");
	assert_string("everything.mode", "0");
	assert_string("everything.name", "");
	assert_string("everything.raw", "");
	assert_string("everything.peer.family", "AF_UNSPEC");
	assert_null(field("everything.peer.port"));
	assert_int_equal(json_array_size(field("everything.bits")), 0);
	assert_int_equal(json_array_size(field("everything.argv")), 0);
	assert_null(field("everything.truncated"));
	assert_null(field("everything.unreadable"));
}

static void texts_in_any_order(void **state)
{
	struct sm_event_everything *e = SM_RESERVE(everything);

	(void)state;
	assert_int_equal(SM_PUT_TEXT(e, path, "/own", 4), 4);
	TEXT("ls\0-l\0a b");
	assert_int_equal(SM_PUT_USER_STRINGS(e, argv, USER_VA, 3), 10);
	assert_int_equal(SM_PUT_USER_STRING(e, name, USER_VA + 3), 2);
	assert_memory_equal(SM_TEXT(e, name), "-l", 2);
	assert_int_equal(SM_PUT_BYTES(e, raw, TEXT("\x01\xff"), 2), 2);
	SM_COMMIT(e);
	show();
	assert_string("everything.path", "/own");
	assert_string("everything.name", "-l");
	assert_string("everything.raw", "01ff");
	assert_int_equal(json_array_size(field("everything.argv")), 3);
	assert_string_equal(json_string_value(json_array_get(field("everything.argv"), 2)), "a b");
	assert_null(field("everything.truncated"));
}

static void texts_are_cut_and_say_so(void **state)
{
	struct sm_event_everything *e = SM_RESERVE(everything);

	(void)state;
	assert_int_equal(SM_PUT_STRING(e, name, TEXT("fifteen letters")), 15);
	assert_int_equal(SM_PUT_BYTES(e, raw, PAGE_OFFSET + TEXT_GPA, 9), 8);
	assert_int_equal(SM_PUT_USER_STRINGS(e, argv, USER_VA, 40), 32);
	assert_int_equal(SM_PUT_TEXT(e, path, rec.bytes, 65), 64);
	SM_COMMIT(e);
	show();
	assert_string("everything.name", "fifteen letters");
	assert_string("everything.raw", "6669667465656e20");
	assert_int_equal(json_array_size(field("everything.truncated")), 3);
	assert_string_equal(json_string_value(json_array_get(field("everything.truncated"), 0)),
			    "argv");
	e = SM_RESERVE(everything);
	assert_int_equal(SM_PUT_STRING(e, name, TEXT("sixteen letters!")), 15);
	SM_COMMIT(e);
	show();
	assert_string("everything.name", "sixteen letters");
	assert_int_equal(json_array_size(field("everything.truncated")), 1);
}

static void texts_that_are_away(void **state)
{
	struct sm_event_everything *e = SM_RESERVE(everything);

	(void)state;
	assert_int_equal(SM_PUT_STRING(e, name, 0), -SM_EFAULT);
	assert_int_equal(SM_PUT_USER_STRING(e, name, PAGE_OFFSET), -SM_EFAULT);
	assert_int_equal(SM_PUT_BYTES(e, raw, PAGE_OFFSET + RAM_SIZE - 2, 4), -SM_EFAULT);
	assert_int_equal(SM_PUT_USER_BYTES(e, raw, 0, 4), -SM_EFAULT);
	assert_int_equal(SM_PUT_PATH(e, path, 0), -SM_EFAULT);
	memset(ram + TEXT_GPA + 0xffa, 'x', 6);
	assert_int_equal(SM_PUT_USER_STRINGS(e, argv, USER_VA + 0xffa, 1), -SM_EFAULT);
	SM_COMMIT(e);
	show();
	assert_string_equal(json_string_value(json_array_get(field("everything.argv"), 0)),
			    "xxxxxx");
	assert_int_equal(json_array_size(field("everything.unreadable")), 4);
}

/* One that is filled in again and again ends at the end of the reservation. */
static void a_text_cannot_outgrow_the_record(void **state)
{
	struct sm_event_everything *e = SM_RESERVE(everything);
	int i, len = 0;

	(void)state;
	for (i = 0; i < 100 && len >= 0; i++)
		len = SM_PUT_TEXT(e, path, rec.bytes, 64);
	assert_int_equal(len, -SM_EFAULT);
	assert_true(e->head.used <= e->head.h.len);
	SM_COMMIT(e);
	show();
	assert_string_equal(sm_event_name(&event), "everything");
}

static void endpoints_and_tasks(void **state)
{
	struct sm_event_everything *e = SM_RESERVE(everything);

	(void)state;
	fill_task(&e->target);
	e->peer = (struct sm_endpoint){.family = AF_INET, .port = 443, .address = {10, 0, 0, 1}};
	SM_COMMIT(e);
	show();
	assert_string("everything.peer.family", "AF_INET");
	assert_string("everything.peer.address", "10.0.0.1");
	assert_number("everything.peer.port", 443);
	assert_number("everything.target.pid", 100);
	assert_string("everything.target.binary", "worker");
	e->peer = (struct sm_endpoint){.family = AF_INET6, .port = 22, .address = {[15] = 1}};
	show();
	assert_string("everything.peer.address", "::1");
	e->peer.family = 77;
	show();
	assert_string("everything.peer.family", "77");
}

static void endpoints_of_the_guest(void **state)
{
	static const u8 in[] = {2, 0, 0x1f, 0x90, 127, 0, 0, 1}, in6[28] = {10, 0, 0, 53, [23] = 1};
	u64 at = put_text((const char *)in, sizeof(in));
	struct sm_event_everything *e = SM_RESERVE(everything);

	(void)state;
	e->peer = sm_endpoint_read(at, sizeof(in));
	SM_COMMIT(e);
	show();
	assert_string("everything.peer.address", "127.0.0.1");
	assert_number("everything.peer.port", 8080);
	e->peer = sm_endpoint_read(at, sizeof(in) - 1);
	assert_int_equal(e->peer.family, AF_INET);
	assert_int_equal(e->peer.port, 0);
	put_text((const char *)in6, sizeof(in6));
	e->peer = sm_endpoint_read(at, sizeof(in6));
	show();
	assert_string("everything.peer.address", "::1");
	assert_number("everything.peer.port", 53);
	assert_int_equal(sm_endpoint_read(at, 1).family, 0);
	assert_int_equal(sm_endpoint_read(0, 16).family, 0);
}

static void dentries_have_paths(void **state)
{
	u64 root = PAGE_OFFSET + OBJECTS + 0x400, file = root + 0x100;
	struct sm_event_everything *e = SM_RESERVE(everything);

	(void)state;
	put64(root - PAGE_OFFSET + SM_OFFSET(dentry, d_parent), root);
	put64(file - PAGE_OFFSET + SM_OFFSET(dentry, d_parent), root);
	put64(file - PAGE_OFFSET + SM_OFFSET(dentry, d_name.name), TEXT("file"));
	ram[file - PAGE_OFFSET + SM_OFFSET(dentry, d_name.len)] = 4;
	assert_int_equal(SM_PUT_DENTRY(e, path, file), 5);
	assert_int_equal(SM_PUT_DENTRY(e, name, root), 1);
	SM_COMMIT(e);
	show();
	assert_string("everything.path", "/file");
	assert_string("everything.name", "/");
	e = SM_RESERVE(everything);
	assert_int_equal(SM_PUT_DENTRY(e, path, 0), -SM_EFAULT);
}

static void strings_of_the_process(void **state)
{
	char text[8];

	(void)state;
	TEXT("user's");
	assert_int_equal(sm_read_user_string(text, USER_VA, sizeof(text)), 6);
	assert_string_equal(text, "user's");
	assert_int_equal(sm_read_user_string(text, USER_VA, 4), 4);
	assert_string_equal(text, "use");
	assert_int_equal(sm_read_user_string(text, PAGE_OFFSET + TEXT_GPA, sizeof(text)),
			 -SM_EFAULT);
	assert_string_equal(text, "");
}

static void a_full_ring_gives_no_record(void **state)
{
	(void)state;
	full = true;
	assert_null(SM_RESERVE(everything));
}

static void each_event_has_its_type(void **state)
{
	struct sm_event_lone *e = SM_RESERVE(lone);

	(void)state;
	e->only = 5;
	SM_COMMIT(e);
	show();
	assert_number("lone.only", 5);
	assert_line("/1 lone      pid=42 uid=0 parent=0() cat only=5");
}

/* --- what a liar writes ------------------------------------------------------------------- */

static void assert_corrupt(void)
{
	show();
	assert_int_equal(event.type, SM_EVENT_CORRUPT);
	assert_non_null(field("corrupt.why"));
}

static void records_may_lie(void **state)
{
	static const struct sm_text lies[] = {
		{.at = 0, .len = 1},
		{.at = sizeof(struct sm_event_everything) - 1, .len = 1},
		{.at = 0xffff, .len = 1},
		{.at = sizeof(struct sm_event_everything), .len = 0xffff},
		{.at = sizeof(struct sm_event_everything), .len = 17},
	};
	struct sm_event_everything *e = SM_RESERVE(everything);
	size_t i;

	(void)state;
	SM_PUT_TEXT(e, path, "x", 1);
	SM_COMMIT(e);
	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		e->name = lies[i];
		assert_corrupt();
	}
	/* Without bytes it may point anywhere, and flags are but flags. */
	e->name = (struct sm_text){.at = 0xffff, .flags = 0xffff};
	show();
	assert_string("everything.name", "");
	rec.record.len = sizeof(*e) - 8;
	assert_corrupt();
	rec.record.len = sizeof(struct sm_record);
	assert_corrupt();
}

static void types_that_are_not_declared(void **state)
{
	struct sm_event_lone *e = SM_RESERVE(lone);

	(void)state;
	SM_COMMIT(e);
	rec.record.type = SM_RECORD_USER + 2;
	show();
	assert_number("user.type", SM_RECORD_USER + 2);
	rec.record.type = 0xffff;
	show();
	assert_number("user.type", 0xffff);
}

/* Whatever the bytes of a record are, it is an event. */
static void random_records(void **state)
{
	u32 seed = 1, i, j;

	(void)state;
	for (i = 0; i < 2000; i++) {
		struct sm_event_everything *e = SM_RESERVE(everything);

		for (j = sizeof(struct sm_record); j < sizeof(*e) + 64; j++)
			rec.bytes[j] = (u8)((seed = seed * 1103515245 + 12345) >> 16);
		if (i & 1)
			e->name.len = e->argv.len = e->raw.len = e->path.len = 0;
		rec.record.len = sizeof(*e) + 64;
		show();
		assert_non_null(field(sm_event_name(&event)));
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, event_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_and_names),
		TEST(nothing_set_is_nothing_shown),
		TEST(texts_in_any_order),
		TEST(texts_are_cut_and_say_so),
		TEST(texts_that_are_away),
		TEST(a_text_cannot_outgrow_the_record),
		TEST(endpoints_and_tasks),
		TEST(endpoints_of_the_guest),
		TEST(dentries_have_paths),
		TEST(strings_of_the_process),
		TEST(a_full_ring_gives_no_record),
		TEST(each_event_has_its_type),
		TEST(records_may_lie),
		TEST(types_that_are_not_declared),
		TEST(random_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
