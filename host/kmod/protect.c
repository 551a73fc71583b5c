// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the guest's hooks need, from lock on: call sites at the entries of hooked functions, stubs, the
 * gate's copy and the page before it.  KVM write-protects their pages for us and emulates what the guest
 * writes there; here each write is looked at where it would land, with the address that it would land at,
 * so that remapping meanwhile gains nothing.  One that overlaps a protected byte is dropped, as KVM drops
 * writes to ROM, and reported; the others go on.
 *
 *   kvm_vcpu_write_guest        the emulator's writes, and KVM's own at an address that the guest chose
 *   kvm_write_guest             KVM's own
 *   kvm_vcpu_gfn_to_hva         the emulator's locked instructions: an error makes them a plain write
 *   kvm_vcpu_gfn_to_hva_prot,   KVM's walk of guest page tables: accessed and dirty bits
 *   gfn_to_hva_memslot_prot
 *   kvm_set_msr_common          addresses that KVM writes to later by mappings of its own
 */

#include <asm/kvm_para.h>

#include "lab.h"
#include "shadowmon.h"
#include "vmcs.h"
#include "write_track.h"

/* KVM's function that one of ours is in place of. */
#define ORIGINAL(ours) ((typeof(&(ours)))smh_original(ours))

#define STUCK_AFTER 8 /* exits by the same instruction at the same address without a write */

#define EPT_PRESENT GENMASK_ULL(5, 3) /* in EXIT_QUALIFICATION: what the EPT entry allowed */

/* Structures whose address one of these MSRs gives are no longer than this, or a page. */
#define PV_STRUCT_MAX 64

/* --- write tracking ------------------------------------------------------------------------------- */

bool smh_protect_is_supported(void)
{
	return IS_ENABLED(CONFIG_KVM_EXTERNAL_WRITE_TRACKING) && !smh_weakened(SMH_WEAKEN_TRACKING);
}

static int enable(struct smh_vm *vm)
{
	int err;

	if (!smh_protect_is_supported() || vm->protect.enabled)
		return 0;
	err = smh_track_enable(vm->kvm, &vm->protect.node);
	vm->protect.enabled = !err;
	return err;
}

/*
 * A slot that is deleted takes its counts along; one whose flags change keeps them.  A new one may get
 * the old one's memory, zeroed.  protect.lock and kvm->srcu held.
 */
static int track_page(struct kvm *kvm, struct smh_tracked_page *page)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, page->gfn);
	const unsigned short *counts = slot ? smh_track_counts(slot) : NULL;

	if (!counts) {
		page->counts = NULL;
		return -EFAULT;
	}
	if (page->counts == counts && READ_ONCE(counts[page->gfn - slot->base_gfn]))
		return 0;
	smh_track_add(kvm, slot, page->gfn);
	page->counts = counts;
	return 0;
}

static void untrack_page(struct kvm *kvm, struct smh_tracked_page *page)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, page->gfn);

	if (slot && page->counts && page->counts == smh_track_counts(slot) &&
	    READ_ONCE(page->counts[page->gfn - slot->base_gfn]))
		smh_track_remove(kvm, slot, page->gfn);
	page->counts = NULL;
}

static void untrack_all(struct smh_vm *vm)
{
	struct smh_protect *p = &vm->protect;
	unsigned int i;
	int idx;

	idx = srcu_read_lock(&vm->kvm->srcu);
	for (i = 0; i < p->nr_pages; i++)
		untrack_page(vm->kvm, &p->pages[i]);
	srcu_read_unlock(&vm->kvm->srcu, idx);
	p->nr_pages = 0;
}

void smh_protect_follow(struct smh_vm *vm, u64 generation)
{
	struct smh_protect *p = &vm->protect;
	unsigned int i;

	mutex_lock(&p->lock);
	/* A page that is not there now is tracked when it comes: that is a new generation. */
	for (i = 0; p->active && i < p->nr_pages; i++)
		track_page(vm->kvm, &p->pages[i]);
	WRITE_ONCE(p->generation, generation);
	mutex_unlock(&p->lock);
}

/* --- what is protected ------------------------------------------------------------------------------ */

void smh_protect_init(struct smh_vm *vm)
{
	mutex_init(&vm->protect.lock);
}

