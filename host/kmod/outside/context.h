/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a monitor that runs in the host's kernel has in place of view 2: transport_exit.c. */
#ifndef SHADOWMON_OUTSIDE_CONTEXT_H
#define SHADOWMON_OUTSIDE_CONTEXT_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <linux/uaccess.h>

struct smc_ring;
struct sm_cpu_state;
struct smh_vcpu;

struct smx_context {
	struct smh_vcpu *v;
	struct smc_ring *ring;
	struct sm_cpu_state *state;
	u64 cr3;
	u64 gs_base;
	/* The memslot read last, as long as the memslots are of that generation. */
	u64 generation;
	u64 first; /* guest-physical */
	u64 bytes;
	u64 hva;
};

/* Something of the guest's kernel that the monitors want to know. */
struct smx_value {
	u64 value;
	const char *name; /* as the image's undefined symbol */
	u64 reserved[2];
} __aligned(32);

/* NULL: there are not as many. */
struct smx_value *smx_find_value(u32 index);
/* The handler of the monitor of a function.  -ENOENT: there is none; -EINVAL: of another number of arguments. */
void *smx_find_handler(const char *function, u32 nargs);

DECLARE_PER_CPU(struct smx_context *, smx_current);

static inline struct smx_context *smx_context(void)
{
	return this_cpu_read(smx_current);
}

/* bytes of guest-physical memory; false: no RAM.  May sleep, and continue on another CPU. */
bool smx_load_slowly(struct smx_context *context, u64 gpa, u32 bytes, u64 *ret_value);
/* In place of a VMCALL of the compartment. */
void smx_call(u64 number);

/* bytes: a constant, 1, 2, 4 or 8. */
static __always_inline bool smx_load_user(u64 hva, u32 bytes, u64 *ret_value)
{
	u32 value32;
	u16 value16;
	u8 value8;

	switch (bytes) {
	case 8:
		return !__get_user(*ret_value, (u64 __user *)hva);
	case 4:
		return !__get_user(value32, (u32 __user *)hva) && (*ret_value = value32, true);
	case 2:
		return !__get_user(value16, (u16 __user *)hva) && (*ret_value = value16, true);
	default:
		return !__get_user(value8, (u8 __user *)hva) && (*ret_value = value8, true);
	}
}

/* The same of guest-physical memory; false: no RAM. */
static __always_inline bool smx_load(u64 gpa, u32 bytes, u64 *ret_value)
{
	struct smx_context *context = smx_context();
	u64 offset = gpa - context->first;

	if (likely(offset < context->bytes && context->bytes - offset >= bytes) &&
	    likely(smx_load_user(context->hva + offset, bytes, ret_value)))
		return true;
	return smx_load_slowly(context, gpa, bytes, ret_value);
}

static __always_inline u64 smx_get(u64 gpa, u32 bytes)
{
	u64 value;

	return smx_load(gpa, bytes, &value) ? value : 0;
}

#endif
