// SPDX-License-Identifier: GPL-2.0-or-later
/* Records to events to JSON, which is parsed again and read field by field; and to lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "event_fixture.h"

/* --- each type ---------------------------------------------------------------------------------
 */

static void exec_has_all_fields(void **state)
{
	(void)state;
	MAKE_EXEC("/usr/bin/id", "id\0-u\0two words\0\0");
	decode_from(1);
	to_json();
	assert_int_equal(json_object_size(root), 6);
	assert_string("node_name", "web");
	assert_string("vm", "web");
	assert_number("vcpu", 1);
	assert_number("seq", 7);
	assert_string("time", "2023-11-14T22:13:20.123456789Z");
	assert_string("process_exec.process.exec_id", "web:111222333:100");
	assert_number("process_exec.process.pid", 100);
	assert_number("process_exec.process.tid", 101);
	assert_number("process_exec.process.uid", 1);
	assert_string("process_exec.process.comm", "worker");
	assert_string("process_exec.process.binary", "/usr/bin/id");
	assert_string("process_exec.process.arguments", "-u \"two words\" \"\"");
	assert_string("process_exec.process.flags", "execve");
	assert_number("process_exec.process.argc", 3);
	assert_number("process_exec.process.ticks", 4321);
	assert_number("process_exec.process.start_boottime", 111222333);
	assert_string("process_exec.process.parent_exec_id", "web:444:50");
	assert_number("process_exec.process.process_credentials.uid", 1);
	assert_number("process_exec.process.process_credentials.gid", 2);
	assert_number("process_exec.process.process_credentials.euid", 3);
	assert_number("process_exec.process.process_credentials.egid", 4);
	assert_number("process_exec.process.process_credentials.suid", 5);
	assert_number("process_exec.process.process_credentials.sgid", 6);
	assert_number("process_exec.process.process_credentials.fsuid", 7);
	assert_number("process_exec.process.process_credentials.fsgid", 8);
	assert_string("process_exec.parent.exec_id", "web:444:50");
	assert_number("process_exec.parent.pid", 50);
	assert_string("process_exec.parent.comm", "shell");
	assert_string("process_exec.parent.binary", "shell");
	assert_number("process_exec.parent.start_boottime", 444);
}

static void exec_argv_is_an_array(void **state)
{
	json_t *argv;

	(void)state;
	MAKE_EXEC("/bin/sh", "sh\0-c\0a b\0\0tail");
	decode_from(0);
	to_json();
	argv = field("process_exec.process.argv");
	assert_int_equal(json_array_size(argv), 5);
	assert_string_equal(json_string_value(json_array_get(argv, 0)), "sh");
	assert_string_equal(json_string_value(json_array_get(argv, 1)), "-c");
	assert_string_equal(json_string_value(json_array_get(argv, 2)), "a b");
	assert_string_equal(json_string_value(json_array_get(argv, 3)), "");
	assert_string_equal(json_string_value(json_array_get(argv, 4)), "tail");
	assert_line(
		"/0 exec      pid=100 uid=1 euid=3 parent=50(shell) /bin/sh -c \"a b\" \"\" tail");
}

static void exec_without_arguments(void **state)
{
	(void)state;
	MAKE_EXEC("", "");
	decode_from(0);
	to_json();
	assert_string("process_exec.process.binary", "");
	assert_string("process_exec.process.arguments", "");
	assert_int_equal(json_array_size(field("process_exec.process.argv")), 0);
}

static void exec_flags(void **state)
{
	(void)state;
	MAKE_EXEC("/x", "x");
	rec.exec.flags = SM_EXEC_ARGV_TRUNCATED | SM_EXEC_ARGV_UNREADABLE | SM_EXEC_PATH_TRUNCATED;
	decode_from(0);
	to_json();
	assert_string("process_exec.process.flags", "execve truncFilename truncArgs errorArgs");
	assert_line("/0 exec      pid=100 uid=1 euid=3 parent=50(shell) /x  [truncated] [arguments "
		    "unreadable]");
}

static void exit_by_signal(void **state)
{
	(void)state;
	fill_task(&rec.exit.task);
	rec.exit.signal = 9;
	rec.exit.core_dumped = 1;
	convert(SM_RECORD_EXIT, sizeof(rec.exit), 0);
	assert_string("process_exit.signal", "SIGKILL");
	assert_number("process_exit.status", 0);
	assert_true(json_is_true(field("process_exit.core_dumped")));
	assert_number("process_exit.process.pid", 100);
	assert_string("process_exit.process.binary", "worker");
	assert_null(field("process_exit.process.arguments"));
	assert_line("/0 exit      pid=100 uid=1 euid=3 parent=50(shell) worker signal=SIGKILL "
		    "(core dumped)");
}

