// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_internal.h"

void sm_check_add(struct sm_examination *x, const char *name, enum sm_check_result result,
		  const char *remedy, const char *found, ...)
{
	struct sm_diagnosis *d = x->diagnosis;
	struct sm_check *check = &d->checks[d->count];
	va_list args;

	if (d->count == SM_CHECKS_MAX)
		return;
	d->count++;
	check->name = name;
	check->result = result;
	va_start(args, found);
	vsnprintf(check->found, sizeof(check->found), found, args);
	va_end(args);
	snprintf(check->remedy, sizeof(check->remedy), "%s", result == SM_CHECK_OK ? "" : remedy);
	d->missing += result == SM_CHECK_MISSING;
	d->warnings += result == SM_CHECK_WARNING;
}

int sm_sysroot_open(const struct sm_examination *x, const char *path, int flags)
{
	char full[PATH_MAX];
	int fd;

	if (snprintf(full, sizeof(full), "%s%s", x->sysroot, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sm_sysroot_read(const struct sm_examination *x, const char *path, char *text, size_t size)
{
	int fd = sm_sysroot_open(x, path, O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return fd;
	got = read(fd, text, size - 1);
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return (int)got;
	text[got] = '\0';
	if (got && text[got - 1] == '\n')
		text[got - 1] = '\0';
	return 0;
}

int sm_sysroot_line(const struct sm_examination *x, const char *path, const char *prefix,
		    char *rest, size_t size)
{
	int fd = sm_sysroot_open(x, path, O_RDONLY), found = 0;
	size_t len = strlen(prefix), room = 0;
	char *line = NULL;
	FILE *file;

	if (fd < 0)
		return fd;
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	while (!found && getline(&line, &room, file) >= 0) {
		found = strncmp(line, prefix, len) == 0;
		if (found) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(rest, size, "%s", line + len);
		}
	}
	free(line);
	fclose(file);
	return found;
}

void sm_diagnose(const char *sysroot, const char *control_socket,
		 struct sm_diagnosis *ret_diagnosis)
{
	struct sm_examination x = {
		.sysroot = sysroot,
		.control_socket = control_socket,
		.diagnosis = ret_diagnosis,
	};

	memset(ret_diagnosis, 0, sizeof(*ret_diagnosis));
	if (sm_sysroot_read(&x, "/proc/sys/kernel/osrelease", x.release, sizeof(x.release)))
		snprintf(x.release, sizeof(x.release), "unknown");
	sm_examine_cpu(&x);
	sm_examine_kernel(&x);
	sm_examine_shadowmon(&x);
}

const char *sm_check_result_name(enum sm_check_result result)
{
	switch (result) {
	case SM_CHECK_OK:
		return "ok";
	case SM_CHECK_WARNING:
		return "warning";
	case SM_CHECK_MISSING:
		return "missing";
	}
	return "unknown";
}

json_t *sm_diagnosis_json(const struct sm_diagnosis *diagnosis)
{
	json_t *checks = json_array();
	size_t i;

	for (i = 0; i < diagnosis->count; i++) {
		const struct sm_check *check = &diagnosis->checks[i];

		if (json_array_append_new(
			    checks, json_pack("{s:s, s:s, s:s, s:s}", "name", check->name, "result",
					      sm_check_result_name(check->result), "found",
					      check->found, "remedy", check->remedy))) {
			json_decref(checks);
			return NULL;
		}
	}
	return json_pack("{s:b, s:I, s:I, s:o}", "ready", diagnosis->missing == 0, "missing",
			 (json_int_t)diagnosis->missing, "warnings",
			 (json_int_t)diagnosis->warnings, "checks", checks);
}
