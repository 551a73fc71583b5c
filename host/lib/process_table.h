/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processes run, as learnt from their exec events.  Bounded in entries and in bytes, because the
 * guest decides how many there are: the least recently used ones are forgotten first.
 */
#ifndef SHADOWMON_LIB_PROCESS_TABLE_H
#define SHADOWMON_LIB_PROCESS_TABLE_H

#include <stddef.h>

#include <shadowmon/layout.h>

#define SM_PROCESSES_MAX       32768
#define SM_PROCESSES_BYTES_MAX (16u << 20)

struct sm_process_table;

/* Strings as the guest gave them: any bytes. */
struct sm_process {
	const char *path;
	size_t path_len;
	const char *argv; /* each argument with its NUL */
	size_t argv_len;
};

/* An empty table of at most max_entries (1 or more) and max_bytes of strings.  NULL without memory. */
struct sm_process_table *sm_process_table_create(size_t max_entries, size_t max_bytes);
void sm_process_table_destroy(struct sm_process_table *table);

/* Copies process in, for the process that is tgid since start_time.  0, -ENOMEM, -E2BIG. */
int sm_process_table_put(struct sm_process_table *table, u32 tgid, u64 start_time,
			 const struct sm_process *process);

/* NULL: not known.  Valid until the next put. */
const struct sm_process *sm_process_table_get(struct sm_process_table *table, u32 tgid,
					      u64 start_time);

size_t sm_process_table_count(const struct sm_process_table *table);

#endif
