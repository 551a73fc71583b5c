// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an empty event takes in a VM: its guest module measures, on the host's demand.  What the guest says is its
 * word; how many events there were, and exits for them, is the host module's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <shadowmon/hypercall.h>

#include "cli.h"

#define VCPUS_MAX  (SM_SLOTS - 1) /* that a command can name */
#define TIMEOUT_MS 60000

enum { OPT_TRANSPORT = 256, OPT_VCPUS };

static const struct argp_option options[] = {
	{"transport", OPT_TRANSPORT, "HOW", 0,
	 "Attach for the time, by gate, exit or user, or by each in turn: all", 0},
	{"vcpus", OPT_VCPUS, "N", 0, "Measure on up to so many vCPUs at once (default: all)", 0},
	{0},
};

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

struct request {
	struct common common;
	const char *vm, *transport;
	u32 vcpus;
	json_t *results;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->common;
		return 0;
	case OPT_TRANSPORT:
		if (!is_transport(value) && strcmp(value, "all") != 0)
			argp_error(state, "--transport is gate, exit, user or all, not \"%s\"",
				   value);
		request->transport = value;
		return 0;
	case OPT_VCPUS:
		request->vcpus = (u32)parse_number(state, "vcpus", value, 1, VCPUS_MAX);
		return 0;
	case ARGP_KEY_ARG:
		return take_vm(state, value, &request->vm);
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- one measurement ------------------------------------------------------------------------------ */

struct pair {
	double first, second;
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "shadowmon: cannot measure: %s: %s\n", what, why);
	return EXIT_FAILED;
}

/* Ticks an event. */
static int command(int fd, enum sm_bench what, u32 vcpus, struct pair *ret)
{
	struct sm_ioc_command arg = {.size = sizeof(arg),
				     .op = SM_OP_BENCH,
				     .slot = vcpus,
				     .nargs = what,
				     .timeout_ms = TIMEOUT_MS};

	if (ioctl(fd, SM_IOC_COMMAND, &arg) < 0) {
		fail("the guest module", strerror(errno));
		return errno == ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
	}
	if (arg.result == -EOPNOTSUPP)
		return fail("the guest module", "it is too old to");
	if (arg.result < 0)
		return fail("the guest module",
			    arg.result >= -4095 ? strerror((int)-arg.result) : "no answer");
	ret->first = (double)(arg.result & (s64)SM_BENCH_MAX) / SM_BENCH_CALLS;
	ret->second = (double)(arg.result >> 32) / SM_BENCH_CALLS;
	return EXIT_OK;
}

static u64 sum(const struct sm_status *status, bool exits)
{
	u64 total = 0;
	u32 i;

	for (i = 0; i < status->vm.count; i++)
		total += exits ? status->vcpus[i].exits_event : status->vcpus[i].entries;
	return total;
}

static int measure(struct request *request, int fd, const char *transport, u32 vcpus)
{
	struct sm_status before, after;
	struct pair middle, spread;
	int err = sm_status_read(fd, &before), exit_code;

	if (err)
		return fail("counters", strerror(-err));
	exit_code = command(fd, SM_BENCH_RUN, vcpus, &middle);
	if (exit_code == EXIT_OK)
		exit_code = command(fd, SM_BENCH_SPREAD, vcpus, &spread);
	if (exit_code != EXIT_OK)
		goto free_before;
	err = sm_status_read(fd, &after);
	if (err) {
		exit_code = fail("counters", strerror(-err));
		goto free_before;
	}
	json_array_append_new(
		request->results,
		json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:I, s:I}", "transport", transport,
			  "vcpus", (json_int_t)vcpus, "median", middle.first, "p99", middle.second,
			  "least", spread.first, "most", spread.second, "events",
			  (json_int_t)(sum(&after, false) - sum(&before, false)), "exits",
			  (json_int_t)(sum(&after, true) - sum(&before, true))));
	sm_status_free(&after);
free_before:
	sm_status_free(&before);
	return exit_code;
}

/* On 1, 2, 4 and so on vCPUs, and on all that are to measure. */
static int measure_all(struct request *request, int fd, const char *transport)
{
	u32 limit = request->vcpus, vcpus = 1;
	struct sm_status status;
	int err = sm_status_read(fd, &status), exit_code;

	if (err)
		return fail("counters", strerror(-err));
	if (!limit || limit > status.vm.count)
		limit = status.vm.count;
	if (limit > VCPUS_MAX)
		limit = VCPUS_MAX;
	sm_status_free(&status);
	for (;;) {
		exit_code = measure(request, fd, transport, vcpus);
		if (exit_code != EXIT_OK || vcpus >= limit)
			return exit_code;
		vcpus = 2 * vcpus < limit ? 2 * vcpus : limit;
	}
}

