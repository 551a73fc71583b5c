// SPDX-License-Identifier: GPL-2.0-or-later
/* Records that a schema tells of: checked against it, then shown field by field. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "event_internal.h"

/* --- decoding ------------------------------------------------------------------------------------ */

static struct sm_text text_of(const struct sm_record *record, const struct sm_schema_field *field)
{
	struct sm_text text;

	memcpy(&text, (const char *)record + field->offset, sizeof(text));
	return text;
}

static bool text_fits(const struct sm_record *record, const struct sm_schema_event *schema,
		      const struct sm_schema_field *field)
{
	struct sm_text text = text_of(record, field);

	return text.len == 0 || (text.len <= field->entry->max && text.at >= schema->size &&
				 text.at <= record->len && text.len <= record->len - text.at);
}

const char *sm_declared_decode(const struct sm_record *record, const struct sm_schema_event *schema,
			       struct sm_event *event)
{
	struct sm_schema_field field = {0};
	struct sm_event_head head;

	if (record->len < schema->size)
		return "a record is shorter than its declaration demands";
	while (sm_schema_next_field(schema, &field))
		if (sm_schema_is_text(field.entry->kind) && !text_fits(record, schema, &field))
			return "a declared record's texts reach beyond it";
	memcpy(&head, record, sizeof(head));
	event->type = SM_EVENT_DECLARED;
	event->task = head.task;
	event->declared.schema = schema;
	event->declared.record = record;
	return NULL;
}

/* --- values -------------------------------------------------------------------------------------- */

/* Of an integer kind, sign-extended. */
static u64 integer_of(const struct sm_record *record, const struct sm_schema_field *field)
{
	const char *at = (const char *)record + field->offset;
	s32 small;
	u64 value = 0;

	switch (field->entry->kind) {
	case SM_FIELD_U8:
	case SM_FIELD_BOOL:
		return (u8)*at;
	case SM_FIELD_U16:
		memcpy(&value, at, 2);
		return value;
	case SM_FIELD_S32:
	case SM_FIELD_ERRNO:
		memcpy(&small, at, sizeof(small));
		return (u64)(s64)small;
	case SM_FIELD_U32:
	case SM_FIELD_OCTAL:
	case SM_FIELD_SIGNAL:
	case SM_FIELD_ENUM:
		memcpy(&value, at, 4);
		return value;
	default:
		memcpy(&value, at, 8);
		return value;
	}
}

static struct sm_bytes bytes_of(const struct sm_record *record, const struct sm_schema_field *field)
{
	struct sm_text text = text_of(record, field);

	return (struct sm_bytes){(const char *)record + (text.len ? text.at : 0), text.len};
}

/* The name of a value of SM_FIELD_ENUM, or NULL. */
static const char *name_of(const struct sm_schema_field *field, u64 value)
{
	size_t i;

	for (i = 0; i < field->nr_names; i++)
		if (field->names[i].value == value)
			return field->names[i].name;
	return NULL;
}

/*
 * The next name whose bits are all set, from *index on, and takes these out of *left; NULL: no more.
 * Sets of bits come before their parts if they are declared so.
 */
static const char *next_flag(const struct sm_schema_field *field, size_t *index, u64 *left)
{
	while (*index < field->nr_names) {
		const struct sm_schema_entry *name = &field->names[(*index)++];

		if (!name->value || (*left & name->value) != name->value)
			continue;
		*left &= ~name->value;
		return name->name;
	}
	return NULL;
}

static void errno_text(s64 value, char text[24])
{
	const char *name = NULL;

	if (value && value >= -4095 && value <= 4095)
		name = strerrorname_np((int)(value < 0 ? -value : value));
	if (name)
		snprintf(text, 24, "%s", name);
	else
		snprintf(text, 24, "%.0" PRId64, value); /* nothing for 0 */
}

/* The guest's Linux numbers families as the host's does. */
static void endpoint_text(const struct sm_endpoint *endpoint, char family[16],
			  char address[INET6_ADDRSTRLEN])
{
	address[0] = '\0';
	snprintf(family, 16, "%u", endpoint->family);
	if (endpoint->family == AF_UNSPEC)
		strcpy(family, "AF_UNSPEC");
	if (endpoint->family == AF_UNIX)
		strcpy(family, "AF_UNIX");
	if (endpoint->family == AF_NETLINK)
		strcpy(family, "AF_NETLINK");
	if (endpoint->family != AF_INET && endpoint->family != AF_INET6)
		return;
	strcpy(family, endpoint->family == AF_INET ? "AF_INET" : "AF_INET6");
	inet_ntop(endpoint->family, endpoint->address, address, INET6_ADDRSTRLEN);
}

