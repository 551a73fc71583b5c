/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a monitor remembers from one activation to the next: maps of numbers, counters, rate limits.
 * All are shared by all vCPUs and of a fixed size.
 *
 * There are no locks: an activation may be aborted at any instruction, and one that holds a lock would
 * hold it for ever.  Each change is one instruction (CMPXCHG16B, LOCK ADD), so others see all of it or
 * nothing, and every loop is bounded.  What an attacker in the guest can do, by choosing keys, is to
 * crowd out entries: decide nothing by an entry's absence that matters to security.
 */
#ifndef SHADOWMON_MAP_H
#define SHADOWMON_MAP_H

#include <stdbool.h>

#include <shadowmon/layout.h>

/* --- maps: from a u64 other than 0 to a u64 ----------------------------------------------------- */

struct sm_map_entry {
	u64 key; /* 0: free */
	u64 value;
} __attribute__((aligned(16)));

struct sm_map {
	struct sm_map_entry *entries;
	u32 *used; /* when each was last looked up; NULL: the map does not forget */
	u32 count;
};

/* An entry lies in one of so many places that its key gives. */
#define SM_MAP_WAYS 8

/*
 * Defines a map of count entries, a power of two from 8 to 65,536; 16 bytes each.  One whose place for a key is
 * taken by others refuses the key; an SM_LRU_MAP (20 bytes an entry) forgets one of these, least recently used.
 */
#define SM_MAP(name, count) SM_MAP_(name, count, NULL)
#define SM_LRU_MAP(name, count)        \
	static u32 name##_used[count]; \
	SM_MAP_(name, count, name##_used)

/* False: there is no such key. */
bool sm_map_get(const struct sm_map *map, u64 key, u64 *ret_value);
/* Adds the key, or gives it another value.  False: no room, or too many vCPUs at the same entry. */
bool sm_map_set(const struct sm_map *map, u64 key, u64 value);
/* Adds delta (which may be negative, as two's complement) to the key's value, at first 0.  Its new value, or
 * 0 where sm_map_set() gives false. */
u64 sm_map_add(const struct sm_map *map, u64 key, u64 delta);
/* False: there was no such key. */
bool sm_map_delete(const struct sm_map *map, u64 key);

/* A key of several numbers; not 0.  Different ones give the same key by chance, or by an attacker's choice. */
u64 sm_map_key(u64 a, u64 b);

/* --- counters ----------------------------------------------------------------------------------- */

#define SM_COUNTER_CPUS 64

/* Of events that all vCPUs count: each in a cache line of its own.  Define it static. */
struct sm_counter {
	struct {
		u64 value;
		u64 padding[7];
	} of_vcpu[SM_COUNTER_CPUS];
} __attribute__((aligned(64)));

void sm_counter_add(struct sm_counter *counter, u64 delta);
u64 sm_counter_sum(const struct sm_counter *counter);

/* --- rate limits -------------------------------------------------------------------------------- */

struct sm_rate {
	struct sm_map map;
	u64 ticks;
	u32 burst;
	u64 *forgotten; /* suppressed events of keys that the map forgot */
};

/*
 * Defines a limit for each of up to count keys: burst events (1 to 255) at once, and one more each ticks of the
 * guest's TSC.  A guest that sets its TSC back gets events told, not suppressed.
 */
#define SM_RATE(name, count, burst_, ticks_)                         \
	SM_LRU_MAP(name##_map, count);                               \
	static u64 name##_forgotten;                                 \
	static const struct sm_rate name = {                         \
		.map = {name##_map_entries, name##_map_used, count}, \
		.ticks = ticks_,                                     \
		.burst = burst_,                                     \
		.forgotten = &name##_forgotten,                      \
	};                                                           \
	_Static_assert((burst_) >= 1 && (burst_) <= 255 && (ticks_) >= 1, #name ": burst or ticks")

/*
 * True: tell this event, and that *ret_suppressed were not told before it: of its key, up to 2^24 - 1, and of keys
 * that were forgotten.  False: it is suppressed, and counted.
 */
bool sm_rate_pass(const struct sm_rate *rate, u64 key, u64 *ret_suppressed);

/* --- how ---------------------------------------------------------------------------------------- */

#define SM_MAP_(name, count, used)                                                                 \
	static struct sm_map_entry name##_entries[count];                                          \
	static const struct sm_map name __attribute__((unused)) = {name##_entries, used, count};   \
	_Static_assert((count) >= SM_MAP_WAYS && (count) <= 65536 && ((count) & ((count)-1)) == 0, \
		       #name ": a power of two of entries")

#endif
