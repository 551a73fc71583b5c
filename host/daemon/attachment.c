// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon.h"
#include "log.h"

/* Long enough for a guest that is well to unhook; systemd gives us 90 s for all of them. */
#define STOP_TIMEOUT_MS 5000

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

struct attachment *attachment_create(struct daemon *daemon, const struct sm_vm *vm)
{
	struct attachment *attachment = calloc(1, sizeof(*attachment));

	if (!attachment)
		return NULL;
	attachment->daemon = daemon;
	attachment->state = ATTACHING;
	attachment->vm = *vm;
	TAILQ_INSERT_TAIL(&daemon->attachments, attachment, link);
	return attachment;
}

static void end_if_done(struct daemon *daemon)
{
	if (daemon->stopping && TAILQ_EMPTY(&daemon->attachments))
		sd_event_exit(daemon->event, 0);
}

void attachment_destroy(struct attachment *attachment)
{
	struct daemon *daemon = attachment->daemon;

	sd_event_source_disable_unref(attachment->hangup);
	TAILQ_REMOVE(&daemon->attachments, attachment, link);
	free(attachment);
	update_status(daemon);
	end_if_done(daemon);
}

/* The VM has ended: nothing is left to unhook. */
static int on_hangup(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct attachment *attachment = userdata;

	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	log_info("VM %s (PID %d) has ended", attachment->vm.name, (int)attachment->vm.pid);
	if (job_detach(attachment, NULL, 0) < 0)
		log_error("cannot let go of VM %s: no memory", attachment->vm.name);
	return 0;
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
	/* No events asked for: a hangup is always reported. */
	if (sd_event_add_io(daemon->event, &attachment->hangup, sm_attachment_fd(handle), 0,
			    on_hangup, attachment) < 0)
		log_warning("the end of VM %s will go unnoticed", attachment->vm.name);
	update_status(daemon);
	if (daemon->stopping)
		attachments_stop(daemon);
}

void attachments_stop(struct daemon *daemon)
{
	struct attachment *attachment, *next;

	daemon->stopping = true;
	for (attachment = TAILQ_FIRST(&daemon->attachments); attachment; attachment = next) {
		next = TAILQ_NEXT(attachment, link);
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
		if (attachment->consumer == client)
			attachment->consumer = NULL;
}
