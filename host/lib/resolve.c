// SPDX-License-Identifier: GPL-2.0-or-later
/* The image's undefined symbols: names that start with what they ask for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "gate_offsets.h"
#include "internal.h"
#include "known.h"

#define COMMAND_TIMEOUT_MS 20000

int sm_guest_command(int fd, uint32_t op, const char *name, unsigned int slot, unsigned int nargs,
		     int64_t *ret_result)
{
	struct sm_ioc_command arg = {
		.size = sizeof(arg),
		.op = op,
		.slot = slot,
		.nargs = nargs,
		.timeout_ms = COMMAND_TIMEOUT_MS,
	};

	if (strlen(name) >= sizeof(arg.name))
		return -ENAMETOOLONG;
	memcpy(arg.name, name, strlen(name));
	if (ioctl(fd, SM_IOC_COMMAND, &arg) < 0)
		return -errno;
	*ret_result = arg.result;
	return 0;
}

static int lookup(struct sm_resolve *r, const char *name, uint64_t *ret_value)
{
	const struct sm_known_symbol *known = r->symbols ? sm_known_find(r->symbols, name) : NULL;
	int64_t result;
	int code;

	if (known) {
		*ret_value = known->value;
		return known->value ? 0 : -ENOENT;
	}
	if (r->fd < 0)
		return -ENOENT;
	code = sm_guest_command(r->fd, SM_OP_LOOKUP, name, 0, 0, &result);
	if (code)
		return sm_error_set(r->err, code, "the guest module does not look up %s: %s", name,
				    strerror(-code));
	/* Kernel addresses are negative numbers too; errors are small ones. */
	if (result == -ENOENT)
		return r->symbols && sm_known_add(r->symbols, name, 0) ? -ENOMEM : -ENOENT;
	if (result < 0 && result >= -4095)
		return sm_error_set(r->err, (int)result, "the guest module does not look up %s: %s",
				    name, strerror((int)-result));
	*ret_value = (uint64_t)result;
	return r->symbols ? sm_known_add(r->symbols, name, *ret_value) : 0;
}

/* "STRUCT.MEMBER[.MEMBER...]" */
static int member(struct sm_resolve *r, const char *spec, uint64_t *ret_offset, uint64_t *ret_size)
{
	const char *dot = strchr(spec, '.');
	char type[128];

	if (!dot || (size_t)(dot - spec) >= sizeof(type))
		return -ENOENT;
	snprintf(type, sizeof(type), "%.*s", (int)(dot - spec), spec);
	return sm_btf_member(r->btf, type, dot + 1, ret_offset, ret_size);
}

static int enumerator(struct sm_resolve *r, const char *spec, uint64_t *ret_value)
{
	const char *dot = strchr(spec, '.');
	char type[128];

	if (!dot || (size_t)(dot - spec) >= sizeof(type))
		return -ENOENT;
	snprintf(type, sizeof(type), "%.*s", (int)(dot - spec), spec);
	return sm_btf_enum(r->btf, type, dot + 1, ret_value);
}

static int config(const struct sm_ioc_agent *agent, const char *name, uint64_t *ret_value)
{
	const struct {
		const char *name;
		uint64_t value;
	} values[] = {
		{"sm_cfg.page_offset", agent->page_offset},
		{"sm_cfg.direct_map_size", agent->direct_map_size},
		{"sm_cfg.kernel_va", agent->kernel_va},
		{"sm_cfg.kernel_pa", agent->kernel_pa},
		{"sm_cfg.kernel_size", agent->kernel_size},
		{"sm_cfg.gate_va", agent->gate_va},
		{"sm_cpu_state", agent->gate_va + SM_VA_CPU + SM_CPU_STATE},
		{"sm_ring", agent->gate_va + SM_VA_CPU + SM_CPU_RING},
		{"sm_gate_exit", agent->gate_va + GATE_EXIT_OFFSET},
	};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (strcmp(name, values[i].name))
			continue;
		*ret_value = values[i].value;
		return 0;
	}
	return -ENOENT;
}

static const char *after(const char *symbol, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(symbol, prefix, len) ? NULL : symbol + len;
}

int sm_resolve_symbol(void *ctx, const char *symbol, uint64_t *ret_value)
{
	struct sm_resolve *r = ctx;
	uint64_t ignored;
	const char *rest;
	int code;

	if ((rest = after(symbol, "sm_off.")))
		return member(r, rest, ret_value, &ignored);
	if ((rest = after(symbol, "sm_fsize.")))
		return member(r, rest, &ignored, ret_value);
	if ((rest = after(symbol, "sm_has."))) {
		*ret_value = member(r, rest, &ignored, &ignored) == 0;
		return 0;
	}
	if ((rest = after(symbol, "sm_size.")))
		return sm_btf_size(r->btf, rest, ret_value);
	if ((rest = after(symbol, "sm_enum.")))
		return enumerator(r, rest, ret_value);
	if ((rest = after(symbol, "sm_hassym."))) {
		code = lookup(r, rest, &ignored);
		*ret_value = code == 0;
		return code == -ENOENT ? 0 : code;
	}
	if ((rest = after(symbol, "sm_sym.")))
		return lookup(r, rest, ret_value);
	if (r->process && strcmp(symbol, "sm_request") == 0) {
		r->asked_for_request = true;
		*ret_value = r->agent->gate_va + SM_VA_CPU + SM_CPU_LIST;
		return 0;
	}
	return config(r->agent, symbol, ret_value);
}
