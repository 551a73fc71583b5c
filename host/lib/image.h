/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image between reading (image.c) and linking (link.c). */
#ifndef SHADOWMON_LIB_IMAGE_H
#define SHADOWMON_LIB_IMAGE_H

#include <gelf.h>
#include <libelf.h>

#include "internal.h"
#include "schema_internal.h"

#define IMAGE_SECTIONS_MAX 1024
#define IMAGE_FILE_MAX     (16 << 20)
#define IMAGE_MONITORS_MAX 256
#define MONITOR_NAME_SIZE  64

enum placement {
	PLACE_NONE, /* not in the compartment */
	PLACE_TEXT,
	PLACE_RODATA,
	PLACE_DATA,
	PLACE_FIXUP, /* relocated, but for the host */
};

struct section {
	const char *name;
	enum placement placement;
	uint32_t flags, align;
	uint64_t size;
	const void *bytes;    /* NULL: zeroes */
	uint64_t address;     /* once laid out */
	unsigned char *image; /* where it lies in its segment's buffer */
};

/* What can be chosen: one or more hooks. */
struct image_monitor {
	char name[MONITOR_NAME_SIZE];
	bool on_request, chosen;
};

struct sm_image {
	void *file; /* private copy that elf points into */
	Elf *elf;
	size_t symbols_index; /* section index of the symbol table */
	size_t strings_index;

	struct section *sections;
	size_t nr_sections;
	struct sm_schema *schema; /* the events that it declares */

	struct {
		unsigned char *data;
		uint32_t offset, size, file_size;
	} segments[4]; /* by placement; [0] is unused */
	uint32_t size;
	unsigned char *fixup_bytes;

	struct sm_fixup *fixups;
	uint32_t nr_fixups;
	struct sm_image_hook hooks[SM_SLOTS];
	unsigned int nr_hooks;
	struct sm_image_hook kept[SM_SLOTS]; /* whose slots are taken */
	unsigned int nr_kept;
	char *choice; /* names, with commas; NULL: what is not on request only */
	struct image_monitor monitors[IMAGE_MONITORS_MAX];
	unsigned int nr_monitors;
	uint32_t dispatch,
		unbound; /* offsets: the table of handlers, the one that does nothing; or 0 */
	uint32_t policy; /* offset of struct sm_policy_area, or 0 */
};

/* The symbol of an index, bounds checked; its name is NUL-terminated inside the file.  0 or -EINVAL. */
int image_symbol(const struct sm_image *image, size_t index, GElf_Sym *ret_symbol,
		 const char **ret_name);
/* The laid-out bytes at an address, if len of them lie in the image; else NULL. */
unsigned char *image_at(const struct sm_image *image, uint64_t address, uint64_t len,
			enum placement *ret_placement);
/* Once the image is relocated: checks its hooks, and fills hooks and dispatch table with those of the monitors that are chosen. */
int image_read_hooks(struct sm_image *image, uint64_t base, struct sm_error *err);

#endif
