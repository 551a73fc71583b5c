// SPDX-License-Identifier: GPL-2.0-or-later
/* compartment/runtime/emit.c with the test in the consumer's and the host's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <shadowmon/monitor.h>

#include <arch.h>

#include "cpu.h"

#define SIZE   SM_RING_MIN_SIZE
#define CANARY 0xc5

struct sm_cpu_state sm_cpu_state;
struct smc_ring sm_ring;

static struct {
	unsigned int doorbells, waits, panics;
	unsigned int room_after; /* waits until the consumer reads all; 0: never */
	unsigned int drop_after; /* ... until the host gives up blocking */
	bool sleep_at_fence;
	u64 head_at_doorbell;
	jmp_buf panicked;
} host;

u64 smc_cr3(void)
{
	return 0;
}

u64 smc_gs_base(void)
{
	return 0;
}

u64 smc_tsc(void)
{
	static u64 tsc;

	return ++tsc;
}

const void *fake_ram(u64 gpa, u64 len)
{
	(void)gpa;
	(void)len;
	return NULL;
}

void smc_vmcall(u64 number, u64 rbx)
{
	switch (number) {
	case SM_HC_DOORBELL:
		host.doorbells++;
		host.head_at_doorbell = sm_ring.producer.head;
		sm_ring.consumer.sleeping = 0;
		return;
	case SM_HC_RING_FULL:
		host.waits++;
		if (host.waits == host.room_after)
			sm_ring.consumer.tail = sm_ring.producer.head;
		if (host.waits == host.drop_after)
			sm_ring.consumer.flags = 0;
		assert_true(host.waits < 100);
		return;
	case SM_HC_PANIC:
		assert_int_not_equal(rbx, 0);
		host.panics++;
		longjmp(host.panicked, 1);
	default:
		fail();
	}
}

/* The latest moment at which a consumer that saw the old head can go to sleep. */
void smc_store_and_fence(u64 *to, u64 value)
{
	if (host.sleep_at_fence && *to != value)
		sm_ring.consumer.sleeping = 1;
	*to = value;
}

static int setup(void **state)
{
	(void)state;
	memset(&sm_cpu_state, 0, sizeof(sm_cpu_state));
	memset(&host, 0, sizeof(host));
	memset(&sm_ring, 0, sizeof(sm_ring));
	memset(sm_ring.data, CANARY, sizeof(sm_ring.data));
	sm_ring.consumer.size = SIZE;
	sm_cpu_state.slot = 5;
	return 0;
}

static void start_at(u64 position)
{
	sm_ring.producer.head = position;
	sm_ring.consumer.tail = position;
}

/* A record of len bytes whose payload repeats its low byte of seq. */
static bool put(u32 len)
{
	u8 mark = (u8)sm_cpu_state.seq;
	struct sm_record *rec = sm_reserve(SM_RECORD_USER, len);

	if (!rec)
		return false;
	memset(rec + 1, mark, len - sizeof(*rec));
	sm_commit(rec, len);
	return true;
}

static const struct sm_record *next(void)
{
	u64 tail = sm_ring.consumer.tail;
	const struct sm_record *rec =
		(const void *)(sm_ring.data + (tail & (sm_ring.consumer.size - 1)));

	assert_true(tail < sm_ring.producer.head);
	assert_int_equal(rec->len % 8, 0);
	assert_int_not_equal(rec->len, 0);
	assert_true(rec->len <= sm_ring.producer.head - tail);
	assert_true((tail & (sm_ring.consumer.size - 1)) + rec->len <= sm_ring.consumer.size);
	sm_ring.consumer.tail += rec->len;
	return rec;
}

static const struct sm_record *next_but_pad(void)
{
	const struct sm_record *rec = next();

	return rec->type == SM_RECORD_PAD ? next() : rec;
}

static void assert_rest_is_untouched(void)
{
	size_t i;

	for (i = SIZE; i < sizeof(sm_ring.data); i++)
		assert_int_equal(sm_ring.data[i], CANARY);
}

