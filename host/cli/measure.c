// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cli.h"
#include "measure.h"

#define TIMEOUT_MS 60000

/* --- being stopped ----------------------------------------------------------------------------------- */

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	stopped = number;
}

void measure_catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	struct sigaction action = {.sa_handler = stop};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

/* --- one measurement ------------------------------------------------------------------------------ */

const struct measure_event measure_events[] = {
	{"ping", SM_BENCH_PING},
	{"syscall", SM_BENCH_SYSCALL},
	{"open", SM_BENCH_OPEN},
	{"exec", SM_BENCH_EXEC},
	{0},
};

struct pair {
	double first, second;
};

int measure_fail(const char *what, const char *why)
{
	fprintf(stderr, "shadowmon: cannot measure: %s: %s\n", what, why);
	return EXIT_FAILED;
}

static int command(int fd, enum sm_bench what, u32 vcpus, s64 *ret_result)
{
	struct sm_ioc_command arg = {.size = sizeof(arg),
				     .op = SM_OP_BENCH,
				     .slot = vcpus,
				     .nargs = what,
				     .timeout_ms = TIMEOUT_MS};
	int error = !stopped && ioctl(fd, SM_IOC_COMMAND, &arg) < 0 ? errno : 0;

	if (stopped)
		return measure_fail("stopped", strsignal(stopped));
	if (error) {
		measure_fail("the guest module", strerror(error));
		return error == ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
	}
	/* The arguments are none that a module which knows the event finds fault with. */
	if (arg.result == -EOPNOTSUPP || arg.result == -EINVAL)
		return measure_fail("the guest module", "it is too old to");
	if (arg.result < 0)
		return measure_fail("the guest module",
				    arg.result >= -4095 ? strerror((int)-arg.result) : "no answer");
	*ret_result = arg.result;
	return EXIT_OK;
}

static struct pair ticks_of(s64 result, enum sm_bench what)
{
	return (struct pair){(double)(result & (s64)SM_BENCH_MAX) / SM_BENCH_CALLS(what),
			     (double)(result >> 32) / SM_BENCH_CALLS(what)};
}

struct counts {
	u64 events, exits, lost;
};

static struct counts count(const struct sm_status *status)
{
	struct counts counts = {0};
	u32 i;

	for (i = 0; i < status->vm.count; i++) {
		counts.events += status->vcpus[i].entries;
		counts.exits += status->vcpus[i].exits_event;
		counts.lost += status->vcpus[i].lost;
	}
	return counts;
}

static int read_counts(int fd, struct counts *ret_counts)
{
	struct sm_status status;
	int err = sm_status_read(fd, &status);

	if (err)
		return measure_fail("counters", strerror(-err));
	*ret_counts = count(&status);
	sm_status_free(&status);
	return EXIT_OK;
}

/* An event that finds the ring full takes less. */
static void make_room(struct sm_reader *reader)
{
	struct sm_item item;

	while (sm_reader_next(reader, &item))
		;
	sm_reader_commit(reader);
}

static int measure(const struct measure_session *session, const struct measure_event *event,
		   u32 vcpus)
{
	struct counts before, after;
	struct pair middle, spread;
	s64 run, run_spread;
	int exit_code;

	if (session->reader)
		make_room(session->reader);
	exit_code = read_counts(session->fd, &before);
	if (exit_code == EXIT_OK)
		exit_code = command(session->fd, event->what, vcpus, &run);
	if (exit_code == EXIT_OK)
		exit_code = command(session->fd, SM_BENCH_SPREAD, vcpus, &run_spread);
	if (exit_code == EXIT_OK)
		exit_code = read_counts(session->fd, &after);
	if (exit_code != EXIT_OK)
		return exit_code;
	middle = ticks_of(run, event->what);
	spread = ticks_of(run_spread, event->what);
	json_array_append_new(session->results,
			      json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:I}",
					"event", event->name, "transport", session->transport,
					"vcpus", (json_int_t)vcpus, "median", middle.first, "p99",
					middle.second, "least", spread.first, "most", spread.second,
					"events", (json_int_t)(after.events - before.events),
					"exits", (json_int_t)(after.exits - before.exits), "lost",
					(json_int_t)(after.lost - before.lost)));
	return EXIT_OK;
}

int measure_all(const struct measure_session *session, u32 limit)
{
	const struct measure_event *event;
	int exit_code = EXIT_OK;
	u32 vcpus = 1;

	for (;;) {
		for (event = session->first; event->name && exit_code == EXIT_OK; event++)
			exit_code = measure(session, event, vcpus);
		if (exit_code != EXIT_OK || vcpus >= limit)
			return exit_code;
		vcpus = 2 * vcpus < limit ? 2 * vcpus : limit;
	}
}
