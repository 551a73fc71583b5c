/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a build for the lab (SMH_LAB) can switch off, to show what an attack does without it: bits of the
 * module parameter "weaken".  In any other build nothing can be switched off, and no code for it exists.
 */
#ifndef SHADOWMON_KMOD_LAB_H
#define SHADOWMON_KMOD_LAB_H

#include <linux/bits.h>
#include <linux/compiler.h>

#define SMH_WEAKEN_ARMED     BIT(0) /* list[2] is valid at all times; from the next image on */
#define SMH_WEAKEN_CR3_TEST  BIT(1) /* the gate does not look at CR3; from the next image on */
#define SMH_WEAKEN_MODE_TRAP BIT(2) /* the gate runs in any mode; from the next image on */
#define SMH_WEAKEN_REGISTERS BIT(3) /* no register is pinned */
#define SMH_WEAKEN_VERIFY    BIT(4) /* no vCPU looks at its hooks */
#define SMH_WEAKEN_INJECTION BIT(5) /* KVM injects and asks for windows in views 1 and 2, too */
#define SMH_WEAKEN_LONG_MODE BIT(6) /* VMFUNC works in any mode */
#define SMH_WEAKEN_WITHHOLD  BIT(7) /* what KVM injects stays injected in views 1 and 2 */
#define SMH_WEAKEN_TRACKING  BIT(8) /* no external write tracking; from the next attach on */

#ifdef SMH_LAB
extern unsigned int smh_weaken;
#define smh_weakened(what) (READ_ONCE(smh_weaken) & (what))
#else
#define smh_weakened(what) false
#endif

#endif
