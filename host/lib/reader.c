// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "reader_internal.h"

int sm_reader_add(struct sm_reader *reader, u32 vcpu, const struct sm_ring *ring,
		  struct sm_source **ret_source)
{
	struct sm_source **bigger, *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	bigger = reallocarray(reader->sources, reader->count + 1, sizeof(*bigger));
	if (!bigger) {
		free(source);
		return -ENOMEM;
	}
	source->ring = *ring;
	source->vcpu = vcpu;
	source->last_ns = reader->clock.host_time_ns;
	reader->sources = bigger;
	reader->sources[reader->count++] = source;
	*ret_source = source;
	return 0;
}

static u64 record_time(const struct sm_reader *reader, const struct sm_source *source)
{
	u64 tsc = source->copy.record.tsc;

	return source->vcpu == SM_VCPU_HOST ? sm_clock_host(&reader->clock, tsc)
					    : sm_clock_guest(&reader->clock, &source->clock, tsc);
}

/* Reads the next item of one ring, unless one is there already. */
static void fill(const struct sm_reader *reader, struct sm_source *source)
{
	struct sm_item *item = &source->item;

	if (source->waiting)
		return;
	*item = (struct sm_item){.vcpu = source->vcpu, .record = NULL};
	source->handed = source->ring.position;
	switch (sm_ring_next(&source->ring, &source->copy.record, &item->count, &item->why)) {
	case SM_RING_EMPTY:
		return;
	case SM_RING_RECORD:
		item->kind = SM_ITEM_RECORD;
		item->record = &source->copy.record;
		source->last_ns = record_time(reader, source);
		break;
	case SM_RING_GAP:
		item->kind = SM_ITEM_GAP;
		break;
	case SM_RING_CORRUPT:
		item->kind = SM_ITEM_CORRUPT;
		item->count = source->ring.corruptions;
		break;
	}
	item->time_ns = source->last_ns;
	source->waiting = true;
}

int sm_reader_next(struct sm_reader *reader, struct sm_item *ret_item)
{
	struct sm_source *first = NULL;
	size_t i;

	for (i = 0; i < reader->count; i++) {
		struct sm_source *source = reader->sources[i];

		fill(reader, source);
		if (source->waiting && (!first || source->item.time_ns < first->item.time_ns))
			first = source;
	}
	if (!first)
		return 0;
	*ret_item = first->item;
	first->waiting = false;
	return 1;
}

void sm_reader_commit(struct sm_reader *reader)
{
	bool wake = false;
	size_t i;

	for (i = 0; i < reader->count; i++) {
		struct sm_source *source = reader->sources[i];

		/* All of what was read, then, also a pad without the record that it makes room for. */
		wake |= sm_ring_commit(&source->ring,
				       source->waiting ? source->handed : source->ring.position);
	}
	if (wake)
		ioctl(reader->fd, SM_IOC_WAKE);
}

void sm_reader_set_sleeping(struct sm_reader *reader, bool sleeping)
{
	size_t i;

	for (i = 0; i < reader->count; i++)
		__atomic_store_n(&reader->sources[i]->ring.consumer->sleeping, sleeping,
				 __ATOMIC_RELAXED);
	/* Before head is looked at again: else a producer could publish in between and ring no bell. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool sm_reader_has_data(const struct sm_reader *reader)
{
	size_t i;

	for (i = 0; i < reader->count; i++)
		if (reader->sources[i]->waiting || sm_ring_has_data(&reader->sources[i]->ring))
			return true;
	return false;
}
