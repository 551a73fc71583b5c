// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reader on two rings of any contents, heads and tails, which change between its looks as the
 * input says: it never reads outside the ring (the address sanitizer sees to that), always comes to
 * an end, and hands out nothing that is not what it says.
 */
#include <stdlib.h>
#include <string.h>

#include "../../host/lib/event.h"
#include "../../host/lib/reader_internal.h"

#define SIZE  SM_RING_MIN_SIZE
#define RINGS 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const u8 *data;
	size_t size;
};

struct fake {
	struct sm_ring_producer producer;
	struct sm_ring_consumer consumer;
	u8 *data;
	u64 seq;
};

static u64 take(struct input *in, size_t bytes)
{
	u64 value = 0;

	if (bytes > in->size)
		bytes = in->size;
	if (bytes)
		memcpy(&value, in->data, bytes);
	in->data += bytes;
	in->size -= bytes;
	return value;
}

/* Heads near the tail, or any. */
static u64 take_head(struct input *in, u64 near)
{
	u64 kind = take(in, 1);

	return kind & 1 ? near + (take(in, 2) << (kind & 2 ? 3 : 0)) : take(in, 8);
}

static void check_item(const struct sm_item *item)
{
	struct sm_event event;

	if (item->vcpu >= RINGS || item->time_ns > INT64_MAX)
		abort();
	if ((item->kind == SM_ITEM_RECORD) != (item->record != NULL))
		abort();
	if (item->kind == SM_ITEM_RECORD &&
	    (item->record->len < sizeof(*item->record) || item->record->len > SM_RECORD_MAX ||
	     item->record->len % 8 || item->record->type == SM_RECORD_PAD))
		abort();
	if (item->kind == SM_ITEM_CORRUPT && (!item->why || !item->count))
		abort();
	if (item->kind == SM_ITEM_GAP && !item->count)
		abort();
	sm_event_decode(item, NULL, &event);
}

/* Reads all that is there now: not more items than a ring of the shortest records could hold. */
static void read_all(struct sm_reader *reader)
{
	unsigned int n, most = RINGS * (2 * SIZE / sizeof(struct sm_record) + 4);
	struct sm_item item;

	for (n = 0; sm_reader_next(reader, &item); n++) {
		if (n > most)
			abort();
		check_item(&item);
		/* A head that stays misaligned is told of as long as somebody asks. */
		if (item.kind == SM_ITEM_CORRUPT)
			break;
	}
	sm_reader_commit(reader);
}

/* Almost what an honest producer would publish: how far from it, the input says. */
static void publish(struct input *in, struct fake *fake)
{
	u32 offset = fake->producer.head & (SIZE - 1), rest = SIZE - offset;
	struct sm_record_loss record = {.h.seq = fake->seq};
	u64 how = take(in, 1);

	record.h.type = how & 1 ? SM_RECORD_USER : how & 2 ? SM_RECORD_LOSS : SM_RECORD_PAD;
	record.h.len = record.h.type == SM_RECORD_PAD ? rest : (u32)take(in, 2);
	record.h.seq += how & 4 ? take(in, 1) - 128 : 0;
	record.count = how & 8 ? take(in, 8) : record.h.seq - fake->seq;
	if (how & 16 && record.h.type != SM_RECORD_PAD)
		record.h.len = 32;
	memcpy(fake->data + offset, &record, rest < sizeof(record) ? rest : sizeof(record));
	fake->producer.head += record.h.len;
	fake->seq = record.h.seq + (record.h.type == SM_RECORD_USER);
}

static void change(struct input *in, struct fake *fake)
{
	size_t at = take(in, 2) % SIZE, len = take(in, 1);

	if (len > SIZE - at)
		len = SIZE - at;
	if (len > in->size)
		len = in->size;
	memcpy(fake->data + at, in->data, len);
	in->data += len;
	in->size -= len;
	fake->producer.head = take_head(in, fake->consumer.tail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct sm_reader reader = {.fd = -1};
	struct fake fakes[RINGS] = {0};
	unsigned int i;

	reader.clock =
		(struct sm_clock){take(&in, 8), take(&in, 7), (u32)take(&in, 4), (u32)take(&in, 1)};
	for (i = 0; i < RINGS; i++) {
		struct sm_source *source;
		struct sm_ring ring;

		fakes[i].data = calloc(1, SIZE);
		fakes[i].consumer.tail = take(&in, 1) & 1 ? take(&in, 8) : 0;
		fakes[i].producer.head = fakes[i].consumer.tail;
		if (!fakes[i].data)
			abort();
		sm_ring_init(&ring, &fakes[i].producer, &fakes[i].consumer, fakes[i].data, SIZE, i);
		if (sm_reader_add(&reader, i, &ring, &source))
			abort();
		source->clock = (struct sm_clock_vcpu){(s64)take(&in, 8), take(&in, 8)};
	}
	while (in.size) {
		u64 what = take(&in, 1);

		(what & 2 ? publish : change)(&in, &fakes[what % RINGS]);
		if (what & 4)
			read_all(&reader);
	}
	for (i = 0; i < RINGS; i++) {
		free(reader.sources[i]);
		free(fakes[i].data);
	}
	free(reader.sources);
	return 0;
}
