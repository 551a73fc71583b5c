// SPDX-License-Identifier: GPL-2.0-or-later
/* Events that an image declares: read from its section .sm.schema, and checked once for all uses. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "schema_internal.h"

static const struct kind {
	u32 kind;
	const char *name;
	u16 size, align;
	bool text, names;
} kinds[] = {
	{SM_FIELD_U8, "u8", 1, 1, false, false},
	{SM_FIELD_U16, "u16", 2, 2, false, false},
	{SM_FIELD_U32, "u32", 4, 4, false, false},
	{SM_FIELD_U64, "u64", 8, 8, false, false},
	{SM_FIELD_S32, "s32", 4, 4, false, false},
	{SM_FIELD_S64, "s64", 8, 8, false, false},
	{SM_FIELD_HEX, "hex", 8, 8, false, false},
	{SM_FIELD_OCTAL, "octal", 4, 4, false, false},
	{SM_FIELD_BOOL, "bool", 1, 1, false, false},
	{SM_FIELD_ERRNO, "errno", 4, 4, false, false},
	{SM_FIELD_SIGNAL, "signal", 4, 4, false, false},
	{SM_FIELD_ENUM, "enum", 4, 4, false, true},
	{SM_FIELD_FLAGS, "flags", 8, 8, false, true},
	{SM_FIELD_TASK, "task", sizeof(struct sm_task), 8, false, false},
	{SM_FIELD_ENDPOINT, "endpoint", sizeof(struct sm_endpoint), 2, false, false},
	{SM_FIELD_STRING, "string", sizeof(struct sm_text), 2, true, false},
	{SM_FIELD_STRINGS, "strings", sizeof(struct sm_text), 2, true, false},
	{SM_FIELD_BYTES, "bytes", sizeof(struct sm_text), 2, true, false},
};

static const struct kind *find_kind(u32 kind)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

bool sm_schema_is_text(u32 kind)
{
	const struct kind *k = find_kind(kind);

	return k && k->text;
}

const char *sm_schema_kind_name(u32 kind)
{
	const struct kind *k = find_kind(kind);

	return k ? k->name : NULL;
}

static size_t align_up(size_t value, size_t align)
{
	return (value + align - 1) / align * align;
}

/* Of the first entry from i on that is no name. */
static size_t skip_names(const struct sm_schema_entry *entries, size_t count, size_t i)
{
	while (i < count && entries[i].kind == SM_SCHEMA_NAME)
		i++;
	return i;
}

bool sm_schema_next_field(const struct sm_schema_event *event, struct sm_schema_field *field)
{
	size_t i = 1, end = sizeof(struct sm_event_head);
	const struct kind *kind;

	if (field->entry) {
		i = (size_t)(field->names + field->nr_names - event->entries);
		end = field->offset + find_kind(field->entry->kind)->size;
	}
	if (i == event->nr_entries)
		return false;
	kind = find_kind(event->entries[i].kind);
	*field = (struct sm_schema_field){
		.entry = &event->entries[i],
		.offset = align_up(end, kind->align),
		.names = &event->entries[i + 1],
		.nr_names = skip_names(event->entries, event->nr_entries, i + 1) - i - 1,
	};
	return true;
}

/* --- checks -------------------------------------------------------------------------------------- */

static bool is_identifier(const char name[SM_SCHEMA_NAME_LEN])
{
	size_t i;

	if (!memchr(name, 0, SM_SCHEMA_NAME_LEN) || !name[0] || isdigit((unsigned char)name[0]))
		return false;
	for (i = 0; name[i]; i++)
		if (!isascii(name[i]) || (!isalnum((unsigned char)name[i]) && name[i] != '_'))
			return false;
	return true;
}

/* Keys of a line that are not the event's to take. */
static bool is_reserved_event(const char *name)
{
	static const char *const keys[] = {"node_name", "vm", "vcpu", "seq", "time"};
	size_t i;
	int type;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(name, keys[i]) == 0)
			return true;
	for (type = SM_EVENT_EXEC; type < SM_EVENT_DECLARED; type++)
		if (strcmp(name, sm_event_type_name((enum sm_event_type)type)) == 0)
			return true;
	return false;
}

