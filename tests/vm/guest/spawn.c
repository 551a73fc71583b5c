// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spawn COUNT: makes as many processes, one after the other, which end at once; says how many TSC ticks the making of one
 * took, in the mean.  In the lab ticks are instructions.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

static int make_one(void)
{
	pid_t child = vfork();

	if (child == 0)
		_exit(0);
	return child < 0 || waitpid(child, NULL, 0) != child;
}

int main(int argc, char **argv)
{
	int i, count = argc > 1 ? atoi(argv[1]) : 1;
	uint64_t began, ticks = 0;

	for (i = 0; i < count; i++) {
		began = __rdtsc();
		if (make_one())
			return 1;
		ticks += __rdtsc() - began;
	}
	printf("%llu\n", (unsigned long long)ticks / (unsigned int)count);
	return 0;
}
