// SPDX-License-Identifier: GPL-2.0-or-later
/* What the transports other than the gate have in place of a compartment. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

#define VALUES_MAX 65536

struct values {
	struct sm_ioc_value *list;
	uint32_t count;
};

static int read_names(int fd, struct values *values, struct sm_error *err)
{
	for (values->count = 0; values->count < VALUES_MAX; values->count++) {
		struct sm_ioc_value arg = {.size = sizeof(arg), .index = values->count}, *list;

		if (ioctl(fd, SM_IOC_VALUE, &arg) < 0 && errno == ENOENT)
			return 0;
		list = reallocarray(values->list, values->count + 1, sizeof(*list));
		if (!list)
			return sm_error_set(err, -ENOMEM, "no memory for the monitors' values");
		values->list = list;
		values->list[values->count] = arg;
		values->list[values->count].name[sizeof(arg.name) - 1] = '\0';
	}
	return sm_error_set(err, -E2BIG, "the host module's monitors ask for too much");
}

/* Whether the source asks if the guest's kernel has this: then it may lack it. */
static bool is_optional(const struct values *values, const char *name)
{
	static const char *const pairs[][2] = {
		{"sm_off.", "sm_has."}, {"sm_fsize.", "sm_has."}, {"sm_sym.", "sm_hassym."}};
	char question[sizeof(values->list->name) + 8];
	uint32_t i, p;

	for (p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
		size_t len = strlen(pairs[p][0]);

		if (strncmp(name, pairs[p][0], len))
			continue;
		snprintf(question, sizeof(question), "%s%s", pairs[p][1], name + len);
		for (i = 0; i < values->count; i++)
			if (strcmp(values->list[i].name, question) == 0)
				return true;
	}
	return false;
}

static int set_value(int fd, const struct values *values, struct sm_ioc_value *arg,
		     struct sm_resolve *resolve, struct sm_error *err)
{
	uint64_t value = 0;
	int code = sm_resolve_symbol(resolve, arg->name, &value);

	if (code == -ENOENT && is_optional(values, arg->name))
		value = 0;
	else if (code)
		return sm_error_set(err, code, "the guest's kernel lacks %s", arg->name);
	arg->value = value;
	arg->set = 1;
	if (ioctl(fd, SM_IOC_VALUE, arg) == 0)
		return 0;
	return sm_error_set(err, -errno, "the host module does not take the monitors' values: %s",
			    errno == EBUSY ? "another VM is attached with this transport"
					   : strerror(errno));
}

int sm_outside_set_values(int fd, struct sm_resolve *resolve, struct sm_error *err)
{
	struct values values = {0};
	int code = read_names(fd, &values, err);
	uint32_t i;

	for (i = 0; i < values.count && !code; i++)
		code = set_value(fd, &values, &values.list[i], resolve, err);
	free(values.list);
	return code;
}

int sm_outside_load(int fd, const struct sm_image *image, struct sm_error *err)
{
	struct sm_ioc_outside arg = {.size = sizeof(arg)};
	struct sm_ioc_load_image load;

	sm_image_describe(image, &load);
	memcpy(arg.abort_errno, load.abort_errno, sizeof(arg.abort_errno));
	if (ioctl(fd, SM_IOC_OUTSIDE, &arg) < 0)
		return sm_error_set(err, -errno, "the host module refuses this transport: %s",
				    strerror(errno));
	return 0;
}
