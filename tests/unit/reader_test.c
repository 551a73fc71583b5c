// SPDX-License-Identifier: GPL-2.0-or-later
/* The reader of several rings: in which order, and what it gives back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <shadowmon/ioctl.h>

#include "../../host/lib/reader_internal.h"
#include "fake_ring.h"

struct rings {
	struct sm_reader reader;
	struct fake *fakes[3];
	struct sm_source *sources[3];
};

static void rings_create(struct rings *r)
{
	u32 i;

	memset(r, 0, sizeof(*r));
	r->reader.fd = -1;
	/* One tick a nanosecond, and both clocks start at 0. */
	r->reader.clock = (struct sm_clock){.tsc_khz = 1000000, .ratio_shift = 48};
	for (i = 0; i < 3; i++) {
		r->fakes[i] = fake_create(SIZE, 0, true);
		assert_int_equal(sm_reader_add(&r->reader, i == 2 ? SM_VCPU_HOST : i,
					       &r->fakes[i]->ring, &r->sources[i]),
				 0);
	}
	r->sources[1]->clock = (struct sm_clock_vcpu){.offset = -1000};
	/* The host's ring has the host's clock, whatever is here. */
	r->sources[2]->clock = (struct sm_clock_vcpu){.offset = 77};
}

static void rings_destroy(struct rings *r)
{
	u32 i;

	for (i = 0; i < 3; i++) {
		free(r->sources[i]);
		fake_destroy(r->fakes[i]);
	}
	free(r->reader.sources);
}

static void assert_item(struct rings *r, u32 vcpu, u64 seq, u64 time_ns)
{
	struct sm_item item;

	assert_int_equal(sm_reader_next(&r->reader, &item), 1);
	assert_int_equal(item.kind, SM_ITEM_RECORD);
	assert_int_equal(item.vcpu, vcpu);
	assert_int_equal(item.record->seq, seq);
	assert_int_equal(item.time_ns, time_ns);
}

static void merges_by_time(void **state)
{
	struct sm_item item;
	struct rings r;

	(void)state;
	rings_create(&r);
	put(r.fakes[0], SM_RECORD_USER, 32, 100);
	put(r.fakes[0], SM_RECORD_USER, 32, 2000);
	put(r.fakes[1], SM_RECORD_USER, 32, 500); /* 1500 by the host's clock */
	put(r.fakes[2], SM_RECORD_USER, 32, 1200);
	put(r.fakes[2], SM_RECORD_USER, 32, 3000);
	assert_item(&r, 0, 0, 100);
	assert_item(&r, SM_VCPU_HOST, 0, 1200);
	assert_item(&r, 1, 0, 1500);
	assert_item(&r, 0, 1, 2000);
	assert_item(&r, SM_VCPU_HOST, 1, 3000);
	assert_int_equal(sm_reader_next(&r.reader, &item), 0);
	rings_destroy(&r);
}

/* A vCPU's own order is kept even where its clock says otherwise. */
static void keeps_the_order_of_a_vcpu(void **state)
{
	struct rings r;

	(void)state;
	rings_create(&r);
	put(r.fakes[0], SM_RECORD_USER, 32, 900);
	put(r.fakes[0], SM_RECORD_USER, 32, 100);
	assert_item(&r, 0, 0, 900);
	assert_item(&r, 0, 1, 100);
	rings_destroy(&r);
}

/* What was looked at for the sake of the order, but not handed out, stays in its ring. */
static void commits_only_what_was_handed_out(void **state)
{
	struct rings r;

	(void)state;
	rings_create(&r);
	put(r.fakes[0], SM_RECORD_USER, 32, 100);
	put(r.fakes[1], SM_RECORD_USER, 40, 500);
	assert_item(&r, 0, 0, 100);
	assert_true(sm_reader_has_data(&r.reader));
	sm_reader_commit(&r.reader);
	assert_int_equal(r.fakes[0]->consumer.tail, 32);
	assert_int_equal(r.fakes[1]->consumer.tail, 0);
	assert_item(&r, 1, 0, 1500);
	sm_reader_commit(&r.reader);
	assert_int_equal(r.fakes[1]->consumer.tail, 40);
	assert_false(sm_reader_has_data(&r.reader));
	rings_destroy(&r);
}