static void record_is_published_at_commit(void **state)
{
	struct sm_record *rec;

	(void)state;
	start_at(0x10000);
	rec = sm_reserve(SM_RECORD_USER + 1, 1000);
	assert_non_null(rec);
	assert_int_equal(sm_ring.producer.head, 0x10000);
	memset(rec + 1, 0x11, 21);
	sm_commit(rec, sizeof(*rec) + 21);

	assert_int_equal(sm_ring.producer.head, 0x10000 + 48);
	assert_ptr_equal(next(), rec);
	assert_int_equal(rec->len, 48);
	assert_int_equal(rec->type, SM_RECORD_USER + 1);
	assert_int_equal(rec->slot, 5);
	assert_int_equal(rec->seq, 0);
	assert_int_not_equal(rec->tsc, 0);
	assert_memory_equal((u8 *)(rec + 1) + 21, "\0\0\0", 3);
	assert_int_equal(sm_cpu_state.seq, 1);
	assert_int_equal(host.doorbells, 0);
}

static void records_are_filled_up_with_zeros(void **state)
{
	static const u8 zeros[8];
	u32 len;

	(void)state;
	for (len = sizeof(struct sm_record); len <= sizeof(struct sm_record) + 16; len++) {
		u8 *rec = sm_reserve(SM_RECORD_USER, len), mark[16];

		memset(mark, CANARY, sizeof(mark));
		memset(rec + sizeof(struct sm_record), CANARY, len - sizeof(struct sm_record));
		sm_commit(rec, len);
		assert_int_equal(((struct sm_record *)rec)->len, (len + 7) / 8 * 8);
		assert_int_not_equal(((struct sm_record *)rec)->tsc, 0);
		assert_memory_equal(rec + sizeof(struct sm_record), mark,
				    len - sizeof(struct sm_record));
		assert_memory_equal(rec + len, zeros, (len + 7) / 8 * 8 - len);
	}
}

static void abandoned_reservation_leaves_no_trace(void **state)
{
	void *first, *second;

	(void)state;
	first = sm_reserve(SM_RECORD_USER, 64);
	second = sm_reserve(SM_RECORD_USER, 64);
	assert_ptr_equal(first, second);
	sm_commit(second, 64);
	assert_int_equal(next()->seq, 0);
	assert_int_equal(sm_ring.consumer.tail, sm_ring.producer.head);
}

static void records_do_not_cross_the_end(void **state)
{
	u32 rest;

	for (rest = 8; rest <= 128; rest += 8) {
		const struct sm_record *rec;

		setup(state);
		start_at(2 * SIZE - rest);
		assert_true(put(96));
		rec = next();
		if (rest < 96) {
			assert_int_equal(rec->type, SM_RECORD_PAD);
			assert_int_equal(rec->len, rest);
			rec = next();
			assert_ptr_equal(rec, sm_ring.data);
		}
		assert_int_equal(rec->len, 96);
		assert_int_equal(rec->type, SM_RECORD_USER);
		assert_int_equal(sm_ring.consumer.tail, sm_ring.producer.head);
		assert_rest_is_untouched();
	}
}

static void losses_are_counted_and_told(void **state)
{
	const struct sm_record_loss *loss;
	const struct sm_record *rec;
	u64 kept = 0, i;

	(void)state;
	while (put(512))
		kept++;
	assert_int_equal(kept, SIZE / 512);
	for (i = 1; i < 37; i++)
		assert_false(put(512));
	assert_int_equal(sm_cpu_state.seq, kept + 37);
	assert_int_equal(sm_cpu_state.lost, 37);
	assert_int_equal(sm_ring.producer.lost, 37);

	/* Room for the record alone is not enough: the loss is told before it. */
	assert_int_equal(next()->seq, 0);
	assert_false(put(512));
	assert_int_equal(next()->seq, 1);
	assert_true(put(512));
	for (i = 2; i < kept; i++)
		assert_int_equal(next()->seq, i);
	loss = (const void *)next_but_pad();
	assert_int_equal(loss->h.type, SM_RECORD_LOSS);
	assert_int_equal(loss->h.len, sizeof(*loss));
	assert_int_equal(loss->count, 38);
	rec = next_but_pad();
	assert_int_equal(rec->type, SM_RECORD_USER);
	assert_int_equal(rec->seq, kept + 38);
	assert_int_equal(loss->h.seq, rec->seq);

	assert_true(put(512));
	assert_int_equal(next_but_pad()->seq, kept + 39);
	assert_int_equal(sm_cpu_state.lost, 0);
	assert_int_equal(sm_cpu_state.lost_total, 38);
	assert_int_equal(sm_ring.producer.lost, 38);
	assert_int_equal(host.waits, 0);
}

