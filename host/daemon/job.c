// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A job's thread calls the library and nothing else.  It tells its progress through a socket pair,
 * a message a line; that the thread closes its end tells that it is done.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

struct job {
	LIST_ENTRY(job) link;
	struct attachment *attachment;
	struct client *client; /* to be answered, or NULL */
	sd_event_source *source;
	pthread_t thread;
	void *(*run)(void *job);
	int progress; /* the thread's end */
	/* The thread's, until it is joined: */
	struct sm_attach_options options;
	struct sm_attachment *handle;
	unsigned int timeout_ms;
	char *image_path, *monitors; /* to reload */
	struct sm_error error;
	int result;
};

static LIST_HEAD(, job) jobs = LIST_HEAD_INITIALIZER(jobs);

void jobs_forget_client(const struct client *client)
{
	struct job *job;

	LIST_FOREACH(job, &jobs, link)
		if (job->client == client)
			job->client = NULL;
}

/* --- on the job's thread ---------------------------------------------------------------------- */

static void report(void *context, const char *what)
{
	const struct job *job = context;

	send(job->progress, what, strlen(what), MSG_NOSIGNAL);
}

static void *run_attach(void *argument)
{
	struct job *job = argument;

	job->result = sm_attach(&job->options, &job->error, &job->handle);
	close(job->progress);
	return NULL;
}

static void *run_detach(void *argument)
{
	struct job *job = argument;

	job->result = sm_detach(job->handle, job->timeout_ms, &job->error);
	close(job->progress);
	return NULL;
}

static void *run_reload(void *argument)
{
	struct job *job = argument;
	const struct sm_reload_options options = {
		.image_path = job->image_path,
		.monitors = job->monitors,
		.policies = job->options.policies, /* they do not change meanwhile */
		.nr_policies = job->options.nr_policies,
		.progress = report,
		.progress_ctx = job,
	};

	job->result = sm_reload(job->handle, &options, &job->error);
	close(job->progress);
	return NULL;
}

/* --- on the loop's thread --------------------------------------------------------------------- */

static void release(struct job *job)
{
	free(job->monitors);
	free(job->image_path);
	free(job);
}

static const char *code_of(int error)
{
	switch (error) {
	case -EEXIST:
	case -EBUSY:
		return SM_CODE_ALREADY_ATTACHED;
	case -ETIMEDOUT:
		return SM_CODE_TIMEOUT;
	default:
		return SM_CODE_FAILED;
	}
}

static void answer(struct job *job, const char *failed)
{
	const struct sm_vm *vm = &job->attachment->vm;

	if (!job->client)
		return;
	client_set_busy(job->client, false);
	if (failed)
		client_fail(job->client, code_of(job->result), failed);
	else if (job->run == run_reload)
		client_send(job->client, json_pack("{s:b, s:s, s:i, s:s}", "ok", 1, "vm", vm->name,
						   "pid", (int)vm->pid, "monitors",
						   sm_attachment_monitors(job->handle)));
	else
		client_send(job->client, json_pack("{s:b, s:s, s:i}", "ok", 1, "vm", vm->name,
						   "pid", (int)vm->pid));
}

static void finish_reload(struct job *job, const char *failed)
{
	struct attachment *attachment = job->attachment;
	const char *name = attachment->vm.name;

	if (failed)
		log_warning("cannot change the monitors of VM %s (PID %d): %s", name,
			    (int)attachment->vm.pid, failed);
	else
		log_info("VM %s (PID %d) has monitors %s", name, (int)attachment->vm.pid,
			 sm_attachment_monitors(job->handle));
	answer(job, failed);
	/* After a timeout the new ones are there, or will be. */
	attachment_resume(attachment,
			  job->result && job->result != -ETIMEDOUT ? NULL : job->image_path);
}

