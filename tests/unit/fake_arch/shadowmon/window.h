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

static inline bool sm_window_copy(void *dst, u64 gpa, u64 len)
{
	const void *ram = fake_ram(gpa, len);

	if (!ram)
		return false;
	memcpy(dst, ram, len);
	return true;
}

static inline bool sm_window_get64(u64 gpa, u64 *ret_value)
{
	*ret_value = 0;
	return sm_window_copy(ret_value, gpa, sizeof(*ret_value));
}

#define FAKE_WINDOW_LOAD(bits)                                                 \
	static inline u64 sm_window_load##bits(u64 gpa)                        \
	{                                                                      \
		u##bits value;                                                 \
                                                                               \
		return sm_window_copy(&value, gpa, sizeof(value)) ? value : 0; \
	}
FAKE_WINDOW_LOAD(64)
FAKE_WINDOW_LOAD(32)
FAKE_WINDOW_LOAD(16)
FAKE_WINDOW_LOAD(8)

#endif
