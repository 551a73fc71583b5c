// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the events of a VM and counts them, cheaply:  soak_reader VM STATE-FILE
 *
 * The counts are in the file, so that a reader that was killed is followed by one that goes on: a record that was
 * counted but not committed comes again, and is known by its sequence number.  Ends when the attachment does.
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

#define VCPUS 8

struct state {
	u64 next[VCPUS]; /* sequence number that is to come */
	u64 bursts;      /* records of the monitor that floods */
	u64 lost;        /* told by loss records */
	u64 gaps;        /* told by nothing but the sequence numbers */
	u64 corrupt;
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

static void count_record(struct state *state, const struct sm_item *item)
{
	const struct sm_record *record = item->record;

	if (item->vcpu >= VCPUS || record->seq < state->next[item->vcpu])
		return;
	if (record->type == SM_RECORD_LOSS) {
		state->lost += ((const struct sm_record_loss *)record)->count;
		return; /* it has the number of the record that follows it */
	}
	state->next[item->vcpu] = record->seq + 1;
	state->bursts += record->type == SM_RECORD_USER;
}

static void count(struct state *state, const struct sm_item *item)
{
	switch (item->kind) {
	case SM_ITEM_RECORD:
		count_record(state, item);
		break;
	case SM_ITEM_GAP:
		state->gaps += item->count;
		break;
	case SM_ITEM_CORRUPT:
		state->corrupt++;
		break;
	}
}

static void read_all(struct sm_reader *reader, struct state *state)
{
	struct sm_item item;
	int more = 1;

	while (more >= 0) {
		while (sm_reader_next(reader, &item))
			count(state, &item);
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
