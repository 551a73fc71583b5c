// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "event_fixture.h"

union any_record rec;
struct sm_event_context context = {.vm = "web"};
struct sm_event event;
struct sm_schema *schema;
json_t *root;

int event_setup(void **state)
{
	(void)state;
	memset(&rec, 0, sizeof(rec));
	context.processes = sm_process_table_create(16, 4096);
	assert_non_null(context.processes);
	return 0;
}

int event_teardown(void **state)
{
	(void)state;
	json_decref(root);
	root = NULL;
	sm_schema_free(schema);
	schema = NULL;
	sm_process_table_destroy(context.processes);
	return 0;
}

void fill_task(struct sm_task *task)
{
	*task = (struct sm_task){
		.pid = 101,
		.tgid = 100,
		.ppid = 50,
		.uid = 1,
		.gid = 2,
		.euid = 3,
		.egid = 4,
		.suid = 5,
		.sgid = 6,
		.fsuid = 7,
		.fsgid = 8,
		.start_time = 111222333,
		.parent_start_time = 444,
		.comm = "worker",
		.parent_comm = "shell",
	};
}

void make_exec(const char *path, size_t path_len, const char *argv, size_t argv_len)
{
	fill_task(&rec.exec.task);
	rec.exec.h = (struct sm_record){.type = SM_RECORD_EXEC, .seq = 7};
	rec.exec.h.len = (u32)(sizeof(rec.exec) + path_len + argv_len + 7) & ~7u;
	rec.exec.path_len = (u16)path_len;
	rec.exec.argv_len = (u16)argv_len;
	rec.exec.argc = 3;
	rec.exec.ticks = 4321;
	memcpy(rec.bytes + sizeof(rec.exec), path, path_len);
	memcpy(rec.bytes + sizeof(rec.exec) + path_len, argv, argv_len);
}

void decode_from(u32 vcpu)
{
	struct sm_item item = {
		.kind = SM_ITEM_RECORD, .vcpu = vcpu, .time_ns = TIME_NS, .record = &rec.record};

	sm_event_decode(&item, schema, &event);
}

void to_json(void)
{
	char *line;

	assert_int_equal(sm_event_json_line(&context, &event, &line), 0);
	for (const char *c = line; *c; c++)
		assert_true(*c >= 0x20); /* char is signed: ASCII, and no control */
	json_decref(root);
	root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	free(line);
}

void convert(u16 type, u32 len, u32 vcpu)
{
	rec.record.type = type;
	rec.record.len = len;
	rec.record.seq = 7;
	decode_from(vcpu);
	to_json();
}

json_t *field(const char *path)
{
	char name[64];
	json_t *object = root;

	while (object && *path) {
		size_t len = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		object = json_object_get(object, name);
		path += len + (path[len] == '.');
	}
	return object;
}

void assert_number(const char *path, json_int_t value)
{
	assert_true(json_is_integer(field(path)));
	assert_int_equal(json_integer_value(field(path)), value);
}

void assert_string(const char *path, const char *value)
{
	assert_true(json_is_string(field(path)));
	assert_string_equal(json_string_value(field(path)), value);
}

void assert_line(const char *expected)
{
	char *line = NULL, *full;
	size_t len;
	FILE *to = open_memstream(&line, &len);

	assert_int_equal(sm_event_print(&context, &event, to), 0);
	fclose(to);
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	assert_true(asprintf(&full, "2023-11-14T22:13:20.123456789Z web%s\n", expected) > 0);
	assert_string_equal(line, full);
	free(full);
	free(line);
}
