// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TSC ticks of system calls that the monitors look at, one line each: name, least of some rounds.  Run with and
 * without monitors, the differences are what events cost.  In the lab ticks are instructions.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <x86intrin.h>

#define ROUNDS 25

static uint64_t began, ended;

/* Its value, with the time that it took in began and ended. */
#define TIMED(call)                       \
	({                                \
		began = __rdtsc();        \
		__auto_type value = call; \
		ended = __rdtsc();        \
		value;                    \
	})

static char *page;
static pid_t other;
static long key;
static int core_pattern;
static struct {
	int fd;
	char *queue;
	uint32_t tail_at, array_at;
} ring;

static int open_file(void)
{
	int fd = TIMED(open("/tmp/cost", O_WRONLY));

	return fd < 0 || close(fd);
}

static int change_mode(void)
{
	return TIMED(chmod("/tmp/cost", 0640));
}

static int bind_socket(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return TIMED(bind(fd, (struct sockaddr *)&any, sizeof(any))) || close(fd);
}

static int change_user(void)
{
	return TIMED(setresuid(-1, 1000, 0)) || setresuid(0, 0, 0);
}

static int make_executable(void)
{
	return mprotect(page, 4096, PROT_READ | PROT_WRITE) ||
	       TIMED(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int read_other(void)
{
	char to;
	struct iovec here = {&to, 1}, there = {page, 1};

	return TIMED(process_vm_readv(other, &here, 1, &there, 1, 0)) != 1;
}

static int make_map(void)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY};
	long fd;

	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	fd = TIMED(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
	return fd < 0 || close((int)fd);
}

static int load_nothing(void)
{
	return TIMED(syscall(SYS_kexec_load, 0, 0, NULL, 0)) != 0;
}

static int make_namespace(void)
{
	return TIMED(unshare(CLONE_NEWUTS));
}

static int read_key(void)
{
	char secret[8];

	return TIMED(syscall(SYS_keyctl, KEYCTL_READ, key, secret, sizeof(secret))) != 6;
}

static int write_parameter(void)
{
	return TIMED(pwrite(core_pattern, "core", 4, 0)) != 4;
}

/* The kernel asks security modules before it finds that nothing is mounted there. */
static int remount(void)
{
	return TIMED(mount(NULL, "/tmp/cost", NULL, MS_REMOUNT | MS_BIND, NULL)) != -1;
}

/* A request that does nothing, with the credentials of who registered them. */
static int submit_request(void)
{
	uint32_t *tail = (uint32_t *)(ring.queue + ring.tail_at);

	*(uint32_t *)(ring.queue + ring.array_at) = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return TIMED(syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, NULL, 0)) != 1;
}

static int end_thread(void *argument)
{
	(void)argument;
	return 0;
}

/* A thread: of what fork() copies there is another amount each time. */
static int make_thread(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	static volatile pid_t thread;
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	int tid = TIMED(
		clone(end_thread, stack + sizeof(stack), flags, NULL, &thread, NULL, &thread));

	while (tid > 0 && thread)
		syscall(SYS_futex, &thread, FUTEX_WAIT, tid, NULL);
	return tid < 0;
}

static int get_id(void)
{
	return TIMED(syscall(SYS_getsid, 0)) < 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} operations[] = {
	{"file:open", open_file},
	{"file:chmod", change_mode},
	{"socket:bind", bind_socket},
	{"credentials:setresuid", change_user},
	{"memory:mprotect", make_executable},
	{"ptrace:process_vm_readv", read_other},
	{"bpf:map_create", make_map},
	{"kernel_load:kexec_load", load_nothing},
	{"namespace:unshare", make_namespace},
	{"keyring:read", read_key},
	{"sysctl:core_pattern", write_parameter},
	{"mount:remount", remount},
	{"io_uring:nop", submit_request},
	{"clone:thread", make_thread},
	{"syscall:getsid", get_id},
};

static int prepare_ring(void)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE, .cq_entries = 2 * ROUNDS};
	struct io_uring_sqe *requests;

	ring.fd = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (ring.fd < 0)
		return -1;
	ring.queue = mmap(NULL, params.sq_off.array + 4, PROT_READ | PROT_WRITE, MAP_SHARED,
			  ring.fd, IORING_OFF_SQ_RING);
	requests = mmap(NULL, sizeof(*requests), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
			IORING_OFF_SQES);
	if (ring.queue == MAP_FAILED || requests == MAP_FAILED)
		return -1;
	ring.tail_at = params.sq_off.tail;
	ring.array_at = params.sq_off.array;
	requests->opcode = IORING_OP_NOP;
	requests->personality = (uint16_t)syscall(SYS_io_uring_register, ring.fd,
						  IORING_REGISTER_PERSONALITY, NULL, 0);
	return 0;
}

static int prepare(void)
{
	int fd = open("/tmp/cost", O_CREAT | O_WRONLY, 0600);

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || page == MAP_FAILED)
		return -1;
	*page = 1;
	core_pattern = open("/proc/sys/kernel/core_pattern", O_WRONLY);
	key = syscall(SYS_add_key, "user", "cost", "secret", 6, KEY_SPEC_PROCESS_KEYRING);
	other = fork();
	if (other == 0)
		for (;;)
			pause();
	return core_pattern < 0 || key < 0 || other < 0 || prepare_ring();
}

int main(void)
{
	size_t i, round;
	uint64_t least;

	if (prepare())
		return 1;
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		least = UINT64_MAX;
		for (round = 0; round < ROUNDS; round++) {
			if (operations[i].run()) {
				fprintf(stderr, "event_cost: %s failed\n", operations[i].name);
				return 1;
			}
			if (ended - began < least)
				least = ended - began;
		}
		printf("%s %llu\n", operations[i].name, (unsigned long long)least);
	}
	return kill(other, SIGKILL);
}
