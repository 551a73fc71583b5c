// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an empty event takes, measured on the host's demand: calls of shadowmon_ping(), which the monitor "ping"
 * hooks, less the same calls of a function that nobody hooks.
 */

#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/workqueue.h>
#include <asm/msr.h>

#include "guest.h"

#define READINGS 200

unsigned long shadowmon_ping(unsigned long op);
unsigned long shadowmon_ping_baseline(unsigned long op);

noinline __noclone unsigned long shadowmon_ping(unsigned long op)
{
	asm volatile("");
	return op;
}

noinline __noclone unsigned long shadowmon_ping_baseline(unsigned long op)
{
	asm volatile("");
	return op;
}

static u64 time_calls(unsigned long (*function)(unsigned long), u64 calls)
{
	u64 start = rdtsc(), i;

	for (i = 0; i < calls; i++)
		function(0);
	return rdtsc() - start;
}

void smg_ping(u64 calls, u64 *ret_ticks, u64 *ret_baseline)
{
	*ret_baseline = time_calls(shadowmon_ping_baseline, calls);
	*ret_ticks = time_calls(shadowmon_ping, calls);
}

/* What one vCPU measures. */
struct bench {
	struct work_struct work;
	atomic_t *missing; /* vCPUs that have not started */
	u64 *readings;     /* ticks of SM_BENCH_CALLS events each */
};

static u64 read_once(void)
{
	u64 ticks, baseline;

	local_irq_disable();
	smg_ping(SM_BENCH_CALLS, &ticks, &baseline);
	local_irq_enable();
	return ticks > baseline ? ticks - baseline : 0;
}

static void measure(struct work_struct *work)
{
	struct bench *b = container_of(work, struct bench, work);
	unsigned int i;

	read_once(); /* caches, and what the compartment reads for the first time */
	/* All at once, as far as they get to run. */
	atomic_dec(b->missing);
	for (i = 0; i < 1000 && atomic_read(b->missing); i++)
		cond_resched();
	for (i = 0; i < READINGS; i++)
		b->readings[i] = read_once();
}

/* On the first vcpus that are online. */
static void measure_on(struct bench *benches, unsigned int vcpus)
{
	unsigned int cpu, i = 0;

	for_each_online_cpu(cpu) {
		if (i == vcpus)
			break;
		schedule_work_on(cpu, &benches[i++].work);
	}
	while (i > 0)
		flush_work(&benches[--i].work);
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

/* least and most of the last run. */
static long spread = -ENODATA;

static long run(unsigned int vcpus)
{
	u64 *readings = kvcalloc(vcpus * READINGS, sizeof(*readings), GFP_KERNEL);
	struct bench *benches = kvcalloc(vcpus, sizeof(*benches), GFP_KERNEL);
	unsigned int count = vcpus * READINGS, i;
	atomic_t missing = ATOMIC_INIT(vcpus);
	long ret = -ENOMEM;

	if (!readings || !benches)
		goto free;
	for (i = 0; i < vcpus; i++) {
		benches[i].missing = &missing;
		benches[i].readings = readings + i * READINGS;
		INIT_WORK(&benches[i].work, measure);
	}
	measure_on(benches, vcpus);
	sort(readings, count, sizeof(*readings), by_value, NULL);
	spread = pack(readings[0], readings[count - 1]);
	ret = pack(readings[count / 2], readings[count * 99 / 100]);
free:
	kvfree(benches);
	kvfree(readings);
	return ret;
}

long smg_bench(unsigned int what, unsigned int vcpus)
{
	long ret;

	if (what == SM_BENCH_SPREAD)
		return spread;
	if (what != SM_BENCH_RUN || !vcpus)
		return -EINVAL;
	cpus_read_lock();
	ret = vcpus <= num_online_cpus() ? run(vcpus) : -ERANGE;
	cpus_read_unlock();
	return ret;
}
