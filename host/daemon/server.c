// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

#define CLIENTS_MAX 64

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *daemon = userdata;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int client;

	(void)source;
	(void)revents;
	client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			log_warning("cannot take a client: %s", strerror(errno));
		return 0;
	}
	if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != 0) {
		log_warning("refused a client that is not root");
		close(client);
	} else if (daemon->nr_clients >= CLIENTS_MAX) {
		log_warning("refused a client: there are %d", CLIENTS_MAX);
		close(client);
	} else {
		client_create(daemon, client, peer.pid);
	}
	return 0;
}

/* The socket's own folder, if it is not there. */
static int make_folder(const char *socket_path)
{
	char folder[PATH_MAX], *slash;

	if (snprintf(folder, sizeof(folder), "%s", socket_path) >= (int)sizeof(folder))
		return -ENAMETOOLONG;
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	return mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Removes what a daemon that was killed left behind; -EADDRINUSE if one is alive. */
static int remove_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (lstat(address->sun_path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			err = -EEXIST;
		else if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
			err = -EADDRINUSE;
		else if (unlink(address->sun_path) < 0)
			err = -errno;
	}
	close(fd);
	return err;
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	err = make_folder(path);
	if (err)
		return err;
	err = remove_stale(&address);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0177);
	err = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (!err && listen(fd, 16) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int server_start(struct daemon *daemon)
{
	int fd = listen_on(daemon->socket_path), err = fd;

	if (fd < 0)
		goto err_log;
	err = sd_event_add_io(daemon->event, &daemon->listener, fd, EPOLLIN, on_connection, daemon);
	if (err < 0) {
		close(fd);
		goto err_log;
	}
	sd_event_source_set_io_fd_own(daemon->listener, true);
	return 0;

err_log:
	log_error("cannot listen on %s: %s", daemon->socket_path,
		  err == -EADDRINUSE ? "another shadowmond does" : strerror(-err));
	return err;
}

void server_stop(struct daemon *daemon)
{
	struct client *client;

	if (daemon->listener)
		unlink(daemon->socket_path);
	daemon->listener = sd_event_source_disable_unref(daemon->listener);
	while ((client = TAILQ_FIRST(&daemon->clients)))
		client_destroy(client);
}
