/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does this host have what ShadowMonitor needs, and if not, what is to be done? */
#ifndef SHADOWMON_LIB_DOCTOR_H
#define SHADOWMON_LIB_DOCTOR_H

#include <stddef.h>
#include <jansson.h>

enum sm_check_result {
	SM_CHECK_OK,
	SM_CHECK_WARNING, /* works, but not as well as it could; or it could not be found out */
	SM_CHECK_MISSING, /* attaching will fail */
};

struct sm_check {
	const char *name; /* static, stable: "cpu-vmfunc" */
	enum sm_check_result result;
	char found[160];  /* a sentence: what there is */
	char remedy[320]; /* a sentence: what to do; empty when OK */
};

#define SM_CHECKS_MAX 16

struct sm_diagnosis {
	struct sm_check checks[SM_CHECKS_MAX];
	size_t count;
	size_t missing, warnings;
};

/*
 * Looks at the host whose root directory is sysroot ("" but for tests).  control_socket is the
 * daemon's, below sysroot.  Needs root to see all; what it cannot see becomes a warning.
 */
void sm_diagnose(const char *sysroot, const char *control_socket,
		 struct sm_diagnosis *ret_diagnosis);

/* "ok", "warning", "missing". */
const char *sm_check_result_name(enum sm_check_result result);

/* A new JSON object, NULL without memory. */
json_t *sm_diagnosis_json(const struct sm_diagnosis *diagnosis);

#endif