/* --- JSON: a NULL value is an error that is found where it is added --------------------------------- */

static json_t *flags_json(const struct sm_schema_field *field, u64 left)
{
	json_t *array = json_array();
	const char *name;
	size_t index = 0;

	while ((name = next_flag(field, &index, &left)))
		json_array_append_new(array, json_string(name));
	if (left)
		json_array_append_new(array, json_sprintf("0x%" PRIx64, left));
	return array;
}

static json_t *strings_json(struct sm_bytes strings)
{
	json_t *array = json_array();
	struct sm_bytes string;

	while (sm_bytes_next_argument(&strings, &string))
		json_array_append_new(array, sm_bytes_json(string));
	return array;
}

static json_t *hex_json(struct sm_bytes bytes)
{
	char *text = malloc(2 * bytes.len + 1);
	json_t *string;
	size_t i;

	if (!text)
		return NULL;
	text[0] = '\0';
	for (i = 0; i < bytes.len; i++)
		sprintf(text + 2 * i, "%02x", (u8)bytes.data[i]);
	string = json_string(text);
	free(text);
	return string;
}

static json_t *endpoint_json(const struct sm_record *record, const struct sm_schema_field *field)
{
	char family[16], address[INET6_ADDRSTRLEN];
	struct sm_endpoint endpoint;

	memcpy(&endpoint, (const char *)record + field->offset, sizeof(endpoint));
	endpoint_text(&endpoint, family, address);
	if (!address[0])
		return json_pack("{s:s}", "family", family);
	return json_pack("{s:s, s:s, s:i}", "family", family, "address", address, "port",
			 (int)endpoint.port);
}

static json_t *task_json(const struct sm_event_context *context, const struct sm_record *record,
			 const struct sm_schema_field *field)
{
	struct sm_task task;

	memcpy(&task, (const char *)record + field->offset, sizeof(task));
	return sm_task_json(context, &task);
}

static json_t *text_json(const struct sm_record *record, const struct sm_schema_field *field)
{
	struct sm_bytes bytes = bytes_of(record, field);

	switch (field->entry->kind) {
	case SM_FIELD_STRINGS:
		return strings_json(bytes);
	case SM_FIELD_BYTES:
		return hex_json(bytes);
	default:
		return sm_bytes_json(bytes);
	}
}

static json_t *integer_json(const struct sm_schema_field *field, u64 value)
{
	const char *name;
	char text[24];

	switch (field->entry->kind) {
	case SM_FIELD_HEX:
		return json_sprintf("0x%" PRIx64, value);
	case SM_FIELD_OCTAL:
		return json_sprintf("%#" PRIo64, value);
	case SM_FIELD_BOOL:
		return json_boolean(value != 0);
	case SM_FIELD_ERRNO:
		errno_text((s64)value, text);
		return json_string(text);
	case SM_FIELD_SIGNAL:
		return json_string(sm_signal_name((u32)value, text));
	case SM_FIELD_ENUM:
		name = name_of(field, value);
		return name ? json_string(name) : json_sprintf("%" PRIu64, value);
	case SM_FIELD_FLAGS:
		return flags_json(field, value);
	case SM_FIELD_U64: /* JSON's integers are signed here */
		return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
	default:
		return json_integer((json_int_t)value);
	}
}

static json_t *value_json(const struct sm_event_context *context, const struct sm_record *record,
			  const struct sm_schema_field *field)
{
	if (sm_schema_is_text(field->entry->kind))
		return text_json(record, field);
	if (field->entry->kind == SM_FIELD_ENDPOINT)
		return endpoint_json(record, field);
	if (field->entry->kind == SM_FIELD_TASK)
		return task_json(context, record, field);
	return integer_json(field, integer_of(record, field));
}

/* Lists the texts that carry the flag, if any does. */
static bool set_marked(const struct sm_event *event, json_t *object, const char *key, u16 flag)
{
	struct sm_schema_field field = {0};
	json_t *marked = json_array();
	bool done = marked != NULL;

	while (done && sm_schema_next_field(event->declared.schema, &field))
		if (sm_schema_is_text(field.entry->kind) &&
		    (text_of(event->declared.record, &field).flags & flag))
			done = json_array_append_new(marked, json_string(field.entry->name)) == 0;
	if (done && json_array_size(marked) > 0)
		return json_object_set_new(object, key, marked) == 0;
	json_decref(marked);
	return done;
}

