// SPDX-License-Identifier: GPL-2.0-or-later
/* Schemas of images: what is taken, what is refused, and the way through JSON. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../host/lib/schema_internal.h"

#define HEAD sizeof(struct sm_event_head)

/* A good one; each test spoils it. */
static struct sm_schema_entry entries[600];
static size_t count;

static void add(const char *name, u32 kind, u32 max, u64 value)
{
	entries[count] = (struct sm_schema_entry){.kind = kind, .max = max, .value = value};
	snprintf(entries[count++].name, SM_SCHEMA_NAME_LEN, "%s", name);
}

static int setup(void **state)
{
	(void)state;
	memset(entries, 0, sizeof(entries));
	count = 0;
	add("opened", SM_SCHEMA_EVENT, HEAD + 16, 0);
	add("flags", SM_FIELD_FLAGS, 0, 0);
	add("CREATE", SM_SCHEMA_NAME, 0, 1ULL << 63);
	add("path", SM_FIELD_STRING, 100, 0);
	return 0;
}

static int load(struct sm_schema *schema, struct sm_error *err)
{
	/* Of just its size, so that reading beyond it shows. */
	void *copy = malloc(count * sizeof(*entries) + 1);
	int code;

	memcpy(copy, entries, count * sizeof(*entries));
	code = sm_schema_add(schema, copy, count * sizeof(*entries), err);
	free(copy);
	return code;
}

static void assert_refused(int expected)
{
	struct sm_schema *schema = sm_schema_create();
	struct sm_error err = {0};

	assert_int_equal(load(schema, &err), expected);
	assert_int_equal(err.code, expected);
	assert_true(err.text[0]);
	sm_schema_free(schema);
}

static struct sm_schema *load_good(void)
{
	struct sm_schema *schema = sm_schema_create();

	assert_int_equal(load(schema, NULL), 0);
	return schema;
}

static void fields_are_laid_out(void **state)
{
	struct sm_schema *schema = load_good();
	struct sm_schema_field field = {0};

	(void)state;
	assert_int_equal(sm_schema_count(schema), 1);
	assert_ptr_equal(sm_schema_find(schema, "opened"), sm_schema_find_type(schema, 256));
	assert_null(sm_schema_find(schema, "closed"));
	assert_null(sm_schema_find_type(schema, 257));
	assert_null(sm_schema_find_type(schema, 255));
	assert_null(sm_schema_find_type(schema, 0));
	assert_true(sm_schema_next_field(&schema->events[0], &field));
	assert_string_equal(field.entry->name, "flags");
	assert_int_equal(field.offset, HEAD);
	assert_int_equal(field.nr_names, 1);
	assert_true(sm_schema_next_field(&schema->events[0], &field));
	assert_int_equal(field.offset, HEAD + 8);
	assert_int_equal(field.nr_names, 0);
	assert_false(sm_schema_next_field(&schema->events[0], &field));
	sm_schema_free(schema);
}

static void an_event_without_fields(void **state)
{
	struct sm_schema *schema;

	(void)state;
	count = 1;
	entries[0].max = HEAD;
	schema = load_good();
	assert_int_equal(sm_schema_count(schema), 1);
	sm_schema_free(schema);
}

/* By a header that two monitors include. */
static void the_same_event_twice_is_one(void **state)
{
	struct sm_schema *schema = load_good();

	(void)state;
	assert_int_equal(load(schema, NULL), 0);
	assert_int_equal(sm_schema_count(schema), 1);
	strcpy(entries[0].name, "other");
	assert_int_equal(load(schema, NULL), 0);
	assert_int_equal(sm_schema_find(schema, "other")->type, 257);
	entries[3].max = 99;
	assert_int_equal(load(schema, NULL), -EINVAL);
	assert_int_equal(sm_schema_count(schema), 2);
	sm_schema_free(schema);
}

static void sections_that_are_none(void **state)
{
	struct sm_schema *schema = sm_schema_create();
	struct sm_error err;

	(void)state;
	assert_int_equal(sm_schema_add(schema, entries, 63, &err), -EINVAL);
	assert_int_equal(sm_schema_add(schema, entries, 0, &err), 0);
	sm_schema_free(schema);
	entries[0].kind = SM_FIELD_U32;
	assert_refused(-EINVAL);
	entries[0].kind = SM_SCHEMA_NAME;
	assert_refused(-EINVAL);
}

static void sizes_that_do_not_fit(void **state)
{
	static const u32 sizes[] = {0, HEAD, HEAD + 8, HEAD + 24, 0xffffffff};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		entries[0].max = sizes[i];
		assert_refused(-EINVAL);
	}
	entries[0].max = HEAD + 16;
	entries[3].max = 0;
	assert_refused(-EINVAL);
	entries[3].max = SM_RECORD_MAX;
	assert_refused(-EINVAL);
	entries[3].max = 0xffffffff;
	assert_refused(-EINVAL);
	entries[3].max = 100;
	entries[1].max = 1; /* a number has none */
	assert_refused(-EINVAL);
}

static void names_that_are_none(void **state)
{
	static const char *const names[] = {"", "1st", "a b", "a-b", "a.b", "\xc3\xa4", "a\n"};
	size_t i, j;

	(void)state;
	for (i = 0; i < 4; i++) {
		setup(state);
		memset(entries[i].name, 'a', SM_SCHEMA_NAME_LEN);
		assert_refused(-EINVAL);
		for (j = 0; j < sizeof(names) / sizeof(*names); j++) {
			strcpy(entries[i].name, names[j]);
			assert_refused(-EINVAL);
		}
	}
}

