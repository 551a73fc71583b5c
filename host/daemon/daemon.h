/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shadowmond: keeps the attachments, one /dev/shadowmon file each, and answers clients.  All but
 * jobs runs on the event loop's thread; a job's thread touches nothing but its job.
 */
#ifndef SHADOWMON_DAEMON_DAEMON_H
#define SHADOWMON_DAEMON_DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "../lib/shadowmon.h"
#include "protocol.h"

struct client;

enum attachment_state {
	ATTACHING,
	ATTACHED,
	RELOADING, /* it holds the VM, and its monitors change */
	DETACHING,
	WAITING, /* the VM was reset: attached again when its guest module answers */
};

struct attachment {
	TAILQ_ENTRY(attachment) link;
	struct daemon *daemon;
	enum attachment_state state;
	bool again;      /* the VM was reset: not given up until it is attached again */
	bool unwanted;   /* to be detached as soon as it is attached */
	struct sm_vm vm; /* as it was when attached */
	struct sm_attach_options options; /* what it was attached with */
	char *image_path, *monitors;      /* of options */
	struct sm_policy **policies;      /* of options, too */
	struct sm_attachment *handle;     /* the library's; NULL while ATTACHING and WAITING */
	struct client *consumer;          /* who reads its events, or NULL */
	bool consumer_waits;              /* ... and has not got them yet */
	sd_event_source *hangup;          /* the VM is gone; only while ATTACHED */
	sd_event_source *retry;           /* only while WAITING */
};

struct daemon {
	sd_event *event;
	sd_event_source *listener;
	const char *socket_path;
	bool stopping;
	size_t nr_clients;
	TAILQ_HEAD(, client) clients;
	TAILQ_HEAD(, attachment) attachments;
};

/* --- server.c: the listening socket ----------------------------------------------------------- */

/* Listens on daemon->socket_path.  0, or a negative errno that was logged. */
int server_start(struct daemon *daemon);
/* Takes no more clients, and drops those that are. */
void server_stop(struct daemon *daemon);

/* --- client.c: one connection ----------------------------------------------------------------- */

/* Takes over fd. */
void client_create(struct daemon *daemon, int fd, pid_t pid);
void client_destroy(struct client *client);
struct daemon *client_daemon(const struct client *client);
pid_t client_pid(const struct client *client);

/* Queues a message, and consumes it.  A client that does not read is dropped later, never here. */
void client_send(struct client *client, json_t *message);
/* The same with a copy of file descriptor fd. */
void client_send_fd(struct client *client, json_t *message, int fd);
/* The end of a request that failed. */
void client_fail(struct client *client, const char *code, const char *sentence);
/* While set, requests wait: one is under way. */
void client_set_busy(struct client *client, bool busy);

/* --- request.c: what clients ask for ---------------------------------------------------------- */

/* Handles one message, and answers it now or by a job later. */
void request_handle(struct client *client, json_t *request);
/* Tells the client that its request is malformed, and why; always true. */
static inline bool unpack_failed(struct client *client, const json_error_t *error)
{
	client_fail(client, SM_CODE_BAD_REQUEST, error->text);
	return true;
}

/* The end of a request that has nothing else to say. */
void send_ok(struct client *client);
/* What selector means, if it is attached; NULL: the client was told why it is not. */
struct attachment *request_attachment(struct client *client, const char *selector);

/* --- attachment.c ----------------------------------------------------------------------------- */

/*
 * Looks for the attachment that selector means.  0, or a negative errno as of sm_vms_find():
 * -ENOENT and -ENOTUNIQ.
 */
int attachment_find(struct daemon *daemon, const char *selector, struct attachment **ret_attachment,
		    struct sm_error *err);
/* The attachment of just this VM, or NULL. */
struct attachment *attachment_of(struct daemon *daemon, const struct sm_vm *vm);

/* A new attachment that is ATTACHING, with a copy of options; NULL without memory. */
struct attachment *attachment_create(struct daemon *daemon, const struct sm_vm *vm,
				     const struct sm_attach_options *options);
/* It holds a VM from now on; or never did (handle NULL), and is no more. */
void attachment_settle(struct attachment *attachment, struct sm_attachment *handle);
void attachment_destroy(struct attachment *attachment);
/* WAITING from now on: the guest of a VM that was reset boots. */
void attachment_wait(struct attachment *attachment);
/* Its monitors have changed, or not: ATTACHED again.  What runs is from image_path, if that is not NULL. */
void attachment_resume(struct attachment *attachment, const char *image_path);
/* It is to wait no more: gone at once, or detached when the attempt under way succeeds. */
void attachment_give_up(struct attachment *attachment);
/* Tells client what records the monitors declare: for an attachment that holds a VM. */
void attachment_send_schema(const struct attachment *attachment, struct client *client);
/* Hands its events to client, now or when it is attached again. */
void attachment_give_events(struct attachment *attachment, struct client *client);

/* --- policy.c: an attachment's policies --------------------------------------------------------- */

/* Those that came with the request to attach.  0, or a negative errno with err filled in. */
int attachment_decode_policies(struct attachment *attachment, json_t *list, struct sm_error *err);
int attachment_add_policy(struct attachment *attachment, struct sm_policy *policy);
void attachment_free_policies(struct attachment *attachment);
void do_policy_add(struct client *client, json_t *request);
void do_policy_delete(struct client *client, json_t *request);
void do_policy_mode(struct client *client, json_t *request);
void do_policy_list(struct client *client, json_t *request);

/* Detaches all, and ends the event loop once nothing is attached. */
void attachments_stop(struct daemon *daemon);
/* The client has left: it consumes nothing any more. */
void attachments_forget_client(struct daemon *daemon, const struct client *client);

/* --- job.c: what takes time ------------------------------------------------------------------- */

/*
 * Attach or detach on a thread of their own.  When done, the attachment is settled or destroyed and
 * the client, unless NULL or gone by then, is answered.  0 or a negative errno: then nothing was begun.
 */
int job_attach(struct attachment *attachment, struct client *client);
int job_detach(struct attachment *attachment, struct client *client, unsigned int timeout_ms);
/* Changes monitors, likewise; image_path NULL: the image as it is in its file now. */
int job_reload(struct attachment *attachment, struct client *client, const char *image_path,
	       const char *monitors);
/* The client has left: nobody waits for its job's answer. */
void jobs_forget_client(const struct client *client);

#endif
