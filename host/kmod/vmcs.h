/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to the current VMCS.  KVM's accessors are private to kvm_intel; fields and encodings are
 * those of asm/vmx.h.  Callers run in the vCPU's thread with its VMCS loaded: in both hooks it is.
 */
#ifndef SHADOWMON_KMOD_VMCS_H
#define SHADOWMON_KMOD_VMCS_H

#include <asm/vmx.h>

static inline u64 smh_vmread(unsigned long field)
{
	u64 value;

	asm volatile("vmread %1, %0" : "=rm"(value) : "r"(field) : "cc");
	return value;
}

static inline void smh_vmwrite(unsigned long field, u64 value)
{
	asm volatile("vmwrite %1, %0" : : "r"(field), "rm"(value) : "cc");
}

static inline bool smh_guest_is_cpl0(void)
{
	return !((smh_vmread(GUEST_SS_AR_BYTES) >> 5) & 3);
}

#endif