static int check_field(const struct sm_schema_event *event, size_t index, struct sm_error *err)
{
	const struct sm_schema_entry *entry = &event->entries[index];
	const struct kind *kind = find_kind(entry->kind);
	static const char *const reserved[] = {"process", "parent", "truncated", "unreadable"};
	size_t i;

	if (!kind)
		return sm_error_set(
			err, -EINVAL,
			"the event %s of the image has a field of kind %u, which is unknown",
			sm_schema_event_name(event), entry->kind);
	for (i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (strcmp(entry->name, reserved[i]) == 0)
			return sm_error_set(
				err, -EINVAL,
				"the event %s of the image has a field called %s, which is taken",
				sm_schema_event_name(event), entry->name);
	if (kind->text ? !entry->max || entry->max > SM_RECORD_MAX : entry->max)
		return sm_error_set(err, -EINVAL, "the field %s.%s of the image has a size of %u",
				    sm_schema_event_name(event), entry->name, entry->max);
	for (i = 1; i < index; i++)
		if (event->entries[i].kind != SM_SCHEMA_NAME &&
		    strcmp(event->entries[i].name, entry->name) == 0)
			return sm_error_set(err, -EINVAL,
					    "the event %s of the image has two fields called %s",
					    sm_schema_event_name(event), entry->name);
	return 0;
}

/* Names are the same in the record as the entries say, and nothing of it is meant twice. */
static int check_entries(const struct sm_schema_event *event, struct sm_error *err)
{
	bool names_fit = false;
	size_t i;
	int code;

	for (i = 0; i < event->nr_entries; i++) {
		const struct sm_schema_entry *entry = &event->entries[i];

		if (!is_identifier(entry->name))
			return sm_error_set(
				err, -EINVAL,
				"an event of the image has a name that is no identifier");
		if (i == 0)
			continue;
		if (entry->kind == SM_SCHEMA_NAME) {
			if (!names_fit)
				return sm_error_set(err, -EINVAL,
						    "the event %s of the image names values of "
						    "what has no values to name",
						    sm_schema_event_name(event));
			continue;
		}
		code = check_field(event, i, err);
		if (code)
			return code;
		names_fit = find_kind(entry->kind)->names;
	}
	return 0;
}

/* What the compiler made of the record must be what the host makes of it. */
static int check_size(const struct sm_schema_event *event, struct sm_error *err)
{
	size_t size = sizeof(struct sm_event_head), texts = 0;
	struct sm_schema_field field = {0};

	while (sm_schema_next_field(event, &field)) {
		size = field.offset + find_kind(field.entry->kind)->size;
		texts += field.entry->max;
	}
	if (align_up(size, 8) != event->size || event->size + texts > SM_RECORD_MAX)
		return sm_error_set(
			err, -EINVAL,
			"the event %s of the image has %zu bytes in its record instead of %zu, "
			"and texts of up to %zu",
			sm_schema_event_name(event), event->size, align_up(size, 8), texts);
	return 0;
}

static int check_event(const struct sm_schema_event *event, struct sm_error *err)
{
	int code;

	if (event->nr_entries > SCHEMA_ENTRIES_MAX)
		return sm_error_set(err, -E2BIG,
				    "an event of the image has more than %d fields and names",
				    SCHEMA_ENTRIES_MAX);
	code = check_entries(event, err);
	if (code)
		return code;
	if (is_reserved_event(sm_schema_event_name(event)))
		return sm_error_set(err, -EINVAL,
				    "an event of the image is called %s, which is taken",
				    sm_schema_event_name(event));
	return check_size(event, err);
}

/* --- building ------------------------------------------------------------------------------------ */

struct sm_schema *sm_schema_create(void)
{
	return calloc(1, sizeof(struct sm_schema));
}

void sm_schema_free(struct sm_schema *schema)
{
	size_t i;

	if (!schema)
		return;
	for (i = 0; i < schema->nr_events; i++)
		free(schema->events[i].entries);
	free(schema->events);
	free(schema);
}

size_t sm_schema_count(const struct sm_schema *schema)
{
	return schema->nr_events;
}

const struct sm_schema_event *sm_schema_find(const struct sm_schema *schema, const char *name)
{
	size_t i;

	for (i = 0; i < schema->nr_events; i++)
		if (strcmp(sm_schema_event_name(&schema->events[i]), name) == 0)
			return &schema->events[i];
	return NULL;
}

const struct sm_schema_event *sm_schema_find_type(const struct sm_schema *schema, u16 type)
{
	size_t index = (size_t)type - SM_RECORD_USER;

	return type >= SM_RECORD_USER && index < schema->nr_events ? &schema->events[index] : NULL;
}

/* A header that two monitors include declares its events twice. */
static int merge(const struct sm_schema_event *known, const struct sm_schema_event *event,
		 struct sm_error *err)
{
	if (known->nr_entries == event->nr_entries &&
	    memcmp(known->entries, event->entries, event->nr_entries * sizeof(*event->entries)) ==
		    0)
		return 0;
	return sm_error_set(err, -EINVAL, "the image declares two events called %s",
			    sm_schema_event_name(event));
}

/* count entries, of which the first is an event and no other is.  They are copied. */
static int add_event(struct sm_schema *schema, const void *entries, size_t count,
		     struct sm_error *err)
{
	struct sm_schema_event event = {.nr_entries = count}, *events;
	const struct sm_schema_event *known;
	int code;

	event.entries =
		aligned_alloc(_Alignof(struct sm_schema_entry), count * sizeof(*event.entries));
	events = realloc(schema->events, (schema->nr_events + 1) * sizeof(*events));
	if (events)
		schema->events = events;
	if (!event.entries || !events) {
		code = sm_error_set(err, -ENOMEM, "no memory for the image's events");
		goto free;
	}
	memcpy(event.entries, entries, count * sizeof(*event.entries));
	event.size = event.entries[0].max;
	event.type = (u16)(SM_RECORD_USER + schema->nr_events);
	code = check_event(&event, err);
	if (code)
		goto free;
	known = sm_schema_find(schema, sm_schema_event_name(&event));
	if (known) {
		code = merge(known, &event, err);
		goto free;
	}
	if (schema->nr_events == SCHEMA_EVENTS_MAX) {
		code = sm_error_set(err, -E2BIG, "the image declares more than %d events",
				    SCHEMA_EVENTS_MAX);
		goto free;
	}
	schema->events[schema->nr_events++] = event;
	return 0;

free:
	free(event.entries);
	return code;
}

int sm_schema_add(struct sm_schema *schema, const void *entries, size_t size, struct sm_error *err)
{
	const size_t entry_size = sizeof(struct sm_schema_entry);
	size_t count = size / entry_size, first, next;
	const char *bytes = entries;
	u32 kind;
	int code;

	if (size % entry_size)
		return sm_error_set(
			err, -EINVAL,
			"section .sm.schema of the image is no array of entries: declare "
			"events with SM_EVENT");
	for (first = 0; first < count; first = next) {
		for (next = first; next < count; next++) {
			memcpy(&kind,
			       bytes + next * entry_size + offsetof(struct sm_schema_entry, kind),
			       sizeof(kind));
			if ((kind == SM_SCHEMA_EVENT) != (next == first))
				break;
		}
		if (next == first)
			return sm_error_set(
				err, -EINVAL,
				"section .sm.schema of the image has fields of no event");
		code = add_event(schema, bytes + first * entry_size, next - first, err);
		if (code)
			return code;
	}
	return 0;
}

struct sm_schema *sm_schema_copy(const struct sm_schema *schema)
{
	struct sm_schema *copy = sm_schema_create();
	size_t i;

	for (i = 0; copy && i < schema->nr_events; i++) {
		const struct sm_schema_event *event = &schema->events[i];

		if (sm_schema_add(copy, event->entries, event->nr_entries * sizeof(*event->entries),
				  NULL)) {
			sm_schema_free(copy);
			copy = NULL;
		}
	}
	return copy;
}