static void finish_attachment(struct job *job, const char *failed)
{
	struct attachment *attachment = job->attachment;
	const char *name = attachment->vm.name;
	bool attached = job->run == run_attach;

	if (attachment->again && job->result == -ETIMEDOUT)
		log_debug("VM %s: its guest module does not answer yet", name);
	else if (!failed)
		log_info("%s VM %s (PID %d)", attached ? "attached to" : "detached from", name,
			 (int)attachment->vm.pid);
	else
		log_warning("%s VM %s (PID %d): %s",
			    attached ? "cannot attach to" : "detached from", name,
			    (int)attachment->vm.pid, failed);
	answer(job, failed);
	if (attachment->again && (!attached || job->result == -ETIMEDOUT))
		attachment_wait(attachment);
	else if (attached)
		attachment_settle(attachment, job->result ? NULL : job->handle);
	else
		attachment_destroy(attachment);
}

static void finish(struct job *job)
{
	const char *failed = NULL;

	pthread_join(job->thread, NULL);
	if (job->result)
		failed = job->error.text[0] ? job->error.text : strerror(-job->result);
	if (job->run == run_reload)
		finish_reload(job, failed);
	else
		finish_attachment(job, failed);
	LIST_REMOVE(job, link);
	sd_event_source_disable_unref(job->source);
	release(job);
}

static int on_progress(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct job *job = userdata;
	char text[512];
	ssize_t len;

	(void)source;
	(void)revents;
	len = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (len <= 0) {
		finish(job);
		return 0;
	}
	text[len] = '\0';
	if (!job->attachment->again)
		log_info("VM %s: %s", job->attachment->vm.name, text);
	if (job->client)
		client_send(job->client, json_pack("{s:s}", "progress", text));
	return 0;
}

static int start(struct daemon *daemon, struct job *job, void *(*run)(void *))
{
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	job->progress = pair[1];
	job->run = run;
	err = sd_event_add_io(daemon->event, &job->source, pair[0], EPOLLIN, on_progress, job);
	if (err < 0) {
		close(pair[0]);
		goto err_pair;
	}
	sd_event_source_set_io_fd_own(job->source, true);
	err = -pthread_create(&job->thread, NULL, run, job);
	if (err)
		goto err_source;
	LIST_INSERT_HEAD(&jobs, job, link);
	if (job->client)
		client_set_busy(job->client, true);
	return 0;

err_source:
	job->source = sd_event_source_disable_unref(job->source);
err_pair:
	close(pair[1]);
	return err;
}

int job_attach(struct attachment *attachment, struct client *client)
{
	struct job *job = calloc(1, sizeof(*job));
	int err;

	if (!job)
		return -ENOMEM;
	job->attachment = attachment;
	job->client = client;
	job->options = attachment->options;
	job->options.progress = report;
	job->options.progress_ctx = job;
	err = start(attachment->daemon, job, run_attach);
	if (err) {
		free(job);
		return err;
	}
	attachment->state = ATTACHING;
	return 0;
}

int job_detach(struct attachment *attachment, struct client *client, unsigned int timeout_ms)
{
	struct job *job = calloc(1, sizeof(*job));
	int err;

	if (!job)
		return -ENOMEM;
	job->attachment = attachment;
	job->client = client;
	job->handle = attachment->handle;
	job->timeout_ms = timeout_ms;
	err = start(attachment->daemon, job, run_detach);
	if (err) {
		free(job);
		return err;
	}
	attachment->state = DETACHING;
	attachment->hangup = sd_event_source_disable_unref(attachment->hangup);
	return 0;
}

int job_reload(struct attachment *attachment, struct client *client, const char *image_path,
	       const char *monitors)
{
	struct job *job = calloc(1, sizeof(*job));
	int err = -ENOMEM;

	if (!job)
		return -ENOMEM;
	job->attachment = attachment;
	job->client = client;
	job->handle = attachment->handle;
	job->options = attachment->options;
	job->image_path = strdup(image_path ? image_path : attachment->image_path);
	job->monitors = strdup(monitors);
	if (job->image_path && job->monitors)
		err = start(attachment->daemon, job, run_reload);
	if (err) {
		release(job);
		return err;
	}
	attachment->state = RELOADING;
	attachment->hangup = sd_event_source_disable_unref(attachment->hangup);
	return 0;
}
