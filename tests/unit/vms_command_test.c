// SPDX-License-Identifier: GPL-2.0-or-later
/* What VMMs' command lines tell of a VM, and the JSON of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../host/lib/vms_internal.h"

static struct sm_vm parse(const char *command, size_t len)
{
	struct sm_vm vm = {.name = "fallback", .memory = 7, .resident = true};

	sm_vm_parse_command(&vm, command, len);
	return vm;
}
#define NAME(command, expected)   assert_string_equal(parse(command, sizeof(command)).name, expected)
#define MEMORY(command, expected) assert_int_equal(parse(command, sizeof(command)).memory, expected)

static void names(void **state)
{
	(void)state;
	NAME("qemu\0-name\0web", "web");
	NAME("qemu\0--name\0web", "web");
	NAME("qemu\0-name\0web,process=x", "web");
	NAME("qemu\0-name\0debug-threads=on,guest=web", "web");
	NAME("qemu\0-name\0guest=a,,b,,,debug-threads=on", "a,b,");
	NAME("qemu\0-name\0g\xc3\xa4st", "g\xc3\xa4st");
	NAME("firecracker\0--id=web", "web");
	NAME("ch\0--api-socket\0/run/web.sock", "web");
	NAME("ch\0--api-socket=/run/.web", ".web");
	NAME("crosvm\0--socket\0/run/web.sock\0--name\0real", "real");
}

static void names_that_are_none(void **state)
{
	(void)state;
	NAME("qemu", "fallback");
	NAME("qemu\0-name", "fallback");
	NAME("qemu\0-name\0", "fallback");
	NAME("qemu\0-name\0debug-threads=on", "fallback");
	NAME("qemu\0-name\0guest=", "fallback");
	NAME("qemu\0-name\0\x1b[2J", "fallback");
	NAME("qemu\0-name\0a\nb", "fallback");
	NAME("qemu\0-name\0\xff", "fallback");
	NAME("qemu\0-names\0web", "fallback");
	NAME("qemu\0-s\0-S", "fallback");
	NAME("ch\0--api-socket\0/run/\x1b.sock", "fallback");
	NAME("", "fallback");
}

static void name_that_is_too_long(void **state)
{
	char command[SM_VM_NAME_MAX + 32] = "qemu\0-name\0";
	struct sm_vm vm;

	(void)state;
	memset(command + 11, 'n', SM_VM_NAME_MAX - 1);
	vm = parse(command, sizeof(command));
	assert_int_equal(strlen(vm.name), SM_VM_NAME_MAX - 1);
	command[11 + SM_VM_NAME_MAX - 1] = 'n';
	vm = parse(command, sizeof(command));
	assert_string_equal(vm.name, "fallback");
	memcpy(command + 5, "--socket", 9);
	memset(command + 14, 'n', SM_VM_NAME_MAX);
	vm = parse(command, sizeof(command));
	assert_string_equal(vm.name, "fallback");
}

static void memory_sizes(void **state)
{
	(void)state;
	MEMORY("qemu\0-m\000128", 128ull << 20);
	assert_false(parse("qemu\0-m\000128", 12).resident);
	MEMORY("qemu\0-m\0004G", 4ull << 30);
	MEMORY("qemu\0-m\0004g,slots=2,maxmem=8G", 4ull << 30);
	MEMORY("qemu\0-m\0slots=2,size=1T", 1ull << 40);
	MEMORY("ch\0--memory\0size=64M", 64ull << 20);
	MEMORY("qemu\0-m\00064KiB", 64ull << 10);
	MEMORY("qemu\0-m\0", 7);
	MEMORY("qemu\0-m\0x", 7);
	MEMORY("qemu\0-m\0000", 7);
	MEMORY("qemu\0-m\00012x", 7);
	MEMORY("qemu\0-m\00099999999999999999999", 7);
	MEMORY("qemu\0-m\00099999999999T", 7);
	MEMORY("qemu\0-m\000-5", 7);
}

/* The last argument may lack its NUL: what is read is bounded by len. */
static void command_without_nul(void **state)
{
	static const char text[] = {'q', 0, '-', 'n', 'a', 'm', 'e', 0, 'w', 'e', 'b'};
	char *command = malloc(sizeof(text));
	struct sm_vm vm;

	(void)state;
	memcpy(command, text, sizeof(text));
	vm = parse(command, sizeof(text));
	assert_string_equal(vm.name, "web");
	vm = parse(command, 7);
	assert_string_equal(vm.name, "fallback");
	free(command);
}

static void json(void **state)
{
	struct sm_vm vm = {
		.pid = 12, .fd = 9, .vcpus = 2, .memory = 1 << 30, .name = "web", .vmm = "qemu"};
	json_t *object = sm_vm_json(&vm);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(object, "name")), "web");
	assert_string_equal(json_string_value(json_object_get(object, "address")), "12");
	assert_int_equal(json_integer_value(json_object_get(object, "pid")), 12);
	assert_int_equal(json_integer_value(json_object_get(object, "fd")), 9);
	assert_int_equal(json_integer_value(json_object_get(object, "vcpus")), 2);
	assert_int_equal(json_integer_value(json_object_get(object, "memory")), 1 << 30);
	assert_string_equal(json_string_value(json_object_get(object, "memory_source")),
			    "configured");
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(name_that_is_too_long),
		cmocka_unit_test(memory_sizes),
		cmocka_unit_test(command_without_nul),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
