// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "ring.h"

static u64 load_head(const struct sm_ring *ring)
{
	return __atomic_load_n(&ring->producer->head, __ATOMIC_ACQUIRE);
}

void sm_ring_init(struct sm_ring *ring, const struct sm_ring_producer *producer,
		  struct sm_ring_consumer *consumer, const u8 *data, u32 size, bool block)
{
	*ring = (struct sm_ring){
		.producer = producer,
		.consumer = consumer,
		.data = data,
		.size = size,
		.block = block,
		.position = __atomic_load_n(&consumer->tail, __ATOMIC_RELAXED),
	};
	/* Nothing was ever read: the first number is known. */
	ring->seq_known = ring->position == 0;
}

bool sm_ring_has_data(const struct sm_ring *ring)
{
	return load_head(ring) != ring->position;
}

static enum sm_ring_result resynchronise(struct sm_ring *ring, u64 head, const char *why,
					 const char **ret_why)
{
	ring->position = head;
	ring->seq_known = false;
	ring->seq_loose = false;
	ring->corruptions++;
	*ret_why = why;
	return SM_RING_CORRUPT;
}

/* A length is good if the record lies whole in what is published and does not cross the end. */
static const char *judge(const struct sm_ring *ring, const struct sm_record *record, u32 len,
			 u64 available)
{
	u32 offset = ring->position & (ring->size - 1);

	if (len == 0 || len % 8)
		return "a record's length is no multiple of 8";
	if (len > SM_RECORD_MAX)
		return "a record is longer than records may be";
	if (len > available)
		return "a record reaches beyond what was published";
	if (len > ring->size - offset)
		return "a record crosses the end of the ring";
	if (record->len != len)
		return "a record changed while it was read";
	if (record->type == SM_RECORD_PAD)
		return offset + len == ring->size ? NULL : "a pad ends before the ring does";
	if (len < sizeof(*record))
		return "a record is shorter than its head";
	if (record->type == SM_RECORD_LOSS && len < sizeof(struct sm_record_loss))
		return "a loss record is too short";
	return NULL;
}

/* What the record's number says of those before it; *ret_count: how many are missing. */
static enum sm_ring_result check_seq(struct sm_ring *ring, const struct sm_record *record,
				     u64 *ret_count, const char **ret_why)
{
	const struct sm_record_loss *loss = (const void *)record;
	u64 explained = record->type == SM_RECORD_LOSS ? loss->count : 0;
	u64 ahead = record->seq - ring->seq;

	if (!ring->seq_known || (ring->seq_loose && ahead == explained + 1)) {
		ring->seq = record->seq - explained;
	} else if ((s64)ahead < 0) {
		ring->seq = record->seq - explained;
		ring->corruptions++;
		*ret_why = "sequence numbers run backwards";
		return SM_RING_CORRUPT;
	} else if (ahead > explained) {
		ring->seq += ahead - explained;
		*ret_count = ahead - explained;
		return SM_RING_GAP;
	}
	/* A loss record bears the number that the next record has, or one of its own. */
	ring->seq_loose = record->type == SM_RECORD_LOSS;
	ring->seq = record->seq + !ring->seq_loose;
	ring->seq_known = true;
	return SM_RING_RECORD;
}

enum sm_ring_result sm_ring_next(struct sm_ring *ring, struct sm_record *record, u64 *ret_count,
				 const char **ret_why)
{
	u64 head = load_head(ring);

	if (head - ring->position > ring->size)
		return resynchronise(ring, head, "the head is out of range", ret_why);
	if ((head | ring->position) % 8)
		return resynchronise(ring, head, "the head is not aligned", ret_why);

	/* Ends: each turn moves position forward by at least 8, and head is not loaded again. */
	while (ring->position != head) {
		u32 offset = ring->position & (ring->size - 1);
		const u8 *from = ring->data + offset;
		u32 len = __atomic_load_n((const u32 *)from, __ATOMIC_RELAXED);
		enum sm_ring_result result;
		const char *why;

		memset(record, 0, sizeof(*record));
		memcpy(record, from, len <= SM_RECORD_MAX && len <= ring->size - offset ? len : 4);
		why = judge(ring, record, len, head - ring->position);
		if (why)
			return resynchronise(ring, head, why, ret_why);
		if (record->type == SM_RECORD_PAD) {
			ring->position += len;
			continue;
		}
		result = check_seq(ring, record, ret_count, ret_why);
		if (result == SM_RING_RECORD)
			ring->position += len;
		return result;
	}
	return SM_RING_EMPTY;
}

static bool has_room(const struct sm_ring *ring, u64 head, u64 tail)
{
	/* As the host module asks: a record may need a pad of almost its own length before it. */
	return head - tail + 2 * SM_RECORD_MAX <= ring->size;
}

bool sm_ring_commit(struct sm_ring *ring, u64 position)
{
	u64 old = __atomic_load_n(&ring->consumer->tail, __ATOMIC_RELAXED), head;

	if (old == position)
		return false;
	__atomic_store_n(&ring->consumer->tail, position, __ATOMIC_RELEASE);
	if (!ring->block)
		return false;
	/* Against a producer that stores head and then looks at tail: one of us sees the other. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	head = load_head(ring);
	return !has_room(ring, head, old) && has_room(ring, head, position);
}
