// SPDX-License-Identifier: GPL-2.0-or-later
/* Measures on the host's demand what events take: many readings of one, on several vCPUs at once. */

#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/workqueue.h>

#include "guest.h"

#define READINGS 200

/* What one vCPU measures. */
struct bench {
	struct work_struct work;
	const struct smg_bench_event *event;
	atomic_t *missing; /* vCPUs that have not started */
	u64 *readings;     /* ticks of SM_BENCH_CALLS() events each */
	int err;
};

static void measure(struct work_struct *work)
{
	struct bench *b = container_of(work, struct bench, work);
	unsigned int i;

	/* Caches, and what the compartment reads for the first time. */
	b->err = b->event->read(&b->readings[0]);
	/* All at once, as far as they get to run. */
	atomic_dec(b->missing);
	for (i = 0; i < 1000 && atomic_read(b->missing); i++)
		cond_resched();
	for (i = 0; i < READINGS && !b->err; i++)
		b->err = b->event->read(&b->readings[i]);
}

/* On the first vcpus that are online. */
static int measure_on(struct bench *benches, unsigned int vcpus)
{
	unsigned int cpu, i = 0;
	int err = 0;

	for_each_online_cpu(cpu) {
		if (i == vcpus)
			break;
		schedule_work_on(cpu, &benches[i++].work);
	}
	while (i > 0) {
		flush_work(&benches[--i].work);
		err = benches[i].err ?: err;
	}
	return err;
}

static int by_value(const void *a, const void *b)
{
	u64 left = *(const u64 *)a, right = *(const u64 *)b;

	return left < right ? -1 : left > right;
}

static long pack(u64 low, u64 high)
{
	return min_t(u64, low, SM_BENCH_MAX) | min_t(u64, high, SM_BENCH_MAX) << 32;
}

/* least and most of the last measurement. */
static long spread = -ENODATA;

static long run(const struct smg_bench_event *event, unsigned int vcpus)
{
	u64 *readings = kvcalloc(vcpus * READINGS, sizeof(*readings), GFP_KERNEL);
	struct bench *benches = kvcalloc(vcpus, sizeof(*benches), GFP_KERNEL);
	unsigned int count = vcpus * READINGS, i;
	atomic_t missing = ATOMIC_INIT(vcpus);
	long ret = -ENOMEM;

	if (!readings || !benches)
		goto free;
	for (i = 0; i < vcpus; i++) {
		benches[i].event = event;
		benches[i].missing = &missing;
		benches[i].readings = readings + i * READINGS;
		INIT_WORK(&benches[i].work, measure);
	}
	ret = measure_on(benches, vcpus);
	if (ret)
		goto free;
	sort(readings, count, sizeof(*readings), by_value, NULL);
	spread = pack(readings[0], readings[count - 1]);
	ret = pack(readings[count / 2], readings[count * 99 / 100]);
free:
	kvfree(benches);
	kvfree(readings);
	return ret;
}

static long prepare_and_run(const struct smg_bench_event *event, unsigned int vcpus)
{
	long ret = event->prepare ? event->prepare() : 0;

	if (ret)
		return ret;
	cpus_read_lock();
	ret = vcpus <= num_online_cpus() ? run(event, vcpus) : -ERANGE;
	cpus_read_unlock();
	if (event->finish)
		event->finish();
	return ret;
}

long smg_bench(unsigned int what, unsigned int vcpus)
{
	const struct smg_bench_event *event = smg_bench_event(what);

	if (what == SM_BENCH_SPREAD)
		return spread;
	if (!event || !vcpus)
		return -EINVAL;
	spread = -ENODATA;
	return prepare_and_run(event, vcpus);
}
