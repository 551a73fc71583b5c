// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In a guest: loads programs of events.bpf.c, and consumes what they record until it is ended.
 *
 *   bench_ebpf OBJECT PROGRAM...    writes "ready", at the end "records N"
 */
#include <signal.h>
#include <stdbool.h>
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
static bool choose(struct bpf_object *object, char **names, int count)
{
	struct bpf_program *program;
	int i;

	bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, false);
	for (i = 0; i < count; i++) {
		program = bpf_object__find_program_by_name(object, names[i]);
		if (!program)
			return false;
		bpf_program__set_autoload(program, true);
	}
	return true;
}

static bool attach(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program,
				     object) if (bpf_program__autoload(program) &&
						 !bpf_program__attach(program)) return false;
	return true;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct ring_buffer *ring;

	if (argc < 3) {
		fprintf(stderr, "Usage: bench_ebpf OBJECT PROGRAM...\n");
		return 2;
	}
	object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		return fail(argv[1]);
	if (!choose(object, argv + 2, argc - 2) || bpf_object__load(object))
		return fail(argv[2]);
	ring = ring_buffer__new(bpf_map__fd(bpf_object__find_map_by_name(object, "ring")),
				on_record, NULL, NULL);
	if (!ring || !attach(object))
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
