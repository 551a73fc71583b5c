/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records, decoded.  Nothing in a record is believed before it was checked against its length. */
#ifndef SHADOWMON_LIB_EVENT_H
#define SHADOWMON_LIB_EVENT_H

#include <stdbool.h>
#include <stdio.h>
#include <jansson.h>

#include <shadowmon/event.h>

#include "process_table.h"
#include "reader.h"
#include "schema.h"

/* Bytes that came from the guest: any values, NUL included, and no NUL behind them. */
struct sm_bytes {
	const char *data;
	size_t len;
};

enum sm_event_type {
	SM_EVENT_EXEC,
	SM_EVENT_EXIT,
	SM_EVENT_MODULE_LOAD,
	SM_EVENT_MODULE_UNLOAD,
	SM_EVENT_LOSS,
	SM_EVENT_CORRUPT, /* of a ring, or a record that contradicts itself */
	SM_EVENT_VIOLATION,
	SM_EVENT_ABORT,
	SM_EVENT_LIFECYCLE,
	SM_EVENT_OTHER,    /* of a type that nothing is known about */
	SM_EVENT_DECLARED, /* by a monitor of the image: the schema tells of it */
};

/* Points into the item that it was decoded from, and the schema; valid as long as both. */
struct sm_event {
	enum sm_event_type type;
	u32 vcpu;    /* SM_VCPU_HOST: reported by the host module */
	u64 time_ns; /* CLOCK_REALTIME of the host */
	u64 seq;     /* meaningless for what no record stands behind (has_seq) */
	bool has_seq;
	struct sm_task task; /* EXEC, EXIT, MODULE_*, DECLARED: who */
	union {
		struct {
			u32 flags; /* SM_EXEC_* */
			u32 argc;  /* as the guest says: may exceed what argv holds */
			u32 ticks; /* guest TSC that making the record took */
			struct sm_bytes path;
			struct sm_bytes
				argv; /* strings, each with its NUL, the last perhaps without */
		} exec;
		struct {
			u32 code;
			u32 signal;
			bool core_dumped;
		} exit;
		struct sm_bytes module;
		struct {
			u64 count;
			bool unexplained; /* told by the sequence numbers, not by a loss record */
		} loss;
		struct {
			u64 count; /* corruptions of this ring; 0: only this record is malformed */
			const char *why;
		} corrupt;
		struct sm_record_violation violation; /* VIOLATION, ABORT */
		struct {
			u32 what; /* enum sm_lifecycle */
			u32 vcpu;
			u32 slot;
		} lifecycle;
		struct {
			u32 type;
			u32 len;
		} other;
		struct {
			const struct sm_schema_event *schema;
			const struct sm_record *record; /* all of it fits the schema */
		} declared;
	};
};

/*
 * Never fails: a malformed record decodes to SM_EVENT_CORRUPT.  schema: of the image that is
 * attached; NULL: not known, then what its monitors declare is SM_EVENT_OTHER.
 */
void sm_event_decode(const struct sm_item *item, const struct sm_schema *schema,
		     struct sm_event *ret_event);

/* The key that tells of it in JSON: "process_exec", or as declared. */
const char *sm_event_name(const struct sm_event *event);

/* Names of numbers; "unknown" where there is none. */
const char *sm_event_type_name(enum sm_event_type type); /* "process_exec", "loss", ... */
const char *sm_violation_reason_name(u32 reason);        /* enum sm_violation_reason */
const char *sm_exit_reason_name(u32 exit_reason);        /* basic VM exit reason */
const char *sm_lifecycle_name(u32 what);                 /* enum sm_lifecycle */
const char *sm_view_name(u32 view);                      /* "target", "gate", "monitor" */

/*
 * Who reports, and what was learnt of the VM's processes so far.  Exec events enter the table;
 * others are completed from it.
 */
struct sm_event_context {
	const char *vm;                     /* name, valid UTF-8 */
	struct sm_process_table *processes; /* NULL: events stand for themselves */
};

/* Enters what the event tells of a process in the context's table; call it once an event. */
void sm_event_learn(const struct sm_event_context *context, const struct sm_event *event);

/*
 * A new JSON object, shaped as Tetragon's export: one key that names the type, then node_name, vm,
 * vcpu, seq, time.  NULL without memory.  Bytes that are no UTF-8 read \xNN.
 */
json_t *sm_event_json(const struct sm_event_context *context, const struct sm_event *event);

/* The same as one line without newline, in ASCII.  0 or -ENOMEM; free() *ret_line. */
int sm_event_json_line(const struct sm_event_context *context, const struct sm_event *event,
		       char **ret_line);

/*
 * Writes one line for people, newline included.  Control characters and what else could make a
 * terminal lie are written \xNN or \u{NNNN}.  0, or -EIO when the stream fails.
 */
int sm_event_print(const struct sm_event_context *context, const struct sm_event *event, FILE *to);

#endif
