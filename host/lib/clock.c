// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <time.h>

#include "clock.h"

#define NS_PER_SEC 1000000000ull

u64 sm_clock_host(const struct sm_clock *clock, u64 tsc)
{
	__int128 ns = (s64)(tsc - clock->host_tsc);

	if (!clock->tsc_khz)
		return clock->host_time_ns;
	ns = ns * 1000000 / clock->tsc_khz + clock->host_time_ns;
	if (ns < 0)
		return 0;
	return ns > INT64_MAX ? INT64_MAX : (u64)ns;
}

u64 sm_clock_guest(const struct sm_clock *clock, const struct sm_clock_vcpu *vcpu, u64 tsc)
{
	u64 scaled = tsc - (u64)vcpu->offset;

	if (vcpu->ratio && clock->ratio_shift < 64)
		scaled = (u64)(((unsigned __int128)scaled << clock->ratio_shift) / vcpu->ratio);
	return sm_clock_host(clock, scaled);
}

void sm_clock_text(u64 time_ns, char text[SM_CLOCK_TEXT])
{
	time_t seconds = (time_t)(time_ns / NS_PER_SEC);
	size_t used;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		gmtime_r(&(time_t){0}, &tm);
	used = strftime(text, SM_CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + used, SM_CLOCK_TEXT - used, ".%09uZ", (unsigned int)(time_ns % NS_PER_SEC));
}
