// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In a guest: loads programs of events.bpf.c, and consumes what they record until it is ended.
 *
 *   bench_ebpf [--stats] OBJECT PROGRAM...    writes "ready"; at the end "program NAME runs N ns TIME" of each if the
 *                                             kernel is to measure them, which costs time, too; then "records N"
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

static void print_stats(const struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);

		if (bpf_program__autoload(program) &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			printf("program %s runs %llu ns %llu\n", bpf_program__name(program),
			       info.run_cnt, info.run_time_ns);
	}
}

int main(int argc, char **argv)
{
	bool stats = argc > 1 && !strcmp(argv[1], "--stats");
	struct bpf_object *object;
	struct ring_buffer *ring;

	argc -= stats;
	argv += stats;
	if (argc < 3) {
		fprintf(stderr, "Usage: bench_ebpf [--stats] OBJECT PROGRAM...\n");
		return 2;
	}
	/* They are measured as long as this file is open. */
	if (stats && bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		return fail("bench_ebpf: statistics");
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
	if (stats)
		print_stats(object);
	printf("records %llu\n", records);
	return 0;
}
