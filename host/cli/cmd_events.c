// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* Records a batch: written with one call, then given back to the guest. */
#define BATCH 256

/* How often the daemon is looked after while nothing happens. */
#define QUESTION_MS 1000 /* at most so often the daemon is asked what a record is */
#define IDLE_MS     500

enum { OPT_COUNT = 256, OPT_TIMEOUT, OPT_FOLLOW, OPT_NO_FOLLOW, OPT_SCHEMA };

static const struct argp_option options[] = {
	{"count", OPT_COUNT, "N", 0, "End after N events", 0},
	{"timeout", OPT_TIMEOUT, "SECONDS", 0, "End after so many seconds", 0},
	{"follow", OPT_FOLLOW, NULL, 0, "Wait for new events (default)", 0},
	{"no-follow", OPT_NO_FOLLOW, NULL, 0, "End when there is none left", 0},
	{"schema", OPT_SCHEMA, "IMAGE", OPTION_ARG_OPTIONAL,
	 "Print a JSON Schema of what the VM's monitors, or those of an image, declare", 0},
	{0},
};

static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};

struct request {
	struct common common;
	const char *vm;
	u64 count;      /* 0: no limit */
	u64 timeout_ms; /* 0: no limit */
	bool no_follow;
	bool schema;
	const char *image; /* whose schema; NULL: the VM's */
};

