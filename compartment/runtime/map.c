// SPDX-License-Identifier: GPL-2.0-or-later
/* Maps, counters and rate limits without locks: sdk/shadowmon/map.h. */
#include <stddef.h>

#include <shadowmon/map.h>

#include <arch.h>

#include "cpu.h"

#define TRIES 16 /* of a change that other vCPUs keep overtaking */

/* The fraction of the golden ratio: spreads neighbouring keys. */
#define SPREAD 0x9e3779b97f4a7c15ULL

/* A key's value, seen or to be, with the entry that it is in. */
struct place {
	struct sm_map_entry *entry;
	struct sm_map_entry seen;
};

/* True: the entry was what *seen says, and is *wanted now.  Else *seen says what it is. */
static bool exchange(struct sm_map_entry *entry, struct sm_map_entry *seen,
		     const struct sm_map_entry *wanted)
{
	bool done;

	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(done), "+m"(*entry), "+a"(seen->key), "+d"(seen->value)
			 : "b"(wanted->key), "c"(wanted->value)
			 : "memory");
	return done;
}

/* Key and value as they belong together. */
static struct sm_map_entry load(struct sm_map_entry *entry)
{
	struct sm_map_entry seen = {READ_ONCE(entry->key), READ_ONCE(entry->value)};

	exchange(entry, &seen, &seen);
	return seen;
}

static u32 first_place(const struct sm_map *map, u64 key)
{
	return (u32)((key * SPREAD) >> 32) & (map->count - 1) & ~(SM_MAP_WAYS - 1);
}

static void touch(const struct sm_map *map, u32 index)
{
	if (map->used)
		WRITE_ONCE(map->used[index], (u32)(smc_tsc() >> 16));
}

static bool find(const struct sm_map *map, u64 key, struct place *ret_place)
{
	u32 first = first_place(map, key), i;

	for (i = first; key && i < first + SM_MAP_WAYS; i++) {
		if (READ_ONCE(map->entries[i].key) != key)
			continue;
		ret_place->entry = &map->entries[i];
		ret_place->seen = load(&map->entries[i]);
		if (ret_place->seen.key != key)
			continue;
		touch(map, i);
		return true;
	}
	return false;
}

/* Where a new key may go: a free place, or that of the entry that was not used for longest. */
static bool find_room(const struct sm_map *map, u64 key, struct place *ret_place)
{
	u32 first = first_place(map, key), oldest = first, age = 0, i;
	u32 now = map->used ? (u32)(smc_tsc() >> 16) : 0;

	for (i = first; key && i < first + SM_MAP_WAYS; i++) {
		if (READ_ONCE(map->entries[i].key) == 0) {
			oldest = i;
			break;
		}
		if (map->used && now - READ_ONCE(map->used[i]) >= age) {
			oldest = i;
			age = now - READ_ONCE(map->used[i]);
		}
	}
	ret_place->entry = &map->entries[oldest];
	ret_place->seen = load(ret_place->entry);
	if (!key || (ret_place->seen.key && !map->used))
		return false;
	touch(map, oldest);
	return true;
}

/*
 * The key's place, or one to be; found tells which.  To change its value, exchange() what was seen.
 */
static bool find_or_room(const struct sm_map *map, u64 key, struct place *ret_place)
{
	return find(map, key, ret_place) || find_room(map, key, ret_place);
}

bool sm_map_get(const struct sm_map *map, u64 key, u64 *ret_value)
{
	struct place place;

	if (!find(map, key, &place))
		return false;
	*ret_value = place.seen.value;
	return true;
}

bool sm_map_set(const struct sm_map *map, u64 key, u64 value)
{
	const struct sm_map_entry wanted = {key, value};
	struct place place;
	int tries;

	for (tries = 0; tries < TRIES && find_or_room(map, key, &place); tries++)
		if (exchange(place.entry, &place.seen, &wanted))
			return true;
	return false;
}

