/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of host/kmod/vmcs.h, where the test plays the VMCS. */
#ifndef SHADOWMON_KMOD_VMCS_H
#define SHADOWMON_KMOD_VMCS_H

#include <stdint.h>

#define GUEST_CR0 0x6800
#define GUEST_CR3 0x6802

uint64_t smh_vmread(unsigned long field);

#endif
