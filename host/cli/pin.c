// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct pin {
	pid_t tid;
	cpu_set_t before;
};

/* One CPU or a range; where the text goes on, NULL: wrong. */
static const char *parse_range(const char *text, unsigned long *ret_first, unsigned long *ret_last)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	*ret_first = *ret_last = strtoul(text, &end, 10);
	if (*end == '-') {
		if (end[1] < '0' || end[1] > '9')
			return NULL;
		*ret_last = strtoul(end + 1, &end, 10);
	}
	return *ret_first <= *ret_last && *ret_last < CPU_SETSIZE ? end : NULL;
}

size_t parse_cpus(const char *list, int **ret_cpus)
{
	int *cpus = calloc(CPU_SETSIZE, sizeof(*cpus));
	unsigned long first, last;
	size_t count = 0;
	cpu_set_t seen;

	CPU_ZERO(&seen);
	while (cpus) {
		list = parse_range(list, &first, &last);
		if (!list)
			break;
		for (; first <= last; first++) {
			if (CPU_ISSET(first, &seen))
				goto wrong;
			CPU_SET(first, &seen);
			cpus[count++] = (int)first;
		}
		if (*list == '\0') {
			*ret_cpus = cpus;
			return count;
		}
		if (*list++ != ',')
			break;
	}
wrong:
	free(cpus);
	return 0;
}

/* By sysfs, which lists a core's CPUs in ascending order; where it does not tell, each is a core. */
static bool is_first_of_core(int cpu)
{
	char path[96];
	int first = cpu;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	file = fopen(path, "re");
	if (!file)
		return true;
	if (fscanf(file, "%d", &first) != 1)
		first = cpu;
	fclose(file);
	return first == cpu;
}

/* Of the allowed CPUs, a core's first ones first.  False: they are too few. */
static bool choose(const cpu_set_t *allowed, size_t count, int *cpus)
{
	size_t chosen = 0;
	int cpu, pass;

	if ((size_t)CPU_COUNT(allowed) < count)
		return false;
	for (pass = 0; pass < 2; pass++)
		for (cpu = 0; cpu < CPU_SETSIZE && chosen < count; cpu++)
			if (CPU_ISSET(cpu, allowed) && is_first_of_core(cpu) == (pass == 0))
				cpus[chosen++] = cpu;
	return true;
}

static bool pin(struct pins *pins, pid_t tid, int cpu)
{
	struct pin *pin = &pins->all[pins->count];
	cpu_set_t only;

	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	if (!tid) {
		errno = ESRCH;
		goto error;
	}
	if (sched_getaffinity(tid, sizeof(pin->before), &pin->before) ||
	    sched_setaffinity(tid, sizeof(only), &only))
		goto error;
	pin->tid = tid;
	pins->count++;
	json_array_append_new(pins->cpus, json_integer(cpu));
	return true;

error:
	fprintf(stderr, "shadowmon: cannot pin thread %d to CPU %d: %s\n", (int)tid, cpu,
		strerror(errno));
	return false;
}

bool pin_threads(const pid_t *tids, size_t count, const int *cpus, struct pins *ret_pins)
{
	struct pins pins = {.all = calloc(count, sizeof(*pins.all)), .cpus = json_array()};
	int *chosen = calloc(count, sizeof(*chosen));
	bool pinned = pins.all && chosen;
	cpu_set_t allowed;
	size_t i;

	if (pinned && !cpus) {
		cpus = chosen;
		if (sched_getaffinity(tids[0], sizeof(allowed), &allowed) ||
		    !choose(&allowed, count, chosen))
			count = 0;
	}
	for (i = 0; i < count && pinned; i++)
		pinned = pin(&pins, tids[i], cpus[i]);
	free(chosen);
	if (pinned && pins.count) {
		*ret_pins = pins;
		return true;
	}
	unpin_threads(&pins);
	*ret_pins = pins;
	return pinned;
}

void unpin_threads(struct pins *pins)
{
	while (pins->count) {
		const struct pin *pin = &pins->all[--pins->count];

		/* A thread that is gone needs nothing; another's affinity is refused to nobody who could pin it. */
		sched_setaffinity(pin->tid, sizeof(pin->before), &pin->before);
	}
	free(pins->all);
	json_decref(pins->cpus);
	*pins = (struct pins){0};
}
