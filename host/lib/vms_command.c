// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What VMMs are told on their command lines:
 *
 *   QEMU               -name NAME | -name guest=NAME,...    -m SIZE | -m size=SIZE,...
 *   Firecracker        --id NAME                            (memory is set through its API)
 *   Cloud Hypervisor   --api-socket [path=]FILE             --memory size=SIZE,...
 *   crosvm             --name NAME, -s | --socket FILE      -m | --mem SIZE | size=SIZE,...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_internal.h"
#include "vms_internal.h"

bool sm_is_printable(const char *text)
{
	size_t len = strlen(text), size;
	u32 c;

	for (size = 0; *text; text += size, len -= size) {
		size = sm_utf8_next(text, len, &c);
		if (!size || sm_is_deceptive(c))
			return false;
	}
	return size != 0;
}

/*
 * One value of a list such as "guest=web,,1,debug-threads=on" (",," is a comma): that of key, or the
 * first one without a key.  False if there is none, or it is too long.
 */
static bool list_value(const char *list, const char *key, char *ret_value, size_t size)
{
	size_t key_len = strlen(key), len;
	bool first = true, found;

	for (; *list; first = false) {
		found = strncmp(list, key, key_len) == 0 && list[key_len] == '=';
		if (found)
			list += key_len + 1;
		else
			found = first && strcspn(list, "=") >= strcspn(list, ",");
		for (len = 0; *list && (*list != ',' || list[1] == ','); list++) {
			list += *list == ',';
			if (len + 1 < size)
				ret_value[len] = *list;
			len++;
		}
		if (found && len && len < size) {
			ret_value[len] = '\0';
			return true;
		}
		list += *list == ',';
	}
	return false;
}

static void take_name(struct sm_vm *vm, const char *list)
{
	char name[SM_VM_NAME_MAX];

	if (list_value(list, "guest", name, sizeof(name)) && sm_is_printable(name))
		memcpy(vm->name, name, sizeof(name));
}

/* /run/web.sock is called web. */
static void take_socket(struct sm_vm *vm, const char *list)
{
	char path[4096], *name, *dot;

	if (!list_value(list, "path", path, sizeof(path)))
		return;
	name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	dot = strrchr(name, '.');
	if (dot && dot != name)
		*dot = '\0';
	if (strlen(name) < SM_VM_NAME_MAX && sm_is_printable(name))
		strcpy(vm->name, name);
}

static void take_memory(struct sm_vm *vm, const char *list)
{
	static const char units[] = "KMGT";
	const char *unit;
	char text[32], *end;
	unsigned int shift = 20;
	u64 value;

	if (!list_value(list, "size", text, sizeof(text)) || text[0] < '0' || text[0] > '9')
		return;
	value = strtoull(text, &end, 10);
	if (*end) {
		unit = strchr(units, *end & ~0x20);
		if (!unit)
			return;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (value == 0 || value > UINT64_MAX >> shift)
		return;
	vm->memory = value << shift;
	vm->resident = false;
}

static const struct {
	const char *option;
	void (*take)(struct sm_vm *vm, const char *value);
} options[] = {
	/* A socket's name is the weaker hint: what stands further down wins. */
	{"--api-socket", take_socket}, {"--socket", take_socket}, {"-s", take_socket},
	{"-name", take_name},          {"--name", take_name},     {"--id", take_name},
	{"-m", take_memory},           {"--mem", take_memory},    {"--memory", take_memory},
};

/* The value of an option, given as "--option VALUE" or "--option=VALUE"; NULL: not given. */
static const char *option_value(const char *command, const char *end, const char *option)
{
	size_t len = strlen(option);
	const char *argument, *next;

	for (argument = command; argument < end; argument = next) {
		next = argument + strlen(argument) + 1;
		if (strncmp(argument, option, len))
			continue;
		if (argument[len] == '=')
			return argument + len + 1;
		if (argument[len] == '\0' && next < end)
			return next;
	}
	return NULL;
}

void sm_vm_parse_command(struct sm_vm *vm, const char *command, size_t len)
{
	char *copy = malloc(len + 1);
	size_t i;

	if (!copy)
		return;
	memcpy(copy, command, len);
	copy[len] = '\0';
	for (i = 0; i < sizeof(options) / sizeof(*options); i++) {
		const char *value = option_value(copy, copy + len, options[i].option);

		/* QEMU's -s takes no value. */
		if (value && value[0] != '-')
			options[i].take(vm, value);
	}
	free(copy);
}
