// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records of any bytes: each decodes to something, which has valid JSON in ASCII that says the VM's
 * right name, and one harmless line of text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../host/lib/event_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	if (!json_is_object(json_object_get(root, sm_event_type_name(event->type))))
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

static void check(const struct sm_event_context *context, const struct sm_item *item)
{
	struct sm_event event;

	sm_event_decode(item, &event);
	check_json(context, &event);
	check_line(context, &event);
	sm_event_learn(context, &event);
}

/* The input: records one behind the other, each after a byte whose ring it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sm_event_context context = {.vm = "web"};
	struct sm_item item = {.kind = SM_ITEM_RECORD, .time_ns = 1};

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
		check(&context, &item);
		free(record);
		data += len + 1;
		size -= len + 1;
	}
	sm_process_table_destroy(context.processes);
	return 0;
}
