/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring in plain memory whose producer the test plays.  After cmocka's own includes. */
#ifndef SHADOWMON_FAKE_RING_H
#define SHADOWMON_FAKE_RING_H

#include "../../host/lib/ring.h"

#define SIZE SM_RING_MIN_SIZE

/* One ring and the producer's own state. */
struct fake {
	struct sm_ring_producer producer;
	struct sm_ring_consumer consumer;
	u32 size;
	u8 *data; /* on the heap, of just its size, for the address sanitizer */
	u64 seq;
	struct sm_ring ring;
};

/* What the last call of next() gave. */
extern union copy {
	struct sm_record record;
	u8 bytes[SM_RECORD_MAX];
} copy;
extern u64 count;
extern const char *why;

/* A ring of size bytes, of which start bytes were written and read before. */
struct fake *fake_create(u32 size, u64 start, bool block);
void fake_destroy(struct fake *f);

/* For cmocka: *state is an empty ring that drops. */
int ring_setup(void **state);
int ring_teardown(void **state);
#define RING(test) cmocka_unit_test_setup_teardown(test, ring_setup, ring_teardown)

void *at(struct fake *f, u64 position);

/* Publish one record, as the runtime does it; its body is made of its number's low byte. */
void put(struct fake *f, u16 type, u32 len, u64 tsc);
void put_user(struct fake *f, u32 len);

/* Loses that many records and publishes the record that says so. */
void put_loss(struct fake *f, u64 lost);

enum sm_ring_result next(struct fake *f);
void assert_record(struct fake *f, u64 seq, u32 len);

#endif