u64 sm_map_add(const struct sm_map *map, u64 key, u64 delta)
{
	struct sm_map_entry wanted = {.key = key};
	struct place place;
	int tries;

	for (tries = 0; tries < TRIES && find_or_room(map, key, &place); tries++) {
		wanted.value = (place.seen.key == key ? place.seen.value : 0) + delta;
		if (exchange(place.entry, &place.seen, &wanted))
			return wanted.value;
	}
	return 0;
}

/* Two vCPUs that added the key at the same time may have done so in two places. */
bool sm_map_delete(const struct sm_map *map, u64 key)
{
	const struct sm_map_entry none = {0, 0};
	struct place place;
	bool found = false;
	int tries;

	for (tries = 0; tries < TRIES && find(map, key, &place); tries++)
		found |= exchange(place.entry, &place.seen, &none);
	return found;
}

u64 sm_map_key(u64 a, u64 b)
{
	u64 key = (a * SPREAD ^ (a >> 29)) + b * 0xd6e8feb86659fd93ULL;

	return key ? key : 1;
}

/* --- counters ------------------------------------------------------------------------------ */

static void add(u64 *to, u64 delta)
{
	__asm__ volatile("lock addq %1, %0" : "+m"(*to) : "r"(delta) : "memory", "cc");
}

static u64 take(u64 *from)
{
	u64 value = 0;

	__asm__ volatile("xchgq %1, %0" : "+m"(*from), "+r"(value) : : "memory");
	return value;
}

/* More vCPUs than places share them. */
void sm_counter_add(struct sm_counter *counter, u64 delta)
{
	add(&counter->of_vcpu[sm_cpu_state.vcpu % SM_COUNTER_CPUS].value, delta);
}

u64 sm_counter_sum(const struct sm_counter *counter)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < SM_COUNTER_CPUS; i++)
		sum += READ_ONCE(counter->of_vcpu[i].value);
	return sum;
}

/* --- rate limits --------------------------------------------------------------------------- */

/* A bucket: how many events may still be told, how many were not, and when that was, in ticks of the rate. */
#define TOKENS(value)     ((u32)((value)&0xff))
#define SUPPRESSED(value) ((u32)((value) >> 8) & SUPPRESSED_MAX)
#define PERIOD(value)     ((u32)((value) >> 32))
#define SUPPRESSED_MAX    0xffffffu

static u64 bucket(u32 tokens, u32 suppressed, u32 period)
{
	return (u64)period << 32 | (u64)suppressed << 8 | tokens;
}

/* A TSC that went back looks like one that went far ahead: the bucket is full. */
static u32 refill(const struct sm_rate *rate, u64 value, u32 now)
{
	u32 periods = now - PERIOD(value);

	return periods >= rate->burst - TOKENS(value) ? rate->burst : TOKENS(value) + periods;
}

bool sm_rate_pass(const struct sm_rate *rate, u64 key, u64 *ret_suppressed)
{
	u32 now = (u32)(smc_tsc() / rate->ticks), tokens, suppressed;
	struct sm_map_entry wanted = {.key = key ? key : 1};
	struct place place;
	bool known;
	int tries;

	*ret_suppressed = 0;
	for (tries = 0; tries < TRIES && find_or_room(&rate->map, wanted.key, &place); tries++) {
		known = place.seen.key == wanted.key;
		tokens = known ? refill(rate, place.seen.value, now) : rate->burst;
		suppressed = known ? SUPPRESSED(place.seen.value) : 0;
		if (tokens)
			wanted.value = bucket(tokens - 1, 0, now);
		else
			wanted.value = bucket(0, suppressed + (suppressed < SUPPRESSED_MAX), now);
		if (!exchange(place.entry, &place.seen, &wanted))
			continue;
		if (!known && place.seen.key)
			add(rate->forgotten, SUPPRESSED(place.seen.value));
		if (tokens)
			*ret_suppressed = suppressed + take(rate->forgotten);
		return tokens != 0;
	}
	return true; /* rather told too often than not at all */
}
