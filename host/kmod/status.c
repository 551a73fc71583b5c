// SPDX-License-Identifier: GPL-2.0-or-later
/* What is told of an attachment: SM_IOC_STATUS. */

#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "shadowmon.h"

static pid_t thread_of(const struct kvm_vcpu *vcpu)
{
	pid_t tid;

	rcu_read_lock();
	tid = pid_vnr(rcu_dereference(vcpu->pid));
	rcu_read_unlock();
	return tid;
}

static int copy_vcpu_status(struct smh_vcpu *v, struct sm_vcpu_status __user *out, bool live)
{
	struct sm_vcpu_status s = v->stats;

	s.vcpu = v->index;
	s.lost = READ_ONCE(v->ring.producer->lost);
	if (live && v->state) {
		s.entries = READ_ONCE(v->state->entries);
		s.records = READ_ONCE(v->state->seq);
	}
	if (live) {
		s.tid = thread_of(v->vcpu);
		s.tsc_offset = v->vcpu->arch.l1_tsc_offset;
		s.tsc_ratio = v->vcpu->arch.l1_tsc_scaling_ratio;
	}
	return copy_to_user(out, &s, sizeof(s)) ? -EFAULT : 0;
}

/* The scaling ratio is a fixed-point number with 48 fractional bits (SDM vol. 3, "TSC scaling"). */
#define TSC_RATIO_SHIFT 48

int smh_status(struct smh_vm *vm, struct sm_ioc_status *arg)
{
	struct sm_vcpu_status __user *out = u64_to_user_ptr(arg->vcpus);
	struct smh_vcpu *v;
	unsigned long index;
	int err = 0;

	mutex_lock(&vm->lock);
	/* A detach ends the MMU notifier, which then says that the memory is gone. */
	arg->state = READ_ONCE(vm->gone) && !vm->detached ? SM_STATE_GONE : vm->state;
	arg->vmm_pid = vm->vmm_pid;
	arg->flags = vm->flags;
	arg->ring_size = vm->ring_size;
	arg->budget_us = vm->budget_us;
	arg->pages = vm->pool.count + (vm->image ? vm->image->pool.count : 0);
	arg->protection = smh_protect_state(vm);
	arg->count = 0;
	xa_for_each(&vm->vcpus, index, v) {
		if (arg->count < arg->capacity && !err)
			err = copy_vcpu_status(v, &out[arg->count], !vm->detached);
		arg->count++;
		arg->pages += v->ring.nr_pages;
	}
	mutex_unlock(&vm->lock);
	arg->host_tsc = rdtsc_ordered();
	arg->host_time_ns = ktime_get_real_ns();
	arg->tsc_khz = tsc_khz;
	arg->tsc_ratio_shift = TSC_RATIO_SHIFT;
	return err;
}
