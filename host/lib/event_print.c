// SPDX-License-Identifier: GPL-2.0-or-later
/* Events as lines for people. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "event_internal.h"

static const char *label(const struct sm_event *event)
{
	switch (event->type) {
	case SM_EVENT_EXEC:
		return "exec";
	case SM_EVENT_EXIT:
		return "exit";
	case SM_EVENT_MODULE_LOAD:
		return "insmod";
	case SM_EVENT_MODULE_UNLOAD:
		return "rmmod";
	default:
		return sm_event_name(event);
	}
}

/* What the process runs: its path if its exec was seen, else its name. */
static void print_binary(const struct sm_event_context *context, const struct sm_task *task,
			 FILE *to)
{
	const struct sm_process *known = NULL;

	if (context->processes)
		known = sm_process_table_get(context->processes, task->tgid, task->start_time);
	if (known)
		sm_bytes_print((struct sm_bytes){known->path, known->path_len}, to);
	else
		sm_bytes_print(sm_bytes_field(task->comm, sizeof(task->comm)), to);
}

static void print_task(const struct sm_task *task, FILE *to)
{
	fprintf(to, " pid=%u uid=%u", task->tgid, task->uid);
	if (task->euid != task->uid)
		fprintf(to, " euid=%u", task->euid);
	fprintf(to, " parent=%u(", task->ppid);
	sm_bytes_print(sm_bytes_field(task->parent_comm, sizeof(task->parent_comm)), to);
	fputc(')', to);
}

static void print_exec(const struct sm_event *event, FILE *to)
{
	print_task(&event->task, to);
	fputc(' ', to);
	sm_bytes_print(event->exec.path, to);
	fputc(' ', to);
	sm_arguments_print(event->exec.argv, true, to);
	if (event->exec.flags & (SM_EXEC_ARGV_TRUNCATED | SM_EXEC_PATH_TRUNCATED))
		fputs(" [truncated]", to);
	if (event->exec.flags & SM_EXEC_ARGV_UNREADABLE)
		fputs(" [arguments unreadable]", to);
}

static void print_exit(const struct sm_event_context *context, const struct sm_event *event,
		       FILE *to)
{
	char signal[16];

	print_task(&event->task, to);
	fputc(' ', to);
	print_binary(context, &event->task, to);
	if (event->exit.signal)
		fprintf(to, " signal=%s%s", sm_signal_name(event->exit.signal, signal),
			event->exit.core_dumped ? " (core dumped)" : "");
	else
		fprintf(to, " status=%u", event->exit.code);
}

static void print_module(const struct sm_event_context *context, const struct sm_event *event,
			 FILE *to)
{
	print_task(&event->task, to);
	fputc(' ', to);
	print_binary(context, &event->task, to);
	fputs(" module=", to);
	sm_bytes_print(event->module, to);
}

static void print_lifecycle(const struct sm_event *event, FILE *to)
{
	fprintf(to, " %s", sm_lifecycle_name(event->lifecycle.what));
	if (event->lifecycle.what == SM_LIFECYCLE_VCPU_ADDED)
		fprintf(to, " vcpu=%u", event->lifecycle.vcpu);
	if (event->lifecycle.what == SM_LIFECYCLE_MONITOR_DISABLED)
		fprintf(to, " slot=%u", event->lifecycle.slot);
}

static void print_violation(const struct sm_record_violation *v, FILE *to)
{
	fprintf(to,
		" vcpu=%u reason=%s view=%s exit=%s rip=0x%" PRIx64 " gpa=0x%" PRIx64
		" cr3=0x%" PRIx64,
		v->vcpu, sm_violation_reason_name(v->reason), sm_view_name(v->view),
		sm_exit_reason_name(v->exit_reason), v->rip, v->gpa, v->cr3);
}

static void print_body(const struct sm_event_context *context, const struct sm_event *event,
		       FILE *to)
{
	switch (event->type) {
	case SM_EVENT_EXEC:
		print_exec(event, to);
		break;
	case SM_EVENT_EXIT:
		print_exit(context, event, to);
		break;
	case SM_EVENT_MODULE_LOAD:
	case SM_EVENT_MODULE_UNLOAD:
		print_module(context, event, to);
		break;
	case SM_EVENT_LOSS:
		fprintf(to, " %" PRIu64 " records%s", event->loss.count,
			event->loss.unexplained ? " missing that nothing accounts for" : " lost");
		break;
	case SM_EVENT_CORRUPT:
		fprintf(to, " %s", event->corrupt.why);
		break;
	case SM_EVENT_VIOLATION:
	case SM_EVENT_ABORT:
		print_violation(&event->violation, to);
		if (event->type == SM_EVENT_ABORT)
			fprintf(to, " slot=%u", event->violation.slot);
		break;
	case SM_EVENT_LIFECYCLE:
		print_lifecycle(event, to);
		break;
	case SM_EVENT_DECLARED:
		print_task(&event->task, to);
		fputc(' ', to);
		print_binary(context, &event->task, to);
		sm_declared_print(event, to);
		break;
	case SM_EVENT_OTHER:
		fprintf(to, " type=%u bytes=%u", event->other.type, event->other.len);
		break;
	}
}

int sm_event_print(const struct sm_event_context *context, const struct sm_event *event, FILE *to)
{
	char time[SM_CLOCK_TEXT];

	sm_clock_text(event->time_ns, time);
	fprintf(to, "%s ", time);
	sm_bytes_print((struct sm_bytes){context->vm, strlen(context->vm)}, to);
	if (event->vcpu == SM_VCPU_HOST)
		fputs("/host", to);
	else
		fprintf(to, "/%u", event->vcpu);
	fprintf(to, " %-9s", label(event));
	print_body(context, event, to);
	fputc('\n', to);
	return ferror(to) ? -EIO : 0;
}
