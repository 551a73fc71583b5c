/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader without the device: for reader.c and for tests on rings in plain memory. */
#ifndef SHADOWMON_LIB_READER_INTERNAL_H
#define SHADOWMON_LIB_READER_INTERNAL_H

#include "clock.h"
#include "reader.h"
#include "ring.h"

struct sm_source {
	struct sm_ring ring;
	u32 vcpu;
	u64 handed;  /* while one waits: position up to which all was handed out */
	u64 last_ns; /* time of the last record, for what has none of its own */
	struct sm_clock_vcpu clock;
	bool waiting; /* item holds what was read, but not handed out */
	struct sm_item item;
	void *map; /* the whole ring, read-only; NULL: not ours to unmap */
	void *consumer_map;
	union {
		struct sm_record record;
		u8 bytes[SM_RECORD_MAX];
	} copy;
};

struct sm_reader {
	int fd;
	struct sm_clock clock;
	u64 refreshed_ms; /* when clock and vCPUs were asked for, CLOCK_MONOTONIC */
	struct sm_source **sources;
	size_t count;
};

/* Adds a ring whose mapping stays the caller's.  0 or -ENOMEM; *ret_source is the new one. */
int sm_reader_add(struct sm_reader *reader, u32 vcpu, const struct sm_ring *ring,
		  struct sm_source **ret_source);

/* Tells each producer whether its consumer is about to sleep. */
void sm_reader_set_sleeping(struct sm_reader *reader, bool sleeping);

/* True if any ring holds what was not handed out. */
bool sm_reader_has_data(const struct sm_reader *reader);

#endif
