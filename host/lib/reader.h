/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the records of an attachment: of each vCPU's ring in order, of all rings by time as well as
 * can be told when they are read.  What was handed out is the producer's again only once it is
 * committed, so a consumer that dies in between loses nothing: the next one gets it again.
 *
 * One reader an attachment at a time (the daemon sees to that), one thread a reader.
 */
#ifndef SHADOWMON_LIB_READER_H
#define SHADOWMON_LIB_READER_H

#include <shadowmon/ring.h>

struct sm_error;
struct sm_reader;

#define SM_VCPU_HOST UINT32_MAX /* a record of the host module itself */

enum sm_item_kind {
	SM_ITEM_RECORD,
	SM_ITEM_GAP,     /* records are missing that no loss record told of */
	SM_ITEM_CORRUPT, /* the ring made no sense; reading went on where the producer was */
};

struct sm_item {
	enum sm_item_kind kind;
	u32 vcpu;        /* whose ring, or SM_VCPU_HOST */
	u64 time_ns;     /* CLOCK_REALTIME */
	u64 count;       /* GAP: how many are missing; CORRUPT: how often this ring was, ever */
	const char *why; /* CORRUPT: a static sentence */
	const struct sm_record *record; /* RECORD: record->len bytes, valid until the next call */
};

/*
 * Opens the rings of the attachment behind fd, which stays the caller's and must outlive the reader.
 * 0, or a negative errno, with a sentence in err.
 */
int sm_reader_open(int fd, struct sm_reader **ret_reader, struct sm_error *err);

/* 1 and *ret_item, or 0: nothing there now.  Never waits. */
int sm_reader_next(struct sm_reader *reader, struct sm_item *ret_item);

/* All that sm_reader_next() has handed out is accepted: its room is free for new records. */
void sm_reader_commit(struct sm_reader *reader);

/*
 * Waits up to timeout_ms (negative: for ever) for records; commit before, or it does not sleep.
 * 1: some are there, 0: time is up, -EINTR: a signal came, -ENOTCONN: the VM or the attachment is gone
 * and all was read.
 */
int sm_reader_wait(struct sm_reader *reader, int timeout_ms);

void sm_reader_close(struct sm_reader *reader);

#endif
