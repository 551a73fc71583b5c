// SPDX-License-Identifier: GPL-2.0-or-later
/* The reader of one ring: producers that lie, and producers that write while it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake_ring.h"

/* What is wrong is told once, and then reading goes on with what comes next. */
static void assert_corrupt(struct fake *f, const char *sentence)
{
	u64 before = f->ring.corruptions;

	assert_int_equal(next(f), SM_RING_CORRUPT);
	assert_string_equal(why, sentence);
	assert_int_equal(f->ring.corruptions, before + 1);
	assert_int_equal(f->ring.position, f->producer.head);
	assert_int_equal(next(f), SM_RING_EMPTY);
	sm_ring_commit(&f->ring, f->ring.position);
	assert_int_equal(f->consumer.tail, f->producer.head);
	put_user(f, 32);
	assert_record(f, f->seq - 1, 32);
}

static void head_is_garbage(void **state)
{
	struct fake *f = *state;

	put_user(f, 32);
	f->producer.head = 0xdeadbeefdeadbee8;
	assert_corrupt(f, "the head is out of range");
}

static void head_runs_backwards(void **state)
{
	struct fake *f = *state;

	put_user(f, 64);
	assert_record(f, 0, 64);
	f->producer.head = 32;
	assert_corrupt(f, "the head is out of range");
}

static void head_just_beyond_the_ring(void **state)
{
	struct fake *f = *state;

	f->producer.head = SIZE + 8;
	assert_corrupt(f, "the head is out of range");
}

static void head_is_not_aligned(void **state)
{
	struct fake *f = *state;

	put_user(f, 32);
	f->producer.head += 4;
	assert_int_equal(next(f), SM_RING_CORRUPT);
	assert_string_equal(why, "the head is not aligned");
	/* It stays so: each look at something new tells it, and no record is made up of it. */
	assert_int_equal(next(f), SM_RING_CORRUPT);
	f->producer.head += 4;
	assert_corrupt(f, "the head is not aligned");
}

static void set_len(struct fake *f, u32 len)
{
	((struct sm_record *)at(f, f->ring.position))->len = len;
}

static void length_is_zero(void **state)
{
	put_user(*state, 32);
	set_len(*state, 0);
	assert_corrupt(*state, "a record's length is no multiple of 8");
}

static void length_is_odd(void **state)
{
	put_user(*state, 32);
	set_len(*state, 28);
	assert_corrupt(*state, "a record's length is no multiple of 8");
}

static void length_is_huge(void **state)
{
	put_user(*state, 32);
	set_len(*state, 0xfffffff8);
	assert_corrupt(*state, "a record is longer than records may be");
}

static void length_is_just_too_long(void **state)
{
	struct fake *f = *state;

	put_user(f, SM_RECORD_MAX);
	put_user(f, 32);
	set_len(f, SM_RECORD_MAX + 8);
	assert_corrupt(f, "a record is longer than records may be");
}

static void length_reaches_beyond_head(void **state)
{
	put_user(*state, 32);
	set_len(*state, 40);
	assert_corrupt(*state, "a record reaches beyond what was published");
}

static void length_is_less_than_a_head(void **state)
{
	put_user(*state, 32);
	set_len(*state, 16);
	assert_corrupt(*state, "a record is shorter than its head");
	put_user(*state, 32);
	set_len(*state, 8);
	assert_corrupt(*state, "a record is shorter than its head");
}

static void record_crosses_the_end(void **state)
{
	struct fake *f = *state;
	u32 i;

	for (i = 0; i < SIZE / 64 - 1; i++) {
		put_user(f, 64);
		assert_record(f, i, 64);
		sm_ring_commit(&f->ring, f->ring.position);
	}
	put_user(f, 64);
	put_user(f, 64);
	set_len(f, 128);
	assert_corrupt(f, "a record crosses the end of the ring");
}

static void pad_amid_the_ring(void **state)
{
	struct fake *f = *state;

	*(u64 *)at(f, 0) = 64;
	f->producer.head = 64;
	assert_corrupt(f, "a pad ends before the ring does");
}