static void exit_by_code(void **state)
{
	(void)state;
	fill_task(&rec.exit.task);
	rec.exit.task.euid = 1;
	rec.exit.code = 7;
	convert(SM_RECORD_EXIT, sizeof(rec.exit), 0);
	assert_string("process_exit.signal", "");
	assert_number("process_exit.status", 7);
	assert_true(json_is_false(field("process_exit.core_dumped")));
	assert_line("/0 exit      pid=100 uid=1 parent=50(shell) worker status=7");
}

static void signals_have_names(void **state)
{
	char text[16];

	(void)state;
	assert_string_equal(sm_signal_name(0, text), "");
	assert_string_equal(sm_signal_name(11, text), "SIGSEGV");
	assert_string_equal(sm_signal_name(31, text), "SIGSYS");
	assert_string_equal(sm_signal_name(34, text), "SIG34");
	assert_string_equal(sm_signal_name(UINT32_MAX, text), "SIG4294967295");
}

static void modules(void **state)
{
	(void)state;
	fill_task(&rec.module.task);
	strcpy(rec.module.name, "rootkit");
	convert(SM_RECORD_MODULE_LOAD, sizeof(rec.module), 2);
	assert_string("module_load.name", "rootkit");
	assert_number("module_load.process.pid", 100);
	assert_line("/2 insmod    pid=100 uid=1 euid=3 parent=50(shell) worker module=rootkit");
	convert(SM_RECORD_MODULE_UNLOAD, sizeof(rec.module), 2);
	assert_string("module_unload.name", "rootkit");
	assert_line("/2 rmmod     pid=100 uid=1 euid=3 parent=50(shell) worker module=rootkit");
	/* A name that fills its field has no NUL. */
	memset(rec.module.name, 'm', sizeof(rec.module.name));
	convert(SM_RECORD_MODULE_LOAD, sizeof(rec.module), 2);
	assert_int_equal(json_string_length(field("module_load.name")), SM_MODULE_NAME_LEN);
}

static void loss(void **state)
{
	(void)state;
	rec.loss.count = 12;
	convert(SM_RECORD_LOSS, sizeof(rec.loss), 3);
	assert_number("loss.count", 12);
	assert_true(json_is_true(field("loss.explained")));
	assert_number("vcpu", 3);
	assert_line("/3 loss      12 records lost");
}

static void gap(void **state)
{
	struct sm_item item = {.kind = SM_ITEM_GAP, .vcpu = 3, .time_ns = TIME_NS, .count = 4};

	(void)state;
	sm_event_decode(&item, NULL, &event);
	to_json();
	assert_number("loss.count", 4);
	assert_true(json_is_false(field("loss.explained")));
	assert_null(field("seq"));
	assert_line("/3 loss      4 records missing that nothing accounts for");
}

static void corruption(void **state)
{
	struct sm_item item = {.kind = SM_ITEM_CORRUPT,
			       .vcpu = 3,
			       .time_ns = TIME_NS,
			       .count = 4,
			       .why = "the head is out of range"};

	(void)state;
	sm_event_decode(&item, NULL, &event);
	to_json();
	assert_number("corrupt.count", 4);
	assert_string("corrupt.why", "the head is out of range");
	assert_line("/3 corrupt   the head is out of range");
}

static void violation_and_abort(void **state)
{
	(void)state;
	rec.violation = (struct sm_record_violation){
		.vcpu = 1,
		.view = SM_VIEW_GATE,
		.reason = SM_REASON_CR3_TEST,
		.exit_reason = 18,
		.rip = 0xffffffffc0000012,
		.gpa = 0x1000,
		.gla = 0x2000,
		.cr3 = 0x4000000000,
		.qualification = 0x181,
	};
	convert(SM_RECORD_VIOLATION, sizeof(rec.violation), SM_VCPU_HOST);
	assert_true(json_is_null(field("vcpu")));
	assert_number("violation.vcpu", 1);
	assert_string("violation.reason", "cr3_test");
	assert_number("violation.reason_code", SM_REASON_CR3_TEST);
	assert_string("violation.view", "gate");
	assert_number("violation.view_index", 1);
	assert_string("violation.exit_reason", "VMCALL");
	assert_number("violation.exit_reason_code", 18);
	assert_string("violation.rip", "0xffffffffc0000012");
	assert_string("violation.gpa", "0x1000");
	assert_string("violation.gla", "0x2000");
	assert_string("violation.cr3", "0x4000000000");
	assert_string("violation.qualification", "0x181");
	assert_line("/host violation vcpu=1 reason=cr3_test view=gate exit=VMCALL "
		    "rip=0xffffffffc0000012 "
		    "gpa=0x1000 cr3=0x4000000000");
	rec.violation.reason = SM_REASON_BUDGET;
	rec.violation.exit_reason = 52;
	rec.violation.view = SM_VIEW_MONITOR;
	convert(SM_RECORD_ABORT, sizeof(rec.violation), SM_VCPU_HOST);
	assert_string("abort.reason", "budget");
	assert_string("abort.view", "monitor");
	assert_string("abort.exit_reason", "PREEMPTION_TIMER");
}

