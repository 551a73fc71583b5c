// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_ring.h"

union copy copy;
u64 count;
const char *why;

struct fake *fake_create(u32 size, u64 start, bool block)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->size = size;
	f->data = malloc(size);
	assert_non_null(f->data);
	memset(f->data, 0xa5, size);
	f->producer.head = f->consumer.tail = start;
	sm_ring_init(&f->ring, &f->producer, &f->consumer, f->data, size, block);
	return f;
}

void fake_destroy(struct fake *f)
{
	free(f->data);
	free(f);
}

int ring_setup(void **state)
{
	*state = fake_create(SIZE, 0, false);
	return 0;
}

int ring_teardown(void **state)
{
	fake_destroy(*state);
	return 0;
}

void *at(struct fake *f, u64 position)
{
	return f->data + (position & (f->size - 1));
}

/* As the runtime does it: a pad where the record would cross the end. */
void put(struct fake *f, u16 type, u32 len, u64 tsc)
{
	u32 rest = f->size - (f->producer.head & (f->size - 1));
	struct sm_record *rec;

	assert_int_equal(len % 8, 0);
	if (rest < len) {
		*(u64 *)at(f, f->producer.head) = rest;
		f->producer.head += rest;
	}
	rec = at(f, f->producer.head);
	memset(rec, (u8)f->seq, len);
	*rec = (struct sm_record){.len = len, .type = type, .seq = f->seq++, .tsc = tsc};
	f->producer.head += len;
	assert_true(f->producer.head - f->consumer.tail <= f->size);
}

void put_user(struct fake *f, u32 len)
{
	put(f, SM_RECORD_USER, len, 0);
}

/* A loss record bears the number of the one behind it. */
void put_loss(struct fake *f, u64 lost)
{
	struct sm_record_loss *loss = at(f, f->producer.head);

	f->seq += lost;
	*loss = (struct sm_record_loss){
		.h.len = sizeof(*loss), .h.type = SM_RECORD_LOSS, .h.seq = f->seq, .count = lost};
	f->producer.head += sizeof(*loss);
}

enum sm_ring_result next(struct fake *f)
{
	why = NULL;
	return sm_ring_next(&f->ring, &copy.record, &count, &why);
}

void assert_record(struct fake *f, u64 seq, u32 len)
{
	u32 i;

	assert_int_equal(next(f), SM_RING_RECORD);
	assert_int_equal(copy.record.seq, seq);
	assert_int_equal(copy.record.len, len);
	for (i = sizeof(copy.record); i < len; i++)
		assert_int_equal(copy.bytes[i], (u8)seq);
}
