// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long one activation of a monitor may run: counted is guest mode, in the guest's TSC.  A vCPU whose thread has
 * to wait for a CPU of the host, or for the host's answer, does nothing wrong.  It may wait right behind the exit,
 * before our hook; KVM notes the TSC of an exit before that.
 *
 * Nothing of ours runs when an activation begins, so it is counted from its first exit on.
 */

#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <asm/msr.h>

#include "shadowmon.h"

/* KVM knows none where the host's TSC could not be calibrated: any will do, but 0. */
static u32 khz(const struct smh_vcpu *v)
{
	return v->vcpu->arch.virtual_tsc_khz ?: 1000000;
}

static u64 limit(const struct smh_vcpu *v)
{
	return div_u64((u64)v->vm->budget_us * khz(v), 1000);
}

void smh_budget_enter(struct smh_vcpu *v)
{
	struct smh_budget *b = &v->budget;
	u64 all = limit(v), left = all - min(b->used, all);

	/* KVM's fast path enters again without an exit of ours. */
	if (!b->entered)
		b->entered = kvm_read_l1_tsc(v->vcpu, rdtsc());
	v->budget_armed = true;
	hrtimer_start(&b->timer, ns_to_ktime(div_u64(left * NSEC_PER_MSEC, khz(v))),
		      HRTIMER_MODE_REL_PINNED);
}

void smh_budget_exit(struct smh_vcpu *v)
{
	struct smh_budget *b = &v->budget;
	u64 activation = READ_ONCE(v->state->entries);

	if (b->activation != activation) {
		b->activation = activation;
		b->used = 0;
	} else if (b->entered) {
		b->used += v->vcpu->arch.last_guest_tsc - b->entered;
	}
	b->entered = 0;
}

bool smh_budget_is_used_up(const struct smh_vcpu *v)
{
	return v->budget.used >= limit(v);
}

void smh_budget_forget(struct smh_vcpu *v)
{
	struct smh_budget *b = &v->budget;

	v->budget_armed = false;
	b->used = 0;
	b->entered = 0;
	hrtimer_try_to_cancel(&b->timer);
}

void smh_budget_kick(struct smh_vcpu *v)
{
	hrtimer_start(&v->budget.timer, ns_to_ktime(v->vm->budget_us * (u64)NSEC_PER_USEC),
		      HRTIMER_MODE_REL_PINNED);
}

static enum hrtimer_restart expired(struct hrtimer *timer)
{
	struct smh_vcpu *v = container_of(timer, struct smh_vcpu, budget.timer);

	/* The exit that this makes finds the budget used up. */
	kvm_vcpu_kick(v->vcpu);
	return HRTIMER_NORESTART;
}

void smh_budget_init(struct smh_vcpu *v)
{
	hrtimer_init(&v->budget.timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	v->budget.timer.function = expired;
}

void smh_budget_destroy(struct smh_vcpu *v)
{
	hrtimer_cancel(&v->budget.timer);
}
