// SPDX-License-Identifier: GPL-2.0-or-later
/* The reader of one ring: what honest producers publish, lose and wait for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake_ring.h"

/* --- honest producers --------------------------------------------------------------------------
 */

static void empty_ring(void **state)
{
	struct fake *f = *state;

	assert_false(sm_ring_has_data(&f->ring));
	assert_int_equal(next(f), SM_RING_EMPTY);
}

static void records_in_order(void **state)
{
	struct fake *f = *state;
	u32 i;

	for (i = 0; i < 10; i++)
		put_user(f, 24 + 8 * i);
	assert_true(sm_ring_has_data(&f->ring));
	for (i = 0; i < 10; i++)
		assert_record(f, i, 24 + 8 * i);
	assert_int_equal(next(f), SM_RING_EMPTY);
}

static void tail_waits_for_commit(void **state)
{
	struct fake *f = *state;

	put_user(f, 64);
	assert_record(f, 0, 64);
	assert_int_equal(f->consumer.tail, 0);
	sm_ring_commit(&f->ring, f->ring.position);
	assert_int_equal(f->consumer.tail, 64);
}

static void next_consumer_gets_what_was_not_committed(void **state)
{
	struct fake *f = *state;

	put_user(f, 64);
	put_user(f, 72);
	assert_record(f, 0, 64);
	sm_ring_commit(&f->ring, f->ring.position);
	assert_record(f, 1, 72);
	sm_ring_init(&f->ring, &f->producer, &f->consumer, f->data, SIZE, false);
	assert_record(f, 1, 72);
	assert_int_equal(next(f), SM_RING_EMPTY);
}

/* Every record length, round and round: pads of all lengths, 8 bytes included. */
static void wraps_at_every_offset(void **state)
{
	struct fake *f = *state;
	u32 len, i;

	for (i = 0, len = 24; i < 20000; i++, len = len >= 4000 ? 24 : len + 8) {
		put_user(f, len);
		assert_record(f, i, len);
		sm_ring_commit(&f->ring, f->ring.position);
	}
	assert_int_equal(f->ring.corruptions, 0);
}

static void longest_record(void **state)
{
	struct fake *f = *state;

	put_user(f, SM_RECORD_MAX);
	put_user(f, SM_RECORD_MAX);
	assert_record(f, 0, SM_RECORD_MAX);
	assert_record(f, 1, SM_RECORD_MAX);
	assert_int_equal(next(f), SM_RING_EMPTY);
}

static void counts_wrap_at_64_bits(void **state)
{
	struct fake *f = fake_create(SIZE, -(u64)64, false);
	u32 i;

	(void)state;
	f->seq = 7;
	for (i = 0; i < 8; i++)
		put_user(f, 32);
	for (i = 0; i < 8; i++)
		assert_record(f, 7 + i, 32);
	assert_int_equal(next(f), SM_RING_EMPTY);
	fake_destroy(f);
}

/* --- losses -------------------------------------------------------------------------------------
 */

static void explained_loss_is_no_gap(void **state)
{
	struct fake *f = *state;

	put_user(f, 32);
	put_loss(f, 5);
	put_user(f, 32);
	assert_record(f, 0, 32);
	assert_int_equal(next(f), SM_RING_RECORD);
	assert_int_equal(copy.record.type, SM_RECORD_LOSS);
	assert_record(f, 6, 32);
	assert_int_equal(next(f), SM_RING_EMPTY);
}

static void loss_record_with_a_number_of_its_own(void **state)
{
	struct fake *f = *state;

	put_user(f, 32);
	put_loss(f, 5);
	f->seq++;
	put_loss(f, 3);
	f->seq++;
	put_user(f, 32);
	assert_record(f, 0, 32);
	assert_int_equal(next(f), SM_RING_RECORD);
	assert_int_equal(next(f), SM_RING_RECORD);
	assert_record(f, 11, 32);
}

static void unexplained_gap_is_told_before_the_record(void **state)
{
	struct fake *f = *state;

	put_user(f, 32);
	f->seq += 9;
	put_user(f, 32);
	assert_record(f, 0, 32);
	assert_int_equal(next(f), SM_RING_GAP);
	assert_int_equal(count, 9);
	assert_record(f, 10, 32);
	assert_int_equal(next(f), SM_RING_EMPTY);
}

static void first_records_missing(void **state)
{
	struct fake *f = *state;

	f->seq = 3;
	put_user(f, 32);
	assert_int_equal(next(f), SM_RING_GAP);
	assert_int_equal(count, 3);
	assert_record(f, 3, 32);
}

static void loss_record_that_tells_too_little(void **state)
{
	struct fake *f = *state;

	put_user(f, 32);
	f->seq += 4;
	put_loss(f, 2);
	assert_record(f, 0, 32);
	assert_int_equal(next(f), SM_RING_GAP);
	assert_int_equal(count, 4);
	assert_int_equal(next(f), SM_RING_RECORD);
	assert_int_equal(copy.record.type, SM_RECORD_LOSS);
}

static void loss_record_that_tells_too_much_ends(void **state)
{
	struct fake *f = *state;
	struct sm_record_loss *loss;

	put_user(f, 32);
	loss = at(f, f->producer.head);
	put_loss(f, 1);
	loss->count = UINT64_MAX;
	put_user(f, 32);
	assert_record(f, 0, 32);
	assert_int_equal(next(f), SM_RING_RECORD);
	assert_record(f, 2, 32);
}

static void numbers_that_run_backwards(void **state)
{
	struct fake *f = *state;

	put_user(f, 32);
	put_user(f, 32);
	f->seq = 1;
	put_user(f, 32);
	assert_record(f, 0, 32);
	assert_record(f, 1, 32);
	assert_int_equal(next(f), SM_RING_CORRUPT);
	assert_string_equal(why, "sequence numbers run backwards");
	/* The record itself is good. */
	assert_record(f, 1, 32);
	assert_int_equal(next(f), SM_RING_EMPTY);
}

/* --- waiting producers
 * ---------------------------------------------------------------------------- */

/* Full, then read a record at a time.  Which one's room was it that woke the producer?  0: none's.
 */
static u32 waking_record(struct fake *f)
{
	u32 i, woken = 0, records = f->size / 64;

	for (i = 0; i < records; i++)
		put_user(f, 64);
	for (i = 1; i <= records; i++) {
		assert_record(f, i - 1, 64);
		if (sm_ring_commit(&f->ring, f->ring.position)) {
			assert_int_equal(woken, 0);
			woken = i;
		}
	}
	assert_false(sm_ring_commit(&f->ring, f->ring.position));
	return woken;
}

/* Once, when the longest record and a pad before it fit again. */
static void wakes_only_who_waits(void **state)
{
	struct fake *blocks = fake_create(4 * SIZE, 0, true);

	assert_int_equal(waking_record(*state), 0);
	assert_int_equal(waking_record(blocks), 2 * SM_RECORD_MAX / 64);
	fake_destroy(blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING(empty_ring),
		RING(records_in_order),
		RING(tail_waits_for_commit),
		RING(next_consumer_gets_what_was_not_committed),
		RING(wraps_at_every_offset),
		RING(longest_record),
		cmocka_unit_test(counts_wrap_at_64_bits),
		RING(explained_loss_is_no_gap),
		RING(loss_record_with_a_number_of_its_own),
		RING(unexplained_gap_is_told_before_the_record),
		RING(first_records_missing),
		RING(loss_record_that_tells_too_little),
		RING(loss_record_that_tells_too_much_ends),
		RING(numbers_that_run_backwards),
		RING(wakes_only_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
