/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record that the test fills in, the event it decodes to, and what users get of that. */
#ifndef SHADOWMON_EVENT_FIXTURE_H
#define SHADOWMON_EVENT_FIXTURE_H

#include "../../host/lib/event_internal.h"

#define TIME_NS 1700000000123456789ull /* 2023-11-14T22:13:20.123456789Z */

extern union any_record {
	struct sm_record record;
	struct sm_record_exec exec;
	struct sm_record_exit exit;
	struct sm_record_module module;
	struct sm_record_loss loss;
	struct sm_record_violation violation;
	struct sm_record_lifecycle lifecycle;
	u8 bytes[SM_RECORD_MAX];
} rec;

extern struct sm_event_context context; /* of a VM called "web" */
extern struct sm_event event;
extern struct sm_schema *schema; /* freed after the test; NULL: none */
extern json_t *root;             /* its JSON, of the last to_json() */

/* For cmocka: an empty record, no processes known. */
int event_setup(void **state);
int event_teardown(void **state);
#define EVENT(test) cmocka_unit_test_setup_teardown(test, event_setup, event_teardown)

void fill_task(struct sm_task *task);
void make_exec(const char *path, size_t path_len, const char *argv, size_t argv_len);
#define MAKE_EXEC(path, argv) make_exec(path, sizeof(path) - 1, argv, sizeof(argv) - 1)

/* rec, as read from that vCPU's ring, becomes event. */
void decode_from(u32 vcpu);

/* event becomes root, through the line that a user gets. */
void to_json(void);

/* Both, for a record whose body is filled in. */
void convert(u16 type, u32 len, u32 vcpu);

/* "process_exec.process.pid" of root; NULL: there is none. */
json_t *field(const char *path);
void assert_number(const char *path, json_int_t value);
void assert_string(const char *path, const char *value);

/* The line for people, behind time and VM: it ends with the one newline that it has. */
void assert_line(const char *expected);

#endif
