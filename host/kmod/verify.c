// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two ways to change a hook are no write of the guest's, so protect.c does not see them: writes of the VMM
 * for it (DMA), and page tables that lead from the hook's address to another page.  So each vCPU looks at a
 * few ranges at random moments: are the bytes what they were at lock, and does the vCPU's CR3 lead to them?
 *
 * The guest shall not choose the moments: an interrupt of the host's makes the exit, at which the guest's CR3 is
 * whatever it is.  What the TLB holds is not seen, so it is flushed: a mapping that is in the TLB alone
 * lasts until the next look.
 *
 * Nothing is repaired.  Each change is reported once, and again when it was undone and is back.
 */

#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/sched/mm.h>

#include "lab.h"
#include "shadowmon.h"
#include "vmcs.h"

#define MEAN_WAIT (HZ / 10)
/* Guests that no interrupt of the host's disturbs are looked at when they exit for other reasons. */
#define OVERDUE HZ

/* So many looks see everything: within about a second. */
#define LOOKS 10

#define CHUNK 256

/* SDM vol. 3, "4-level paging" */
#define TABLE_SHIFT   39
#define ENTRY_PRESENT BIT_ULL(0)
#define ENTRY_USER    BIT_ULL(2)
#define ENTRY_LARGE   BIT_ULL(7)
#define ENTRY_ADDRESS GENMASK_ULL(51, 12)
#define ENTRY_NX      BIT_ULL(63)

#define NOWHERE 0 /* instead of a guest-physical address; no hook has that one */

/* By whose page tables, and in which state, a look is taken. */
struct moment {
	struct smh_vcpu *v; /* NULL: by no vCPU's */
	u64 cr3, rip;
	u32 exit_reason;
	bool has_kernel; /* these tables map the kernel */
};

int smh_verify_remember(struct smh_vm *vm, struct smh_range *range)
{
	range->bytes = range->len <= sizeof(range->site) ? range->site : smh_pool_page(&vm->pool);
	if (!range->bytes)
		return -ENOMEM;
	return kvm_read_guest(vm->kvm, range->gpa, range->bytes, range->len);
}

/* --- what is seen ------------------------------------------------------------------------------------- */

/* Offset of the first byte that is not as it was; -ENOENT: none.  -EFAULT: no RAM there at this moment. */
static int find_change(struct smh_vm *vm, const struct smh_range *range)
{
	u8 now[CHUNK];
	u32 done, i, len;

	for (done = 0; done < range->len; done += len) {
		len = min_t(u32, range->len - done, CHUNK);
		if (kvm_read_guest(vm->kvm, range->gpa + done, now, len))
			return -EFAULT;
		if (!memcmp(now, range->bytes + done, len))
			continue;
		for (i = 0; now[i] == range->bytes[done + i]; i++)
			;
		return done + i;
	}
	return -ENOENT;
}

static int read_entry(struct smh_vm *vm, u64 table, u64 va, int shift, u64 *ret_entry)
{
	u64 index = (va >> shift) & 511;

	return kvm_read_guest(vm->kvm, (table & ENTRY_ADDRESS) + index * sizeof(u64), ret_entry,
			      sizeof(*ret_entry));
}

/* What leads to an address: all entries together, and the last one. */
struct walk {
	u64 user, nx; /* ENTRY_USER if all have it; ENTRY_NX if any has */
	u64 leaf;
	int shift; /* of what the leaf maps */
};

/*
 * -ENOENT: these tables do not map va.  -EFAULT: a table is no RAM at this moment.  Unlike KVM's walk it leaves
 * accessed bits alone, and does not depend on the CPL.
 */
static int walk(struct smh_vm *vm, u64 cr3, u64 va, struct walk *ret)
{
	u64 entry = cr3;
	int shift = TABLE_SHIFT;

	*ret = (struct walk){.user = ENTRY_USER};
	for (;; shift -= 9) {
		if (read_entry(vm, entry, va, shift, &entry))
			return -EFAULT;
		if (!(entry & ENTRY_PRESENT))
			return -ENOENT;
		ret->user &= entry;
		ret->nx |= entry & ENTRY_NX;
		if (shift == PAGE_SHIFT || (shift < TABLE_SHIFT && (entry & ENTRY_LARGE)))
			break;
	}
	ret->leaf = entry;
	ret->shift = shift;
	return 0;
}

