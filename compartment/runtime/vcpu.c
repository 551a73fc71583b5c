// SPDX-License-Identifier: GPL-2.0-or-later
#include <shadowmon/vcpu.h>

#include <arch.h>

u64 sm_ticks(void)
{
	return smc_tsc();
}

/* SplitMix64, with the moment of each call mixed in.  vCPUs that overtake each other here do no harm. */
u64 sm_random(void)
{
	static u64 state;
	u64 x = state + (smc_tsc() | 1) * 0x9e3779b97f4a7c15ULL;

	state = x;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

u64 sm_per_cpu(u64 offset)
{
	return smc_gs_base() + offset;
}
