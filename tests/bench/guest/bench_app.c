// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In a guest: what whole applications take, in ticks of the TSC (in the lab: instructions, the host's included).
 *
 *   bench_app COUNT COMMAND    "median least most" of COUNT runs of `sh -c COMMAND`
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define COUNT_MAX 100

static uint64_t run(const char *command)
{
	uint64_t start = __rdtsc();
	pid_t pid = fork();
	int status, fd;

	if (pid == 0) {
		fd = open("/dev/null", O_RDWR);
		dup2(fd, 0);
		dup2(fd, 1);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "bench_app: %s: status %d\n", command, status);
		exit(1);
	}
	return __rdtsc() - start;
}

static int by_value(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

int main(int argc, char **argv)
{
	uint64_t all[COUNT_MAX];
	size_t count = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, i;

	if (!count || count > COUNT_MAX) {
		fprintf(stderr, "Usage: bench_app COUNT COMMAND\n");
		return 2;
	}
	run(argv[2]); /* caches */
	for (i = 0; i < count; i++)
		all[i] = run(argv[2]);
	qsort(all, count, sizeof(all[0]), by_value);
	printf("%llu %llu %llu\n", (unsigned long long)all[count / 2], (unsigned long long)all[0],
	       (unsigned long long)all[count - 1]);
	return 0;
}
