/* SPDX-License-Identifier: BSD-2-Clause */
/* The vCPU that a monitor runs on. */
#ifndef SHADOWMON_VCPU_H
#define SHADOWMON_VCPU_H

#include <shadowmon/layout.h>

/* The guest's TSC.  The guest may set it, also back. */
u64 sm_ticks(void);

/*
 * A number that the guest cannot foresee, though one that reads its TSC at the same moment can guess some of it:
 * good for choosing where to look next, not for keys.
 */
u64 sm_random(void);

/* Where this CPU has its copy of a per-CPU variable of the guest's kernel: offset is its SM_SYMBOL(). */
u64 sm_per_cpu(u64 offset);

#endif
