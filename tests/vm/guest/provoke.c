// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does in one process, and a few children, what the monitors that must be asked for look at.  Each step
 * that does not work ends it, with the step's line on stderr.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/reboot.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUIRE(condition) require(condition, #condition, __LINE__)

static void require(int holds, const char *what, int line)
{
	if (holds)
		return;
	fprintf(stderr, "provoke: line %d: %s: %s\n", line, what, strerror(errno));
	exit(1);
}

static void join(pid_t child)
{
	int status;

	REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void touch_files(void)
{
	int fd = open("/tmp/one", O_CREAT | O_EXCL | O_RDWR, 0600);

	REQUIRE(fd >= 0);
	close(fd);
	REQUIRE(chmod("/tmp/one", 04711) == 0);
	REQUIRE(chown("/tmp/one", 7, (gid_t)-1) == 0);
	REQUIRE(rename("/tmp/one", "/tmp/two") == 0);
	REQUIRE(link("/tmp/two", "/tmp/hard") == 0);
	REQUIRE(symlink("/etc/shadow", "/tmp/soft") == 0);
	REQUIRE(truncate("/tmp/two", 0) == 0);
	REQUIRE(unlink("/tmp/two") == 0);
	REQUIRE(mkdir("/tmp/gone", 0700) == 0 && rmdir("/tmp/gone") == 0);
}

static void use_sockets(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7777)};
	struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/tmp/nobody.sock"};
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int other = socket(AF_UNIX, SOCK_DGRAM, 0), named = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	REQUIRE(ioctl(server, SIOCSIFFLAGS, &loopback) == 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	REQUIRE(bind(server, (struct sockaddr *)&address, sizeof(address)) == 0);
	REQUIRE(listen(server, 3) == 0);
	REQUIRE(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
	REQUIRE(accept(server, NULL, NULL) >= 0);
	REQUIRE(connect(other, (struct sockaddr *)&local, sizeof(local)) < 0 && errno == ENOENT);
	strcpy(local.sun_path, "/tmp/named.sock");
	REQUIRE(bind(named, (struct sockaddr *)&local, sizeof(local)) == 0);
}

static void make_memory_executable(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(page != MAP_FAILED);
	*page = (char)0xc3;
	REQUIRE(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
	REQUIRE(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0) != MAP_FAILED);
}

static void trace_child(void)
{
	static char byte = 1;
	struct iovec iov = {&byte, 1};
	int status;
	pid_t child = fork();

	if (child == 0) {
		REQUIRE(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
		_exit(0);
	}
	join(child);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	REQUIRE(child > 0 && process_vm_readv(child, &iov, 1, &iov, 1, 0) == 1);
	REQUIRE(ptrace(PTRACE_ATTACH, child, 0, 0) == 0);
	REQUIRE(waitpid(child, &status, 0) == child);
	REQUIRE(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
}

static void load_bpf(void)
{
	const struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
					{.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insn_cnt = 2,
		.insns = (uintptr_t)code,
		.license = (uintptr_t) "GPL",
		.prog_name = "provoked",
	};
	int program;

	REQUIRE(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) >= 0);
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uintptr_t) "sched_process_exit";
	attr.raw_tracepoint.prog_fd = (uint32_t)program;
	REQUIRE(syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr)) >= 0);
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	REQUIRE(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) >= 0);
}

/* Nothing of it is a module or a kernel. */
static void load_into_kernel(void)
{
	static char nothing[4096];
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	REQUIRE(syscall(SYS_init_module, nothing, sizeof(nothing), "") < 0);
	REQUIRE(syscall(SYS_finit_module, self, "", 0) < 0);
	REQUIRE(syscall(SYS_kexec_load, 0, 0, NULL, 0) == 0);
	REQUIRE(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, 0) < 0);
}

static void mount_things(void)
{
	REQUIRE(mkdir("/tmp/from", 0700) == 0 && mkdir("/tmp/to", 0700) == 0);
	REQUIRE(mount("provoked", "/tmp/from", "tmpfs", MS_NOSUID | MS_NODEV, NULL) == 0);
	REQUIRE(syscall(SYS_move_mount, AT_FDCWD, "/tmp/from", AT_FDCWD, "/tmp/to", 0) == 0);
	REQUIRE(syscall(SYS_pivot_root, "/tmp/to", "/tmp") < 0);
	REQUIRE(umount2("/tmp/to", MNT_DETACH) == 0);
}

