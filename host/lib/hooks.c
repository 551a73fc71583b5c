// SPDX-License-Identifier: GPL-2.0-or-later
/* The hooks of a relocated image: which monitors it has, and those of them that are chosen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shadowmon/layout.h>
#include <shadowmon/policy_table.h>

#include "image.h"

/* As compartment/sdk/shadowmon/hook.h lays it out: the image's format, not a header to share. */
struct hook_entry {
	uint64_t handler;
	uint64_t name;
	uint16_t nargs;
	uint16_t flags;
	uint32_t abort_errno;
	uint64_t monitor;
};

#define HOOK_ON_REQUEST 0x1

struct hooks {
	struct sm_image *image;
	struct sm_error *err;
	unsigned char *dispatch;
};

/* Read-only data of the image, by name; NULL: it has none of that name and size. */
static unsigned char *find_rodata(struct sm_image *image, uint64_t base, const char *wanted,
				  uint64_t size, uint32_t *ret_offset)
{
	enum placement placement;
	GElf_Sym symbol;
	const char *name;
	size_t i;

	for (i = 1; image_symbol(image, i, &symbol, &name) == 0; i++) {
		const struct section *s;

		if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= image->nr_sections ||
		    strcmp(name, wanted))
			continue;
		s = &image->sections[symbol.st_shndx];
		if (s->placement != PLACE_RODATA || symbol.st_value > s->size)
			return NULL;
		*ret_offset = (uint32_t)(s->address + symbol.st_value - base);
		return image_at(image, s->address + symbol.st_value, size, &placement);
	}
	return NULL;
}

/* Until it is filled, the table holds the handler that does nothing, by which the host disables hooks. */
static void note_unbound(struct sm_image *image, uint64_t base, const unsigned char *dispatch)
{
	enum placement placement;
	uint64_t handler;

	memcpy(&handler, dispatch, sizeof(handler));
	if (image_at(image, handler, 1, &placement) && placement == PLACE_TEXT)
		image->unbound = (uint32_t)(handler - base);
	else
		image->dispatch = 0;
}

/* A string of the image in printable characters, not empty, that fits with its NUL. */
static int read_name(const struct hooks *h, uint64_t address, char *dst, size_t size,
		     const char *what)
{
	enum placement placement;
	size_t i;

	for (i = 0; i < size; i++) {
		const unsigned char *c = image_at(h->image, address + i, 1, &placement);

		if (!c || (*c && (*c <= ' ' || *c > '~')))
			break;
		dst[i] = (char)*c;
		if (!*c && i)
			return 0;
		if (!*c)
			break;
	}
	return sm_error_set(h->err, -EINVAL, "a hook of the image names no %s", what);
}

static struct image_monitor *find_monitor(struct sm_image *image, const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < image->nr_monitors; i++)
		if (strncmp(image->monitors[i].name, name, len) == 0 &&
		    image->monitors[i].name[len] == '\0')
			return &image->monitors[i];
	return NULL;
}

static int add_monitor(struct hooks *h, const struct hook_entry *entry)
{
	struct sm_image *image = h->image;
	struct image_monitor monitor = {.on_request = entry->flags & HOOK_ON_REQUEST}, *known;
	int code = read_name(h, entry->monitor, monitor.name, sizeof(monitor.name), "monitor");

	if (code)
		return code;
	known = find_monitor(image, monitor.name, strlen(monitor.name));
	if (known) {
		known->on_request &= monitor.on_request;
		return 0;
	}
	if (strchr(monitor.name, ',') || monitor.name[0] == '-' ||
	    strcmp(monitor.name, "all") == 0 || strcmp(monitor.name, "default") == 0)
		return sm_error_set(h->err, -EINVAL,
				    "no monitor of an image can have the name \"%s\"",
				    monitor.name);
	if (image->nr_monitors == IMAGE_MONITORS_MAX)
		return sm_error_set(h->err, -E2BIG, "the image has more than %d monitors",
				    IMAGE_MONITORS_MAX);
	image->monitors[image->nr_monitors++] = monitor;
	return 0;
}