enum sm_protection smh_protect_state(const struct smh_vm *vm)
{
	if (!smh_protect_is_supported())
		return READ_ONCE(vm->verify.active) ? SM_PROTECTION_VERIFIED : SM_PROTECTION_OFF;
	return READ_ONCE(vm->protect.active) ? SM_PROTECTION_ON : SM_PROTECTION_OFF;
}

/* vm->lock held.  By the page tables of the guest, which is trusted until lock. */
static int add(struct smh_vm *vm, struct kvm_vcpu *vcpu, u64 va, u64 len, u32 slot)
{
	struct smh_protect *p = &vm->protect;
	int err;

	while (len) {
		struct smh_range *range = &p->ranges[p->nr_ranges];
		u32 piece = min_t(u64, len, SM_PAGE_SIZE - offset_in_page(va));
		u64 gpa = kvm_mmu_gva_to_gpa_read(vcpu, va, NULL);

		if (gpa >= SM_RAM_LIMIT)
			return -EFAULT;
		if (p->nr_ranges == SMH_RANGES_MAX)
			return -ENOSPC;
		*range = (struct smh_range){.va = va, .gpa = gpa, .len = piece, .slot = slot};
		err = smh_verify_remember(vm, range);
		if (err)
			return err;
		p->nr_ranges++;
		va += piece;
		len -= piece;
	}
	return 0;
}

int smh_protect_add_agent(struct smh_vm *vm, struct kvm_vcpu *vcpu,
			  const struct sm_agent_info *info)
{
	struct smh_protect *p = &vm->protect;
	int err = enable(vm);

	p->nr_ranges = 0;
	if (!err)
		err = add(vm, vcpu, info->gate_va - SM_PAGE_SIZE, 2 * SM_PAGE_SIZE, SMH_NO_SLOT);
	if (!err)
		err = add(vm, vcpu, info->stubs_va, info->stubs_size, SMH_NO_SLOT);
	p->nr_fixed = p->nr_ranges;
	return err;
}

int smh_protect_add_call_site(struct smh_vm *vm, struct kvm_vcpu *vcpu, u64 va, u32 slot)
{
	if (va < SM_GATE_VA_MIN || va > SM_GATE_VA_MAX)
		return -EINVAL;
	return add(vm, vcpu, va, SM_CALL_SITE_SIZE, slot);
}

void smh_protect_forget_call_sites(struct smh_vm *vm)
{
	mutex_lock(&vm->lock);
	if (!vm->locked)
		vm->protect.nr_ranges = vm->protect.nr_fixed;
	mutex_unlock(&vm->lock);
}

static struct smh_tracked_page *add_page(struct smh_protect *p, gfn_t gfn)
{
	unsigned int i;

	for (i = 0; i < p->nr_pages; i++)
		if (p->pages[i].gfn == gfn)
			return &p->pages[i];
	if (p->nr_pages == ARRAY_SIZE(p->pages))
		return NULL;
	p->pages[p->nr_pages] = (struct smh_tracked_page){.gfn = gfn};
	return &p->pages[p->nr_pages++];
}

int smh_protect_track(struct smh_vm *vm, gfn_t gfn)
{
	struct smh_tracked_page *page;

	if (!smh_protect_is_supported())
		return 0;
	page = add_page(&vm->protect, gfn);
	return page ? track_page(vm->kvm, page) : -ENOSPC;
}

int smh_protect_start(struct smh_vm *vm)
{
	struct smh_protect *p = &vm->protect;
	unsigned int i;
	int idx, err = 0;

	if (!smh_protect_is_supported())
		return 0;
	mutex_lock(&p->lock);
	for (i = 0; i < p->nr_ranges; i++)
		add_page(p, gpa_to_gfn(p->ranges[i].gpa));
	idx = srcu_read_lock(&vm->kvm->srcu);
	p->generation = kvm_memslots(vm->kvm)->generation;
	for (i = 0; i < p->nr_pages && !err; i++)
		err = track_page(vm->kvm, &p->pages[i]);
	srcu_read_unlock(&vm->kvm->srcu, idx);
	if (err)
		untrack_all(vm);
	else
		smp_store_release(&p->active, true); /* pairs with the load in is_active */
	mutex_unlock(&p->lock);
	return err;
}

