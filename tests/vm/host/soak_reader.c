// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the events of a VM and counts them, cheaply:  soak_reader VM STATE-FILE
 *
 * The counts are in the file, so that a reader that was killed is followed by one that goes on: they are stored before
 * the records are committed, and a record that comes again is known by its sequence number.  Ends when the attachment
 * does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../host/cli/cli.h"
#include "../../../host/daemon/protocol.h"
#include "../../../host/lib/shadowmon.h"

#define RINGS      5      /* the host module's, and those of the first vCPUs */
#define UNDECLARED 0xffff /* as monitors/lab_faults has it */
#define BURST_SIZE (sizeof(struct sm_record) + 8)

struct counts {
	u64 bursts;  /* records of the monitor that floods */
	u64 records; /* of all monitors */
	u64 lost;    /* of them, told by loss records */
	u64 reports; /* the host module's violations; also those that are told of as lost */
	u64 gaps;    /* told by nothing but the sequence numbers */
	u64 corrupt;
	u64 next[RINGS]; /* sequence number that is to come */
};

/* soak.sh knows this layout. */
struct state {
	u64 valid; /* which of the two */
	struct counts counts[2];
};

static struct state *map_state(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	void *map;

	if (fd < 0 || ftruncate(fd, sizeof(struct state)))
		return NULL;
	map = mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

static void store(struct state *state, const struct counts *counts)
{
	u64 other = !state->valid;

	state->counts[other] = *counts;
	/* A kill comes before or after. */
	__atomic_store_n(&state->valid, other, __ATOMIC_RELEASE);
}

static u64 loss_count(const struct sm_record *record, u64 missing)
{
	u64 told = ((const struct sm_record_loss *)record)->count;

	return told < missing ? told : missing;
}

static void count_record(struct counts *counts, const struct sm_item *item)
{
	const struct sm_record *record = item->record;
	bool host = item->vcpu == SM_VCPU_HOST;
	u32 ring = host ? 0 : item->vcpu + 1;

	if (ring >= RINGS || record->seq < counts->next[ring])
		return;
	if (record->type == SM_RECORD_LOSS) {
		/* It has the number of the record that follows it. */
		*(host ? &counts->reports : &counts->lost) +=
			loss_count(record, record->seq - counts->next[ring]);
		counts->next[ring] = record->seq;
		return;
	}
	counts->next[ring] = record->seq + 1;
	if (host) {
		counts->reports += record->type == SM_RECORD_VIOLATION;
		return;
	}
	counts->records++;
	counts->bursts += record->type == UNDECLARED && record->len == BURST_SIZE;
}

static void count(struct counts *counts, const struct sm_item *item)
{
	switch (item->kind) {
	case SM_ITEM_RECORD:
		count_record(counts, item);
		break;
	case SM_ITEM_GAP:
		counts->gaps += item->count;
		break;
	case SM_ITEM_CORRUPT:
		counts->corrupt++;
		break;
	}
}

static void read_all(struct sm_reader *reader, struct state *state)
{
	struct counts counts = state->counts[state->valid];
	struct sm_item item;
	int more = 1;

	while (more >= 0) {
		while (sm_reader_next(reader, &item))
			count(&counts, &item);
		store(state, &counts);
		sm_reader_commit(reader);
		more = sm_reader_wait(reader, 1000);
	}
}

int main(int argc, char **argv)
{
	struct common common = {.socket = SM_SOCKET_PATH};
	struct state *state = argc == 3 ? map_state(argv[2]) : NULL;
	int connection, device, status;
	struct sm_reader *reader;
	struct sm_error err;
	json_t *reply;

	if (!state) {
		fputs("usage: soak_reader VM STATE-FILE\n", stderr);
		return 2;
	}
	connection = connection_open(common.socket, false);
	if (connection < 0)
		return 1;
	status = connection_request(connection, &common,
				    json_pack("{s:s, s:s}", "op", "events", "vm", argv[1]), NULL,
				    &reply, &device);
	if (status || sm_reader_open(device, &reader, &err))
		return 1;
	read_all(reader, state);
	sm_reader_close(reader);
	return 0;
}
