// SPDX-License-Identifier: GPL-2.0-or-later
/* Any file as an image: refused with a sentence, or turned into what the host module accepts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../host/lib/internal.h"

#define GATE 0xffffffffc0100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything exists but what says that it does not. */
static int resolve(void *ctx, const char *symbol, uint64_t *ret_value)
{
	(void)ctx;
	if (strstr(symbol, "absent"))
		return -ENOENT;
	*ret_value = strlen(symbol);
	return 0;
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* For the address sanitiser. */
static void read_all(const volatile char *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		(void)data[i];
}

static bool is_code(const struct sm_ioc_load_image *arg, uint32_t offset)
{
	return offset < arg->segments[0].mem_size;
}

static void check_segments(const struct sm_ioc_load_image *arg)
{
	uint32_t i, end = 0;

	require(arg->nr_segments >= 1 && arg->nr_segments <= SM_SEGMENTS_MAX);
	require(arg->segments[0].offset == 0 &&
		arg->segments[0].flags == (SM_SEGMENT_READ | SM_SEGMENT_EXEC));
	for (i = 0; i < arg->nr_segments; i++) {
		const struct sm_segment *s = &arg->segments[i];

		require(s->offset % SM_PAGE_SIZE == 0 && s->offset >= end);
		require(s->mem_size > 0 && s->file_size <= s->mem_size);
		require(s->offset <= SM_IMAGE_MAX_SIZE &&
			s->mem_size <= SM_IMAGE_MAX_SIZE - s->offset);
		require(i == 0 || !(s->flags & SM_SEGMENT_EXEC));
		read_all((const volatile char *)(uintptr_t)s->data, s->file_size);
		end = s->offset + s->mem_size;
	}
}

static void check_fixups(const struct sm_ioc_load_image *arg)
{
	const struct sm_fixup *f = (const void *)(uintptr_t)arg->fixups;
	uint32_t i;

	require(arg->nr_fixups <= SM_FIXUPS_MAX);
	for (i = 0; i < arg->nr_fixups; i++) {
		require(is_code(arg, f[i].fault) && is_code(arg, f[i].fixup) && f[i].fixup);
		require(i == 0 || f[i - 1].fault < f[i].fault);
	}
}

static void check(const struct sm_image *image)
{
	const struct sm_image_hook *hooks;
	struct sm_ioc_load_image arg;
	unsigned int i, count;

	sm_image_describe(image, &arg);
	check_segments(&arg);
	check_fixups(&arg);
	count = sm_image_hooks(image, &hooks);
	require(count >= 1 && count <= SM_SLOTS);
	for (i = 0; i < count; i++) {
		require(hooks[i].function[0] &&
			memchr(hooks[i].function, 0, sizeof(hooks[i].function)));
		require(hooks[i].nargs <= SM_ARGS_MAX && arg.abort_errno[i] <= SM_VERDICT_ERRNO);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sm_error err = {0};
	struct sm_image *image;
	int code;

	code = sm_image_open(data, size, &image, &err);
	if (!code) {
		/* The file's size decides: the same file is always treated the same. */
		sm_image_choose(image, size % 3 ? size % 3 == 1 ? "all" : "default,one" : NULL,
				NULL);
		code = sm_image_link(image, GATE + SM_VA_IMAGE, resolve, NULL, &err);
		if (!code)
			check(image);
		sm_image_close(image);
	}
	require(code <= 0 && (!code || (err.code == code && err.text[0])));
	return 0;
}
