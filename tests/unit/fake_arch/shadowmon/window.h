/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of compartment/sdk/shadowmon/window.h: guest RAM that the test provides. */
#ifndef SHADOWMON_WINDOW_H
#define SHADOWMON_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <shadowmon/layout.h>

/* len bytes of guest RAM, or NULL where there is none.  Fails the test beyond SM_RAM_LIMIT. */
const void *fake_ram(u64 gpa, u64 len);

static inline u64 sm_window(u64 gpa)
{
	return gpa;
}

static inline bool sm_window_get64(u64 at, u64 *ret_value)
{
	const void *ram = fake_ram(at, sizeof(*ret_value));

	*ret_value = 0;
	if (!ram)
		return false;
	memcpy(ret_value, ram, sizeof(*ret_value));
	return true;
}

#define FAKE_WINDOW_LOAD(bits)                                              \
	static inline u64 sm_window_load##bits(u64 at)                      \
	{                                                                   \
		const void *ram = fake_ram(at, bits / 8);                   \
		u##bits value = 0;                                          \
                                                                            \
		return ram ? *(u##bits *)memcpy(&value, ram, bits / 8) : 0; \
	}
FAKE_WINDOW_LOAD(64)
FAKE_WINDOW_LOAD(32)
FAKE_WINDOW_LOAD(16)
FAKE_WINDOW_LOAD(8)

#endif
