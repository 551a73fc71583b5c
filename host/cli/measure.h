/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Measurements by a VM's guest module, over an attachment's descriptor: shadowmon bench. */
#ifndef SHADOWMON_CLI_MEASURE_H
#define SHADOWMON_CLI_MEASURE_H

#include <jansson.h>

#include <shadowmon/hypercall.h>

struct sm_reader;

struct measure_event {
	const char *name;
	enum sm_bench what;
};

/* The empty event first; one without a name last. */
extern const struct measure_event measure_events[];

struct measure_session {
	json_t *results; /* where an object is added for each measurement */
	int fd;
	const char *transport; /* what the results call it */
	const struct measure_event *first;
	struct sm_reader *reader; /* NULL: the events are left to another reader */
};

/* Of all events from the first one on: on 1, 2, 4 and so on vCPUs, and on limit of them.  An exit code. */
int measure_all(const struct measure_session *session, u32 limit);

/* What cannot be measured and why, on stderr.  EXIT_FAILED. */
int measure_fail(const char *what, const char *why);

/*
 * From now on SIGINT and the like end the measurement, not the program: what was attached is to be detached, and what
 * was pinned to be unpinned.
 */
void measure_catch_signals(void);

#endif
