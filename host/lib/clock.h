/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a TSC value to the host's wall-clock time. */
#ifndef SHADOWMON_LIB_CLOCK_H
#define SHADOWMON_LIB_CLOCK_H

#include <stddef.h>

#include <shadowmon/layout.h>
#include <shadowmon/ioctl.h>

/* One moment by both clocks, and the host TSC's speed. */
struct sm_clock {
	u64 host_tsc;
	u64 host_time_ns; /* CLOCK_REALTIME */
	u32 tsc_khz;      /* 0: unknown, then every moment is host_time_ns */
	u32 ratio_shift;
};

/* How a vCPU's TSC differs from the host's: guest = (host * ratio >> shift) + offset. */
struct sm_clock_vcpu {
	s64 offset;
	u64 ratio; /* 0: not scaled */
};

/* CLOCK_REALTIME in ns of a host TSC value; clamped to 0 .. INT64_MAX. */
u64 sm_clock_host(const struct sm_clock *clock, u64 tsc);

/* The same of a guest TSC value.  Any value is safe: the guest makes it up. */
u64 sm_clock_guest(const struct sm_clock *clock, const struct sm_clock_vcpu *vcpu, u64 tsc);

/* "2026-01-31T12:34:56.123456789Z": room for it, NUL included. */
#define SM_CLOCK_TEXT 32

/* Writes time_ns (CLOCK_REALTIME) as RFC 3339 in UTC with nanoseconds. */
void sm_clock_text(u64 time_ns, char text[SM_CLOCK_TEXT]);

#endif
