// SPDX-License-Identifier: GPL-2.0-or-later
/* A schema as JSON: for another process, and as JSON Schema for people and their tools. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schema_internal.h"

/* --- for another process: the entries themselves ------------------------------------------------- */

json_t *sm_schema_event_json(const struct sm_schema *schema, size_t index)
{
	const struct sm_schema_event *event = &schema->events[index];
	json_t *entries = json_array();
	size_t i;

	for (i = 0; i < event->nr_entries; i++) {
		const struct sm_schema_entry *e = &event->entries[i];

		/* JSON has signed integers; the value comes back the same. */
		if (json_array_append_new(entries,
					  json_pack("[s, I, I, I]", e->name, (json_int_t)e->kind,
						    (json_int_t)e->max, (json_int_t)e->value))) {
			json_decref(entries);
			return NULL;
		}
	}
	return json_pack("{s:o}", "entries", entries);
}

static bool unpack_entry(json_t *json, struct sm_schema_entry *ret_entry)
{
	json_int_t kind, max, value;
	const char *name;

	if (json_unpack(json, "[s, I, I, I!]", &name, &kind, &max, &value) ||
	    strlen(name) >= sizeof(ret_entry->name) || kind < 0 || kind > UINT32_MAX || max < 0 ||
	    max > UINT32_MAX)
		return false;
	*ret_entry =
		(struct sm_schema_entry){.kind = (u32)kind, .max = (u32)max, .value = (u64)value};
	strcpy(ret_entry->name, name);
	return true;
}

int sm_schema_add_json(struct sm_schema *schema, json_t *event, struct sm_error *err)
{
	json_t *array = json_object_get(event, "entries");
	size_t count = json_array_size(array), i;
	struct sm_schema_entry *entries;
	int code = 0;

	if (count == 0 || count > SCHEMA_ENTRIES_MAX)
		return sm_error_set(err, -EINVAL, "an event's description has %zu entries", count);
	entries = aligned_alloc(_Alignof(struct sm_schema_entry), count * sizeof(*entries));
	if (!entries)
		return sm_error_set(err, -ENOMEM, "no memory for an event's description");
	for (i = 0; i < count && !code; i++)
		if (!unpack_entry(json_array_get(array, i), &entries[i]))
			code = sm_error_set(err, -EINVAL, "an event's description is malformed");
	if (!code)
		code = sm_schema_add(schema, entries, count * sizeof(*entries), err);
	free(entries);
	return code;
}

/* --- JSON Schema --------------------------------------------------------------------------------- */

/* Errors show at the end: jansson takes a NULL value as one, and what it fails to add is missing. */
static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *of_type(const char *type)
{
	return json_pack("{s:s}", "type", type);
}

static json_t *integer_between(json_int_t min, json_int_t max)
{
	return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", min, "maximum", max);
}

static json_t *pattern(const char *regex)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", regex);
}

/* Names that a value may have, and what stands for one that has none. */
static json_t *names_or(const struct sm_schema_field *field, const char *regex)
{
	json_t *names = json_array();
	size_t i;

	for (i = 0; i < field->nr_names; i++)
		json_array_append_new(names, json_string(field->names[i].name));
	if (field->nr_names == 0) {
		json_decref(names);
		return pattern(regex);
	}
	return json_pack("{s:[{s:o}, {s:s, s:s}]}", "anyOf", "enum", names, "type", "string",
			 "pattern", regex);
}

static json_t *list_of_strings(void)
{
	return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
}

static json_t *endpoint_schema(void)
{
	return json_pack("{s:s, s:{s:o, s:o, s:o}, s:[s]}", "type", "object", "properties",
			 "family", of_type("string"), "address", of_type("string"), "port",
			 integer_between(0, 65535), "required", "family");
}

