// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In a guest: what small operations of a kernel take, one by one, in ticks of the TSC (in the lab: instructions, the
 * host's included), in the manner of lmbench.
 *
 *   bench_latency [WHAT...]    a line "WHAT turns median p99 least most" for each of them, or for all
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define FILE_NAME  "/tmp/bench/one/two/file"
#define TURNS_MAX  1000
#define WARM_TURNS 3
#define MAP_SIZE   (16 * PAGE_SIZE)
#define PAGE_SIZE  4096

/* What the operation in hand works with. */
static int in = -1, out = -1;
static pid_t partner;
static volatile uint32_t *shared;
static volatile char *next_page;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void check(bool good, const char *what)
{
	if (!good)
		fail(what);
}

/* --- system calls ----------------------------------------------------------------------------------- */

static void null(void)
{
	syscall(SYS_getppid);
}

static void prepare_read(void)
{
	in = open("/dev/zero", O_RDONLY);
	check(in >= 0, "/dev/zero");
}

static void read_byte(void)
{
	char byte;

	check(read(in, &byte, 1) == 1, "read");
}

static void prepare_write(void)
{
	out = open("/dev/null", O_WRONLY);
	check(out >= 0, "/dev/null");
}

static void write_byte(void)
{
	check(write(out, "", 1) == 1, "write");
}

static void stat_file(void)
{
	struct stat st;

	check(stat(FILE_NAME, &st) == 0, FILE_NAME);
}

static void open_file(void)
{
	int fd = open(FILE_NAME, O_RDONLY);

	check(fd >= 0 && close(fd) == 0, FILE_NAME);
}

/* --- signals ----------------------------------------------------------------------------------------- */

static volatile sig_atomic_t handled;

static void handle(int number)
{
	(void)number;
	handled++;
}

static void prepare_signal(void)
{
	check(signal(SIGUSR1, handle) != SIG_ERR, "signal");
}

static void send_signal(void)
{
	sig_atomic_t before = handled;

	kill(getpid(), SIGUSR1);
	check(handled != before, "signal handler");
}

/* --- another process, on the same CPU ------------------------------------------------------------------ */

static void echo(void)
{
	char byte;

	while (read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1)
		;
	_exit(0);
}

/* An echo at the other end: what is read there and written, by descriptor. */
static void start_echo(const int there[2], const int back[2])
{
	partner = fork();
	check(partner >= 0, "fork");
	in = partner ? back[0] : there[0];
	out = partner ? there[1] : back[1];
	close(partner ? there[0] : back[0]);
	close(partner ? back[1] : there[1]);
	if (!partner)
		echo();
}

static void prepare_pipe(void)
{
	int there[2], back[2];

	check(pipe(there) == 0 && pipe(back) == 0, "pipe");
	start_echo(there, back);
}

static void prepare_unix(void)
{
	int ends[2];

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	partner = fork();
	check(partner >= 0, "fork");
	in = out = ends[partner ? 0 : 1];
	close(ends[partner ? 1 : 0]);
	if (!partner)
		echo();
}

static void there_and_back(void)
{
	write_byte();
	read_byte();
}

static void prepare_switch(void)
{
	shared = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(shared != MAP_FAILED, "mmap");
	partner = fork();
	check(partner >= 0, "fork");
	while (!partner) {
		++*shared;
		sched_yield();
	}
}

/* To the other process and back. */
static void switch_twice(void)
{
	uint32_t before = *shared;

	while (*shared == before)
		sched_yield();
}

static void end_partner(void)
{
	kill(partner, SIGKILL);
	waitpid(partner, NULL, 0);
}

/* --- processes and memory ------------------------------------------------------------------------------- */

static void wait_for(pid_t pid)
{
	int status;

	check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "child");
}

static void fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	wait_for(pid);
}

static void exec_child(void)
{
	static char *const argv[] = {"/usr/bin/bench_nothing", NULL}, *const envp[] = {NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execve(argv[0], argv, envp);
		_exit(127);
	}
	wait_for(pid);
}

static void map_memory(void)
{
	void *at = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(at != MAP_FAILED && munmap(at, MAP_SIZE) == 0, "mmap");
}

static void prepare_fault(void)
{
	size_t bytes = (size_t)(TURNS_MAX + WARM_TURNS) * PAGE_SIZE;
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(at != MAP_FAILED && madvise(at, bytes, MADV_NOHUGEPAGE) == 0, "mmap");
	next_page = at;
}

static void fault(void)
{
	*next_page = 1;
	next_page += PAGE_SIZE;
}

/* --- all of them -------------------------------------------------------------------------------------- */

static const struct operation {
	const char *name;
	size_t turns;
	void (*prepare)(void);
	void (*turn)(void);
	void (*finish)(void);
} operations[] = {
	{"null", 1000, NULL, null, NULL},
	{"read", 1000, prepare_read, read_byte, NULL},
	{"write", 1000, prepare_write, write_byte, NULL},
	{"stat", 500, NULL, stat_file, NULL},
	{"open", 500, NULL, open_file, NULL},
	{"signal", 500, prepare_signal, send_signal, NULL},
	{"pipe", 300, prepare_pipe, there_and_back, end_partner},
	{"unix", 300, prepare_unix, there_and_back, end_partner},
	{"switch", 300, prepare_switch, switch_twice, end_partner},
	{"fork", 100, NULL, fork_child, NULL},
	{"exec", 100, NULL, exec_child, NULL},
	{"mmap", 500, NULL, map_memory, NULL},
	{"fault", 500, prepare_fault, fault, NULL},
	{0},
};

static int by_value(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void run(const struct operation *o)
{
	static uint64_t readings[TURNS_MAX];
	size_t i;

	if (o->prepare)
		o->prepare();
	for (i = 0; i < WARM_TURNS; i++)
		o->turn();
	for (i = 0; i < o->turns; i++) {
		uint64_t start = __rdtsc();

		o->turn();
		readings[i] = __rdtsc() - start;
	}
	if (o->finish)
		o->finish();
	qsort(readings, o->turns, sizeof(readings[0]), by_value);
	printf("%s %zu %llu %llu %llu %llu\n", o->name, o->turns,
	       (unsigned long long)readings[o->turns / 2],
	       (unsigned long long)readings[o->turns * 99 / 100], (unsigned long long)readings[0],
	       (unsigned long long)readings[o->turns - 1]);
	fflush(stdout);
}

static const struct operation *find(const char *name)
{
	const struct operation *o = operations;

	while (o->name && strcmp(o->name, name) != 0)
		o++;
	if (o->name)
		return o;
	fprintf(stderr, "bench_latency: there is no operation \"%s\"\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	const struct operation *o;
	cpu_set_t one;
	int i;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	check(sched_setaffinity(0, sizeof(one), &one) == 0, "bench_latency: CPU");
	for (i = 1; i < argc; i++)
		run(find(argv[i]));
	for (o = operations; argc == 1 && o->name; o++)
		run(o);
	return 0;
}