void smh_protect_stop(struct smh_vm *vm)
{
	struct smh_protect *p = &vm->protect;

	mutex_lock(&p->lock);
	WRITE_ONCE(p->active, false);
	untrack_all(vm);
	mutex_unlock(&p->lock);
}

void smh_protect_suspend(struct smh_vm *vm)
{
	WRITE_ONCE(vm->protect.active, false);
}

void smh_protect_exit(struct smh_vm *vm)
{
	if (vm->protect.enabled)
		smh_track_disable(vm->kvm, &vm->protect.node);
	vm->protect.enabled = false;
}

/* --- writes ----------------------------------------------------------------------------------------- */

static bool is_active(const struct smh_vm *vm)
{
	/* Pairs with the store in smh_protect_start. */
	return smp_load_acquire(&vm->protect.active);
}

/* The first protected byte of a range, or 0. */
static u64 find(const struct smh_vm *vm, u64 gpa, u64 len)
{
	const struct smh_protect *p = &vm->protect;
	unsigned int i, nr_ranges = smp_load_acquire(&p->nr_ranges); /* pairs with call_site.c */

	for (i = 0; i < nr_ranges; i++) {
		const struct smh_range *r = &p->ranges[i];

		/* Pairs with call_site.c: one with a length is complete. */
		if (smp_load_acquire(&r->len) && gpa < r->gpa + r->len &&
		    (gpa >= r->gpa || r->gpa - gpa < len))
			return max(gpa, r->gpa);
	}
	return 0;
}

static bool is_protected_page(const struct smh_vm *vm, gfn_t gfn)
{
	return find(vm, gfn_to_gpa(gfn), SM_PAGE_SIZE);
}

/* The same for whoever has only a kvm. */
static bool is_protected_page_of(struct kvm *kvm, gfn_t gfn)
{
	int idx = srcu_read_lock(&smh_srcu);
	const struct smh_vm *vm = smh_vm_find(kvm);
	bool ret = vm && is_active(vm) && is_protected_page(vm, gfn);

	srcu_read_unlock(&smh_srcu, idx);
	return ret;
}

/* The vCPU whose thread this is, if it is one of vm's: its VMCS is current. */
static struct smh_vcpu *running_vcpu(struct smh_vm *vm)
{
	struct kvm_vcpu *vcpu = kvm_get_running_vcpu();

	return vcpu && vcpu->kvm == vm->kvm ? xa_load(&vm->vcpus, vcpu->vcpu_idx) : NULL;
}

static void report(struct smh_vm *vm, struct smh_vcpu *v, u64 gpa)
{
	struct sm_record_violation rec = {
		.h.type = SM_RECORD_VIOLATION,
		.view = SM_VIEW_TARGET,
		.reason = SM_REASON_HOOK_WRITE,
		.gpa = gpa,
	};

	if (v) {
		v->stats.violations++;
		rec.vcpu = v->index;
		rec.exit_reason = smh_vmread(VM_EXIT_REASON) & 0xffff;
		rec.rip = smh_vcpu_rip(v);
		rec.cr3 = smh_vmread(GUEST_CR3);
		if (rec.exit_reason == EXIT_REASON_EPT_VIOLATION) {
			rec.qualification = smh_vmread(EXIT_QUALIFICATION);
			/* A string instruction may have come from another page. */
			if (gpa_to_gfn(gpa) == gpa_to_gfn(smh_vmread(GUEST_PHYSICAL_ADDRESS)))
				rec.gla = (smh_vmread(GUEST_LINEAR_ADDRESS) & PAGE_MASK) |
					  offset_in_page(gpa);
		}
	}
	smh_host_ring_put(vm, &rec.h, sizeof(rec));
}

bool smh_protect_refuses(struct kvm *kvm, u64 gpa, u64 len)
{
	int idx = srcu_read_lock(&smh_srcu);
	struct smh_vm *vm = smh_vm_find(kvm);
	struct smh_vcpu *v;
	u64 hit = 0;

	if (vm && is_active(vm)) {
		v = running_vcpu(vm);
		if (v)
			v->unfinished.count = 0;
		hit = find(vm, gpa, len);
		if (hit)
			report(vm, v, hit);
	}
	srcu_read_unlock(&smh_srcu, idx);
	return hit;
}

/*
 * Instructions that KVM's emulator does not know, and the CPU's own writes of accessed and dirty bits when
 * a page table lies in a protected page: the vCPU would repeat them for ever.
 */