/* The record behind it may be long in coming, or never come. */
static void commits_a_pad_without_its_record(void **state)
{
	struct sm_item item;
	struct rings r;

	(void)state;
	rings_create(&r);
	while (SIZE - r.fakes[0]->producer.head > 2048) {
		put(r.fakes[0], SM_RECORD_USER, 2048, 100);
		assert_int_equal(sm_reader_next(&r.reader, &item), 1);
		sm_reader_commit(&r.reader);
	}
	put(r.fakes[0], SM_RECORD_PAD, (u32)(SIZE - r.fakes[0]->producer.head), 100);
	assert_true(sm_reader_has_data(&r.reader));
	assert_int_equal(sm_reader_next(&r.reader, &item), 0);
	sm_reader_commit(&r.reader);
	assert_int_equal(r.fakes[0]->consumer.tail, SIZE);
	rings_destroy(&r);
}

/* What an earlier reader has accepted is not given back. */
static void commits_nothing_before_the_first_record(void **state)
{
	struct fake *f = fake_create(SIZE, 96, false);
	struct sm_reader reader = {.fd = -1};
	struct sm_source *source;

	(void)state;
	assert_int_equal(sm_reader_add(&reader, 0, &f->ring, &source), 0);
	put_user(f, 32);
	sm_reader_commit(&reader);
	assert_int_equal(f->consumer.tail, 96);
	free(source);
	free(reader.sources);
	fake_destroy(f);
}

static unsigned int wakes;

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	assert_int_equal(fd, -1);
	assert_int_equal(request, SM_IOC_WAKE);
	wakes++;
	return 0;
}

static void wakes_producers_once(void **state)
{
	struct sm_item item;
	struct rings r;
	u32 i;

	(void)state;
	rings_create(&r);
	for (i = 0; i < SIZE / 64; i++) {
		put_user(r.fakes[0], 64);
		put_user(r.fakes[1], 64);
	}
	wakes = 0;
	assert_int_equal(sm_reader_next(&r.reader, &item), 1);
	sm_reader_commit(&r.reader);
	assert_int_equal(wakes, 0);
	while (sm_reader_next(&r.reader, &item))
		;
	sm_reader_commit(&r.reader);
	assert_int_equal(wakes, 1);
	rings_destroy(&r);
}

static void gaps_and_corruption_are_items(void **state)
{
	struct sm_item item;
	struct rings r;

	(void)state;
	rings_create(&r);
	r.fakes[1]->seq = 4;
	put(r.fakes[1], SM_RECORD_USER, 32, 0);
	r.fakes[0]->producer.head = 5;
	assert_int_equal(sm_reader_next(&r.reader, &item), 1);
	assert_int_equal(item.kind, SM_ITEM_CORRUPT);
	assert_int_equal(item.vcpu, 0);
	assert_int_equal(item.count, 1);
	assert_non_null(item.why);
	/* No longer a liar. */
	r.fakes[0]->producer.head = 8;
	assert_int_equal(sm_reader_next(&r.reader, &item), 1);
	assert_int_equal(item.kind, SM_ITEM_CORRUPT);
	assert_int_equal(item.count, 2);
	assert_int_equal(sm_reader_next(&r.reader, &item), 1);
	assert_int_equal(item.kind, SM_ITEM_GAP);
	assert_int_equal(item.vcpu, 1);
	assert_int_equal(item.count, 4);
	assert_item(&r, 1, 4, 1000);
	rings_destroy(&r);
}

static void tells_producers_that_it_sleeps(void **state)
{
	struct rings r;
	u32 i;

	(void)state;
	rings_create(&r);
	sm_reader_set_sleeping(&r.reader, true);
	for (i = 0; i < 3; i++)
		assert_int_equal(r.fakes[i]->consumer.sleeping, 1);
	sm_reader_set_sleeping(&r.reader, false);
	for (i = 0; i < 3; i++)
		assert_int_equal(r.fakes[i]->consumer.sleeping, 0);
	rings_destroy(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_by_time),
		cmocka_unit_test(keeps_the_order_of_a_vcpu),
		cmocka_unit_test(commits_only_what_was_handed_out),
		cmocka_unit_test(commits_a_pad_without_its_record),
		cmocka_unit_test(commits_nothing_before_the_first_record),
		cmocka_unit_test(wakes_producers_once),
		cmocka_unit_test(gaps_and_corruption_are_items),
		cmocka_unit_test(tells_producers_that_it_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
