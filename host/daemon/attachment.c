// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon.h"
#include "log.h"

/* Long enough for a guest that is well to unhook; systemd gives us 90 s for all of them. */
#define STOP_TIMEOUT_MS 5000
/* Of one attempt to attach again, during which nothing else can be done with the attachment. */
#define AGAIN_TIMEOUT_MS 3000
#define RETRY_USEC       1000000

static void update_status(struct daemon *daemon)
{
	struct attachment *attachment;
	size_t count = 0;

	TAILQ_FOREACH(attachment, &daemon->attachments, link)
		count += attachment->state == ATTACHED;
	sd_notifyf(0, "STATUS=%zu VM(s) attached", count);
}

struct attachment *attachment_of(struct daemon *daemon, const struct sm_vm *vm)
{
	struct attachment *attachment;

	TAILQ_FOREACH(attachment, &daemon->attachments, link)
		if (attachment->vm.pid == vm->pid && attachment->vm.fd == vm->fd)
			return attachment;
	return NULL;
}

int attachment_find(struct daemon *daemon, const char *selector, struct attachment **ret_attachment,
		    struct sm_error *err_text)
{
	struct attachment *attachment;
	const struct sm_vm *vm;
	struct sm_vms vms = {0};
	size_t count = 0;
	int err;

	TAILQ_FOREACH(attachment, &daemon->attachments, link)
		count++;
	vms.vms = calloc(count + 1, sizeof(*vms.vms));
	if (!vms.vms)
		return -ENOMEM;
	TAILQ_FOREACH(attachment, &daemon->attachments, link)
		vms.vms[vms.count++] = attachment->vm;
	err = sm_vms_find(&vms, selector, &vm, err_text);
	if (!err)
		*ret_attachment = attachment_of(daemon, vm);
	sm_vms_free(&vms);
	return err;
}

struct attachment *attachment_create(struct daemon *daemon, const struct sm_vm *vm,
				     const struct sm_attach_options *options)
{
	struct attachment *attachment = calloc(1, sizeof(*attachment));

	if (!attachment)
		return NULL;
	attachment->image_path = strdup(options->image_path);
	attachment->monitors = options->monitors ? strdup(options->monitors) : NULL;
	if (!attachment->image_path || (options->monitors && !attachment->monitors))
		goto free;
	attachment->options = *options;
	attachment->options.image_path = attachment->image_path;
	attachment->options.monitors = attachment->monitors;
	attachment->daemon = daemon;
	attachment->state = ATTACHING;
	attachment->vm = *vm;
	TAILQ_INSERT_TAIL(&daemon->attachments, attachment, link);
	return attachment;

free:
	free(attachment->monitors);
	free(attachment->image_path);
	free(attachment);
	return NULL;
}

static void end_if_done(struct daemon *daemon)
{
	if (daemon->stopping && TAILQ_EMPTY(&daemon->attachments))
		sd_event_exit(daemon->event, 0);
}

void attachment_destroy(struct attachment *attachment)
{
	struct daemon *daemon = attachment->daemon;

	if (attachment->consumer_waits) {
		client_set_busy(attachment->consumer, false);
		client_fail(attachment->consumer, SM_CODE_NOT_ATTACHED,
			    "this VM is not attached any more");
	}
	sd_event_source_disable_unref(attachment->hangup);
	sd_event_source_disable_unref(attachment->retry);
	TAILQ_REMOVE(&daemon->attachments, attachment, link);
	free(attachment->monitors);
	free(attachment->image_path);
	attachment_free_policies(attachment);
	free(attachment);
	update_status(daemon);
	end_if_done(daemon);
}

/* --- resets ------------------------------------------------------------------------------------ */

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct attachment *attachment = userdata;

	(void)source;
	(void)usec;
	attachment->retry = sd_event_source_disable_unref(attachment->retry);
	if (job_attach(attachment, NULL) < 0) {
		log_error("cannot attach to VM %s again: no memory", attachment->vm.name);
		attachment_destroy(attachment);
	}
	return 0;
}

void attachment_wait(struct attachment *attachment)
{
	struct daemon *daemon = attachment->daemon;

	attachment->state = WAITING;
	attachment->handle = NULL;
	attachment->options.timeout_ms = AGAIN_TIMEOUT_MS;
	update_status(daemon);
	if (daemon->stopping || attachment->unwanted) {
		attachment_destroy(attachment);
		return;
	}
	if (sd_event_add_time_relative(daemon->event, &attachment->retry, CLOCK_MONOTONIC,
				       RETRY_USEC, 0, on_retry, attachment) < 0) {
		log_error("cannot attach to VM %s again: no memory", attachment->vm.name);
		attachment_destroy(attachment);
	}
}

