/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The consumer's side of one event ring, on mapped memory.  Nothing that the producer can write is
 * believed: head is loaded once a look, a record is copied out once and only the copy is judged.
 */
#ifndef SHADOWMON_LIB_RING_H
#define SHADOWMON_LIB_RING_H

#include <stdbool.h>

#include <shadowmon/ring.h>

struct sm_ring {
	const struct sm_ring_producer *producer;
	struct sm_ring_consumer *consumer;
	const u8 *data;
	u32 size;     /* of data: as the host module says, never as the shared pages say */
	bool block;   /* SM_RING_BLOCK */
	u64 position; /* up to here records were handed out */
	u64 seq;      /* expected next */
	bool seq_known;
	bool seq_loose;  /* just behind a loss record: it may or may not have used up its number */
	u64 corruptions; /* ever found */
};

enum sm_ring_result {
	SM_RING_EMPTY,
	SM_RING_RECORD,
	SM_RING_GAP,     /* numbers are missing that no loss record explains */
	SM_RING_CORRUPT, /* the ring made no sense; reading goes on where the producer is now */
};

/*
 * Starts to read where the tail says that the last consumer stopped.  data holds size bytes, a power
 * of two and at least SM_RECORD_MAX.
 */
void sm_ring_init(struct sm_ring *ring, const struct sm_ring_producer *producer,
		  struct sm_ring_consumer *consumer, const u8 *data, u32 size, bool block);

/* True if there is something to read. */
bool sm_ring_has_data(const struct sm_ring *ring);

/*
 * Copies the next record to record, SM_RECORD_MAX bytes that are aligned to 8.  For GAP, *ret_count
 * is how many records are missing, and the record itself comes with the next call.  For CORRUPT,
 * *ret_why is a static sentence.  Each is untouched otherwise.
 */
enum sm_ring_result sm_ring_next(struct sm_ring *ring, struct sm_record *record, u64 *ret_count,
				 const char **ret_why);

/*
 * Gives the producer the room of all that lies before position, which is at most the position
 * reached.  True: the producer may be waiting for just that room, wake it.
 */
bool sm_ring_commit(struct sm_ring *ring, u64 position);

#endif