bool sm_declared_set(const struct sm_event_context *context, const struct sm_event *event,
		     json_t *object)
{
	struct sm_schema_field field = {0};

	while (sm_schema_next_field(event->declared.schema, &field))
		if (json_object_set_new(object, field.entry->name,
					value_json(context, event->declared.record, &field)))
			return false;
	return set_marked(event, object, "truncated", SM_TEXT_TRUNCATED) &&
	       set_marked(event, object, "unreadable", SM_TEXT_UNREADABLE);
}

/* --- lines --------------------------------------------------------------------------------------- */

static void print_flags(const struct sm_schema_field *field, u64 left, FILE *to)
{
	const char *name, *separator = "";
	bool any = left != 0;
	size_t index = 0;

	while ((name = next_flag(field, &index, &left))) {
		fprintf(to, "%s%s", separator, name);
		separator = "|";
	}
	if (left || !any)
		fprintf(to, "%s%#" PRIx64, separator, left);
}

static void print_strings(struct sm_bytes strings, FILE *to)
{
	const char *separator = "";
	struct sm_bytes string;

	fputc('[', to);
	while (sm_bytes_next_argument(&strings, &string)) {
		fputs(separator, to);
		sm_word_print(string, to);
		separator = " ";
	}
	fputc(']', to);
}

static void print_text(const struct sm_record *record, const struct sm_schema_field *field,
		       FILE *to)
{
	struct sm_bytes bytes = bytes_of(record, field);
	u16 flags = text_of(record, field).flags;
	size_t i;

	if (field->entry->kind == SM_FIELD_STRINGS)
		print_strings(bytes, to);
	else if (field->entry->kind == SM_FIELD_STRING)
		sm_word_print(bytes, to);
	else
		for (i = 0; i < bytes.len; i++)
			fprintf(to, "%02x", (u8)bytes.data[i]);
	if (flags & SM_TEXT_TRUNCATED)
		fputs(" [truncated]", to);
	if (flags & SM_TEXT_UNREADABLE)
		fputs(" [unreadable]", to);
}

static void print_endpoint(const struct sm_record *record, const struct sm_schema_field *field,
			   FILE *to)
{
	char family[16], address[INET6_ADDRSTRLEN];
	struct sm_endpoint endpoint;

	memcpy(&endpoint, (const char *)record + field->offset, sizeof(endpoint));
	endpoint_text(&endpoint, family, address);
	if (!address[0])
		fputs(family, to);
	else
		fprintf(to, endpoint.family == AF_INET6 ? "[%s]:%u" : "%s:%u", address,
			endpoint.port);
}

static void print_task(const struct sm_record *record, const struct sm_schema_field *field,
		       FILE *to)
{
	struct sm_task task;

	memcpy(&task, (const char *)record + field->offset, sizeof(task));
	fprintf(to, "%u(", task.tgid);
	sm_bytes_print(sm_bytes_field(task.comm, sizeof(task.comm)), to);
	fputc(')', to);
}

static void print_integer(const struct sm_schema_field *field, u64 value, FILE *to)
{
	const char *name;
	char text[24];

	switch (field->entry->kind) {
	case SM_FIELD_S32:
	case SM_FIELD_S64:
		fprintf(to, "%" PRId64, (s64)value);
		break;
	case SM_FIELD_HEX:
		fprintf(to, "0x%" PRIx64, value);
		break;
	case SM_FIELD_OCTAL:
		fprintf(to, "%#" PRIo64, value);
		break;
	case SM_FIELD_BOOL:
		fputs(value ? "yes" : "no", to);
		break;
	case SM_FIELD_ERRNO:
		errno_text((s64)value, text);
		fputs(text, to);
		break;
	case SM_FIELD_SIGNAL:
		fputs(sm_signal_name((u32)value, text), to);
		break;
	case SM_FIELD_FLAGS:
		print_flags(field, value, to);
		break;
	default:
		name = name_of(field, value);
		if (name)
			fputs(name, to);
		else
			fprintf(to, "%" PRIu64, value);
	}
}

void sm_declared_print(const struct sm_event *event, FILE *to)
{
	const struct sm_record *record = event->declared.record;
	struct sm_schema_field field = {0};

	while (sm_schema_next_field(event->declared.schema, &field)) {
		fprintf(to, " %s=", field.entry->name);
		if (sm_schema_is_text(field.entry->kind))
			print_text(record, &field, to);
		else if (field.entry->kind == SM_FIELD_ENDPOINT)
			print_endpoint(record, &field, to);
		else if (field.entry->kind == SM_FIELD_TASK)
			print_task(record, &field, to);
		else
			print_integer(&field, integer_of(record, &field), to);
	}
}