bool smh_protect_is_stuck(struct smh_vcpu *v)
{
	struct smh_unfinished *u = &v->unfinished;
	u64 qualification, gpa, rip;

	if (!is_active(v->vm))
		return false;
	qualification = smh_vmread(EXIT_QUALIFICATION);
	gpa = smh_vmread(GUEST_PHYSICAL_ADDRESS);
	if (!(qualification & EPT_VIOLATION_ACC_WRITE) || !(qualification & EPT_PRESENT) ||
	    !is_protected_page(v->vm, gpa_to_gfn(gpa)))
		return false;
	rip = smh_vcpu_rip(v);
	if (u->rip != rip || u->gpa != gpa)
		*u = (struct smh_unfinished){.rip = rip, .gpa = gpa};
	if (u->count++ < STUCK_AFTER)
		return false;
	u->count = 0;
	return true;
}

/* --- in place of KVM's functions ---------------------------------------------------------------------- */

/*
 * The originals may sleep: smh_srcu tells when the last caller is through.  None is called last of all,
 * see smh_original().
 */

int smh_vcpu_write_guest(struct kvm_vcpu *vcpu, gpa_t gpa, const void *data, unsigned long len)
{
	int idx = srcu_read_lock(&smh_srcu), ret = 0;

	if (!smh_protect_refuses(vcpu->kvm, gpa, len))
		ret = kvm_vcpu_write_guest(vcpu, gpa, data, len);
	srcu_read_unlock(&smh_srcu, idx);
	return ret;
}

int smh_write_guest(struct kvm *kvm, gpa_t gpa, const void *data, unsigned long len)
{
	int idx = srcu_read_lock(&smh_srcu), ret = 0;

	if (!smh_protect_refuses(kvm, gpa, len))
		ret = kvm_write_guest(kvm, gpa, data, len);
	srcu_read_unlock(&smh_srcu, idx);
	return ret;
}

unsigned long smh_vcpu_gfn_to_hva(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	int idx = srcu_read_lock(&smh_srcu);
	unsigned long hva = is_protected_page_of(vcpu->kvm, gfn) ? KVM_HVA_ERR_BAD
								 : kvm_vcpu_gfn_to_hva(vcpu, gfn);

	srcu_read_unlock(&smh_srcu, idx);
	return hva;
}

unsigned long smh_vcpu_gfn_to_hva_prot(struct kvm_vcpu *vcpu, gfn_t gfn, bool *writable)
{
	int idx = srcu_read_lock(&smh_srcu);
	unsigned long hva = ORIGINAL(smh_vcpu_gfn_to_hva_prot)(vcpu, gfn, writable);

	if (writable && is_protected_page_of(vcpu->kvm, gfn))
		*writable = false;
	srcu_read_unlock(&smh_srcu, idx);
	return hva;
}

unsigned long smh_gfn_to_hva_memslot_prot(struct kvm_memory_slot *slot, gfn_t gfn, bool *writable)
{
	int idx = srcu_read_lock(&smh_srcu);
	unsigned long hva = ORIGINAL(smh_gfn_to_hva_memslot_prot)(slot, gfn, writable);
	struct kvm_vcpu *vcpu = writable ? kvm_get_running_vcpu() : NULL;

	if (vcpu && is_protected_page_of(vcpu->kvm, gfn))
		*writable = false;
	srcu_read_unlock(&smh_srcu, idx);
	return hva;
}

/* KVM's own and Hyper-V's: clocks, steal time, asynchronous page faults, end of interrupt. */
static bool holds_address(u32 msr)
{
	return msr == MSR_KVM_WALL_CLOCK || msr == MSR_KVM_SYSTEM_TIME ||
	       (msr >= 0x4b564d00 && msr <= 0x4b564dff) || (msr >= 0x40000000 && msr <= 0x400001ff);
}

int smh_set_msr_common(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	int idx = srcu_read_lock(&smh_srcu), ret = 1; /* #GP */

	if (msr->host_initiated || !holds_address(msr->index) ||
	    !smh_protect_refuses(vcpu->kvm, msr->data & PAGE_MASK, PAGE_SIZE + PV_STRUCT_MAX))
		ret = kvm_set_msr_common(vcpu, msr);
	srcu_read_unlock(&smh_srcu, idx);
	return ret;
}
