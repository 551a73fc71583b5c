// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In a guest: a web server and its client on the loopback interface.
 *
 *   bench_web FILE COUNT    COUNT connections, each of which is answered with the file
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void answer(int connection, const char *path)
{
	char buffer[4096];
	struct stat st;
	int file, head;
	ssize_t n;

	if (read(connection, buffer, sizeof(buffer)) <= 0)
		fail("bench_web: request");
	file = open(path, O_RDONLY);
	if (file < 0 || fstat(file, &st))
		fail(path);
	head = snprintf(buffer, sizeof(buffer), "HTTP/1.0 200 OK\r\nContent-Length: %lld\r\n\r\n",
			(long long)st.st_size);
	if (write(connection, buffer, (size_t)head) != head)
		fail("bench_web: answer");
	while ((n = read(file, buffer, sizeof(buffer))) > 0)
		if (write(connection, buffer, (size_t)n) != n)
			fail("bench_web: answer");
	close(file);
}

static void serve(int listener, const char *path)
{
	for (;;) {
		int connection = accept(listener, NULL, NULL);

		if (connection < 0)
			fail("bench_web: accept");
		answer(connection, path);
		close(connection);
	}
}

static void ask(const struct sockaddr_in *server)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	char buffer[4096];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)server, sizeof(*server)) ||
	    write(fd, request, sizeof(request) - 1) < 0)
		fail("bench_web: connect");
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), count, i;
	pid_t server;

	count = argc == 3 ? atoi(argv[2]) : 0;
	if (count <= 0) {
		fprintf(stderr, "Usage: bench_web FILE COUNT\n");
		return 2;
	}
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 16) || getsockname(listener, (struct sockaddr *)&address, &len))
		fail("bench_web: listen");
	server = fork();
	if (server == 0)
		serve(listener, argv[1]);
	for (i = 0; i < count; i++)
		ask(&address);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return 0;
}
