// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records into the vCPU's ring: abi/ring.h.  They are built in the ring itself: the open
 * reservation lies at head, which moves on when it is committed.
 */
#include <shadowmon/monitor.h>

#include <arch.h>

#include <cpu.h>

#define PANIC_LENGTH 1

static u32 align8(u32 len)
{
	return (len + 7) & ~7u;
}

/* Bytes of data; 0 if the consumer's page makes no sense. */
static u64 ring_size(void)
{
	u32 size = READ_ONCE(sm_ring.consumer.size);

	if (size < SM_RING_MIN_SIZE || size > SM_RING_MAX_SIZE || (size & (size - 1)))
		return 0;
	return size;
}

static struct sm_record *at(u64 size, u64 head)
{
	return (struct sm_record *)(sm_ring.data + (head & (size - 1)));
}

/* How much to skip for len bytes to lie together; false: there is no room for both. */
static bool find_room(u64 size, u64 len, u64 *ret_pad)
{
	u64 head = sm_ring.producer.head, used = head - READ_ONCE(sm_ring.consumer.tail);
	u64 rest = size - (head & (size - 1));

	if (!size || used > size)
		return false;
	*ret_pad = rest < len ? rest : 0;
	return *ret_pad + len <= size - used;
}

static void put_head(struct sm_record *rec, u16 type, u32 len)
{
	rec->len = len;
	rec->type = type;
	rec->slot = (u16)sm_cpu_state.slot;
	rec->seq = sm_cpu_state.seq;
	rec->tsc = smc_tsc();
}

/* To the consumer, all that stands before it is complete. */
static void advance(u64 len)
{
	__asm__ volatile("" : : : "memory");
	WRITE_ONCE(sm_ring.producer.head, sm_ring.producer.head + len);
}

static void put_pad(u64 size, u64 len)
{
	/* There may not be room for more of a head than this: the length and the type, 0. */
	*(u64 *)at(size, sm_ring.producer.head) = len;
	advance(len);
}

static void put_loss(u64 size)
{
	struct sm_record_loss *loss = (struct sm_record_loss *)at(size, sm_ring.producer.head);

	put_head(&loss->h, SM_RECORD_LOSS, sizeof(*loss));
	loss->count = sm_cpu_state.lost;
	advance(sizeof(*loss));
	sm_cpu_state.lost = 0;
}

/*
 * Tells what was lost, together with what comes next, so that a full ring does not fill up with
 * loss records; and lets the ring start anew where len bytes do not lie together.  False: no room.
 */
static __attribute__((__noinline__)) bool make_room(u64 size, u64 len)
{
	u64 loss = sm_cpu_state.lost ? sizeof(struct sm_record_loss) : 0, pad;

	if (!find_room(size, loss + len, &pad))
		return false;
	if (pad)
		put_pad(size, pad);
	if (loss)
		put_loss(size);
	return true;
}

/* Where a record of up to max bytes goes, or NULL. */
static struct sm_record *find_place(u64 max)
{
	u64 size = ring_size(), pad;
	bool simple = !sm_cpu_state.lost && find_room(size, max, &pad) && !pad;

	return simple || make_room(size, max) ? at(size, sm_ring.producer.head) : NULL;
}

static void drop(void)
{
	sm_cpu_state.seq++;
	sm_cpu_state.lost++;
	sm_cpu_state.lost_total++;
	WRITE_ONCE(sm_ring.producer.lost, sm_cpu_state.lost_total);
}

u64 sm_tsc(void)
{
	return smc_tsc();
}

void *sm_reserve(u16 type, u32 max)
{
	struct sm_record *rec;

	if (max < sizeof(*rec) || max > SM_EMIT_MAX)
		sm_panic(PANIC_LENGTH);
	max = align8(max);
	while (!(rec = find_place(max))) {
		if (!(READ_ONCE(sm_ring.consumer.flags) & SM_RING_BLOCK)) {
			drop();
			return NULL;
		}
		/* The host waits for a while; it ends this if nobody will ever read. */
		smc_vmcall(SM_HC_RING_FULL, 0);
	}
	put_head(rec, type, max);
	return rec;
}

void sm_commit(void *record, u32 len)
{
	struct sm_record *rec = record;
	u32 whole = align8(len);

	if (len < sizeof(*rec) || len > rec->len)
		sm_panic(PANIC_LENGTH);
	/* Nothing of older records in what fills the last word. */
	*(u64 *)((u8 *)record + whole - 8) &= ~0ULL >> 8 * (whole - len);
	rec->len = whole;
	sm_cpu_state.seq++;
	/* The consumer sets sleeping and then looks at head; this is the other half of that. */
	smc_store_and_fence(&sm_ring.producer.head, sm_ring.producer.head + whole);
	if (READ_ONCE(sm_ring.consumer.sleeping))
		smc_vmcall(SM_HC_DOORBELL, 0);
}

void sm_panic(u32 reason)
{
	smc_vmcall(SM_HC_PANIC, reason);
	__builtin_trap();
}
