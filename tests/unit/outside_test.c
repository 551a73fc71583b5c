// SPDX-License-Identifier: GPL-2.0-or-later
/* What the host module's own monitors ask of a guest's kernel: the module is played by this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <cmocka.h>

#include "../../host/lib/internal.h"

#define PAGE_OFFSET 0xffff888000000000ull

static struct module {
	const char *const *names;
	unsigned int count, set;
	uint64_t values[8];
	int busy;
} module;

static struct sm_btf *btf;

int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	struct sm_ioc_value *value = arg;

	assert_int_equal(fd, 7);
	assert_int_equal(request, SM_IOC_VALUE);
	if (value->index >= module.count || (value->set && module.busy)) {
		errno = value->index >= module.count ? ENOENT : module.busy;
		return -1;
	}
	snprintf(value->name, sizeof(value->name), "%s", module.names[value->index]);
	if (value->set) {
		module.values[value->index] = value->value;
		module.set++;
	}
	return 0;
}

static int set_values(const char *const *names, unsigned int count, struct sm_error *err)
{
	static const struct sm_ioc_agent agent = {.page_offset = PAGE_OFFSET};
	struct sm_resolve resolve = {.fd = -1, .btf = btf, .agent = &agent, .err = err};

	module.names = names;
	module.count = count;
	module.set = 0;
	return sm_outside_set_values(7, &resolve, err);
}

static int setup(void **state)
{
	static char data[1 << 20];
	FILE *file = fopen(TYPES_BTF, "rb");
	struct sm_error err;
	size_t size;

	(void)state;
	assert_non_null(file);
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	return sm_btf_open(data, size, &btf, &err);
}

static int teardown(void **state)
{
	(void)state;
	sm_btf_close(btf);
	return 0;
}

static void each_value_is_set_once(void **state)
{
	static const char *const names[] = {"sm_cfg.page_offset", "sm_cfg.page_offset"};
	struct sm_error err;

	(void)state;
	module.busy = 0;
	assert_int_equal(set_values(names, 2, &err), 0);
	assert_int_equal(module.set, 2);
	assert_true(module.values[0] == PAGE_OFFSET && module.values[1] == PAGE_OFFSET);
}

static void what_is_asked_for_may_be_missing(void **state)
{
	static const char *const names[] = {"sm_off.nowhere.member", "sm_has.nowhere.member"};
	struct sm_error err;

	(void)state;
	module.busy = 0;
	module.values[0] = module.values[1] = 1;
	assert_int_equal(set_values(names, 2, &err), 0);
	assert_int_equal(module.values[0], 0);
	assert_int_equal(module.values[1], 0);
}

static void what_is_needed_may_not(void **state)
{
	static const char *const names[] = {"sm_off.nowhere.member", "sm_has.nowhere.other"};
	struct sm_error err;

	(void)state;
	module.busy = 0;
	assert_int_equal(set_values(names, 2, &err), -ENOENT);
	assert_non_null(strstr(err.text, "sm_off.nowhere.member"));
	assert_int_equal(module.set, 0);
}

static void another_vm_has_the_module(void **state)
{
	static const char *const names[] = {"sm_cfg.page_offset"};
	struct sm_error err;

	(void)state;
	module.busy = EBUSY;
	assert_int_equal(set_values(names, 1, &err), -EBUSY);
	assert_non_null(strstr(err.text, "another VM"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_is_set_once),
		cmocka_unit_test(what_is_asked_for_may_be_missing),
		cmocka_unit_test(what_is_needed_may_not),
		cmocka_unit_test(another_vm_has_the_module),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