static int check_hook(struct hooks *h, const struct hook_entry *entry)
{
	char function[sizeof(h->image->hooks[0].function)];
	enum placement placement;
	int code = read_name(h, entry->name, function, sizeof(function), "function");

	if (code)
		return code;
	if (!image_at(h->image, entry->handler, 1, &placement) || placement != PLACE_TEXT)
		return sm_error_set(h->err, -EINVAL, "the handler of %s is no code of the image",
				    function);
	if (entry->nargs > SM_ARGS_MAX || entry->abort_errno > SM_VERDICT_ERRNO ||
	    (entry->flags & ~HOOK_ON_REQUEST))
		return sm_error_set(
			h->err, -EINVAL,
			"the hook of %s is malformed: %u arguments, errno %u, flags 0x%x", function,
			entry->nargs, entry->abort_errno, entry->flags);
	return add_monitor(h, entry);
}

/* The one that the function has, or one that nobody has; SM_SLOTS: there is none left. */
static unsigned int choose_slot(const struct sm_image *image, const char *function)
{
	uint64_t taken = 0;
	unsigned int i;

	for (i = 0; i < image->nr_kept; i++) {
		if (strcmp(image->kept[i].function, function) == 0)
			return image->kept[i].slot;
		taken |= 1ULL << image->kept[i].slot;
	}
	for (i = 0; i < image->nr_hooks; i++)
		taken |= 1ULL << image->hooks[i].slot;
	for (i = 0; i < SM_SLOTS && (taken >> i & 1); i++)
		;
	return i;
}

static int take_hook(struct hooks *h, const struct hook_entry *entry)
{
	struct sm_image *image = h->image;
	struct sm_image_hook hook = {.nargs = entry->nargs,
				     .abort_errno = entry->abort_errno,
				     .handler = entry->handler};
	char name[MONITOR_NAME_SIZE];
	unsigned int other;
	int code = read_name(h, entry->name, hook.function, sizeof(hook.function), "function");

	if (!code)
		code = read_name(h, entry->monitor, name, sizeof(name), "monitor");
	if (code)
		return code;
	if (!find_monitor(image, name, strlen(name))->chosen)
		return 0;
	for (other = 0; other < image->nr_hooks; other++)
		if (strcmp(image->hooks[other].function, hook.function) == 0)
			return sm_error_set(h->err, -EINVAL,
					    "two monitors are for %s; a function takes one",
					    hook.function);
	hook.slot = choose_slot(image, hook.function);
	if (hook.slot == SM_SLOTS)
		return sm_error_set(
			h->err, -E2BIG, "the monitors that are chosen have more than %d hooks%s",
			SM_SLOTS,
			image->nr_kept ? " with those that they take the place of: unload "
					 "some first"
				       : "");
	memcpy(h->dispatch + hook.slot * sizeof(uint64_t), &entry->handler, sizeof(uint64_t));
	image->hooks[image->nr_hooks++] = hook;
	return 0;
}

static int each_hook(struct hooks *h, int (*visit)(struct hooks *, const struct hook_entry *))
{
	struct hook_entry entry;
	size_t i, at;
	int code;

	for (i = 0; i < h->image->nr_sections; i++) {
		const struct section *s = &h->image->sections[i];

		if (s->placement == PLACE_NONE || strcmp(s->name, ".sm.hooks"))
			continue;
		if (s->placement != PLACE_RODATA || s->size % sizeof(entry))
			return sm_error_set(h->err, -EINVAL,
					    "section .sm.hooks of the image is no array of hooks: "
					    "declare monitors with SM_MONITOR");
		for (at = 0; at < s->size; at += sizeof(entry)) {
			memcpy(&entry, s->image + at, sizeof(entry));
			code = visit(h, &entry);
			if (code)
				return code;
		}
	}
	return 0;
}

