/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What records look like that monitors declare (SM_EVENT).  The schema comes with the image and is
 * the operator's, yet may be malformed; the records are the guest's or worse.
 */
#ifndef SHADOWMON_LIB_SCHEMA_H
#define SHADOWMON_LIB_SCHEMA_H

#include <jansson.h>

#include "attach.h"

struct sm_schema;

/*
 * The events that an image declares.  0 with *ret_schema (perhaps an empty one), or a negative errno
 * with err filled in.
 */
int sm_schema_from_image(const char *path, struct sm_schema **ret_schema, struct sm_error *err);

/* NULL: nothing. */
void sm_schema_free(struct sm_schema *schema);

/* How many events it has. */
size_t sm_schema_count(const struct sm_schema *schema);

/*
 * One of them, as a new JSON object from which sm_schema_add_json() makes it again: for another
 * process.  NULL without memory.
 */
json_t *sm_schema_event_json(const struct sm_schema *schema, size_t index);

/* An empty schema to add to; NULL without memory. */
struct sm_schema *sm_schema_create(void);
/* Adds an event that sm_schema_event_json() gave.  0, or a negative errno with err filled in. */
int sm_schema_add_json(struct sm_schema *schema, json_t *event, struct sm_error *err);

/* All of it as a JSON Schema of the lines of `shadowmon events -o json`; NULL without memory. */
json_t *sm_schema_document(const struct sm_schema *schema);

#endif
