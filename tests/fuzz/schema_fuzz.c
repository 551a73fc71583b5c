// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a section .sm.schema, and behind it as a record: what is taken has a description, which
 * makes the same again elsewhere, and shows every record.
 */
#include <stdlib.h>
#include <string.h>

#include "../../host/lib/event_internal.h"

#define ENTRY sizeof(struct sm_schema_entry)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Of just its size, so that reading beyond it shows. */
static void *copy_of(const void *data, size_t size)
{
	void *copy = malloc(size + !size);

	require(copy);
	memcpy(copy, data, size);
	return copy;
}

static void check_transport(const struct sm_schema *schema)
{
	struct sm_schema *other = sm_schema_create();
	size_t i;

	for (i = 0; i < sm_schema_count(schema); i++) {
		json_t *json = sm_schema_event_json(schema, i);
		char *text = json_dumps(json, JSON_COMPACT);

		require(text && strlen(text) < 65000);
		require(sm_schema_add_json(other, json, NULL) == 0);
		require(other->events[i].nr_entries == schema->events[i].nr_entries &&
			other->events[i].size == schema->events[i].size);
		free(text);
		json_decref(json);
	}
	sm_schema_free(other);
}

static void check_document(const struct sm_schema *schema)
{
	json_t *document = sm_schema_document(schema);

	require(json_is_object(document));
	json_decref(document);
}

static void show(const struct sm_schema *schema, const struct sm_record *record)
{
	const struct sm_event_context context = {.vm = "web"};
	struct sm_item item = {.kind = SM_ITEM_RECORD, .record = record};
	struct sm_event event;
	char *line = NULL, *json;
	size_t len = 0;
	FILE *to = open_memstream(&line, &len);

	sm_event_decode(&item, schema, &event);
	require(sm_event_json_line(&context, &event, &json) == 0);
	require(to && sm_event_print(&context, &event, to) == 0);
	fclose(to);
	free(line);
	free(json);
}

static void check_records(const struct sm_schema *schema, const uint8_t *data, size_t size)
{
	struct sm_record *record;
	size_t i;

	size &= ~7ul;
	if (size < sizeof(*record) || size > SM_RECORD_MAX)
		return;
	record = copy_of(data, size);
	record->len = (u32)size;
	for (i = 0; i < sm_schema_count(schema) && i < 16; i++) {
		record->type = (u16)(SM_RECORD_USER + i);
		show(schema, record);
	}
	free(record);
}

/* The input: how many entries, these, a record. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sm_schema *schema = sm_schema_create();
	size_t section;
	void *copy;

	require(schema);
	section = size ? data[0] * ENTRY : 0;
	if (section > (size ? size - 1 : 0))
		section = size - 1;
	copy = copy_of(data + !!size, section);
	if (sm_schema_add(schema, copy, section, NULL) == 0) {
		check_transport(schema);
		check_document(schema);
	}
	check_records(schema, data + !!size + section, size ? size - 1 - section : 0);
	free(copy);
	sm_schema_free(schema);
	return 0;
}