/* Refuses, and tells what there is. */
static int refuse(struct hooks *h, int code, const char *what)
{
	char names[320] = "";
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < h->image->nr_monitors && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					h->image->monitors[i].name);
	return sm_error_set(h->err, code, "%s; it has %s%s", what, names,
			    len < sizeof(names) ? "" : "...");
}

static int take_out(struct hooks *h, const char *name, size_t len)
{
	struct image_monitor *monitor = find_monitor(h->image, name, len);
	char what[128];

	if (monitor && monitor->chosen) {
		monitor->chosen = false;
		return 0;
	}
	snprintf(what, sizeof(what), "the monitor \"%.*s\" is not one of those that are loaded",
		 len < MONITOR_NAME_SIZE ? (int)len : MONITOR_NAME_SIZE, name);
	return refuse(h, -ENOENT, what);
}

static int choose_one(struct hooks *h, const char *name, size_t len)
{
	struct sm_image *image = h->image;
	bool all = len == 3 && memcmp(name, "all", 3) == 0;
	bool ordinary = len == 7 && memcmp(name, "default", 7) == 0;
	struct image_monitor *monitor = find_monitor(image, name, len);
	char what[128];
	unsigned int i;

	if (len && name[0] == '-')
		return take_out(h, name + 1, len - 1);
	if (!all && !ordinary && !monitor) {
		snprintf(what, sizeof(what), "the image has no monitor \"%.*s\"",
			 len < MONITOR_NAME_SIZE ? (int)len : MONITOR_NAME_SIZE, name);
		return refuse(h, -ENOENT, what);
	}
	if (monitor)
		monitor->chosen = true;
	for (i = 0; i < image->nr_monitors; i++)
		image->monitors[i].chosen |= all || (ordinary && !image->monitors[i].on_request);
	return 0;
}

static int choose(struct hooks *h)
{
	const char *name = h->image->choice ? h->image->choice : "default";
	size_t len;
	int code;

	for (;; name += len + 1) {
		len = strcspn(name, ",");
		code = choose_one(h, name, len);
		if (code || !name[len])
			return code;
	}
}

int sm_image_choose(struct sm_image *image, const char *list, struct sm_error *err)
{
	char *choice = list ? strdup(list) : NULL;

	if (list && !choice)
		return sm_error_set(err, -ENOMEM, "no memory for the names of monitors");
	free(image->choice);
	image->choice = choice;
	return 0;
}

void sm_image_keep(struct sm_image *image, const struct sm_image_hook *hooks, unsigned int count)
{
	memcpy(image->kept, hooks, count * sizeof(*hooks));
	image->nr_kept = count;
}

char *sm_image_chosen(const struct sm_image *image)
{
	char *names = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&names, &len);
	unsigned int i;

	if (!to)
		return NULL;
	for (i = 0; i < image->nr_monitors; i++)
		if (image->monitors[i].chosen)
			fprintf(to, "%s%s", ftell(to) ? "," : "", image->monitors[i].name);
	if (fclose(to)) {
		free(names);
		return NULL;
	}
	return names;
}

int image_read_hooks(struct sm_image *image, uint64_t base, struct sm_error *err)
{
	struct hooks h = {image, err, NULL};
	int code;

	h.dispatch = find_rodata(image, base, "smc_dispatch", SM_SLOTS * sizeof(uint64_t),
				 &image->dispatch);
	if (!h.dispatch)
		return sm_error_set(err, -EINVAL,
				    "the image has no dispatch table: it lacks the runtime");
	note_unbound(image, base, h.dispatch);
	if (!find_rodata(image, base, "smc_policy", sizeof(struct sm_policy_area),
			 &image->policy) ||
	    image->policy % SM_PAGE_SIZE)
		image->policy = 0;
	code = each_hook(&h, check_hook);
	if (code)
		return code;
	if (image->nr_monitors == 0)
		return sm_error_set(err, -EINVAL, "the image has no monitors");
	code = choose(&h);
	if (!code)
		code = each_hook(&h, take_hook);
	if (!code && image->nr_hooks == 0)
		code = refuse(&h, -EINVAL, "no monitor of the image is chosen");
	return code;
}
