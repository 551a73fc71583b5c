// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>
#include <string.h>

#include "event_internal.h"

static const char too_short[] = "a record is shorter than its type demands";

/*
 * Copies the fixed part of a record, in full or not at all.  The record is a private copy of at most
 * SM_RECORD_MAX bytes whose len the ring has checked.
 */
static bool take(const struct sm_record *record, void *fixed, size_t size)
{
	if (record->len < size)
		return false;
	memcpy(fixed, record, size);
	return true;
}

static const char *decode_exec(const struct sm_record *record, struct sm_event *event)
{
	const char *strings = (const char *)record + sizeof(struct sm_record_exec);
	struct sm_record_exec exec;

	if (!take(record, &exec, sizeof(exec)))
		return too_short;
	if (exec.path_len > SM_PATH_MAX || exec.argv_len > SM_ARGV_MAX)
		return "an exec record's strings are longer than they may be";
	if (sizeof(exec) + exec.path_len + exec.argv_len > record->len)
		return "an exec record's strings reach beyond it";
	event->type = SM_EVENT_EXEC;
	event->task = exec.task;
	event->exec.flags = exec.flags;
	event->exec.argc = exec.argc;
	event->exec.ticks = exec.ticks;
	event->exec.path = (struct sm_bytes){strings, exec.path_len};
	event->exec.argv = (struct sm_bytes){strings + exec.path_len, exec.argv_len};
	return NULL;
}

static const char *decode_exit(const struct sm_record *record, struct sm_event *event)
{
	struct sm_record_exit exit;

	if (!take(record, &exit, sizeof(exit)))
		return too_short;
	event->type = SM_EVENT_EXIT;
	event->task = exit.task;
	event->exit.code = exit.code;
	event->exit.signal = exit.signal;
	event->exit.core_dumped = exit.core_dumped != 0;
	return NULL;
}

static const char *decode_module(const struct sm_record *record, struct sm_event *event)
{
	const struct sm_record_module *module = (const void *)record;
	struct sm_record_module fixed;

	if (!take(record, &fixed, sizeof(fixed)))
		return too_short;
	event->type = record->type == SM_RECORD_MODULE_LOAD ? SM_EVENT_MODULE_LOAD
							    : SM_EVENT_MODULE_UNLOAD;
	event->task = fixed.task;
	event->module = sm_bytes_field(module->name, sizeof(module->name));
	return NULL;
}

static const char *decode_loss(const struct sm_record *record, struct sm_event *event)
{
	struct sm_record_loss loss;

	if (!take(record, &loss, sizeof(loss)))
		return too_short;
	event->type = SM_EVENT_LOSS;
	event->loss.count = loss.count;
	event->loss.unexplained = false;
	return NULL;
}

static const char *decode_violation(const struct sm_record *record, struct sm_event *event)
{
	if (!take(record, &event->violation, sizeof(event->violation)))
		return too_short;
	event->type = record->type == SM_RECORD_ABORT ? SM_EVENT_ABORT : SM_EVENT_VIOLATION;
	return NULL;
}

static const char *decode_lifecycle(const struct sm_record *record, struct sm_event *event)
{
	struct sm_record_lifecycle lifecycle;

	if (!take(record, &lifecycle, sizeof(lifecycle)))
		return too_short;
	event->type = SM_EVENT_LIFECYCLE;
	event->lifecycle.what = lifecycle.what;
	event->lifecycle.vcpu = lifecycle.vcpu;
	event->lifecycle.slot = lifecycle.slot;
	return NULL;
}

/* What only the host module reports: a compartment that writes such a record lies. */
static bool is_host_type(u16 type)
{
	return type == SM_RECORD_VIOLATION || type == SM_RECORD_ABORT ||
	       type == SM_RECORD_LIFECYCLE;
}

/* NULL, or why the record cannot be what it says it is. */
static const char *decode_record(const struct sm_item *item, const struct sm_schema *schema,
				 struct sm_event *event)
{
	const struct sm_record *record = item->record;
	const struct sm_schema_event *declared;

	if (is_host_type(record->type) && item->vcpu != SM_VCPU_HOST)
		return "a vCPU's ring holds a record that only the host module writes";
	switch (record->type) {
	case SM_RECORD_EXEC:
		return decode_exec(record, event);
	case SM_RECORD_EXIT:
		return decode_exit(record, event);
	case SM_RECORD_MODULE_LOAD:
	case SM_RECORD_MODULE_UNLOAD:
		return decode_module(record, event);
	case SM_RECORD_LOSS:
		return decode_loss(record, event);
	case SM_RECORD_VIOLATION:
	case SM_RECORD_ABORT:
		return decode_violation(record, event);
	case SM_RECORD_LIFECYCLE:
		return decode_lifecycle(record, event);
	default:
		declared = schema ? sm_schema_find_type(schema, record->type) : NULL;
		if (declared)
			return sm_declared_decode(record, declared, event);
		event->type = SM_EVENT_OTHER;
		event->other.type = record->type;
		event->other.len = record->len;
		return NULL;
	}
}

static void set_corrupt(struct sm_event *event, u64 count, const char *why)
{
	event->type = SM_EVENT_CORRUPT;
	event->corrupt.count = count;
	event->corrupt.why = why;
}

void sm_event_decode(const struct sm_item *item, const struct sm_schema *schema,
		     struct sm_event *ret_event)
{
	const char *why;

	memset(ret_event, 0, sizeof(*ret_event));
	ret_event->vcpu = item->vcpu;
	ret_event->time_ns = item->time_ns;
	switch (item->kind) {
	case SM_ITEM_RECORD:
		ret_event->has_seq = true;
		ret_event->seq = item->record->seq;
		why = decode_record(item, schema, ret_event);
		if (why)
			set_corrupt(ret_event, 0, why);
		return;
	case SM_ITEM_GAP:
		ret_event->type = SM_EVENT_LOSS;
		ret_event->loss.count = item->count;
		ret_event->loss.unexplained = true;
		return;
	case SM_ITEM_CORRUPT:
		set_corrupt(ret_event, item->count, item->why);
		return;
	}
}

void sm_event_learn(const struct sm_event_context *context, const struct sm_event *event)
{
	struct sm_process process;

	if (event->type != SM_EVENT_EXEC || !context->processes)
		return;
	process = (struct sm_process){
		.path = event->exec.path.data,
		.path_len = event->exec.path.len,
		.argv = event->exec.argv.data,
		.argv_len = event->exec.argv.len,
	};
	/* Without memory later events fall back on what they carry themselves. */
	sm_process_table_put(context->processes, event->task.tgid, event->task.start_time,
			     &process);
}
