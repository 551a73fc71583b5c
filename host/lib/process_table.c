// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "process_table.h"

struct entry {
	TAILQ_ENTRY(entry) by_use; /* least recently used first */
	LIST_ENTRY(entry) in_bucket;
	u64 start_time;
	u32 tgid;
	struct sm_process process;
	char strings[];
};

LIST_HEAD(bucket, entry);

struct sm_process_table {
	TAILQ_HEAD(, entry) by_use;
	struct bucket *buckets;
	size_t nr_buckets; /* power of two */
	size_t count, max_entries;
	size_t bytes, max_bytes;
	u64 salt; /* the guest picks the keys: it shall not pick the buckets */
};

static size_t size_of(const struct sm_process *process)
{
	return process->path_len + process->argv_len;
}

static struct bucket *bucket_of(const struct sm_process_table *table, u32 tgid, u64 start_time)
{
	u64 hash = (start_time ^ table->salt) * 0x9e3779b97f4a7c15ull;

	hash = (hash ^ (hash >> 29) ^ tgid ^ (table->salt >> 7)) * 0xbf58476d1ce4e5b9ull;
	return &table->buckets[(hash ^ (hash >> 32)) & (table->nr_buckets - 1)];
}

struct sm_process_table *sm_process_table_create(size_t max_entries, size_t max_bytes)
{
	struct sm_process_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->nr_buckets = 1;
	while (table->nr_buckets < max_entries)
		table->nr_buckets *= 2;
	table->buckets = calloc(table->nr_buckets, sizeof(*table->buckets));
	if (!table->buckets) {
		free(table);
		return NULL;
	}
	TAILQ_INIT(&table->by_use);
	table->max_entries = max_entries;
	table->max_bytes = max_bytes;
	/* Without entropy the salt is 0: lookups may get slower, never wrong. */
	if (getrandom(&table->salt, sizeof(table->salt), GRND_NONBLOCK) < 0)
		table->salt = 0;
	return table;
}

static void forget(struct sm_process_table *table, struct entry *entry)
{
	TAILQ_REMOVE(&table->by_use, entry, by_use);
	LIST_REMOVE(entry, in_bucket);
	table->count--;
	table->bytes -= size_of(&entry->process);
	free(entry);
}

void sm_process_table_destroy(struct sm_process_table *table)
{
	struct entry *entry;

	if (!table)
		return;
	while ((entry = TAILQ_FIRST(&table->by_use)))
		forget(table, entry);
	free(table->buckets);
	free(table);
}

static struct entry *find(const struct sm_process_table *table, u32 tgid, u64 start_time)
{
	struct entry *entry;

	LIST_FOREACH(entry, bucket_of(table, tgid, start_time), in_bucket)
		if (entry->tgid == tgid && entry->start_time == start_time)
			return entry;
	return NULL;
}

static struct entry *copy(u32 tgid, u64 start_time, const struct sm_process *process)
{
	struct entry *entry = malloc(sizeof(*entry) + size_of(process));

	if (!entry)
		return NULL;
	entry->tgid = tgid;
	entry->start_time = start_time;
	entry->process = *process;
	entry->process.path = entry->strings;
	entry->process.argv = entry->strings + process->path_len;
	if (process->path_len)
		memcpy(entry->strings, process->path, process->path_len);
	if (process->argv_len)
		memcpy(entry->strings + process->path_len, process->argv, process->argv_len);
	return entry;
}

int sm_process_table_put(struct sm_process_table *table, u32 tgid, u64 start_time,
			 const struct sm_process *process)
{
	struct entry *entry, *old;

	if (size_of(process) > table->max_bytes)
		return -E2BIG;
	entry = copy(tgid, start_time, process);
	if (!entry)
		return -ENOMEM;
	old = find(table, tgid, start_time);
	if (old)
		forget(table, old);
	/* From here on process may be gone, if it was the table's own. */
	while (table->count && (table->count == table->max_entries ||
				table->bytes + size_of(&entry->process) > table->max_bytes))
		forget(table, TAILQ_FIRST(&table->by_use));
	TAILQ_INSERT_TAIL(&table->by_use, entry, by_use);
	LIST_INSERT_HEAD(bucket_of(table, tgid, start_time), entry, in_bucket);
	table->count++;
	table->bytes += size_of(&entry->process);
	return 0;
}

const struct sm_process *sm_process_table_get(struct sm_process_table *table, u32 tgid,
					      u64 start_time)
{
	struct entry *entry = find(table, tgid, start_time);

	if (!entry)
		return NULL;
	TAILQ_REMOVE(&table->by_use, entry, by_use);
	TAILQ_INSERT_TAIL(&table->by_use, entry, by_use);
	return &entry->process;
}

size_t sm_process_table_count(const struct sm_process_table *table)
{
	return table->count;
}