struct stream {
	const struct request *request;
	int connection; /* the right to read lasts as long as this */
	char vm[SM_VM_SELECTOR_MAX + 1];
	struct sm_reader *reader;
	struct sm_event_context context;
	struct sm_schema *schema;
	u64 events, lost, corrupt;
	u64 end_ms;           /* CLOCK_MONOTONIC, or UINT64_MAX */
	u64 next_question_ms; /* ... about types of records */
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->common;
		return 0;
	case OPT_COUNT:
		request->count = (u64)parse_number(state, "count", value, 1, INT64_MAX);
		return 0;
	case OPT_TIMEOUT:
		request->timeout_ms =
			1000 * (u64)parse_number(state, "timeout", value, 1, 1000000000);
		return 0;
	case OPT_FOLLOW:
	case OPT_NO_FOLLOW:
		request->no_follow = key == OPT_NO_FOLLOW;
		return 0;
	case OPT_SCHEMA:
		request->schema = true;
		request->image = value;
		return 0;
	case ARGP_KEY_ARG:
		return take_vm(state, value, &request->vm);
	case ARGP_KEY_END:
		if (!request->vm == !request->image)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

static int ask_schema(const struct common *common, const char *vm, struct sm_schema *schema);

/* The VM has other monitors than when this began; a guest that makes records up shall not keep us busy. */
static void learn_new_types(struct stream *stream)
{
	struct common quiet = {.socket = stream->request->common.socket};

	if (now_ms() < stream->next_question_ms)
		return;
	stream->next_question_ms = now_ms() + QUESTION_MS;
	ask_schema(&quiet, stream->request->vm, stream->schema);
}

static void decode(struct stream *stream, const struct sm_item *item, struct sm_event *ret_event)
{
	sm_event_decode(item, stream->schema, ret_event);
	if (ret_event->type != SM_EVENT_OTHER)
		return;
	learn_new_types(stream);
	sm_event_decode(item, stream->schema, ret_event);
}

static int format_event(struct stream *stream, const struct sm_event *event, FILE *to)
{
	char *line;
	int err;

	if (!stream->request->common.json)
		return sm_event_print(&stream->context, event, to);
	err = sm_event_json_line(&stream->context, event, &line);
	if (err)
		return err;
	fprintf(to, "%s\n", line);
	free(line);
	return 0;
}

static void count_event(struct stream *stream, const struct sm_event *event)
{
	stream->events++;
	if (event->type == SM_EVENT_LOSS)
		stream->lost += event->loss.count;
	if (event->type == SM_EVENT_CORRUPT)
		stream->corrupt++;
}

static bool is_enough(const struct stream *stream)
{
	return stream->request->count && stream->events >= stream->request->count;
}

/* Formats up to a batch of events; returns how many, or a negative errno. */
static int format_batch(struct stream *stream, FILE *to)
{
	struct sm_event event;
	struct sm_item item;
	int n, err;

	for (n = 0; n < BATCH && !is_enough(stream); n++) {
		if (!sm_reader_next(stream->reader, &item))
			break;
		decode(stream, &item, &event);
		err = format_event(stream, &event, to);
		if (err)
			return err;
		sm_event_learn(&stream->context, &event);
		count_event(stream, &event);
	}
	return n;
}

/* Whole lines or none, unless the output fails amid them. */
static int write_all(const char *text, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = write(STDOUT_FILENO, text + done, len - done);
		if (n < 0 && (errno != EINTR || (stop && done == 0)))
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/*
 * One batch: only after its lines are out, the guest may overwrite its records.  Returns how many
 * events, or a negative errno.
 */
static int do_batch(struct stream *stream)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	int n, err;

	if (!to)
		return -ENOMEM;
	n = format_batch(stream, to);
	if (fclose(to) && n >= 0)
		n = -ENOMEM;
	err = n > 0 ? write_all(text, len) : 0;
	free(text);
	if (n < 0 || err)
		return n < 0 ? n : err;
	sm_reader_commit(stream->reader);
	return n;
}

/* The daemon's end keeps the VM attached and other readers away. */
static bool daemon_is_gone(const struct stream *stream)
{
	char byte;

	return recv(stream->connection, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static int wait_for_more(struct stream *stream)
{
	u64 now = now_ms(), left = stream->end_ms > now ? stream->end_ms - now : 0;

	if (stream->request->no_follow)
		left = 0;
	return sm_reader_wait(stream->reader, left < IDLE_MS ? (int)left : IDLE_MS);
}

/* Ends with 0 when all that was asked for is done; -ENOTCONN: the VM is gone; or what failed. */
static int run(struct stream *stream)
{
	int n, more;

	while (!stop && !is_enough(stream)) {
		n = do_batch(stream);
		if (n < 0)
			return n == -EINTR ? 0 : n;
		if (now_ms() >= stream->end_ms)
			return 0;
		more = wait_for_more(stream);
		if (more < 0 && more != -EINTR)
			return more;
		if (more == 0 && stream->request->no_follow)
			return 0;
		if (more == 0 && daemon_is_gone(stream))
			return -ECONNRESET;
	}
	return 0;
}

/* The first signal ends the stream in order, a second one at once. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void let_signals_end_us(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

static bool was_reset(int device)
{
	struct sm_status status;
	bool ret;

	if (sm_status_read(device, &status))
		return false;
	ret = status.vm.state == SM_STATE_RESET;
	sm_status_free(&status);
	return ret;
}

static int explain(const struct stream *stream, int result)
{
	switch (result) {
	case 0:
	case -EPIPE:
		return EXIT_OK;
	case -ENOTCONN:
		fprintf(stderr, "shadowmon: %s has ended or was detached\n", stream->vm);
		return EXIT_OK;
	case -ECONNRESET:
		fputs("shadowmon: shadowmond has ended\n", stderr);
		return EXIT_NO_DAEMON;
	default:
		fprintf(stderr, "shadowmon: cannot go on: %s\n", strerror(-result));
		return EXIT_FAILED;
	}
}

/* The events of one attachment.  *ret_again: the VM was reset, and there may be another. */
static int follow(struct stream *stream, int device, bool *ret_again)
{
	struct sm_error err;
	int result;

	if (sm_reader_open(device, &stream->reader, &err)) {
		fprintf(stderr, "shadowmon: %s\n", err.text);
		return EXIT_FAILED;
	}
	/* Without memory for it, events stand for themselves. */
	stream->context.processes =
		sm_process_table_create(SM_PROCESSES_MAX, SM_PROCESSES_BYTES_MAX);
	catch_signals();
	result = run(stream);
	let_signals_end_us();
	sm_process_table_destroy(stream->context.processes);
	sm_reader_close(stream->reader);
	*ret_again = result == -ENOTCONN && !stream->request->no_follow && was_reset(device);
	return *ret_again ? EXIT_OK : explain(stream, result);
}

/* A daemon that describes an event wrongly shows it as one that nothing is known of. */
static void take_event(void *context, json_t *item)
{
	json_t *event = json_object_get(item, "event");
	struct sm_error err;

	if (event && sm_schema_add_json(context, event, &err))
		fprintf(stderr, "shadowmon: %s\n", err.text);
}

/* Adds what the VM's monitors declare now.  An exit code. */
static int ask_schema(const struct common *common, const char *vm, struct sm_schema *schema)
{
	struct handlers handlers = {.item = take_event, .context = schema};
	json_t *reply;
	int exit_code =
		ask(common, json_pack("{s:s, s:s}", "op", "schema", "vm", vm), &handlers, &reply);

	if (exit_code == EXIT_OK)
		json_decref(reply);
	return exit_code;
}

/* Asks for the events, for which the daemon lets a guest boot that was reset, and shows them. */
static int subscribe(struct stream *stream, bool *ret_again)
{
	struct handlers handlers = {.item = take_event, .context = stream->schema};
	int exit_code, device;
	json_t *reply;

	stream->connection = connection_open(stream->request->common.socket, false);
	if (stream->connection < 0)
		return EXIT_NO_DAEMON;
	exit_code = connection_request(
		stream->connection, &stream->request->common,
		json_pack("{s:s, s:s}", "op", "events", "vm", stream->request->vm), &handlers,
		&reply, &device);
	if (exit_code == EXIT_OK) {
		snprintf(stream->vm, sizeof(stream->vm), "%s",
			 json_string_value(json_object_get(reply, "vm")) ?: stream->request->vm);
		json_decref(reply);
		exit_code = follow(stream, device, ret_again);
		close(device);
	}
	close(stream->connection);
	return exit_code;
}

static int show_events(struct stream *stream)
{
	int exit_code;
	bool again;

	do {
		again = false;
		stream->schema = sm_schema_create();
		if (!stream->schema) {
			fputs("shadowmon: no memory\n", stderr);
			return EXIT_FAILED;
		}
		exit_code = subscribe(stream, &again);
		sm_schema_free(stream->schema);
		if (again)
			fprintf(stderr, "shadowmon: %s was reset; waiting for its guest module\n",
				stream->vm);
	} while (again && !stop);
	if (stream->vm[0])
		fprintf(stderr, "%s: %" PRIu64 " events, %" PRIu64 " lost, %" PRIu64 " corrupt\n",
			stream->vm, stream->events, stream->lost, stream->corrupt);
	return exit_code;
}

/* --- what the monitors declare ---------------------------------------------------------------- */

static int schema_of_image(const char *path, struct sm_schema **ret_schema)
{
	struct sm_error err;

	if (sm_schema_from_image(path, ret_schema, &err) == 0)
		return EXIT_OK;
	fprintf(stderr, "shadowmon: %s\n", err.text);
	return EXIT_FAILED;
}

static int schema_of_vm(const struct request *request, struct sm_schema **ret_schema)
{
	struct sm_schema *schema = sm_schema_create();
	int exit_code;

	if (!schema) {
		fputs("shadowmon: no memory\n", stderr);
		return EXIT_FAILED;
	}
	exit_code = ask_schema(&request->common, request->vm, schema);
	if (exit_code == EXIT_OK)
		*ret_schema = schema;
	else
		sm_schema_free(schema);
	return exit_code;
}

static int print_schema(const struct request *request)
{
	struct sm_schema *schema;
	int exit_code = request->image ? schema_of_image(request->image, &schema)
				       : schema_of_vm(request, &schema);

	if (exit_code != EXIT_OK)
		return exit_code;
	exit_code = print_json(sm_schema_document(schema));
	sm_schema_free(schema);
	return exit_code;
}

int cmd_events(int argc, char **argv)
{
	static const struct argp argp = {
		options,
		parse,
		"VM\n--schema=IMAGE",
		"Shows the events of an attached VM, given by name, PID or PID:FD.\vA line an event; json "
		"is JSON Lines.  Events that were not shown stay in the ring for the next reader.  Goes on "
		"when the VM is reset and attached again.",
		children,
		NULL,
		NULL,
	};
	struct request request = {0};
	struct stream stream = {.request = &request, .context = {.vm = stream.vm}};

	common_init(&request.common);
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	if (request.schema)
		return print_schema(&request);
	stream.end_ms = request.timeout_ms ? now_ms() + request.timeout_ms : UINT64_MAX;
	return show_events(&stream);
}
