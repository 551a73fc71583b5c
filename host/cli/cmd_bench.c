// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What events take in a VM: its guest module measures, on the host's demand.  What the guest says is its word; how
 * many events there were, and exits for them, is the host module's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shadowmon/hypercall.h>

#include "cli.h"
#include "measure.h"

#define VCPUS_MAX (SM_SLOTS - 1) /* that a command can name */
#define RING_KIB  1024           /* room for what a measurement records on a vCPU */

enum { OPT_TRANSPORT = 256, OPT_IMAGE, OPT_VCPUS, OPT_PIN };

static const struct argp_option options[] = {
	{"transport", OPT_TRANSPORT, "HOW", 0,
	 "Attach for the time, by gate, exit or user, or by each in turn: all", 0},
	{"image", OPT_IMAGE, "FILE", 0,
	 "What to attach by one transport (default: " SM_BENCH_IMAGE_PATH
	 ", or " SM_BENCH_USER_IMAGE_PATH " by user)",
	 0},
	{"vcpus", OPT_VCPUS, "N", 0, "Measure on up to so many vCPUs at once (default: all)", 0},
	{"pin", OPT_PIN, "CPUS", 0,
	 "Pin the vCPUs' threads meanwhile, the first to the first of CPUS and so on, as 2-5,8; none: do not (default: "
	 "auto, to CPUs that they may use, if there is one for each)",
	 0},
	{0},
};

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

struct request {
	struct common common;
	const char *vm, *transport, *image;
	u32 vcpus;
	bool unpinned;
	int *cpus; /* NULL: to be chosen */
	size_t nr_cpus;
	json_t *results;
	json_t *pinned; /* the CPU of each vCPU's thread, as measured last; or NULL */
};

static void take_pin(struct argp_state *state, struct request *request, const char *value)
{
	free(request->cpus);
	request->cpus = NULL;
	request->unpinned = strcmp(value, "none") == 0;
	if (request->unpinned || strcmp(value, "auto") == 0)
		return;
	request->nr_cpus = parse_cpus(value, &request->cpus);
	if (!request->nr_cpus)
		argp_error(state, "--pin is auto, none or a list of CPUs, not \"%s\"", value);
}

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
	case OPT_IMAGE:
		request->image = value;
		return 0;
	case OPT_VCPUS:
		request->vcpus = (u32)parse_number(state, "vcpus", value, 1, VCPUS_MAX);
		return 0;
	case OPT_PIN:
		take_pin(state, request, value);
		return 0;
	case ARGP_KEY_ARG:
		return take_vm(state, value, &request->vm);
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return EINVAL;
	case ARGP_KEY_SUCCESS:
		if (request->image &&
		    (!request->transport || strcmp(request->transport, "all") == 0))
			argp_error(state, "--image goes with one --transport");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- what a VM is measured for --------------------------------------------------------------------- */

/* What hooks all events; and what hooks the first of them alone. */
#define MONITORS      "ping,bench_getppid,bench_open,process_exec"
#define MONITORS_NONE "ping"

static bool pin_vcpus(struct request *request, const struct sm_status *status, u32 count,
		      struct pins *ret_pins)
{
	pid_t tids[VCPUS_MAX];
	u32 i;

	*ret_pins = (struct pins){0};
	if (request->unpinned)
		return true;
	if (request->cpus && request->nr_cpus < count) {
		fprintf(stderr, "shadowmon: --pin names %zu CPUs for %u vCPUs\n", request->nr_cpus,
			count);
		return false;
	}
	for (i = 0; i < count; i++)
		tids[i] = status->vcpus[i].tid;
	if (!pin_threads(tids, count, request->cpus, ret_pins))
		return false;
	json_decref(request->pinned);
	request->pinned = json_incref(ret_pins->cpus);
	return true;
}

static int measure_pinned(struct request *request, const struct measure_session *session)
{
	int exit_code = EXIT_FAILED, err;
	u32 limit = request->vcpus;
	struct sm_status status;
	struct pins pins;

	err = sm_status_read(session->fd, &status);
	if (err)
		return measure_fail("counters", strerror(-err));
	if (!limit || limit > status.vm.count)
		limit = status.vm.count;
	if (limit > VCPUS_MAX)
		limit = VCPUS_MAX;
	if (pin_vcpus(request, &status, limit, &pins)) {
		exit_code = measure_all(session, limit);
		unpin_threads(&pins);
	}
	sm_status_free(&status);
	return exit_code;
}

/* As it is attached by another, whose events these are; or for the measurement. */
static int measure_read(struct request *request, struct measure_session *session)
{
	struct sm_error why;
	int exit_code;

	if (!request->transport)
		return measure_pinned(request, session);
	if (sm_reader_open(session->fd, &session->reader, &why))
		return measure_fail("events", why.text);
	exit_code = measure_pinned(request, session);
	sm_reader_close(session->reader);
	return exit_code;
}

/* --- an attachment to measure --------------------------------------------------------------------- */

