/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of compartment/runtime/cpu.h: the running event's vCPU. */
#ifndef SHADOWMON_OUTSIDE_CPU_H
#define SHADOWMON_OUTSIDE_CPU_H

#include <shadowmon/layout.h>
#include <shadowmon/ring.h>

#include "context.h"

struct smc_ring {
	struct sm_ring_producer producer __aligned(SM_PAGE_SIZE);
	struct sm_ring_consumer consumer __aligned(SM_PAGE_SIZE);
	u8 data[SM_RING_MAX_SIZE] __aligned(SM_PAGE_SIZE);
};

SM_ASSERT_LAYOUT(offsetof(struct smc_ring, consumer) == SM_RING_CONSUMER_PAGE);
SM_ASSERT_LAYOUT(offsetof(struct smc_ring, data) == SM_RING_DATA);

#define sm_ring      (*smx_context()->ring)
#define sm_cpu_state (*smx_context()->state)

#endif
