/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of compartment/runtime/arch.h: a machine that the test plays. */
#ifndef SHADOWMON_FAKE_ARCH_H
#define SHADOWMON_FAKE_ARCH_H

#include <shadowmon/hypercall.h>
#include <shadowmon/layout.h>

u64 smc_cr3(void);
u64 smc_tsc(void);
u64 smc_gs_base(void);
void smc_vmcall(u64 number, u64 rbx);
void smc_store_and_fence(u64 *to, u64 value);

#endif
