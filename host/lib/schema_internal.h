/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A schema, checked: the rest of the library relies on what is said here. */
#ifndef SHADOWMON_LIB_SCHEMA_INTERNAL_H
#define SHADOWMON_LIB_SCHEMA_INTERNAL_H

#include <shadowmon/schema.h>

#include "schema.h"

#define SCHEMA_EVENTS_MAX  1024
#define SCHEMA_ENTRIES_MAX 512 /* of one event, so that its JSON fits into a message */

/* Names are C identifiers. */
struct sm_schema_event {
	u16 type;    /* of its records: SM_RECORD_USER and up, in the order of the image */
	size_t size; /* of the record's fixed part, at least a struct sm_event_head */
	size_t nr_entries;
	/* The event, then fields, each followed by the names of its values. */
	struct sm_schema_entry *entries;
};

struct sm_schema {
	struct sm_schema_event *events;
	size_t nr_events;
};

/* A field: where it lies is within its event's fixed part. */
struct sm_schema_field {
	const struct sm_schema_entry *entry;
	size_t offset;
	const struct sm_schema_entry *names;
	size_t nr_names;
};

/*
 * Steps through the fields: start with an entry of NULL.  False: that was the last one.
 */
bool sm_schema_next_field(const struct sm_schema_event *event, struct sm_schema_field *field);

/* True for kinds that are a struct sm_text. */
bool sm_schema_is_text(u32 kind);

/* The name of a kind: "string"; NULL: there is no such kind of field. */
const char *sm_schema_kind_name(u32 kind);

/*
 * Adds the events of a section .sm.schema; one that is there already, and the same, is left out.
 * 0 or -EINVAL, -E2BIG, -ENOMEM, with err filled in.
 */
int sm_schema_add(struct sm_schema *schema, const void *entries, size_t size, struct sm_error *err);

/* NULL without memory. */
struct sm_schema *sm_schema_copy(const struct sm_schema *schema);

/* NULL: there is none. */
const struct sm_schema_event *sm_schema_find(const struct sm_schema *schema, const char *name);
const struct sm_schema_event *sm_schema_find_type(const struct sm_schema *schema, u16 type);

static inline const char *sm_schema_event_name(const struct sm_schema_event *event)
{
	return event->entries[0].name;
}

#endif