static void told_loss_survives_an_aborted_monitor(void **state)
{
	(void)state;
	while (put(512))
		;
	start_at(sm_ring.producer.head);
	assert_non_null(sm_reserve(SM_RECORD_USER, 64)); /* and never committed */
	assert_true(put(64));
	assert_int_equal(((const struct sm_record_loss *)next_but_pad())->count, 1);
	assert_int_equal(next_but_pad()->type, SM_RECORD_USER);
}

static void largest_record_fits_the_smallest_ring(void **state)
{
	u64 offset;

	for (offset = 0; offset < SIZE; offset += 8) {
		setup(state);
		start_at(offset);
		sm_cpu_state.lost = 1;
		assert_true(put(SM_EMIT_MAX));
		assert_int_equal(next_but_pad()->type, SM_RECORD_LOSS);
		assert_int_equal(next_but_pad()->len, SM_EMIT_MAX);
		assert_int_equal(sm_ring.consumer.tail, sm_ring.producer.head);
	}
	assert_rest_is_untouched();
}

static void block_mode_waits(void **state)
{
	u64 seq;

	(void)state;
	sm_ring.consumer.flags = SM_RING_BLOCK;
	host.room_after = 3;
	while (host.waits == 0)
		assert_true(put(512));
	assert_int_equal(host.waits, 3);
	seq = sm_cpu_state.seq;
	assert_int_equal(next_but_pad()->seq, seq - 1);
	assert_int_equal(sm_cpu_state.lost_total, 0);
}

static void block_mode_may_end_while_waiting(void **state)
{
	(void)state;
	sm_ring.consumer.flags = SM_RING_BLOCK;
	host.drop_after = 2;
	while (put(512))
		assert_int_equal(host.waits, 0);
	assert_int_equal(host.waits, 2);
	assert_int_equal(sm_cpu_state.lost, 1);
}

static void doorbell_wakes_sleepers_alone(void **state)
{
	(void)state;
	assert_true(put(64));
	assert_int_equal(host.doorbells, 0);
	sm_ring.consumer.sleeping = 1;
	assert_non_null(sm_reserve(SM_RECORD_USER, 64));
	assert_int_equal(host.doorbells, 0);
	assert_true(put(64));
	assert_int_equal(host.doorbells, 1);
	assert_int_equal(host.head_at_doorbell, sm_ring.producer.head);
	assert_true(put(64));
	assert_int_equal(host.doorbells, 1);
	/* Just after the record was published, and before sleeping is read. */
	host.sleep_at_fence = true;
	assert_true(put(64));
	assert_int_equal(host.doorbells, 2);
}

static void consumer_page_may_hold_anything(void **state)
{
	static const u32 sizes[] = {0,          1,         8,        SIZE / 2,
				    SIZE + 8,   SIZE - 1,  3 * SIZE, 2 * SM_RING_MAX_SIZE,
				    0x80000000, 0xffffffff};
	static const u64 tails[] = {1, 8, 40, 64, SIZE, 1ULL << 63, 0x5000};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		setup(state);
		sm_ring.consumer.size = sizes[i];
		assert_false(put(64));
		assert_int_equal(sm_cpu_state.lost, 1);
		assert_int_equal(sm_ring.data[0], CANARY);
	}
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		setup(state);
		sm_ring.consumer.tail = tails[i]; /* head is 0: more read than written */
		assert_false(put(64));
		assert_int_equal(sm_ring.producer.head, 0);
		assert_int_equal(sm_ring.data[0], CANARY);
	}
	/* A tail that stands still, or is behind by more than there is. */
	setup(state);
	sm_ring.producer.head = 5 * SIZE;
	assert_false(put(64));
	assert_rest_is_untouched();
}