static json_t *field_schema(const struct sm_schema_field *field)
{
	switch (field->entry->kind) {
	case SM_FIELD_U8:
		return integer_between(0, UINT8_MAX);
	case SM_FIELD_U16:
		return integer_between(0, UINT16_MAX);
	case SM_FIELD_U32:
		return integer_between(0, UINT32_MAX);
	case SM_FIELD_U64:
		return integer_between(0, INT64_MAX);
	case SM_FIELD_S32:
		return integer_between(INT32_MIN, INT32_MAX);
	case SM_FIELD_S64:
		return of_type("integer");
	case SM_FIELD_HEX:
		return pattern("^0x[0-9a-f]+$");
	case SM_FIELD_OCTAL:
		return pattern("^0[0-7]*$");
	case SM_FIELD_BOOL:
		return of_type("boolean");
	case SM_FIELD_ENUM:
		return names_or(field, "^[0-9]+$");
	case SM_FIELD_FLAGS:
		return json_pack("{s:s, s:o}", "type", "array", "items",
				 names_or(field, "^0x[0-9a-f]+$"));
	case SM_FIELD_TASK:
		return json_pack("{s:s}", "$ref", "#/$defs/process");
	case SM_FIELD_ENDPOINT:
		return endpoint_schema();
	case SM_FIELD_STRINGS:
		return list_of_strings();
	case SM_FIELD_BYTES:
		return pattern("^([0-9a-f]{2})*$");
	default:
		return of_type("string"); /* string, errno, signal */
	}
}

static json_t *body_schema(const struct sm_schema_event *event)
{
	json_t *properties =
		json_pack("{s:{s:s}, s:{s:s}, s:o, s:o}", "process", "$ref", "#/$defs/process",
			  "parent", "$ref", "#/$defs/process", "truncated", list_of_strings(),
			  "unreadable", list_of_strings());
	json_t *required = json_pack("[s, s]", "process", "parent");
	struct sm_schema_field field = {0};
	bool done = true;

	while (sm_schema_next_field(event, &field))
		done = set(properties, field.entry->name, field_schema(&field)) &&
		       json_array_append_new(required, json_string(field.entry->name)) == 0 && done;
	if (!done) {
		json_decref(properties);
		json_decref(required);
		return NULL;
	}
	return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
			 "required", required, "additionalProperties", 0);
}

static json_t *common_properties(void)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "node_name", of_type("string"), "vm",
			 of_type("string"), "vcpu",
			 json_pack("{s:[s, s]}", "type", "integer", "null"), "seq",
			 of_type("integer"), "time",
			 json_pack("{s:s, s:s}", "type", "string", "format", "date-time"));
}

static json_t *process_schema(void)
{
	return json_pack("{s:s, s:{s:o, s:o, s:o, s:o}, s:[s, s, s, s]}", "type", "object",
			 "properties", "exec_id", of_type("string"), "pid", of_type("integer"),
			 "comm", of_type("string"), "binary", of_type("string"), "required",
			 "exec_id", "pid", "comm", "binary");
}

/* The array itself, or NULL instead of an empty one, which is dropped. */
static json_t *nonempty(json_t *array)
{
	if (json_array_size(array) > 0)
		return array;
	json_decref(array);
	return NULL;
}

json_t *sm_schema_document(const struct sm_schema *schema)
{
	json_t *properties = common_properties(), *events = json_array();
	bool done = properties && events;
	size_t i;

	for (i = 0; i < schema->nr_events && done; i++) {
		const char *name = sm_schema_event_name(&schema->events[i]);

		done = set(properties, name, body_schema(&schema->events[i])) &&
		       json_array_append_new(events, json_pack("{s:[s]}", "required", name)) == 0;
	}
	if (!done) {
		json_decref(properties);
		json_decref(events);
		return NULL;
	}
	/* An empty anyOf is not allowed. */
	return json_pack("{s:s, s:s, s:o, s:o*, s:[s, s, s], s:{s:o}}", "$schema",
			 "https://json-schema.org/draft/2020-12/schema", "type", "object",
			 "properties", properties, "anyOf", nonempty(events), "required",
			 "node_name", "vm", "time", "$defs", "process", process_schema());
}