static void names_that_are_taken(void **state)
{
	static const char *const events[] = {
		"process_exec", "module_unload", "loss",      "user", "corrupt",  "vm",
		"time",         "seq",           "node_name", "vcpu", "lifecycle"};
	static const char *const fields[] = {"process", "parent", "truncated", "unreadable",
					     "flags"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(events) / sizeof(*events); i++) {
		strcpy(entries[0].name, events[i]);
		assert_refused(-EINVAL);
	}
	setup(state);
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		strcpy(entries[3].name, fields[i]);
		assert_refused(-EINVAL);
	}
}

static void kinds_that_are_none(void **state)
{
	static const u32 none[] = {0, 3, 15, 34, 0xffffffff};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(*none); i++) {
		entries[3].kind = none[i];
		assert_refused(-EINVAL);
	}
	setup(state);
	add("NAME", SM_SCHEMA_NAME, 0, 1); /* of a string */
	assert_refused(-EINVAL);
	setup(state);
	entries[1].kind = SM_SCHEMA_NAME; /* of the event */
	assert_refused(-EINVAL);
}

static void more_than_is_good(void **state)
{
	struct sm_schema *schema = sm_schema_create();
	int i;

	(void)state;
	for (i = 0; i < SCHEMA_EVENTS_MAX; i++) {
		snprintf(entries[0].name, SM_SCHEMA_NAME_LEN, "event%d", i);
		assert_int_equal(load(schema, NULL), 0);
	}
	strcpy(entries[0].name, "last");
	assert_int_equal(load(schema, NULL), -E2BIG);
	assert_int_equal(sm_schema_count(schema), SCHEMA_EVENTS_MAX);
	sm_schema_free(schema);
	count = 2;
	entries[0].max = HEAD + 8;
	while (count < SCHEMA_ENTRIES_MAX)
		add("NAME", SM_SCHEMA_NAME, 0, 1);
	sm_schema_free(load_good());
	add("NAME", SM_SCHEMA_NAME, 0, 1);
	assert_refused(-E2BIG);
}

static void json_brings_it_elsewhere(void **state)
{
	struct sm_schema *schema = load_good(), *other = sm_schema_create();
	json_t *json = sm_schema_event_json(schema, 0), *entry;
	struct sm_error err;

	(void)state;
	assert_int_equal(sm_schema_add_json(other, json, &err), 0);
	assert_int_equal(other->events[0].nr_entries, 4);
	assert_memory_equal(other->events[0].entries, entries, 4 * sizeof(*entries));
	entry = json_array_get(json_object_get(json, "entries"), 3);
	json_array_set_new(entry, 2, json_integer(-1));
	assert_int_equal(sm_schema_add_json(other, json, &err), -EINVAL);
	json_array_set_new(entry, 2, json_integer(1LL << 40));
	assert_int_equal(sm_schema_add_json(other, json, &err), -EINVAL);
	json_array_set_new(entry, 2, json_string("x"));
	assert_int_equal(sm_schema_add_json(other, json, &err), -EINVAL);
	json_array_set_new(entry, 0,
			   json_string("a_name_of_more_than_forty_seven_letters_is_refused"));
	assert_int_equal(sm_schema_add_json(other, json, &err), -EINVAL);
	json_object_clear(json);
	assert_int_equal(sm_schema_add_json(other, json, &err), -EINVAL);
	assert_int_equal(sm_schema_add_json(other, NULL, &err), -EINVAL);
	json_decref(json);
	sm_schema_free(other);
	sm_schema_free(schema);
}

/* The longest that is allowed goes through the daemon in one message. */
static void json_fits_into_a_message(void **state)
{
	struct sm_schema *schema;
	json_t *json;
	char *text;

	(void)state;
	count = 2;
	entries[0].max = HEAD + 8;
	while (count < SCHEMA_ENTRIES_MAX) {
		add("", SM_SCHEMA_NAME, 0, INT64_MAX);
		memset(entries[count - 1].name, 'x', SM_SCHEMA_NAME_LEN - 1);
	}
	schema = load_good();
	json = sm_schema_event_json(schema, 0);
	text = json_dumps(json, JSON_COMPACT);
	assert_true(strlen(text) < 65000);
	free(text);
	json_decref(json);
	sm_schema_free(schema);
}

static void a_document_for_tools(void **state)
{
	struct sm_schema *schema = load_good();
	json_t *document = sm_schema_document(schema), *event;

	(void)state;
	event = json_object_get(json_object_get(document, "properties"), "opened");
	event = json_object_get(event, "properties");
	assert_true(json_is_object(json_object_get(event, "flags")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(event, "path"), "type")),
		"string");
	assert_int_equal(json_array_size(json_object_get(document, "anyOf")), 1);
	json_decref(document);
	sm_schema_free(schema);
}

#define TEST(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fields_are_laid_out),         TEST(an_event_without_fields),
		TEST(the_same_event_twice_is_one), TEST(sections_that_are_none),
		TEST(sizes_that_do_not_fit),       TEST(names_that_are_none),
		TEST(names_that_are_taken),        TEST(kinds_that_are_none),
		TEST(more_than_is_good),           TEST(json_brings_it_elsewhere),
		TEST(json_fits_into_a_message),    TEST(a_document_for_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
