/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each vCPU has of its own: the same addresses, set by the loader, with other pages behind
 * them. */
#ifndef SHADOWMON_RUNTIME_CPU_H
#define SHADOWMON_RUNTIME_CPU_H

#include <stddef.h>

#include <shadowmon/layout.h>
#include <shadowmon/ring.h>

#include "state_offsets.h"

#define READ_ONCE(x)         (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))

struct smc_ring {
	struct sm_ring_producer producer __attribute__((aligned(SM_PAGE_SIZE)));
	struct sm_ring_consumer consumer __attribute__((aligned(SM_PAGE_SIZE)));
	/* Of these, consumer.size bytes exist. */
	u8 data[SM_RING_MAX_SIZE] __attribute__((aligned(SM_PAGE_SIZE)));
};

SM_ASSERT_LAYOUT(offsetof(struct smc_ring, producer) == SM_RING_PRODUCER_PAGE);
SM_ASSERT_LAYOUT(offsetof(struct smc_ring, consumer) == SM_RING_CONSUMER_PAGE);
SM_ASSERT_LAYOUT(offsetof(struct smc_ring, data) == SM_RING_DATA);

SM_ASSERT_LAYOUT(offsetof(struct sm_cpu_state, rsp) == STATE_RSP);
SM_ASSERT_LAYOUT(offsetof(struct sm_cpu_state, rbx) == STATE_RBX);
SM_ASSERT_LAYOUT(offsetof(struct sm_cpu_state, entries) == STATE_ENTRIES);
SM_ASSERT_LAYOUT(offsetof(struct sm_cpu_state, attention) == STATE_ATTENTION);
SM_ASSERT_LAYOUT(offsetof(struct sm_cpu_state, slot) == STATE_SLOT);

extern struct sm_cpu_state sm_cpu_state;
extern struct smc_ring sm_ring;

#endif