static void loss_record_is_short(void **state)
{
	put(*state, SM_RECORD_LOSS, 24, 0);
	assert_corrupt(*state, "a loss record is too short");
}

/* Whatever bytes: the number of steps is bounded by the ring's size. */
static void garbage_ends(void **state)
{
	struct fake *f = *state;
	u32 round, steps;

	srand(1);
	for (round = 0; round < 2000; round++) {
		for (steps = 0; steps < SIZE; steps++)
			f->data[steps] = (u8)(rand() & rand() & rand());
		f->producer.head = f->ring.position + ((u64)rand() % (SIZE / 8 + 1)) * 8;
		for (steps = 0; next(f) != SM_RING_EMPTY; steps++)
			assert_true(steps <= 2 * SIZE / 8);
	}
}

#define MANY 200000

static void *produce(void *argument)
{
	struct fake *f = argument;
	u64 head = 0, seq;

	for (seq = 0; seq < MANY; seq++) {
		u32 len = 24 + 8 * (seq % 61), rest = SIZE - (head & (SIZE - 1)),
		    pad = rest < len ? rest : 0, i;
		struct sm_record *record;

		while (head + pad + len - __atomic_load_n(&f->consumer.tail, __ATOMIC_ACQUIRE) >
		       SIZE)
			sched_yield();
		if (pad)
			*(u64 *)at(f, head) = pad;
		head += pad;
		record = at(f, head);
		*record = (struct sm_record){.len = len, .type = SM_RECORD_USER, .seq = seq};
		for (i = sizeof(*record); i < len; i++)
			((u8 *)record)[i] = (u8)seq;
		head += len;
		__atomic_store_n(&f->producer.head, head, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void reads_while_it_is_written(void **state)
{
	struct fake *f = *state;
	pthread_t thread;
	u64 seq = 0;

	assert_int_equal(pthread_create(&thread, NULL, produce, f), 0);
	while (seq < MANY) {
		if (!sm_ring_has_data(&f->ring)) {
			sched_yield();
			continue;
		}
		assert_record(f, seq, 24 + 8 * (seq % 61));
		if (++seq % 7 == 0)
			sm_ring_commit(&f->ring, f->ring.position);
	}
	pthread_join(thread, NULL);
}

static bool done;

static void *scribble(void *argument)
{
	struct fake *f = argument;
	u64 random = 88172645463325252ull;

	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		/* Lengths that are good or nearly so, in few places, and heads that are near. */
		__atomic_store_n((u64 *)at(f, random & 0x78), 0x10000000000 | (random >> 20 & 0x38),
				 __ATOMIC_RELAXED);
		__atomic_store_n(&f->producer.head, random >> 32 & 0x78, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Whatever changes while it is read, a record that is handed out is whole. */
static void is_not_fooled_by_changes(void **state)
{
	struct fake *f = *state;
	pthread_t thread;
	u32 i;

	assert_int_equal(pthread_create(&thread, NULL, scribble, f), 0);
	for (i = 0; i < 10 * MANY; i++) {
		u64 before = f->ring.position;

		if (next(f) == SM_RING_RECORD) {
			u64 start = f->ring.position - copy.record.len;

			assert_true(copy.record.len >= sizeof(copy.record));
			assert_true(copy.record.len <= SM_RECORD_MAX);
			/* Behind a pad it stands at the ring's start. */
			assert_true(start == before || start % SIZE == 0);
		}
		sm_ring_commit(&f->ring, f->ring.position);
	}
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING(head_is_garbage),
		RING(head_runs_backwards),
		RING(head_just_beyond_the_ring),
		RING(head_is_not_aligned),
		RING(length_is_zero),
		RING(length_is_odd),
		RING(length_is_huge),
		RING(length_is_just_too_long),
		RING(length_reaches_beyond_head),
		RING(length_is_less_than_a_head),
		RING(record_crosses_the_end),
		RING(pad_amid_the_ring),
		RING(loss_record_is_short),
		RING(garbage_ends),
		RING(reads_while_it_is_written),
		RING(is_not_fooled_by_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
