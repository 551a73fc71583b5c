// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In a guest: what one operation takes, in ticks of the TSC (in the lab: instructions, the host's included).
 *
 *   bench_events WHAT COUNT    "WHAT COUNT median p99 least most" of COUNT measurements
 *
 *   syscall   getppid()
 *   cpuid     CPUID, which exits to the host, monitored or not
 *   open      open() and close() of a file
 *   exec      vfork() and execve() of a program that ends at once, and wait4()
 *   ping      shadowmon_ping() by debugfs, mean of 100 a measurement, less an unhooked function's
 */
#include <cpuid.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define PING      "/sys/kernel/debug/shadowmon/ping"
#define COUNT_MAX 100000

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
	{"syscall", measure_syscall}, {"cpuid", measure_cpuid}, {"open", measure_open},
	{"exec", measure_exec},       {"ping", measure_ping},
};

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void run(const char *name, double (*measure)(void), size_t count)
{
	static double all[COUNT_MAX];
	size_t i;

	/* Caches, and pages that the monitors read for the first time. */
	for (i = 0; i < count / 10 + 2; i++)
		measure();
	for (i = 0; i < count; i++)
		all[i] = measure();
	qsort(all, count, sizeof(all[0]), by_value);
	printf("%s %zu %.1f %.1f %.1f %.1f\n", name, count, all[count / 2], all[(count * 99) / 100],
	       all[0], all[count - 1]);
}

int main(int argc, char **argv)
{
	size_t count, i;

	count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	for (i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		if (count && count <= COUNT_MAX && strcmp(argv[1], whats[i].name) == 0) {
			run(whats[i].name, whats[i].measure, count);
			return 0;
		}
	}
	fprintf(stderr, "Usage: bench_events syscall|cpuid|open|exec|ping COUNT\n");
	return 2;
}
