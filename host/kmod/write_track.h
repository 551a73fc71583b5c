/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM's external write tracking, of which there are two generations, or none.  kvm->srcu held where a slot
 * is passed; all but the counts may sleep.
 */
#ifndef SHADOWMON_KMOD_WRITE_TRACK_H
#define SHADOWMON_KMOD_WRITE_TRACK_H

#include <linux/kvm_host.h>
#include <asm/kvm_page_track.h>

#if !defined(CONFIG_KVM_EXTERNAL_WRITE_TRACKING)

static inline const unsigned short *smh_track_counts(const struct kvm_memory_slot *slot)
{
	return NULL;
}

static inline void smh_track_add(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
}

static inline void smh_track_remove(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
}

#elif defined(HAS_WRITE_TRACK_GFN)

/* How often each page of the slot is tracked, by us and others; NULL: it cannot be. */
static inline const unsigned short *smh_track_counts(const struct kvm_memory_slot *slot)
{
	return slot->arch.gfn_write_track;
}

static inline void smh_track_add(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	kvm_write_track_add_gfn(kvm, gfn);
}

static inline void smh_track_remove(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	kvm_write_track_remove_gfn(kvm, gfn);
}

#else

static inline const unsigned short *smh_track_counts(const struct kvm_memory_slot *slot)
{
	return slot->arch.gfn_track[KVM_PAGE_TRACK_WRITE];
}

static inline void smh_track_add(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	write_lock(&kvm->mmu_lock);
	kvm_slot_page_track_add_page(kvm, slot, gfn, KVM_PAGE_TRACK_WRITE);
	write_unlock(&kvm->mmu_lock);
}

static inline void smh_track_remove(struct kvm *kvm, struct kvm_memory_slot *slot, gfn_t gfn)
{
	write_lock(&kvm->mmu_lock);
	kvm_slot_page_track_remove_page(kvm, slot, gfn, KVM_PAGE_TRACK_WRITE);
	write_unlock(&kvm->mmu_lock);
}

#endif

/* The newer one is off in a VM until somebody registers, in a thread of the VMM's. */
#if defined(CONFIG_KVM_EXTERNAL_WRITE_TRACKING) && defined(HAS_WRITE_TRACK_GFN)
static inline int smh_track_enable(struct kvm *kvm, struct kvm_page_track_notifier_node *node)
{
	return kvm_page_track_register_notifier(kvm, node);
}

static inline void smh_track_disable(struct kvm *kvm, struct kvm_page_track_notifier_node *node)
{
	kvm_page_track_unregister_notifier(kvm, node);
}
#else
static inline int smh_track_enable(struct kvm *kvm, struct kvm_page_track_notifier_node *node)
{
	return 0;
}

static inline void smh_track_disable(struct kvm *kvm, struct kvm_page_track_notifier_node *node)
{
}
#endif

#endif
