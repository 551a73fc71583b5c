/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One group of checks a file; each adds what it found to the diagnosis. */
#ifndef SHADOWMON_LIB_DOCTOR_INTERNAL_H
#define SHADOWMON_LIB_DOCTOR_INTERNAL_H

#include <stdbool.h>

#include <shadowmon/layout.h>

#include "doctor.h"

struct sm_examination {
	const char *sysroot;
	const char *control_socket;
	char release[64]; /* of the running kernel, as the sysroot's /proc says */
	struct sm_diagnosis *diagnosis;
};

/* Adds a check; found is a format.  remedy is static, and left out when the result is OK. */
void sm_check_add(struct sm_examination *x, const char *name, enum sm_check_result result,
		  const char *remedy, const char *found, ...) __attribute__((format(printf, 5, 6)));

/* Opens a file below the sysroot: a descriptor, or a negative errno. */
int sm_sysroot_open(const struct sm_examination *x, const char *path, int flags);

/* The start of such a file, NUL-terminated, last newline cut off: 0 or a negative errno. */
int sm_sysroot_read(const struct sm_examination *x, const char *path, char *text, size_t size);

/*
 * Looks for a line that starts with prefix, and copies what follows on it.  1: found, 0: not,
 * or a negative errno: no such file.
 */
int sm_sysroot_line(const struct sm_examination *x, const char *path, const char *prefix,
		    char *rest, size_t size);

void sm_examine_cpu(struct sm_examination *x);
void sm_examine_kernel(struct sm_examination *x);
void sm_examine_shadowmon(struct sm_examination *x);

#endif
