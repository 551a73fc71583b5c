// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events a second that one core of this machine consumes: the library's reader on a ring in plain memory,
 * which is filled anew each time it is empty.  Only the consumer's time counts.
 *
 *   consumer_bench    a JSON line for each kind of record and each thing that is done with it:
 *                     read      records checked, copied out, handed on in order of time
 *                     decode    ... and decoded
 *                     json      ... and made a JSON line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../host/lib/event.h"
#include "../../host/lib/reader_internal.h"

#define RING_SIZE 0x40000u /* the default */
#define RUNS      9
#define RUN_NS    200000000ull

struct bench {
	struct sm_reader reader;
	struct sm_ring_producer producer;
	struct sm_ring_consumer consumer;
	u8 *data;
	u64 seq;
	union {
		struct sm_record record;
		struct sm_record_exec exec;
		u8 bytes[SM_RECORD_MAX];
	} record;
	struct sm_event_context context;
};

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

/* --- producer ----------------------------------------------------------------------------- */

static void make_number(struct bench *b)
{
	b->record.record = (struct sm_record){.len = 56, .type = SM_RECORD_USER};
}

static void make_exec(struct bench *b)
{
	static const char path[] = "/usr/bin/python3.11", argv[] = "python3.11\0-u\0/tmp/file1";
	struct sm_record_exec *exec = &b->record.exec;

	memset(exec, 0, sizeof(*exec));
	exec->h.type = SM_RECORD_EXEC;
	exec->task.pid = exec->task.tgid = 80;
	exec->task.ppid = 1;
	memcpy(exec->task.comm, "python3.11", 11);
	exec->argc = 3;
	exec->path_len = sizeof(path) - 1;
	exec->argv_len = sizeof(argv);
	memcpy(exec + 1, path, sizeof(path) - 1);
	memcpy((u8 *)(exec + 1) + sizeof(path) - 1, argv, sizeof(argv));
	exec->h.len = (u32)(sizeof(*exec) + sizeof(path) - 1 + sizeof(argv) + 7) & ~7u;
}

/* Until no more fits; as abi/ring.h says. */
static void fill(struct bench *b)
{
	u32 len = b->record.record.len;

	for (;;) {
		u32 offset = b->producer.head & (RING_SIZE - 1), rest = RING_SIZE - offset;
		u64 room = RING_SIZE - (b->producer.head - b->consumer.tail);

		if (room < (rest < len ? rest + len : len))
			return;
		if (rest < len) {
			u64 pad = rest;

			memcpy(b->data + offset, &pad, sizeof(pad));
			b->producer.head += rest;
			continue;
		}
		b->record.record.seq = b->record.record.tsc = b->seq++;
		memcpy(b->data + offset, &b->record, len);
		b->producer.head += len;
	}
}

/* --- consumer ----------------------------------------------------------------------------- */

static void do_read(struct bench *b, const struct sm_item *item)
{
	(void)b;
	(void)item;
}

static void do_decode(struct bench *b, const struct sm_item *item)
{
	struct sm_event event;

	(void)b;
	sm_event_decode(item, NULL, &event);
}

static void do_json(struct bench *b, const struct sm_item *item)
{
	struct sm_event event;
	char *line;

	sm_event_decode(item, NULL, &event);
	if (sm_event_json_line(&b->context, &event, &line))
		abort();
	free(line);
}

static u64 drain(struct bench *b, void (*consume)(struct bench *, const struct sm_item *))
{
	struct sm_item item;
	u64 count = 0;

	while (sm_reader_next(&b->reader, &item)) {
		if (item.kind != SM_ITEM_RECORD) {
			fprintf(stderr,
				"consumer_bench: a record was not read as it was written\n");
			exit(1);
		}
		consume(b, &item);
		count++;
	}
	sm_reader_commit(&b->reader);
	return count;
}

static double run(struct bench *b, void (*consume)(struct bench *, const struct sm_item *))
{
	u64 spent = 0, count = 0;

	while (spent < RUN_NS) {
		u64 start;

		fill(b);
		start = now_ns();
		count += drain(b, consume);
		spent += now_ns() - start;
	}
	return (double)count * 1e9 / (double)spent;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void measure(struct bench *b, const char *record, const char *what,
		    void (*consume)(struct bench *, const struct sm_item *))
{
	double rates[RUNS];
	size_t i;

	for (i = 0; i < RUNS; i++)
		rates[i] = run(b, consume);
	qsort(rates, RUNS, sizeof(rates[0]), by_value);
	printf("{\"bench\": \"consumer\", \"record\": \"%s\", \"bytes\": %u, \"work\": \"%s\", "
	       "\"events_per_s\": %.0f, \"lowest\": %.0f, \"highest\": %.0f}\n",
	       record, b->record.record.len, what, rates[RUNS / 2], rates[0], rates[RUNS - 1]);
}

static void create(struct bench *b)
{
	struct sm_source *source;
	struct sm_ring ring;

	*b = (struct bench){.reader.clock = {.tsc_khz = 3000000}, .context.vm = "web"};
	b->data = calloc(1, RING_SIZE);
	if (!b->data)
		abort();
	sm_ring_init(&ring, &b->producer, &b->consumer, b->data, RING_SIZE, false);
	if (sm_reader_add(&b->reader, 0, &ring, &source))
		abort();
	source->clock.ratio = 1ull << 48;
	b->reader.clock.ratio_shift = 48;
}

static void destroy(struct bench *b)
{
	free(b->reader.sources[0]);
	free(b->reader.sources);
	free(b->data);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*make)(struct bench *b);
	} records[] = {{"number", make_number}, {"exec", make_exec}};
	size_t i;

	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct bench *b = malloc(sizeof(*b));

		if (!b)
			abort();
		create(b);
		records[i].make(b);
		measure(b, records[i].name, "read", do_read);
		measure(b, records[i].name, "decode", do_decode);
		measure(b, records[i].name, "json", do_json);
		destroy(b);
		free(b);
	}
	return 0;
}