/* --- an attachment to measure --------------------------------------------------------------------- */

/* Who consumes the events has the attachment's descriptor, and nobody else does meanwhile. */
static int measure_attached(struct request *request, const char *transport)
{
	int connection = connection_open(request->common.socket, false), fd, exit_code;
	json_t *reply;

	if (connection < 0)
		return EXIT_NO_DAEMON;
	exit_code = connection_request(connection, &request->common,
				       json_pack("{s:s, s:s}", "op", "events", "vm", request->vm),
				       NULL, &reply, &fd);
	if (exit_code == EXIT_OK) {
		json_decref(reply);
		exit_code = measure_all(request, fd, transport);
		close(fd);
	}
	close(connection);
	return exit_code;
}

static int ask_for(const struct request *request, json_t *message)
{
	struct handlers handlers = {.progress = print_progress};
	json_t *reply;
	int exit_code =
		ask(&request->common, message, request->common.json ? NULL : &handlers, &reply);

	if (exit_code == EXIT_OK)
		json_decref(reply);
	return exit_code;
}

static int measure_by(struct request *request, const char *transport)
{
	bool is_user = strcmp(transport, "user") == 0;
	const char *image = is_user ? NULL : getenv(SM_IMAGE_ENV);
	char path[PATH_MAX];
	json_t *message;
	int exit_code, detached;

	if (!image || !image[0])
		image = installed_image(transport);
	if (!find_image(image, path))
		return EXIT_FAILED;
	message = json_pack("{s:s, s:s, s:s, s:s, s:s}", "op", "attach", "vm", request->vm,
			    "transport", transport, "image", path, "monitors", "ping");
	exit_code = ask_for(request, message);
	if (exit_code != EXIT_OK)
		return exit_code;
	exit_code = measure_attached(request, transport);
	detached = ask_for(request, json_pack("{s:s, s:s}", "op", "detach", "vm", request->vm));
	return exit_code != EXIT_OK ? exit_code : detached;
}

static int run(struct request *request)
{
	int exit_code = EXIT_OK;
	size_t i;

	if (!request->transport)
		return measure_attached(request, "as attached");
	for (i = 0; transports[i] && exit_code == EXIT_OK; i++)
		if (strcmp(request->transport, "all") == 0 ||
		    strcmp(request->transport, transports[i]) == 0)
			exit_code = measure_by(request, transports[i]);
	return exit_code;
}

static void print_results(json_t *results)
{
	const char *transport;
	json_int_t vcpus, events, exits;
	double median, p99, least, most;
	json_t *result;
	size_t i;

	puts("An empty event, in ticks of the guest's TSC, as the guest says:\n");
	puts("transport     vCPUs    median       p99     least      most   exits an event");
	json_array_foreach(results, i, result) {
		if (json_unpack(result, "{s:s, s:I, s:F, s:F, s:F, s:F, s:I, s:I}", "transport",
				&transport, "vcpus", &vcpus, "median", &median, "p99", &p99,
				"least", &least, "most", &most, "events", &events, "exits", &exits))
			continue;
		printf("%-12s %6lld %9.1f %9.1f %9.1f %9.1f   ", transport, (long long)vcpus,
		       median, p99, least, most);
		if (events > 0)
			printf("%.2f\n", (double)exits / (double)events);
		else
			puts("no event: is the monitor ping loaded?");
	}
}

int cmd_bench(int argc, char **argv)
{
	static const struct argp argp = {
		options,
		parse,
		"VM",
		"Measures what an empty event takes in a VM, given by name, PID or PID:FD.\vThe VM is attached, with the "
		"monitor ping, or is to be attached for the time.",
		children,
		NULL,
		NULL,
	};
	struct request request = {.results = json_array()};
	int exit_code;

	common_init(&request.common);
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	exit_code = run(&request);
	if (exit_code == EXIT_OK && request.common.json)
		exit_code = print_json(
			json_pack("{s:s, s:O}", "vm", request.vm, "results", request.results));
	else if (exit_code == EXIT_OK)
		print_results(request.results);
	json_decref(request.results);
	return exit_code;
}
