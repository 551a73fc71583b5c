// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does what the policies of policy.sh refuse, and next to it what they do not, as whoever it is run by.  One line
 * each: what it was, and the errno's name, or "done".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 7777

static void tell(const char *what, long result)
{
	printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "done");
	fflush(stdout);
}

static void require(const char *what, long result)
{
	if (result >= 0)
		return;
	tell(what, result);
	exit(1);
}

/* --- programs and files ------------------------------------------------------------------------ */

/* The child tells by its exit code what execve() said. */
static void execute(const char *what, const char *path, char *const argv[])
{
	int status = 0, null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t child = fork();

	if (child == 0) {
		dup2(null, STDOUT_FILENO);
		execv(path, argv);
		_exit(errno);
	}
	require("fork", child);
	require("wait", waitpid(child, &status, 0));
	close(null);
	errno = WEXITSTATUS(status);
	tell(what, errno ? -1 : 0);
}

static void execute_things(void)
{
	execute("forbidden-program", "/tmp/forbidden", (char *[]){"forbidden", NULL});
	execute("forbidden-script", "/tmp/script", (char *[]){"script", NULL});
	execute("forbidden-argument", "/usr/bin/id", (char *[]){"id", "--user", NULL});
	execute("other-argument", "/usr/bin/id", (char *[]){"id", "-u", NULL});
}

static void open_files(void)
{
	tell("forbidden-file", open("/tmp/closed/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	tell("other-file", open("/tmp/open-file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

/* --- sockets ----------------------------------------------------------------------------------- */

static struct sockaddr_in ipv4(const char *address, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, address, &in.sin_addr);
	return in;
}

static void connect_plainly(const char *what, const char *address)
{
	struct sockaddr_in to = ipv4(address, PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tell(what, connect(fd, (struct sockaddr *)&to, sizeof(to)));
	close(fd);
}

static void connect_mapped(const char *what, const char *address)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET6, address, &to.sin6_addr);
	tell(what, connect(fd, (struct sockaddr *)&to, sizeof(to)));
	close(fd);
}

/* What is sent with this flag connects first. */
static void connect_by_fast_open(const char *what, const char *address)
{
	struct sockaddr_in to = ipv4(address, PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tell(what, sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to)));
	close(fd);
}

/* One request; with IOSQE_ASYNC a thread of the kernel's does it, else the process itself. */
static int do_by_io_uring(const struct io_uring_sqe *request)
{
	struct io_uring_params params = {0};
	const struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	int ring, result;
	char *queue;

	ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	require("io_uring_setup", ring);
	queue = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	require("mmap", queue == MAP_FAILED || sqe == MAP_FAILED ? -1 : 0);
	*sqe = *request;
	*(uint32_t *)(queue + params.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	require("io_uring_enter",
		syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	cqe = (const struct io_uring_cqe *)(queue + params.cq_off.cqes);
	result = cqe->res;
	close(ring);
	errno = result < 0 ? -result : 0;
	return result;
}

static void connect_by_io_uring(const char *what, const char *address, uint8_t flags)
{
	struct sockaddr_in to = ipv4(address, PORT);
	struct io_uring_sqe request = {.opcode = IORING_OP_CONNECT,
				       .flags = flags,
				       .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
				       .addr = (uintptr_t)&to,
				       .off = sizeof(to)};

	tell(what, do_by_io_uring(&request));
	close(request.fd);
}

/* The connection may be there at once or be on its way. */
static void fast_open_by_io_uring(const char *what, const char *address)
{
	struct sockaddr_in to = ipv4(address, PORT);
	struct iovec data = {"x", 1};
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &data, .msg_iovlen = 1};
	struct io_uring_sqe request = {.opcode = IORING_OP_SENDMSG,
				       .flags = IOSQE_ASYNC,
				       .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
				       .addr = (uintptr_t)&message,
				       .len = 1,
				       .msg_flags = MSG_FASTOPEN};
	int result;

	result = do_by_io_uring(&request);
	tell(what, errno == EINPROGRESS ? 0 : result);
	close(request.fd);
}

static int listen_everywhere(void)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in any = ipv4("0.0.0.0", PORT);

	require("ifup", ioctl(fd, SIOCSIFFLAGS, &loopback));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	require("bind", bind(fd, (struct sockaddr *)&any, sizeof(any)));
	require("listen", listen(fd, 16));
	return fd;
}

static void use_sockets(void)
{
	int server = listen_everywhere(), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in port = ipv4("127.0.0.1", 666);

	connect_plainly("forbidden-address", "127.66.6.6");
	connect_mapped("forbidden-address-mapped", "::ffff:127.66.6.6");
	connect_by_io_uring("forbidden-address-by-ring", "127.66.6.6", 0);
	connect_by_io_uring("forbidden-address-by-ring-thread", "127.66.6.6", IOSQE_ASYNC);
	connect_by_fast_open("forbidden-address-by-fast-open", "127.66.6.6");
	fast_open_by_io_uring("forbidden-address-by-fast-open-ring", "127.66.6.6");
	connect_plainly("other-address", "127.0.0.1");
	connect_by_io_uring("other-address-by-ring", "127.0.0.1", 0);
	connect_by_fast_open("other-address-by-fast-open", "127.0.0.9");
	tell("forbidden-port", bind(fd, (struct sockaddr *)&port, sizeof(port)));
	close(fd);
	close(server);
}

int main(void)
{
	execute_things();
	open_files();
	use_sockets();
	return 0;
}