static void unknown_numbers_have_names(void **state)
{
	(void)state;
	rec.violation.view = rec.violation.reason = rec.violation.exit_reason = UINT32_MAX;
	convert(SM_RECORD_ABORT, sizeof(rec.violation), SM_VCPU_HOST);
	assert_string("abort.reason", "unknown");
	assert_string("abort.view", "unknown");
	assert_string("abort.exit_reason", "unknown");
	assert_number("abort.reason_code", UINT32_MAX);
	assert_string_equal(sm_exit_reason_name(35), "unknown");
	assert_string_equal(sm_exit_reason_name(48), "EPT_VIOLATION");
	assert_string_equal(sm_lifecycle_name(0), "unknown");
}

static void lifecycle(void **state)
{
	(void)state;
	rec.lifecycle.what = SM_LIFECYCLE_LOCKED;
	convert(SM_RECORD_LIFECYCLE, sizeof(rec.lifecycle), SM_VCPU_HOST);
	assert_string("lifecycle.what", "locked");
	assert_null(field("lifecycle.vcpu"));
	assert_line("/host lifecycle locked");
	rec.lifecycle.what = SM_LIFECYCLE_VCPU_ADDED;
	rec.lifecycle.vcpu = 2;
	convert(SM_RECORD_LIFECYCLE, sizeof(rec.lifecycle), SM_VCPU_HOST);
	assert_string("lifecycle.what", "vcpu_added");
	assert_number("lifecycle.vcpu", 2);
}

static void types_of_others(void **state)
{
	(void)state;
	convert(SM_RECORD_USER + 5, 48, 0);
	assert_number("user.type", SM_RECORD_USER + 5);
	assert_number("user.len", 48);
	assert_line("/0 user      type=261 bytes=48");
}

/* --- what is known of a process
 * --------------------------------------------------------------------- */

static void exec_completes_later_events(void **state)
{
	(void)state;
	MAKE_EXEC("/usr/bin/sleep", "sleep\0001000\0");
	decode_from(0);
	sm_event_learn(&context, &event);
	memset(&rec, 0, sizeof(rec));
	fill_task(&rec.exit.task);
	convert(SM_RECORD_EXIT, sizeof(rec.exit), 0);
	assert_string("process_exit.process.binary", "/usr/bin/sleep");
	assert_string("process_exit.process.arguments", "1000");
	assert_string("process_exit.process.exec_id", "web:111222333:100");
	assert_line("/0 exit      pid=100 uid=1 euid=3 parent=50(shell) /usr/bin/sleep status=0");
}

static void exec_completes_its_children(void **state)
{
	(void)state;
	MAKE_EXEC("/bin/bash", "bash\0-l\0");
	rec.exec.task.tgid = 50;
	rec.exec.task.start_time = 444;
	decode_from(0);
	sm_event_learn(&context, &event);
	MAKE_EXEC("/bin/ls", "ls\0");
	decode_from(0);
	to_json();
	assert_string("process_exec.parent.binary", "/bin/bash");
	assert_string("process_exec.parent.arguments", "-l");
	assert_string("process_exec.process.binary", "/bin/ls");
}

/* A PID that another process had. */
static void a_reused_pid_is_another_process(void **state)
{
	(void)state;
	MAKE_EXEC("/usr/bin/sleep", "sleep\0");
	decode_from(0);
	sm_event_learn(&context, &event);
	memset(&rec, 0, sizeof(rec));
	fill_task(&rec.exit.task);
	rec.exit.task.start_time++;
	convert(SM_RECORD_EXIT, sizeof(rec.exit), 0);
	assert_string("process_exit.process.binary", "worker");
}

static void works_without_a_table(void **state)
{
	struct sm_process_table *table = context.processes;

	(void)state;
	context.processes = NULL;
	MAKE_EXEC("/usr/bin/sleep", "sleep\0");
	decode_from(0);
	sm_event_learn(&context, &event);
	to_json();
	assert_string("process_exec.parent.binary", "shell");
	memset(&rec, 0, sizeof(rec));
	fill_task(&rec.exit.task);
	convert(SM_RECORD_EXIT, sizeof(rec.exit), 0);
	assert_string("process_exit.process.binary", "worker");
	assert_line("/0 exit      pid=100 uid=1 euid=3 parent=50(shell) worker status=0");
	context.processes = table;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVENT(exec_has_all_fields),
		EVENT(exec_argv_is_an_array),
		EVENT(exec_without_arguments),
		EVENT(exec_flags),
		EVENT(exit_by_signal),
		EVENT(exit_by_code),
		EVENT(signals_have_names),
		EVENT(modules),
		EVENT(loss),
		EVENT(gap),
		EVENT(corruption),
		EVENT(violation_and_abort),
		EVENT(unknown_numbers_have_names),
		EVENT(lifecycle),
		EVENT(types_of_others),
		EVENT(exec_completes_later_events),
		EVENT(exec_completes_its_children),
		EVENT(a_reused_pid_is_another_process),
		EVENT(works_without_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
