// SPDX-License-Identifier: GPL-2.0-or-later
/* What a linked image says of itself: hooks and fix-ups. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shadowmon/layout.h>

#include "link_internal.h"

/* As compartment/sdk/shadowmon/hook.h lays it out: the image's format, not a header to share. */
struct hook_entry {
	uint64_t handler;
	uint64_t name;
	uint32_t nargs;
	uint32_t abort_errno;
	uint64_t reserved;
};

static unsigned char *dispatch_table(struct link *l)
{
	enum placement placement;
	GElf_Sym symbol;
	const char *name;
	size_t i;

	for (i = 1; image_symbol(l->image, i, &symbol, &name) == 0; i++) {
		const struct section *s;

		if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= l->image->nr_sections ||
		    strcmp(name, "smc_dispatch"))
			continue;
		s = &l->image->sections[symbol.st_shndx];
		if (s->placement != PLACE_RODATA || symbol.st_value > s->size)
			return NULL;
		l->image->dispatch = (uint32_t)(s->address + symbol.st_value - l->base);
		return image_at(l->image, s->address + symbol.st_value, SM_SLOTS * sizeof(uint64_t),
				&placement);
	}
	return NULL;
}

/* Until it is filled, the table holds the handler that does nothing, by which the host disables hooks. */
static void note_unbound(struct link *l, const unsigned char *dispatch)
{
	enum placement placement;
	uint64_t handler;

	memcpy(&handler, dispatch, sizeof(handler));
	if (image_at(l->image, handler, 1, &placement) && placement == PLACE_TEXT)
		l->image->unbound = (uint32_t)(handler - l->base);
	else
		l->image->dispatch = 0;
}

static int read_name(struct link *l, uint64_t address, char *dst, size_t size)
{
	enum placement placement;
	size_t i;

	for (i = 0; i < size; i++) {
		const unsigned char *c = image_at(l->image, address + i, 1, &placement);

		if (!c || (*c && (*c <= ' ' || *c > '~')))
			break;
		dst[i] = (char)*c;
		if (!*c && i)
			return 0;
		if (!*c)
			break;
	}
	return sm_error_set(l->err, -EINVAL, "a hook of the image names no function");
}

static int read_hook(struct link *l, unsigned int slot, const struct hook_entry *entry,
		     unsigned char *dispatch)
{
	struct sm_image_hook *hook = &l->image->hooks[slot];
	enum placement placement;
	unsigned int other;
	int code = read_name(l, entry->name, hook->function, sizeof(hook->function));

	if (code)
		return code;
	if (!image_at(l->image, entry->handler, 1, &placement) || placement != PLACE_TEXT)
		return sm_error_set(l->err, -EINVAL, "the handler of %s is no code of the image",
				    hook->function);
	if (entry->nargs > SM_ARGS_MAX || entry->abort_errno > SM_VERDICT_ERRNO || entry->reserved)
		return sm_error_set(l->err, -EINVAL,
				    "the hook of %s is malformed: %u arguments, errno %u",
				    hook->function, entry->nargs, entry->abort_errno);
	for (other = 0; other < slot; other++)
		if (strcmp(l->image->hooks[other].function, hook->function) == 0)
			return sm_error_set(
				l->err, -EINVAL,
				"two monitors of the image are for %s; a function takes one",
				hook->function);
	hook->nargs = entry->nargs;
	hook->abort_errno = entry->abort_errno;
	hook->handler = entry->handler;
	memcpy(dispatch + slot * sizeof(uint64_t), &entry->handler, sizeof(uint64_t));
	return 0;
}

static int read_hook_section(struct link *l, const struct section *s, unsigned char *dispatch)
{
	struct hook_entry entry;
	size_t at;
	int code;

	if (s->placement != PLACE_RODATA || s->size % sizeof(entry))
		return sm_error_set(l->err, -EINVAL,
				    "section .sm.hooks of the image is no array of hooks: declare "
				    "monitors with SM_MONITOR");
	for (at = 0; at < s->size; at += sizeof(entry)) {
		if (l->image->nr_hooks == SM_SLOTS)
			return sm_error_set(l->err, -E2BIG, "the image has more than %d hooks",
					    SM_SLOTS);
		memcpy(&entry, s->image + at, sizeof(entry));
		code = read_hook(l, l->image->nr_hooks, &entry, dispatch);
		if (code)
			return code;
		l->image->nr_hooks++;
	}
	return 0;
}

int link_read_hooks(struct link *l)
{
	unsigned char *dispatch = dispatch_table(l);
	size_t i;
	int code;

	if (!dispatch)
		return sm_error_set(l->err, -EINVAL,
				    "the image has no dispatch table: it lacks the runtime");
	note_unbound(l, dispatch);
	for (i = 0; i < l->image->nr_sections; i++) {
		const struct section *s = &l->image->sections[i];

		if (s->placement == PLACE_NONE || strcmp(s->name, ".sm.hooks"))
			continue;
		code = read_hook_section(l, s, dispatch);
		if (code)
			return code;
	}
	if (l->image->nr_hooks == 0)
		return sm_error_set(l->err, -EINVAL, "the image has no monitors");
	return 0;
}

static int compare_fixups(const void *a, const void *b)
{
	uint32_t left = ((const struct sm_fixup *)a)->fault,
		 right = ((const struct sm_fixup *)b)->fault;

	return left < right ? -1 : left > right;
}

int link_read_fixups(struct link *l)
{
	struct sm_image *image = l->image;
	enum placement placement;
	uint64_t pseudo = l->base + SM_IMAGE_MAX_SIZE, size = 0;
	size_t i;

	for (i = 0; i < image->nr_sections; i++)
		if (image->sections[i].placement == PLACE_FIXUP)
			size = image->sections[i].size;
	if (size % 8)
		return sm_error_set(l->err, -EINVAL,
				    "section .sm.fixup of the image is no array of fix-ups");
	if (size / 8 > SM_FIXUPS_MAX)
		return sm_error_set(l->err, -E2BIG, "the image has more than %d fix-ups",
				    SM_FIXUPS_MAX);
	image->fixups = calloc(size / 8 + 1, sizeof(*image->fixups));
	if (!image->fixups)
		return sm_error_set(l->err, -ENOMEM, "no memory for the image");
	for (i = 0; i < size; i += 8) {
		int32_t distance[2];
		uint64_t fault, fixup;

		memcpy(distance, image->fixup_bytes + i, sizeof(distance));
		fault = pseudo + i + (uint64_t)(int64_t)distance[0];
		fixup = pseudo + i + 4 + (uint64_t)(int64_t)distance[1];
		if (!image_at(image, fault, 1, &placement) || placement != PLACE_TEXT ||
		    !image_at(image, fixup, 1, &placement) || placement != PLACE_TEXT ||
		    fixup == l->base)
			return sm_error_set(l->err, -EINVAL,
					    "a fix-up of the image is for no code of it");
		image->fixups[image->nr_fixups++] =
			(struct sm_fixup){(uint32_t)(fault - l->base), (uint32_t)(fixup - l->base)};
	}
	qsort(image->fixups, image->nr_fixups, sizeof(*image->fixups), compare_fixups);
	for (i = 1; i < image->nr_fixups; i++)
		if (image->fixups[i].fault == image->fixups[i - 1].fault)
			return sm_error_set(l->err, -EINVAL,
					    "the image has two fix-ups for its offset 0x%x",
					    image->fixups[i].fault);
	return 0;
}