static void change_identity(void)
{
	pid_t child = fork();

	if (child == 0) {
		REQUIRE(setresuid(1000, 1000, 1000) == 0);
		_exit(0);
	}
	join(child);
	child = fork();
	if (child == 0) {
		REQUIRE(unshare(CLONE_NEWUSER | CLONE_NEWUTS) == 0);
		_exit(0);
	}
	join(child);
}

/* What an exploit of the kernel does to its process: a module that is the attacker's stands for the exploit. */
static void become_root(void)
{
	int fd = open("/sys/module/shadowmon_tamper/parameters/run", O_WRONLY | O_CLOEXEC);
	pid_t child = fork();

	if (child == 0) {
		REQUIRE(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
		REQUIRE(setuid(0) < 0);
		REQUIRE(write(fd, "become_root", 11) == 11);
		REQUIRE(getuid() == 0 && setuid(0) == 0);
		_exit(0);
	}
	join(child);
	close(fd);
}

static void use_keys(void)
{
	char secret[8];
	long key = syscall(SYS_add_key, "user", "provoked", "secret", 6, KEY_SPEC_PROCESS_KEYRING);

	REQUIRE(key > 0);
	REQUIRE(syscall(SYS_keyctl, KEYCTL_READ, key, secret, sizeof(secret)) == 6);
}

static void write_parameter(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(value);

	REQUIRE(fd >= 0 && write(fd, value, len) == len && close(fd) == 0);
}

/* Requests for the kernel to open a file and to connect: by no system call of such a name. */
struct ring {
	int fd;
	char *queue;
	struct io_uring_sqe *sqe;
	uint32_t tail_at, array_at, tail;
};

static void create_ring(struct ring *ring)
{
	struct io_uring_params params = {0};

	ring->fd = (int)syscall(SYS_io_uring_setup, 1, &params);
	REQUIRE(ring->fd >= 0);
	ring->queue = mmap(NULL, params.sq_off.array + 4, PROT_READ | PROT_WRITE, MAP_SHARED,
			   ring->fd, IORING_OFF_SQ_RING);
	ring->sqe = mmap(NULL, sizeof(*ring->sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			 IORING_OFF_SQES);
	REQUIRE(ring->queue != MAP_FAILED && ring->sqe != MAP_FAILED);
	ring->tail_at = params.sq_off.tail;
	ring->array_at = params.sq_off.array;
	ring->tail = 0;
}

static void submit(struct ring *ring, const struct io_uring_sqe *sqe)
{
	*ring->sqe = *sqe;
	*(uint32_t *)(ring->queue + ring->array_at) = 0;
	__atomic_store_n((uint32_t *)(ring->queue + ring->tail_at), ++ring->tail, __ATOMIC_RELEASE);
	REQUIRE(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
}

static void use_io_uring(void)
{
	struct io_uring_params polling = {.flags = IORING_SETUP_SQPOLL};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7778)};
	int poller = (int)syscall(SYS_io_uring_setup, 1, &polling);
	int personality, client = socket(AF_INET, SOCK_DGRAM, 0);
	struct ring ring;

	REQUIRE(poller >= 0 && close(poller) == 0);
	create_ring(&ring);
	submit(&ring, &(struct io_uring_sqe){
			      .opcode = IORING_OP_OPENAT,
			      .fd = AT_FDCWD,
			      .addr = (uintptr_t) "/tmp/by-ring",
			      .open_flags = O_CREAT | O_WRONLY,
			      .len = 0600,
		      });
	REQUIRE(access("/tmp/by-ring", F_OK) == 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	submit(&ring, &(struct io_uring_sqe){
			      .opcode = IORING_OP_CONNECT,
			      .fd = client,
			      .addr = (uintptr_t)&address,
			      .off = sizeof(address),
		      });
	personality =
		(int)syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PERSONALITY, NULL, 0);
	REQUIRE(personality > 0);
	submit(&ring, &(struct io_uring_sqe){.opcode = IORING_OP_NOP,
					     .personality = (uint16_t)personality});
}

int main(void)
{
	touch_files();
	use_sockets();
	make_memory_executable();
	trace_child();
	load_bpf();
	load_into_kernel();
	mount_things();
	change_identity();
	become_root();
	use_keys();
	write_parameter("/proc/sys/kernel/core_pattern", "|/tmp/x");
	write_parameter("/proc/sys/kernel/modprobe", "/tmp/y");
	use_io_uring();
	return 0;
}
