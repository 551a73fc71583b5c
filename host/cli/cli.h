/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shadowmon: one table of verbs, one file each; what they share. */
#ifndef SHADOWMON_CLI_CLI_H
#define SHADOWMON_CLI_CLI_H

#include <argp.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "../daemon/protocol.h"
#include "../lib/shadowmon.h"

/* Exit codes, as shadowmon(1) documents them. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3, /* no such VM, or several */
	EXIT_NOT_ATTACHED = 4,
	EXIT_NO_DAEMON = 5,
	EXIT_BUSY = 6, /* attached already, or the events are being read */
	EXIT_TIMEOUT = 7,
};

/* --- verbs: each takes its own argv and returns an exit code ---------------------------------- */

int cmd_attach(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_build(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_new(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_unload(int argc, char **argv);

/* --- options.c: what all verbs understand ----------------------------------------------------- */

struct common {
	const char *socket;
	bool json;
};

/* A child parser; its input is a struct common, set up by common_init(). */
extern const struct argp common_argp;
void common_init(struct common *common);

/* Parses a decimal number, or ends the program with a usage error that names the option. */
long long parse_number(struct argp_state *state, const char *option, const char *value,
		       long long min, long long max);

/* Takes the one VM that a verb works on, in ARGP_KEY_ARG. */
error_t take_vm(struct argp_state *state, const char *value, const char **vm);

/* Ways of an event to its monitor: those of --transport; NULL at the end. */
extern const char *const transports[];
bool is_transport(const char *name);
/* The installed image that goes with a transport (NULL: the gate). */
const char *installed_image(const char *transport);
const char *installed_bench_image(const char *transport);
/* An image's absolute path: the daemon has a working directory of its own.  False: said on stderr. */
bool find_image(const char *image, char ret_path[PATH_MAX]);

/* Prints object as one line, and drops it.  An exit code. */
int print_json(json_t *object);

/* --- cmd_policy.c ------------------------------------------------------------------------------ */

/* Adds a policy's file to a list for the daemon.  False: it is wrong, which was said on stderr. */
bool add_policy_file(json_t *list, const char *path);

/* --- pin.c: threads on CPUs of their own -------------------------------------------------------- */

struct pins {
	size_t count;
	struct pin *all;
	json_t *cpus; /* of each thread, in their order; NULL: none is pinned */
};

/* "0-3,8": the CPUs in the list's order, *ret_cpus to be freed.  Their number, 0: that is no list. */
size_t parse_cpus(const char *list, int **ret_cpus);
/*
 * Puts the count threads on a CPU each: on those of cpus, of which there are as many; NULL: on CPUs that the first
 * of them may use, if there are enough, one of each core before a second one.  False: said on stderr, and none is
 * pinned.
 */
bool pin_threads(const pid_t *tids, size_t count, const int *cpus, struct pins *ret_pins);
/* Threads may use again what they could before.  Safe for {0}. */
void unpin_threads(struct pins *pins);

/* --- connection.c: the daemon ----------------------------------------------------------------- */

struct handlers {
	void (*progress)(void *context, const char *text); /* NULL: not wanted */
	void (*item)(void *context, json_t *item);         /* borrowed; NULL: not wanted */
	void *context;
};

/* For handlers: tells the user. */
void print_progress(void *context, const char *text);

/* A connection to the daemon, or -1 and, unless quiet, a sentence on stderr. */
int connection_open(const char *socket_path, bool quiet);

/*
 * Sends request, which is consumed, and hears all of the answer.  An exit code; for EXIT_OK
 * *ret_reply is the last message.  What failed is said on stderr, and with json on stdout as an
 * object.
 * ret_fd: a file descriptor that came with it, or NULL if none is expected.
 */
int connection_request(int connection, const struct common *common, json_t *request,
		       const struct handlers *handlers, json_t **ret_reply, int *ret_fd);

/* Opens, asks and closes: for requests that bring no descriptor. */
int ask(const struct common *common, json_t *request, const struct handlers *handlers,
	json_t **ret_reply);

#endif
