// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records of any bytes: each decodes to something, which has valid JSON in ASCII that says the VM's
 * right name, and one harmless line of text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../host/lib/event_internal.h"

#define DECLARED_SIZE 336 /* of the record's fixed part in make_schema() */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One field of each kind. */
static struct sm_schema *make_schema(void)
{
	static struct sm_schema_entry entries[64];
	struct sm_schema *schema = sm_schema_create();
	size_t count = 1;
	u32 kind;

	for (kind = SM_FIELD_U8; kind <= SM_FIELD_BYTES; kind++) {
		entries[count].kind = kind;
		entries[count].max = sm_schema_is_text(kind) ? 300 : 0;
		snprintf(entries[count++].name, SM_SCHEMA_NAME_LEN, "%s",
			 sm_schema_kind_name(kind));
		if (kind != SM_FIELD_ENUM && kind != SM_FIELD_FLAGS)
			continue;
		entries[count] = (struct sm_schema_entry){"FIVE", 5, 0, SM_SCHEMA_NAME};
		count++;
	}
	entries[0] = (struct sm_schema_entry){"everything", 0, DECLARED_SIZE, SM_SCHEMA_EVENT};
	if (!schema || sm_schema_add(schema, entries, count * sizeof(*entries), NULL))
		abort();
	return schema;
}

static void check_json(const struct sm_event_context *context, const struct sm_event *event)
{
	json_t *root;
	char *line;
	const char *c, *vm;

	if (sm_event_json_line(context, event, &line))
		abort();
	for (c = line; *c; c++)
		if (*c < 0x20)
			abort();
	root = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	vm = json_string_value(json_object_get(root, "vm"));
	if (!vm || strcmp(vm, context->vm))
		abort();
	if (!json_is_object(json_object_get(root, sm_event_name(event))))
		abort();
	json_decref(root);
	free(line);
}

static void check_line(const struct sm_event_context *context, const struct sm_event *event)
{
	char *line = NULL;
	size_t len = 0, at, step;
	FILE *to = open_memstream(&line, &len);
	u32 c;

	if (!to || sm_event_print(context, event, to) || fclose(to))
		abort();
	if (len == 0 || line[len - 1] != '\n')
		abort();
	for (at = 0; at < len - 1; at += step) {
		step = sm_utf8_next(line + at, len - 1 - at, &c);
		if (!step || sm_is_deceptive(c))
			abort();
	}
	free(line);
}

static void check(const struct sm_event_context *context, const struct sm_schema *schema,
		  const struct sm_item *item)
{
	struct sm_event event;

	sm_event_decode(item, schema, &event);
	check_json(context, &event);
	check_line(context, &event);
	sm_event_learn(context, &event);
}

/* The input: records one behind the other, each after a byte whose ring it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sm_event_context context = {.vm = "web"};
	struct sm_item item = {.kind = SM_ITEM_RECORD, .time_ns = 1};

	static struct sm_schema *schema;

	if (!schema)
		schema = make_schema();
	context.processes = sm_process_table_create(4, 2048);
	if (!context.processes)
		abort();
	while (size > sizeof(struct sm_record)) {
		struct sm_record head, *record;
		u32 len;

		memcpy(&head, data + 1, sizeof(head));
		len = head.len & (SM_RECORD_MAX - 8);
		if (len < sizeof(head))
			len = sizeof(head);
		if (len > size - 1)
			len = (u32)(size - 1) & ~7u;
		/* Of just its size, so that reading beyond it shows. */
		record = malloc(len);
		if (!record)
			abort();
		memcpy(record, data + 1, len);
		record->len = len;
		item.vcpu = data[0] & 1 ? SM_VCPU_HOST : 0;
		item.record = record;
		check(&context, schema, &item);
		free(record);
		data += len + 1;
		size -= len + 1;
	}
	sm_process_table_destroy(context.processes);
	return 0;
}