static u64 walk_end(const struct walk *w, u64 va)
{
	u64 mask = BIT_ULL(w->shift) - 1;

	return (w->leaf & ENTRY_ADDRESS & ~mask) | (va & mask);
}

/* Where the kernel at va would run by these tables, or NOWHERE.  -EFAULT as above. */
int smh_verify_translate(struct smh_vm *vm, u64 cr3, u64 va, u64 *ret_gpa)
{
	struct walk w;
	int err = walk(vm, cr3, va, &w);

	*ret_gpa = NOWHERE;
	if (err)
		return err == -ENOENT ? 0 : err;
	if (!w.user && !w.nx)
		*ret_gpa = walk_end(&w, va);
	return 0;
}

/* The guest may be about to change a table: what is wrong has to be so twice. */
static int walk_twice(struct smh_vm *vm, u64 cr3, const struct smh_range *range, u64 *ret_gpa)
{
	int err = smh_verify_translate(vm, cr3, range->va, ret_gpa);

	if (!err && *ret_gpa != range->gpa)
		err = smh_verify_translate(vm, cr3, range->va, ret_gpa);
	return err;
}

/*
 * With KPTI, user mode and the first instructions of an entry run on tables that lack most of the kernel.  Of its
 * top level and of its text they have parts; of its data none, without which no kernel runs for long.
 */
static bool maps_kernel(struct smh_vm *vm, u64 cr3)
{
	struct walk w;

	return !walk(vm, cr3, vm->agent.data_va, &w);
}

/* --- what is told --------------------------------------------------------------------------------------- */

static void report(struct smh_vm *vm, const struct moment *m, u32 reason, u64 gpa, u64 gla)
{
	struct sm_record_violation rec = {
		.h.type = SM_RECORD_VIOLATION,
		.vcpu = m->v ? m->v->index : 0,
		.view = SM_VIEW_TARGET,
		.reason = reason,
		.exit_reason = m->exit_reason,
		.rip = m->rip,
		.gpa = gpa,
		.gla = gla,
		.cr3 = m->cr3,
	};

	if (m->v)
		m->v->stats.violations++;
	smh_host_ring_put(vm, &rec.h, sizeof(rec));
}

/* Once, until it is seen right. */
static bool is_news(struct smh_vm *vm, unsigned long *told, unsigned int i, bool wrong)
{
	if (!wrong) {
		if (test_bit(i, told))
			clear_bit(i, told);
		return false;
	}
	/* Pairs with smh_verify_suspend(): what was read may be of the time after it. */
	smp_rmb();
	return READ_ONCE(vm->verify.active) && !test_and_set_bit(i, told);
}

static void verify(struct smh_vm *vm, const struct moment *m, unsigned int i)
{
	const struct smh_range *range = &vm->protect.ranges[i];
	int change;
	u64 gpa;

	/* Pairs with the store in call_site.c: the range is complete. */
	if (!smp_load_acquire(&range->len))
		return;
	change = find_change(vm, range);
	if (change != -EFAULT && is_news(vm, vm->verify.changed, i, change >= 0))
		report(vm, m, SM_REASON_HOOK_CHANGED, range->gpa + change, range->va + change);
	if (!m->has_kernel || walk_twice(vm, m->cr3, range, &gpa))
		return;
	if (is_news(vm, vm->verify.remapped, i, gpa != range->gpa))
		report(vm, m, SM_REASON_HOOK_MAPPED, gpa, range->va);
}

/* --- when --------------------------------------------------------------------------------------------- */

void smh_verify_start(struct smh_vm *vm)
{
	/* Pairs with the load in smh_verify_look: the ranges are complete. */
	smp_store_release(&vm->verify.active, true);
}

/* Are the page tables that CR3 names what finds the kernel's code? */
static bool has_kernel_tables(struct smh_vcpu *v)
{
	return (smh_vmread(GUEST_CR0) & X86_CR0_PG) && (v->vcpu->arch.efer & EFER_LMA) &&
	       !(v->vcpu->arch.cr4 & X86_CR4_LA57) && !(v->vcpu->arch.hflags & HF_SMM_MASK);
}

