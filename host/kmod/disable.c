// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A monitor whose activations abort again and again costs the guest much and tells nothing: its hook gets
 * the handler that does nothing.  One that is to fail closed (abort_errno) goes on failing closed.
 */

#include "shadowmon.h"

#define DEFAULT_MAX_ABORTS 20

u32 smh_disable_limit(u32 max_aborts)
{
	return max_aborts ?: DEFAULT_MAX_ABORTS;
}

void smh_disable_prepare(struct smh_image *image, u64 gate_va, u32 dispatch, u32 unbound)
{
	if (!dispatch)
		return;
	image->dispatch = smh_image_page(image, dispatch) + offset_in_page(dispatch) / sizeof(u64);
	image->unbound = gate_va + SM_VA_IMAGE + unbound;
}

void smh_disable_count(struct smh_vcpu *v, u32 slot)
{
	struct sm_record_lifecycle rec = {
		.h.type = SM_RECORD_LIFECYCLE,
		.what = SM_LIFECYCLE_MONITOR_DISABLED,
		.vcpu = v->index,
		.slot = slot,
	};
	struct smh_image *image = v->image;
	struct smh_vm *vm = v->vm;

	if (!image->dispatch || vm->max_aborts == SM_MAX_ABORTS_NEVER || image->abort_errno[slot])
		return;
	if (atomic_inc_return(&image->aborts[slot]) != vm->max_aborts)
		return;
	/* vCPUs that are in the old handler finish or abort. */
	WRITE_ONCE(image->dispatch[slot], image->unbound);
	smh_host_ring_put(vm, &rec.h, sizeof(rec));
}
