// SPDX-License-Identifier: GPL-2.0-or-later
/* Records into the vCPU's ring: abi/ring.h. */

#include <shadowmon/monitor.h>

#include "arch.h"

static inline u32 align8(u32 len)
{
	return (len + 7) & ~7u;
}

/*
 * Moves *head over the rest of the ring if len bytes do not fit before its end.  False: no room.
 * size and tail come from the host; they are masked, so that no value leads out of the ring.
 */
static bool find_room(u64 *head, u32 len)
{
	struct sm_ring_consumer *consumer = &sm_ring.consumer;
	u32 size = READ_ONCE(consumer->size), offset = *head & (size - 1), rest = size - offset;
	u64 used = *head - READ_ONCE(consumer->tail);
	u32 pad = rest < len ? rest : 0;

	if (size > SM_RING_MAX_SIZE || (size & (size - 1)) || used + pad + len > size)
		return false;
	if (pad) {
		/* The rest may be shorter than a record's head; a length and the type 0 always fit. */
		*(u64 *)(sm_ring.data + offset) = pad;
		*head += pad;
	}
	return true;
}

static void *put_head(u64 at, u16 type, u32 len)
{
	u32 size = READ_ONCE(sm_ring.consumer.size);
	struct sm_record *rec = (struct sm_record *)(sm_ring.data + (at & (size - 1)));

	rec->len = len;
	rec->type = type;
	rec->slot = (u16)sm_cpu_state.slot;
	rec->seq = sm_cpu_state.seq;
	rec->tsc = smc_tsc();
	return rec;
}

/* What was dropped is told before what comes next. */
static bool report_loss(u64 *head)
{
	struct sm_record_loss *rec;

	if (!find_room(head, sizeof(*rec)))
		return false;
	rec = put_head(*head, SM_RECORD_LOSS, sizeof(*rec));
	rec->count = sm_cpu_state.lost;
	*head += sizeof(*rec);
	sm_cpu_state.lost = 0;
	return true;
}

static bool reserve(u64 *head, u32 max)
{
	u64 at = sm_ring.producer.head;

	if (sm_cpu_state.lost) {
		/* Both or neither: a loss record alone would tell too little at the next loss. */
		u64 probe = at;

		if (!find_room(&probe, sizeof(struct sm_record_loss) + max) || !report_loss(&at))
			return false;
	}
	if (!find_room(&at, max))
		return false;
	*head = at;
	return true;
}

void *sm_reserve(u16 type, u32 max)
{
	u64 head;
	void *rec;

	max = align8(max);
	while (!reserve(&head, max)) {
		if (!(READ_ONCE(sm_ring.consumer.flags) & SM_RING_BLOCK)) {
			sm_cpu_state.seq++;
			sm_cpu_state.lost++;
			sm_cpu_state.lost_total++;
			WRITE_ONCE(sm_ring.producer.lost, sm_cpu_state.lost_total);
			return NULL;
		}
		smc_vmcall(SM_HC_RING_FULL, 0);
	}
	sm_cpu_state.reserved_head = head;
	rec = put_head(head, type, max);
	sm_cpu_state.seq++;
	return rec;
}

void sm_commit(void *record, u32 len)
{
	struct sm_record *rec = record;
	u32 whole = align8(len);

	if (whole > rec->len)
		sm_panic(1);
	rec->len = whole;
	while (len < whole)
		((char *)record)[len++] = 0;
	__asm__ volatile("" : : : "memory");
	WRITE_ONCE(sm_ring.producer.head, sm_cpu_state.reserved_head + whole);
	/* The consumer sets sleeping and then looks at head; this is the other half of that. */
	smc_full_fence();
	if (READ_ONCE(sm_ring.consumer.sleeping))
		smc_vmcall(SM_HC_DOORBELL, 0);
}

void sm_panic(u32 reason)
{
	smc_vmcall(SM_HC_PANIC, reason);
	__builtin_trap();
}
