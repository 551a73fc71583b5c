// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"

static void explain_no_daemon(const char *path, int error)
{
	if (error == EACCES || error == EPERM)
		fprintf(stderr, "shadowmon: %s may not be opened: run as root\n", path);
	else
		fprintf(stderr,
			"shadowmon: shadowmond does not run (%s: %s); start it with: systemctl start "
			"shadowmond\n",
			path, strerror(error));
}

void print_progress(void *context, const char *text)
{
	(void)context;
	printf("%s\n", text);
	fflush(stdout);
}

int connection_open(const char *path, bool quiet)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path)) {
		if (!quiet)
			explain_no_daemon(path, ENAMETOOLONG);
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	if (!quiet)
		explain_no_daemon(path, error);
	return -1;
}

static bool send_request(int connection, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	bool sent = text && send(connection, text, strlen(text), MSG_NOSIGNAL) >= 0;

	json_decref(request);
	free(text);
	return sent;
}

static int passed_fd(struct msghdr *header)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(header);
	int fd;

	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/* One message, or NULL: the daemon has hung up or makes no sense.  *ret_fd: came with it, or -1. */
static json_t *receive(int connection, int *ret_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	static char bytes[SM_MESSAGE_MAX];
	struct iovec iov = {bytes, sizeof(bytes)};
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t len;

	*ret_fd = -1;
	do {
		len = recvmsg(connection, &header, MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	if (len <= 0)
		return NULL;
	*ret_fd = passed_fd(&header);
	return header.msg_flags & MSG_TRUNC ? NULL : json_loadb(bytes, (size_t)len, 0, NULL);
}

static int code_to_exit(const char *code)
{
	static const struct {
		const char *code;
		int exit;
	} exits[] = {
		{SM_CODE_NOT_FOUND, EXIT_NOT_FOUND},
		{SM_CODE_AMBIGUOUS, EXIT_NOT_FOUND},
		{SM_CODE_NOT_ATTACHED, EXIT_NOT_ATTACHED},
		{SM_CODE_ALREADY_ATTACHED, EXIT_BUSY},
		{SM_CODE_BUSY, EXIT_BUSY},
		{SM_CODE_TIMEOUT, EXIT_TIMEOUT},
	};
	size_t i;

	for (i = 0; i < sizeof(exits) / sizeof(*exits); i++)
		if (strcmp(code, exits[i].code) == 0)
			return exits[i].exit;
	return EXIT_FAILED;
}

static int explain_failure(const struct common *common, json_t *reply)
{
	const char *code = json_string_value(json_object_get(reply, "code"));
	const char *sentence = json_string_value(json_object_get(reply, "error"));

	fprintf(stderr, "shadowmon: %s\n",
		sentence ? sentence : "the daemon answered without a reason");
	if (common->json)
		print_json(json_incref(reply));
	return code_to_exit(code ? code : SM_CODE_FAILED);
}

/* True if the message was one of those before the last. */
static bool handle_partial(json_t *message, const struct handlers *handlers)
{
	json_t *item = json_object_get(message, "item");
	const char *progress = json_string_value(json_object_get(message, "progress"));

	if (item && handlers && handlers->item)
		handlers->item(handlers->context, item);
	if (progress && handlers && handlers->progress)
		handlers->progress(handlers->context, progress);
	return item || progress;
}

int connection_request(int connection, const struct common *common, json_t *request,
		       const struct handlers *handlers, json_t **ret_reply, int *ret_fd)
{
	json_t *message;
	int fd, exit_code;

	if (!send_request(connection, request)) {
		fprintf(stderr, "shadowmon: cannot speak to shadowmond: %s\n", strerror(errno));
		return EXIT_NO_DAEMON;
	}
	while ((message = receive(connection, &fd)) && handle_partial(message, handlers)) {
		json_decref(message);
		if (fd >= 0)
			close(fd);
	}
	if (!message) {
		fputs("shadowmon: shadowmond hung up; its log (journalctl -u shadowmond) may say why\n",
		      stderr);
		exit_code = EXIT_NO_DAEMON;
	} else if (!json_is_true(json_object_get(message, "ok"))) {
		exit_code = explain_failure(common, message);
	} else if (ret_fd && fd < 0) {
		fputs("shadowmon: shadowmond sent no file descriptor\n", stderr);
		exit_code = EXIT_FAILED;
	} else {
		*ret_reply = message;
		if (ret_fd)
			*ret_fd = fd;
		return EXIT_OK;
	}
	json_decref(message);
	if (fd >= 0)
		close(fd);
	return exit_code;
}

int ask(const struct common *common, json_t *request, const struct handlers *handlers,
	json_t **ret_reply)
{
	int connection = connection_open(common->socket, false), exit_code;

	if (connection < 0) {
		json_decref(request);
		return EXIT_NO_DAEMON;
	}
	exit_code = connection_request(connection, common, request, handlers, ret_reply, NULL);
	close(connection);
	return exit_code;
}
