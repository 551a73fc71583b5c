/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the JSON and the readable form of an event share. */
#ifndef SHADOWMON_LIB_EVENT_INTERNAL_H
#define SHADOWMON_LIB_EVENT_INTERNAL_H

#include "event.h"
#include "schema_internal.h"

/* A string field of a record that ends at its NUL, if it has one. */
struct sm_bytes sm_bytes_field(const char *field, size_t size);

/* Takes the first argument off *argv; false: none is left. */
bool sm_bytes_next_argument(struct sm_bytes *argv, struct sm_bytes *ret_argument);

/* Length of the UTF-8 sequence at data, of at most len bytes, and its character; 0: not UTF-8. */
size_t sm_utf8_next(const char *data, size_t len, u32 *ret_character);

/* True for controls, and for what reorders or hides text. */
bool sm_is_deceptive(u32 character);

/* Writes bytes so that no terminal obeys them. */
void sm_bytes_print(struct sm_bytes bytes, FILE *to);

/* argv[1..] joined by spaces, those quoted that hold spaces or nothing; escaped if for a terminal. */
void sm_arguments_print(struct sm_bytes argv, bool escape, FILE *to);

/* The name of a signal of Linux on x86, "SIGKILL"; "" for 0, "SIG<n>" into text for others. */
const char *sm_signal_name(u32 signal, char text[16]);

/* The task as a JSON object, shaped as the process of an event; NULL without memory. */
json_t *sm_task_json(const struct sm_event_context *context, const struct sm_task *task);

/* --- declared.c: what a schema tells of ---------------------------------------------------------- */

/* NULL and the rest of *event, or why the record is not what the schema says. */
const char *sm_declared_decode(const struct sm_record *record, const struct sm_schema_event *schema,
			       struct sm_event *event);
/* Adds the fields to the object.  False: no memory. */
bool sm_declared_set(const struct sm_event_context *context, const struct sm_event *event,
		     json_t *object);
/* " name=value" of each field. */
void sm_declared_print(const struct sm_event *event, FILE *to);

/* Bytes as one word for people: escaped, and in quotes if it has spaces or is empty. */
void sm_word_print(struct sm_bytes bytes, FILE *to);

/* A JSON string of any bytes: what is no UTF-8 reads \xNN.  NULL without memory. */
json_t *sm_bytes_json(struct sm_bytes bytes);

#endif
