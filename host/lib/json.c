// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events as JSON.  Errors are not checked at each step: jansson takes a NULL value as an error, so they
 * are gathered in the builder and asked for once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event_internal.h"

struct builder {
	const struct sm_event_context *context;
	const struct sm_event *event;
	bool failed;
};

static void set(struct builder *b, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		b->failed = true;
}

/* JSON's integers are signed here; what a liar makes larger is clamped rather than made negative. */
static void set_number(struct builder *b, json_t *object, const char *key, u64 value)
{
	set(b, object, key, json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

static void set_string(struct builder *b, json_t *object, const char *key, const char *value)
{
	set(b, object, key, json_string(value));
}

static void set_bytes(struct builder *b, json_t *object, const char *key, struct sm_bytes value)
{
	set(b, object, key, sm_bytes_json(value));
}

static void set_address(struct builder *b, json_t *object, const char *key, u64 value)
{
	set(b, object, key, json_sprintf("0x%llx", (unsigned long long)value));
}

static void set_exec_id(struct builder *b, json_t *object, const char *key, u64 start_time,
			u32 tgid)
{
	set(b, object, key,
	    json_sprintf("%s:%llu:%u", b->context->vm, (unsigned long long)start_time, tgid));
}

static void set_arguments(struct builder *b, json_t *object, struct sm_bytes argv)
{
	json_t *array = json_array();
	struct sm_bytes argument;
	char *joined = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&joined, &len);

	if (to) {
		sm_arguments_print(argv, false, to);
		b->failed |= fclose(to) != 0;
		set_bytes(b, object, "arguments", (struct sm_bytes){joined, len});
		free(joined);
	} else {
		b->failed = true;
	}
	while (sm_bytes_next_argument(&argv, &argument))
		if (json_array_append_new(array, sm_bytes_json(argument)))
			b->failed = true;
	set(b, object, "argv", array);
}

/* Path and arguments of a process that execed before, or else its name. */
static void set_known(struct builder *b, json_t *object, u32 tgid, u64 start_time,
		      struct sm_bytes comm)
{
	const struct sm_process *known = NULL;

	if (b->context->processes)
		known = sm_process_table_get(b->context->processes, tgid, start_time);
	if (!known) {
		set_bytes(b, object, "binary", comm);
		return;
	}
	set_bytes(b, object, "binary", (struct sm_bytes){known->path, known->path_len});
	set_arguments(b, object, (struct sm_bytes){known->argv, known->argv_len});
}

static void set_credentials(struct builder *b, json_t *object, const struct sm_task *task)
{
	json_t *credentials = json_object();

	set_number(b, credentials, "uid", task->uid);
	set_number(b, credentials, "gid", task->gid);
	set_number(b, credentials, "euid", task->euid);
	set_number(b, credentials, "egid", task->egid);
	set_number(b, credentials, "suid", task->suid);
	set_number(b, credentials, "sgid", task->sgid);
	set_number(b, credentials, "fsuid", task->fsuid);
	set_number(b, credentials, "fsgid", task->fsgid);
	set(b, object, "process_credentials", credentials);
}

static void set_exec(struct builder *b, json_t *object)
{
	u32 flags = b->event->exec.flags;

	set_bytes(b, object, "binary", b->event->exec.path);
	set_arguments(b, object, b->event->exec.argv);
	set_number(b, object, "argc", b->event->exec.argc);
	set_number(b, object, "ticks", b->event->exec.ticks);
	set(b, object, "flags",
	    json_sprintf("execve%s%s%s", flags & SM_EXEC_PATH_TRUNCATED ? " truncFilename" : "",
			 flags & SM_EXEC_ARGV_TRUNCATED ? " truncArgs" : "",
			 flags & SM_EXEC_ARGV_UNREADABLE ? " errorArgs" : ""));
}

/* exec: the task is of an exec event, which tells what it runs. */
static json_t *process_json(struct builder *b, const struct sm_task *task, bool exec)
{
	struct sm_bytes comm = sm_bytes_field(task->comm, sizeof(task->comm));
	json_t *process = json_object();

	set_exec_id(b, process, "exec_id", task->start_time, task->tgid);
	set_number(b, process, "pid", task->tgid);
	set_number(b, process, "tid", task->pid);
	set_number(b, process, "uid", task->uid);
	set_bytes(b, process, "comm", comm);
	if (exec)
		set_exec(b, process);
	else
		set_known(b, process, task->tgid, task->start_time, comm);
	set_number(b, process, "start_boottime", task->start_time);
	set_exec_id(b, process, "parent_exec_id", task->parent_start_time, task->ppid);
	set_credentials(b, process, task);
	return process;
}

json_t *sm_task_json(const struct sm_event_context *context, const struct sm_task *task)
{
	struct builder b = {.context = context};
	json_t *process = process_json(&b, task, false);

	if (!b.failed)
		return process;
	json_decref(process);
	return NULL;
}

static json_t *parent_json(struct builder *b)
{
	const struct sm_task *task = &b->event->task;
	struct sm_bytes comm = sm_bytes_field(task->parent_comm, sizeof(task->parent_comm));
	json_t *parent = json_object();

	set_exec_id(b, parent, "exec_id", task->parent_start_time, task->ppid);
	set_number(b, parent, "pid", task->ppid);
	set_bytes(b, parent, "comm", comm);
	set_known(b, parent, task->ppid, task->parent_start_time, comm);
	set_number(b, parent, "start_boottime", task->parent_start_time);
	return parent;
}

static void set_exit(struct builder *b, json_t *body)
{
	char signal[16];

	set_string(b, body, "signal", sm_signal_name(b->event->exit.signal, signal));
	set_number(b, body, "status", b->event->exit.code);
	set(b, body, "core_dumped", json_boolean(b->event->exit.core_dumped));
}

static void set_violation(struct builder *b, json_t *body)
{
	const struct sm_record_violation *v = &b->event->violation;

	set_number(b, body, "vcpu", v->vcpu);
	set_string(b, body, "reason", sm_violation_reason_name(v->reason));
	set_number(b, body, "reason_code", v->reason);
	set_string(b, body, "view", sm_view_name(v->view));
	set_number(b, body, "view_index", v->view);
	set_string(b, body, "exit_reason", sm_exit_reason_name(v->exit_reason));
	set_number(b, body, "exit_reason_code", v->exit_reason);
	set_address(b, body, "rip", v->rip);
	set_address(b, body, "gpa", v->gpa);
	set_address(b, body, "gla", v->gla);
	set_address(b, body, "cr3", v->cr3);
	set_address(b, body, "qualification", v->qualification);
	if (b->event->type == SM_EVENT_ABORT)
		set_number(b, body, "slot", v->slot);
}

static void set_lifecycle(struct builder *b, json_t *body)
{
	set_string(b, body, "what", sm_lifecycle_name(b->event->lifecycle.what));
	set_number(b, body, "what_code", b->event->lifecycle.what);
	if (b->event->lifecycle.what == SM_LIFECYCLE_VCPU_ADDED)
		set_number(b, body, "vcpu", b->event->lifecycle.vcpu);
	if (b->event->lifecycle.what == SM_LIFECYCLE_MONITOR_DISABLED)
		set_number(b, body, "slot", b->event->lifecycle.slot);
}

static void set_body(struct builder *b, json_t *body)
{
	switch (b->event->type) {
	case SM_EVENT_EXIT:
		set_exit(b, body);
		/* fall through */
	case SM_EVENT_EXEC:
		break;
	case SM_EVENT_MODULE_LOAD:
	case SM_EVENT_MODULE_UNLOAD:
		set_bytes(b, body, "name", b->event->module);
		break;
	case SM_EVENT_LOSS:
		set_number(b, body, "count", b->event->loss.count);
		set(b, body, "explained", json_boolean(!b->event->loss.unexplained));
		return;
	case SM_EVENT_CORRUPT:
		set_number(b, body, "count", b->event->corrupt.count);
		set_string(b, body, "why", b->event->corrupt.why);
		return;
	case SM_EVENT_VIOLATION:
	case SM_EVENT_ABORT:
		set_violation(b, body);
		return;
	case SM_EVENT_LIFECYCLE:
		set_lifecycle(b, body);
		return;
	case SM_EVENT_DECLARED:
		if (!sm_declared_set(b->context, b->event, body))
			b->failed = true;
		break;
	case SM_EVENT_OTHER:
		set_number(b, body, "type", b->event->other.type);
		set_number(b, body, "len", b->event->other.len);
		return;
	}
	set(b, body, "process", process_json(b, &b->event->task, b->event->type == SM_EVENT_EXEC));
	set(b, body, "parent", parent_json(b));
}

json_t *sm_event_json(const struct sm_event_context *context, const struct sm_event *event)
{
	struct builder b = {.context = context, .event = event};
	json_t *root = json_object(), *body = json_object();
	char time[SM_CLOCK_TEXT];

	set_body(&b, body);
	set(&b, root, sm_event_name(event), body);
	set_string(&b, root, "node_name", context->vm);
	set_string(&b, root, "vm", context->vm);
	if (event->vcpu == SM_VCPU_HOST)
		set(&b, root, "vcpu", json_null());
	else
		set_number(&b, root, "vcpu", event->vcpu);
	if (event->has_seq)
		set_number(&b, root, "seq", event->seq);
	sm_clock_text(event->time_ns, time);
	set_string(&b, root, "time", time);
	if (!b.failed)
		return root;
	json_decref(root);
	return NULL;
}

int sm_event_json_line(const struct sm_event_context *context, const struct sm_event *event,
		       char **ret_line)
{
	json_t *root = sm_event_json(context, event);
	/* ASCII alone: no control sequence of a terminal, and no doubt about the encoding. */
	char *line = root ? json_dumps(root, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	json_decref(root);
	if (!line)
		return -ENOMEM;
	*ret_line = line;
	return 0;
}
