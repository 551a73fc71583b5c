// SPDX-License-Identifier: GPL-2.0-or-later
/* Records that a hostile guest or compartment makes up: what users get of them does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "event_fixture.h"

static void bytes_that_are_no_utf8(void **state)
{
	(void)state;
	MAKE_EXEC("/tmp/\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82", "x\0\x80\0");
	decode_from(0);
	to_json();
	assert_string("process_exec.process.binary",
		      "/tmp/\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80\\xe2\\x82");
	assert_string("process_exec.process.arguments", "\\x80");
}

/* How many bytes are one character, of a buffer that ends right behind them. */
static size_t utf8_size(const char *text, size_t len, u32 *ret_character)
{
	char *copy = malloc(len);
	size_t size;

	memcpy(copy, text, len);
	size = sm_utf8_next(copy, len, ret_character);
	free(copy);
	return size;
}

static void utf8_is_checked(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		u32 character;
	} texts[] = {
		{"a", 1, 'a'},
		{"\xc3\xa4", 2, 0xe4},
		{"\xe2\x82\xac", 3, 0x20ac},
		{"\xf0\x9f\x98\x80", 4, 0x1f600},
		{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
		/* Cut short, not continued, too long for what they are. */
		{"\xc3", 0, 0},
		{"\xe2\x82", 0, 0},
		{"\xf0\x9f\x98", 0, 0},
		{"\xc3(", 0, 0},
		{"\xe2(\xac", 0, 0},
		{"\xf0\x9f\x98(", 0, 0},
		{"\xe2\x82\xe2", 0, 0},
		{"\xc1\xbf", 0, 0},
		{"\xe0\x9f\xbf", 0, 0},
		{"\xf0\x8f\xbf\xbf", 0, 0},
		/* Surrogates, beyond the last character, never good. */
		{"\xed\xa0\x80", 0, 0},
		{"\xed\xbf\xbf", 0, 0},
		{"\xf4\x90\x80\x80", 0, 0},
		{"\x80", 0, 0},
		{"\xf8\x88\x80\x80\x80", 0, 0},
		{"\xff", 0, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		u32 character = 0;

		assert_int_equal(utf8_size(texts[i].text, strlen(texts[i].text), &character),
				 texts[i].size);
		assert_int_equal(character, texts[i].character);
	}
}

/* Invisible, or changing how what surrounds them is shown. */
static void deceptive_characters(void **state)
{
	static const u32 bad[] = {0,      0x1b,   0x1f,   0x7f,   0x80,   0x9b,    0x9f,   0xad,
				  0x61c,  0x180e, 0x200b, 0x200f, 0x2028, 0x202a,  0x202e, 0x2060,
				  0x2066, 0x206f, 0xfeff, 0xfff9, 0xfffb, 0xe0001, 0xe007f};
	static const u32 good[] = {' ',    'a',    '~',    0xa0,   0xe4,   0x5d0,
				   0x2010, 0x2030, 0x20ac, 0xfffd, 0x1f600};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(sm_is_deceptive(bad[i]));
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_false(sm_is_deceptive(good[i]));
}

static void good_utf8_stays(void **state)
{
	(void)state;
	MAKE_EXEC("/tmp/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "x\0");
	decode_from(0);
	to_json();
	assert_string("process_exec.process.binary", "/tmp/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_line("/0 exec      pid=100 uid=1 euid=3 parent=50(shell) "
		    "/tmp/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 ");
}

static void nul_in_a_path(void **state)
{
	(void)state;
	MAKE_EXEC("/bin/a\0b", "x\0");
	decode_from(0);
	to_json();
	assert_string("process_exec.process.binary", "/bin/a\\x00b");
}

/* ESC, CSI as C1, a title sequence, carriage return, newline, DEL, an override of the direction. */
static void nothing_for_the_terminal(void **state)
{
	(void)state;
	MAKE_EXEC("\x1b[2J\xc2\x9b"
		  "31m",
		  "x\0\x1b]0;owned\a\0a\r\nb\x7f\0\xe2\x80\xae"
		  "cod\0");
	memcpy(rec.exec.task.parent_comm, "\x1b[31mred\n", 9);
	decode_from(0);
	to_json();
	assert_string("process_exec.process.binary", "\x1b[2J\xc2\x9b"
						     "31m");
	assert_string("process_exec.parent.comm", "\x1b[31mred\n");
	assert_line(
		"/0 exec      pid=100 uid=1 euid=3 parent=50(\\x1b[31mred\\x0a) \\x1b[2J\\u{9b}31m "
		"\\x1b]0;owned\\x07 a\\x0d\\x0ab\\x7f \\u{202e}cod");
}

/* A module's name, a path that was learnt, a VM's name. */
static void nothing_for_the_terminal_by_other_ways(void **state)
{
	(void)state;
	MAKE_EXEC("/\x1b", "x\0");
	decode_from(0);
	sm_event_learn(&context, &event);
	memset(&rec, 0, sizeof(rec));
	fill_task(&rec.module.task);
	memcpy(rec.module.name, "m\x1b", 3);
	convert(SM_RECORD_MODULE_LOAD, sizeof(rec.module), 0);
	assert_line("/0 insmod    pid=100 uid=1 euid=3 parent=50(shell) /\\x1b module=m\\x1b");
	convert(SM_RECORD_USER, sizeof(rec.record), 0);
	context.vm = "web/0 user      type=256 bytes=24\n";
	assert_line("/0 user      type=256 bytes=24\\x0a/0 user      type=256 bytes=24");
	context.vm = "web";
}

/* What is no field of its own in JSON must not become one. */
static void quotes_and_braces(void **state)
{
	(void)state;
	MAKE_EXEC("\"},\"vm\":\"other\"", "x\0\\\0\"\0");
	decode_from(0);
	to_json();
	assert_string("vm", "web");
	assert_string("process_exec.process.binary", "\"},\"vm\":\"other\"");
	assert_string("process_exec.process.arguments", "\\ \"");
}

static void names_without_nul(void **state)
{
	(void)state;
	fill_task(&rec.exit.task);
	memset(rec.exit.task.comm, 'c', SM_COMM_LEN);
	memset(rec.exit.task.parent_comm, 'p', SM_COMM_LEN);
	convert(SM_RECORD_EXIT, sizeof(rec.exit), 0);
	assert_string("process_exit.process.comm", "cccccccccccccccc");
	assert_string("process_exit.parent.comm", "pppppppppppppppp");
}

static void numbers_beyond_json(void **state)
{
	(void)state;
	rec.loss.count = UINT64_MAX;
	rec.loss.h.seq = UINT64_MAX;
	convert(SM_RECORD_LOSS, sizeof(rec.loss), 0);
	assert_number("loss.count", INT64_MAX);
}

static void assert_malformed(const char *sentence)
{
	assert_int_equal(event.type, SM_EVENT_CORRUPT);
	assert_string_equal(event.corrupt.why, sentence);
	assert_int_equal(event.corrupt.count, 0);
	to_json();
	assert_string("corrupt.why", sentence);
}

static void strings_beyond_the_record(void **state)
{
	(void)state;
	MAKE_EXEC("/bin/ls", "ls\0");
	rec.exec.argv_len = 100;
	decode_from(0);
	assert_malformed("an exec record's strings reach beyond it");
	rec.exec.argv_len = 0;
	rec.exec.path_len = SM_PATH_MAX + 1;
	decode_from(0);
	assert_malformed("an exec record's strings are longer than they may be");
	rec.exec.path_len = 0;
	rec.exec.argv_len = UINT16_MAX;
	decode_from(0);
	assert_malformed("an exec record's strings are longer than they may be");
}

static void longest_strings(void **state)
{
	static char path[SM_PATH_MAX], argv[SM_ARGV_MAX];

	(void)state;
	memset(path, 0xff, sizeof(path));
	make_exec(path, sizeof(path), argv, sizeof(argv));
	decode_from(0);
	to_json();
	assert_int_equal(json_string_length(field("process_exec.process.binary")), 4 * SM_PATH_MAX);
	assert_int_equal(json_array_size(field("process_exec.process.argv")), SM_ARGV_MAX);
}

static void records_too_short_for_their_type(void **state)
{
	static const struct {
		u16 type;
		u32 size;
	} types[] = {
		{SM_RECORD_EXEC, sizeof(rec.exec)},
		{SM_RECORD_EXIT, sizeof(rec.exit)},
		{SM_RECORD_MODULE_LOAD, sizeof(rec.module)},
		{SM_RECORD_MODULE_UNLOAD, sizeof(rec.module)},
		{SM_RECORD_LOSS, sizeof(rec.loss)},
		{SM_RECORD_VIOLATION, sizeof(rec.violation)},
		{SM_RECORD_ABORT, sizeof(rec.violation)},
		{SM_RECORD_LIFECYCLE, sizeof(rec.lifecycle)},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		convert(types[i].type, types[i].size - 8, SM_VCPU_HOST);
		assert_malformed("a record is shorter than its type demands");
		convert(types[i].type, types[i].size, SM_VCPU_HOST);
		assert_int_not_equal(event.type, SM_EVENT_CORRUPT);
	}
}

/* Only the host module reports violations: a compartment cannot forge one, nor a lock. */
static void forged_reports_of_the_host(void **state)
{
	static const char sentence[] =
		"a vCPU's ring holds a record that only the host module writes";

	(void)state;
	convert(SM_RECORD_VIOLATION, sizeof(rec.violation), 0);
	assert_malformed(sentence);
	convert(SM_RECORD_ABORT, sizeof(rec.violation), 0);
	assert_malformed(sentence);
	convert(SM_RECORD_LIFECYCLE, sizeof(rec.lifecycle), 0);
	assert_malformed(sentence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVENT(bytes_that_are_no_utf8),
		EVENT(utf8_is_checked),
		EVENT(deceptive_characters),
		EVENT(good_utf8_stays),
		EVENT(nul_in_a_path),
		EVENT(nothing_for_the_terminal),
		EVENT(nothing_for_the_terminal_by_other_ways),
		EVENT(quotes_and_braces),
		EVENT(names_without_nul),
		EVENT(numbers_beyond_json),
		EVENT(strings_beyond_the_record),
		EVENT(longest_strings),
		EVENT(records_too_short_for_their_type),
		EVENT(forged_reports_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
