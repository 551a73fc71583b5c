// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In a guest: what one operation takes, in ticks of the TSC (in the lab: instructions, the host's included).
 *
 *   bench_events WHAT COUNT [VCPUS]    "WHAT COUNT median p99 least most" of COUNT measurements on each of VCPUS
 *                                      vCPUs at once
 *
 *   syscall   getppid()
 *   other     getpgrp()
 *   cpuid     CPUID, which exits to the host, monitored or not
 *   open      open() and close() of a file
 *   exec      vfork() and execve() of a program that ends at once, and wait4()
 *   ping      shadowmon_ping() by debugfs, mean of 100 a measurement, less an unhooked function's
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define PING      "/sys/kernel/debug/shadowmon/ping"
#define COUNT_MAX 100000
#define VCPUS_MAX 64

static uint64_t ticks(void)
{
	_mm_lfence();
	return __rdtsc();
}

static double measure_syscall(void)
{
	uint64_t start = ticks();

	syscall(SYS_getppid);
	return (double)(ticks() - start);
}

static double measure_other(void)
{
	uint64_t start = ticks();

	syscall(SYS_getpgrp);
	return (double)(ticks() - start);
}

static double measure_cpuid(void)
{
	uint32_t eax, ebx, ecx, edx;
	uint64_t start = ticks();

	__cpuid(0, eax, ebx, ecx, edx);
	return (double)(ticks() - start);
}

static double measure_open(void)
{
	uint64_t start = ticks();
	int fd = open("/tmp/bench/one/two/file", O_RDONLY);

	if (fd < 0 || close(fd)) {
		perror("bench_events: /tmp/bench/one/two/file");
		exit(1);
	}
	return (double)(ticks() - start);
}

static double measure_exec(void)
{
	static char *const argv[] = {"/usr/bin/bench_nothing", "-u", "--groups", "/tmp/file1",
				     NULL};
	static char *const envp[] = {"PATH=/usr/bin", NULL};
	uint64_t start = ticks();
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		execve(argv[0], argv, envp);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "bench_events: cannot run %s\n", argv[0]);
		exit(1);
	}
	return (double)(ticks() - start);
}

static double measure_ping(void)
{
	static const char count[] = "100";
	unsigned long long calls, spent, baseline;
	char text[128] = {0};
	int fd = open(PING, O_RDWR);

	if (fd < 0 || write(fd, count, sizeof(count) - 1) < 0 ||
	    pread(fd, text, sizeof(text) - 1, 0) < 0 ||
	    sscanf(text, "calls %llu ticks %llu baseline %llu", &calls, &spent, &baseline) != 3) {
		perror("bench_events: " PING);
		exit(1);
	}
	close(fd);
	return ((double)spent - (double)baseline) / (double)calls;
}

static const struct {
	const char *name;
	double (*measure)(void);
} whats[] = {
	{"syscall", measure_syscall}, {"other", measure_other}, {"cpuid", measure_cpuid},
	{"open", measure_open},       {"exec", measure_exec},   {"ping", measure_ping},
};

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

/* What the processes share, one a vCPU. */
struct shared {
	atomic_size_t missing; /* of those that are to start at once */
	double readings[];
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void run_on(size_t vcpu, struct shared *shared, double (*measure)(void), size_t count)
{
	double *readings = shared->readings + vcpu * count;
	cpu_set_t cpus;
	size_t i;

	CPU_ZERO(&cpus);
	CPU_SET(vcpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		fail("bench_events: vCPU");
	/* Caches, and pages that the monitors read for the first time. */
	for (i = 0; i < count / 10 + 2; i++)
		measure();
	atomic_fetch_sub(&shared->missing, 1);
	while (atomic_load(&shared->missing))
		sched_yield();
	for (i = 0; i < count; i++)
		readings[i] = measure();
}

static void run(const char *name, double (*measure)(void), size_t count, size_t vcpus)
{
	size_t all = vcpus * count, i;
	struct shared *shared;
	double *readings;
	int status;

	shared = mmap(NULL, sizeof(*shared) + all * sizeof(double), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (shared == MAP_FAILED)
		fail("bench_events: memory");
	shared->missing = vcpus;
	for (i = 1; i < vcpus; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("bench_events: fork");
		if (pid == 0) {
			run_on(i, shared, measure, count);
			_exit(0);
		}
	}
	run_on(0, shared, measure, count);
	for (i = 1; i < vcpus; i++)
		if (wait(&status) < 0 || status)
			fail("bench_events: a vCPU's process");
	readings = shared->readings;
	qsort(readings, all, sizeof(double), by_value);
	printf("%s %zu %.1f %.1f %.1f %.1f\n", name, count, readings[all / 2],
	       readings[(all * 99) / 100], readings[0], readings[all - 1]);
}

int main(int argc, char **argv)
{
	size_t count, vcpus, i;

	count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	vcpus = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
	for (i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		if (count && count <= COUNT_MAX && vcpus && vcpus <= VCPUS_MAX &&
		    strcmp(argv[1], whats[i].name) == 0) {
			run(whats[i].name, whats[i].measure, count, vcpus);
			return 0;
		}
	}
	fprintf(stderr, "Usage: bench_events syscall|other|cpuid|open|exec|ping COUNT [VCPUS]\n");
	return 2;
}