/*
 * kdump leaves the other CPUs in the kernel that is dead, with its page tables and registers: nothing of theirs is
 * to be compared with the kernel that was attached since, as long as they do not run that.
 */
void smh_verify_meet(struct smh_vcpu *v)
{
	const struct sm_agent_info *agent = &v->vm->agent;
	struct walk w;

	/* Pairs with the store in smh_verify_start: what the guest module told is complete. */
	if (!smp_load_acquire(&v->vm->verify.active) || !has_kernel_tables(v))
		return;
	if (!walk(v->vm, smh_vmread(GUEST_CR3), agent->data_va, &w))
		v->look.ours = walk_end(&w, agent->data_va) - agent->kernel_pa ==
			       agent->data_va - agent->kernel_va;
}

/* A look that is late makes up for those that there should have been: all is seen in time by few exits, too. */
static unsigned int ranges_due(const struct smh_vcpu *v, unsigned int ranges)
{
	unsigned long looks = 1 + (jiffies - v->look.due) / MEAN_WAIT;

	return DIV_ROUND_UP(ranges * min_t(unsigned long, looks, LOOKS), LOOKS);
}

void smh_verify_look(struct smh_vcpu *v, u32 exit_reason)
{
	struct smh_vm *vm = v->vm;
	struct moment m = {.v = v, .exit_reason = exit_reason};
	unsigned int count, ranges;

	/* Pairs with the store in smh_verify_start. */
	if (!smp_load_acquire(&vm->verify.active) || smh_weakened(SMH_WEAKEN_VERIFY))
		return;
	if (exit_reason != EXIT_REASON_EXTERNAL_INTERRUPT &&
	    time_before(jiffies, v->look.due + OVERDUE))
		return;
	m.rip = smh_vcpu_rip(v);
	m.cr3 = smh_vmread(GUEST_CR3);
	m.has_kernel = v->look.ours && has_kernel_tables(v) && maps_kernel(vm, m.cr3);
	ranges = READ_ONCE(vm->protect.nr_ranges);
	for (count = ranges_due(v, ranges); count; count--)
		verify(vm, &m, v->look.range++ % ranges);
	kvm_make_request(KVM_REQ_TLB_FLUSH_GUEST, v->vcpu);
	v->look.due = jiffies + 1 + get_random_u32() % (2 * MEAN_WAIT);
}

/* In a thread of the host's, which borrows the VMM's memory for it. */
struct last_look {
	struct work_struct work;
	struct smh_vm *vm;
};

static void look_at_all(struct work_struct *work)
{
	struct smh_vm *vm = container_of(work, struct last_look, work)->vm;
	struct moment m = {.cr3 = vm->kernel_cr3};
	struct mm_struct *mm = vm->kvm->mm;
	unsigned int i;
	int idx, ranges;

	if (!mmget_not_zero(mm))
		return;
	kthread_use_mm(mm);
	ranges = srcu_read_lock(&smh_srcu); /* they do not change meanwhile: call_site.c */
	idx = srcu_read_lock(&vm->kvm->srcu);
	m.has_kernel = maps_kernel(vm, m.cr3);
	for (i = 0; i < vm->protect.nr_ranges; i++)
		verify(vm, &m, i);
	srcu_read_unlock(&vm->kvm->srcu, idx);
	srcu_read_unlock(&smh_srcu, ranges);
	kthread_unuse_mm(mm);
	mmput(mm);
}

void smh_verify_stop(struct smh_vm *vm)
{
	struct last_look last = {.vm = vm};

	if (!READ_ONCE(vm->verify.active))
		return;
	if (!READ_ONCE(vm->gone)) {
		INIT_WORK_ONSTACK(&last.work, look_at_all);
		queue_work(system_unbound_wq, &last.work);
		flush_work(&last.work);
		destroy_work_on_stack(&last.work);
	}
	smh_verify_suspend(vm);
}

void smh_verify_suspend(struct smh_vm *vm)
{
	WRITE_ONCE(vm->verify.active, false);
	/* What changes from here on does so behind this: pairs with the barrier in is_news. */
	smp_wmb();
}