/* Who consumes the events has the attachment's descriptor, and nobody else does meanwhile. */
static int measure_attached(struct request *request, const char *transport,
			    const struct measure_event *first)
{
	struct measure_session session = {
		.results = request->results, .transport = transport, .first = first};
	int connection = connection_open(request->common.socket, false), exit_code;
	json_t *reply;

	if (connection < 0)
		return EXIT_NO_DAEMON;
	exit_code = connection_request(connection, &request->common,
				       json_pack("{s:s, s:s}", "op", "events", "vm", request->vm),
				       NULL, &reply, &session.fd);
	if (exit_code == EXIT_OK) {
		json_decref(reply);
		exit_code = measure_read(request, &session);
		close(session.fd);
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

/* name: what the results are called. */
static int measure_by(struct request *request, const char *name, const char *transport,
		      const char *monitors, const struct measure_event *first)
{
	int exit_code, detached;
	char path[PATH_MAX];
	json_t *message;

	if (!find_image(request->image ? request->image : installed_bench_image(transport), path))
		return EXIT_FAILED;
	message = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "op", "attach", "vm", request->vm,
			    "transport", transport, "image", path, "monitors", monitors,
			    "ring_size", RING_KIB * 1024);
	exit_code = ask_for(request, message);
	if (exit_code != EXIT_OK)
		return exit_code;
	exit_code = measure_attached(request, name, first);
	detached = ask_for(request, json_pack("{s:s, s:s}", "op", "detach", "vm", request->vm));
	return exit_code != EXIT_OK ? exit_code : detached;
}

static bool is_wanted(const struct request *request, const char *transport)
{
	return strcmp(request->transport, "all") == 0 || strcmp(request->transport, transport) == 0;
}

static int run(struct request *request)
{
	int exit_code = EXIT_OK;
	bool first = true;
	size_t i;

	if (!request->transport)
		return measure_attached(request, "as attached", measure_events);
	for (i = 0; transports[i] && exit_code == EXIT_OK; i++) {
		if (!is_wanted(request, transports[i]))
			continue;
		/* The guest module measures for who is attached alone: what is not hooked then, is the measure. */
		if (first)
			exit_code = measure_by(request, "none", transports[i], MONITORS_NONE,
					       measure_events + 1);
		first = false;
		if (exit_code == EXIT_OK)
			exit_code = measure_by(request, transports[i], transports[i], MONITORS,
					       measure_events);
	}
	return exit_code;
}

/* --- results --------------------------------------------------------------------------------------- */

static bool is_of(const json_t *result, const char *key, const char *value)
{
	return strcmp(json_string_value(json_object_get(result, key)), value) == 0;
}

/* What the event takes: more than without its hook.  Null: that was not measured. */
static json_t *added(json_t *results, json_t *result)
{
	json_t *median = json_object_get(result, "median"), *other;
	size_t i;

	if (is_of(result, "event", "ping"))
		return json_incref(median);
	if (is_of(result, "transport", "none"))
		return json_null();
	json_array_foreach(results, i, other) {
		if (is_of(other, "transport", "none") &&
		    is_of(other, "event", json_string_value(json_object_get(result, "event"))) &&
		    json_equal(json_object_get(other, "vcpus"), json_object_get(result, "vcpus")))
			return json_real(json_real_value(median) -
					 json_real_value(json_object_get(other, "median")));
	}
	return json_null();
}

static void add_differences(json_t *results)
{
	json_t *result;
	size_t i;

	json_array_foreach(results, i, result)
		json_object_set_new(result, "added", added(results, result));
}

static void print_pinned(const json_t *cpus)
{
	json_t *cpu;
	size_t i;

	if (!cpus) {
		puts("vCPU threads: not pinned");
		return;
	}
	fputs("vCPU threads: on CPU", stdout);
	json_array_foreach(cpus, i, cpu)
		printf(" %lld", (long long)json_integer_value(cpu));
	putchar('\n');
}

static void print_result(json_t *result)
{
	const json_t *adds = json_object_get(result, "added");
	double median, p99, least, most;
	json_int_t vcpus, count, exits, lost;
	const char *event, *transport;

	if (json_unpack(result, "{s:s, s:s, s:I, s:F, s:F, s:F, s:F, s:I, s:I, s:I}", "event",
			&event, "transport", &transport, "vcpus", &vcpus, "median", &median, "p99",
			&p99, "least", &least, "most", &most, "events", &count, "exits", &exits,
			"lost", &lost))
		return;
	printf("%-8s %-12s %5lld %11.1f %11.1f %11.1f %11.1f ", event, transport, (long long)vcpus,
	       median, p99, least, most);
	if (json_is_null(adds))
		printf("%11s ", "-");
	else
		printf("%11.1f ", json_real_value(adds));
	if (count > 0)
		printf("%14.2f %7lld\n", (double)exits / (double)count, (long long)lost);
	else
		printf("%14s %7s\n", "no event", "-");
}

static void print_results(const struct request *request)
{
	json_t *result;
	size_t i;

	puts("Ticks of the guest's TSC, as the guest says.");
	print_pinned(request->pinned);
	printf("\n%-8s %-12s %5s %11s %11s %11s %11s %11s %14s %7s\n", "event", "transport",
	       "vCPUs", "median", "p99", "least", "most", "adds", "exits an event", "lost");
	json_array_foreach(request->results, i, result)
		print_result(result);
}

static int print(const struct request *request)
{
	add_differences(request->results);
	if (request->common.json)
		return print_json(json_pack("{s:s, s:O?, s:O}", "vm", request->vm, "cpus",
					    request->pinned, "results", request->results));
	print_results(request);
	return EXIT_OK;
}

int cmd_bench(int argc, char **argv)
{
	static const struct argp argp = {
		options,
		parse,
		"VM",
		"Measures what events take in a VM, given by name, PID or PID:FD: an empty one, a system call, an opened "
		"file, a started program.\vThe VM is measured as it is attached, or attached for the time.",
		children,
		NULL,
		NULL,
	};
	struct request request = {.results = json_array()};
	int exit_code;

	common_init(&request.common);
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	measure_catch_signals();
	exit_code = run(&request);
	if (exit_code == EXIT_OK)
		exit_code = print(&request);
	json_decref(request.results);
	json_decref(request.pinned);
	free(request.cpus);
	return exit_code;
}