void attachment_give_up(struct attachment *attachment)
{
	attachment->unwanted = true;
	if (attachment->state == WAITING)
		attachment_destroy(attachment);
}

static bool was_reset(const struct attachment *attachment)
{
	struct sm_status status;
	bool ret;

	if (sm_status_read(sm_attachment_fd(attachment->handle), &status))
		return false;
	ret = status.vm.state == SM_STATE_RESET;
	sm_status_free(&status);
	return ret;
}

/* The VM has ended, or boots anew: nothing is left to unhook. */
static int on_hangup(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct attachment *attachment = userdata;

	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	attachment->again = was_reset(attachment);
	log_info("VM %s (PID %d) %s", attachment->vm.name, (int)attachment->vm.pid,
		 attachment->again ? "was reset" : "has ended");
	if (job_detach(attachment, NULL, 0) < 0)
		log_error("cannot let go of VM %s: no memory", attachment->vm.name);
	return 0;
}

/* --- events ------------------------------------------------------------------------------------ */

void attachment_send_schema(const struct attachment *attachment, struct client *client)
{
	const struct sm_schema *schema = sm_attachment_schema(attachment->handle);
	size_t i;

	for (i = 0; i < sm_schema_count(schema); i++)
		client_send(client, json_pack("{s:{s:o}}", "item", "event",
					      sm_schema_event_json(schema, i)));
}

static void hand_over(struct attachment *attachment)
{
	attachment->consumer_waits = false;
	attachment_send_schema(attachment, attachment->consumer);
	client_send_fd(attachment->consumer,
		       json_pack("{s:b, s:s, s:i}", "ok", 1, "vm", attachment->vm.name, "pid",
				 (int)attachment->vm.pid),
		       sm_attachment_fd(attachment->handle));
}

void attachment_give_events(struct attachment *attachment, struct client *client)
{
	attachment->consumer = client;
	if (attachment->state == ATTACHED && !attachment->again) {
		hand_over(attachment);
		return;
	}
	attachment->consumer_waits = true;
	client_set_busy(client, true);
}

void attachment_settle(struct attachment *attachment, struct sm_attachment *handle)
{
	struct daemon *daemon = attachment->daemon;

	if (!handle) {
		attachment_destroy(attachment);
		return;
	}
	attachment->handle = handle;
	attachment->state = ATTACHED;
	attachment->again = false;
	/* No events asked for: a hangup is always reported. */
	if (sd_event_add_io(daemon->event, &attachment->hangup, sm_attachment_fd(handle), 0,
			    on_hangup, attachment) < 0)
		log_warning("the end of VM %s will go unnoticed", attachment->vm.name);
	update_status(daemon);
	if (attachment->consumer_waits) {
		client_set_busy(attachment->consumer, false);
		hand_over(attachment);
	}
	if (daemon->stopping)
		attachments_stop(daemon);
	else if (attachment->unwanted && job_detach(attachment, NULL, STOP_TIMEOUT_MS) < 0)
		log_error("cannot let go of VM %s: no memory", attachment->vm.name);
}

/* What runs is also what an attachment after a reset is made with. */
static void remember(struct attachment *attachment, const char *image_path)
{
	char *monitors = strdup(sm_attachment_monitors(attachment->handle));
	char *path = image_path ? strdup(image_path) : NULL;

	if (!monitors || (image_path && !path)) {
		log_error("VM %s: no memory to keep what it was reloaded with",
			  attachment->vm.name);
		free(monitors);
		free(path);
		return;
	}
	free(attachment->monitors);
	attachment->options.monitors = attachment->monitors = monitors;
	if (!path)
		return;
	free(attachment->image_path);
	attachment->options.image_path = attachment->image_path = path;
}

void attachment_resume(struct attachment *attachment, const char *image_path)
{
	remember(attachment, image_path);
	attachment_settle(attachment, attachment->handle);
}

void attachments_stop(struct daemon *daemon)
{
	struct attachment *attachment, *next;

	daemon->stopping = true;
	for (attachment = TAILQ_FIRST(&daemon->attachments); attachment; attachment = next) {
		next = TAILQ_NEXT(attachment, link);
		if (attachment->state == WAITING) {
			attachment_destroy(attachment);
			continue;
		}
		if (attachment->state != ATTACHED ||
		    job_detach(attachment, NULL, STOP_TIMEOUT_MS) == 0)
			continue;
		log_error("VM %s is not detached cleanly: no memory", attachment->vm.name);
		attachment_destroy(attachment);
	}
	end_if_done(daemon);
}

void attachments_forget_client(struct daemon *daemon, const struct client *client)
{
	struct attachment *attachment;

	TAILQ_FOREACH(attachment, &daemon->attachments, link)
		if (attachment->consumer == client) {
			attachment->consumer = NULL;
			attachment->consumer_waits = false;
		}
}
