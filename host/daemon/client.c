// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

/* What a client may leave unread. */
#define QUEUE_MAX (4u << 20)

struct message {
	STAILQ_ENTRY(message) link;
	int fd; /* to pass with it, or -1 */
	size_t len;
	char bytes[];
};

struct client {
	TAILQ_ENTRY(client) link;
	struct daemon *daemon;
	sd_event_source *source; /* owns the socket */
	pid_t pid;
	bool busy;
	bool broken; /* to be dropped when the loop is back */
	STAILQ_HEAD(, message) queue;
	size_t queued;
};

struct daemon *client_daemon(const struct client *client)
{
	return client->daemon;
}

pid_t client_pid(const struct client *client)
{
	return client->pid;
}

static void message_destroy(struct message *message)
{
	if (message->fd >= 0)
		close(message->fd);
	free(message);
}

void client_destroy(struct client *client)
{
	struct message *message;

	attachments_forget_client(client->daemon, client);
	jobs_forget_client(client);
	TAILQ_REMOVE(&client->daemon->clients, client, link);
	client->daemon->nr_clients--;
	while ((message = STAILQ_FIRST(&client->queue))) {
		STAILQ_REMOVE_HEAD(&client->queue, link);
		message_destroy(message);
	}
	sd_event_source_disable_unref(client->source);
	free(client);
}

/* What to wait for: nothing is read while a request is under way, but a hangup is always seen. */
static void update_events(struct client *client)
{
	uint32_t events = (client->busy ? 0 : EPOLLIN) |
			  (STAILQ_EMPTY(&client->queue) && !client->broken ? 0 : EPOLLOUT);

	sd_event_source_set_io_events(client->source, events);
}

static ssize_t send_message(int socket, const struct message *message)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)message->bytes, .iov_len = message->len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	if (message->fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &message->fd, sizeof(int));
	}
	return sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Sends what the socket takes; false: the connection is no more. */
static bool flush(struct client *client)
{
	int socket = sd_event_source_get_io_fd(client->source);
	struct message *message;

	while ((message = STAILQ_FIRST(&client->queue))) {
		if (send_message(socket, message) < 0)
			return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
		client->queued -= message->len;
		STAILQ_REMOVE_HEAD(&client->queue, link);
		message_destroy(message);
	}
	return true;
}

void client_send_fd(struct client *client, json_t *json, int fd)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	size_t len = text ? strlen(text) : 0;
	struct message *message = NULL;

	json_decref(json);
	if (text && len <= SM_MESSAGE_MAX && client->queued + len <= QUEUE_MAX)
		message = malloc(sizeof(*message) + len);
	if (message) {
		memcpy(message->bytes, text, len);
		message->len = len;
		message->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		client->queued += len;
		STAILQ_INSERT_TAIL(&client->queue, message, link);
	}
	/* A client that missed one message cannot make sense of the next. */
	if (!message || (fd >= 0 && message->fd < 0))
		client->broken = true;
	free(text);
	update_events(client);
}

void client_send(struct client *client, json_t *message)
{
	client_send_fd(client, message, -1);
}

void client_fail(struct client *client, const char *code, const char *sentence)
{
	/* A sentence may quote what the request said. */
	json_t *text = json_string(sentence);

	client_send(client, json_pack("{s:b, s:s, s:o}", "ok", 0, "code", code, "error",
				      text ? text : json_string("it failed")));
}

void client_set_busy(struct client *client, bool busy)
{
	client->busy = busy;
	update_events(client);
}

static void handle_message(struct client *client, const char *bytes, size_t len)
{
	json_error_t error;
	json_t *request;

	if (len > SM_MESSAGE_MAX) {
		client_fail(client, SM_CODE_BAD_REQUEST, "the request is too long");
		return;
	}
	request = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(request))
		request_handle(client, request);
	else
		client_fail(client, SM_CODE_BAD_REQUEST, "the request is no JSON object");
	json_decref(request);
}

/* Reads one request; false: the client has left. */
static bool receive(struct client *client, int fd)
{
	char *bytes = malloc(SM_MESSAGE_MAX);
	ssize_t len;

	if (!bytes)
		return false;
	len = recv(fd, bytes, SM_MESSAGE_MAX, MSG_DONTWAIT | MSG_TRUNC);
	if (len > 0)
		handle_message(client, bytes, (size_t)len);
	free(bytes);
	return len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR));
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct client *client = userdata;
	bool alive = true;

	(void)source;
	if (revents & EPOLLOUT)
		alive = flush(client);
	if (alive && (revents & EPOLLIN))
		alive = receive(client, fd);
	else if (revents & (EPOLLHUP | EPOLLERR))
		alive = false;
	if (alive && !client->broken)
		update_events(client);
	else
		client_destroy(client);
	return 0;
}

void client_create(struct daemon *daemon, int fd, pid_t pid)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client ||
	    sd_event_add_io(daemon->event, &client->source, fd, EPOLLIN, on_client, client) < 0) {
		log_error("no memory for a client");
		free(client);
		close(fd);
		return;
	}
	sd_event_source_set_io_fd_own(client->source, true);
	STAILQ_INIT(&client->queue);
	client->daemon = daemon;
	client->pid = pid;
	TAILQ_INSERT_TAIL(&daemon->clients, client, link);
	daemon->nr_clients++;
}