static void wrong_lengths_end_in_panic(void **state)
{
	struct sm_record *volatile rec;

	(void)state;
	if (!setjmp(host.panicked))
		sm_reserve(SM_RECORD_USER, SM_EMIT_MAX + 1);
	if (!setjmp(host.panicked))
		sm_reserve(SM_RECORD_USER, 0xffffffff);
	if (!setjmp(host.panicked))
		sm_reserve(SM_RECORD_USER, sizeof(*rec) - 1);
	assert_int_equal(host.panics, 3);
	rec = sm_reserve(SM_RECORD_USER, 100);
	if (!setjmp(host.panicked))
		sm_commit(rec, 105); /* 100 were reserved, and so were 104 */
	if (!setjmp(host.panicked))
		sm_commit(rec, 0xfffffffe);
	if (!setjmp(host.panicked))
		sm_commit(rec, 8);
	assert_int_equal(host.panics, 6);
	assert_int_equal(sm_ring.producer.head, 0);
}

/* Any mixture of lengths, with a reader that lags: nothing is torn, and each number is accounted
 * for. */
static void long_stream_accounts_for_all(void **state)
{
	u64 expected = 0, records = 0, losses = 0;
	unsigned int round, i;

	(void)state;
	srand(1);
	start_at(~0ULL - 3 * SIZE - 7); /* counters wrap, too; multiples of 8 */
	for (round = 0; round < 20000; round++) {
		u32 max = sizeof(struct sm_record) + (u32)rand() % 900, len;
		u8 mark = (u8)sm_cpu_state.seq;
		struct sm_record *rec = sm_reserve(SM_RECORD_USER, max);

		if (rec) {
			len = sizeof(*rec) + (u32)rand() % (max - sizeof(*rec) + 1);
			memset(rec + 1, mark, len - sizeof(*rec));
			sm_commit(rec, len);
		}
		for (i = (unsigned int)rand() % 3;
		     i && sm_ring.consumer.tail != sm_ring.producer.head; i--) {
			const struct sm_record *got =
				(const void *)(sm_ring.data + (sm_ring.consumer.tail & (SIZE - 1)));

			sm_ring.consumer.tail += got->len;
			if (got->type == SM_RECORD_LOSS) {
				losses += ((const struct sm_record_loss *)got)->count;
				expected += ((const struct sm_record_loss *)got)->count;
				assert_int_equal(got->seq, expected);
			} else if (got->type != SM_RECORD_PAD) {
				assert_int_equal(got->type, SM_RECORD_USER);
				assert_int_equal(got->seq, expected++);
				if (got->len >= sizeof(*got) + 8)
					assert_int_equal(*(const u8 *)(got + 1), (u8)got->seq);
				records++;
			}
		}
	}
	assert_true(records > 1000);
	assert_true(losses > 1000);
	assert_true(losses + sm_cpu_state.lost <= sm_cpu_state.lost_total);
	assert_rest_is_untouched();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(record_is_published_at_commit),
		TEST(records_are_filled_up_with_zeros),
		TEST(abandoned_reservation_leaves_no_trace),
		TEST(records_do_not_cross_the_end),
		TEST(losses_are_counted_and_told),
		TEST(told_loss_survives_an_aborted_monitor),
		TEST(largest_record_fits_the_smallest_ring),
		TEST(block_mode_waits),
		TEST(block_mode_may_end_while_waiting),
		TEST(doorbell_wakes_sleepers_alone),
		TEST(consumer_page_may_hold_anything),
		TEST(wrong_lengths_end_in_panic),
		TEST(long_stream_accounts_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
