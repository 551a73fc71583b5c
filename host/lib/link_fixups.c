// SPDX-License-Identifier: GPL-2.0-or-later
/* Where loads of a linked image that miss guest RAM resume. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shadowmon/layout.h>

#include "link_internal.h"

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
