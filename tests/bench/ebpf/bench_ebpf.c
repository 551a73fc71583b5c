// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In a guest: loads one of the programs of events.bpf.c, and consumes what it records until it is ended.
 *
 *   bench_ebpf OBJECT PROGRAM    writes "ready", at the end "records N"
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static volatile sig_atomic_t stop;
static unsigned long long records;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static int on_record(void *context, void *data, size_t size)
{
	(void)context;
	(void)data;
	(void)size;
	records++;
	return 0;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* The others are not loaded: a function that the kernel lacks would fail all. */
static void choose(struct bpf_object *object, const char *name)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, strcmp(bpf_program__name(program), name) == 0);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct ring_buffer *ring;

	if (argc != 3) {
		fprintf(stderr, "Usage: bench_ebpf OBJECT PROGRAM\n");
		return 2;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		return fail(argv[1]);
	choose(object, argv[2]);
	program = bpf_object__find_program_by_name(object, argv[2]);
	if (!program || bpf_object__load(object))
		return fail(argv[2]);
	ring = ring_buffer__new(bpf_map__fd(bpf_object__find_map_by_name(object, "ring")),
				on_record, NULL, NULL);
	if (!ring || !bpf_program__attach(program))
		return fail("bench_ebpf: attach");
	signal(SIGTERM, on_signal);
	puts("ready");
	fflush(stdout);
	while (!stop) {
		sleep(1);
		ring_buffer__consume(ring);
	}
	printf("records %llu\n", records);
	return 0;
}
