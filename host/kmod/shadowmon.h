/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host module's own types and the functions that its files offer each other.
 *
 * Locking, outermost first:
 *   smh_attach_lock      set of attachments, installing and removing the KVM hooks
 *   smh_vm.command_lock  one command to the guest module at a time
 *   smh_vm.lock          state, image, vCPUs; ioctls and work items
 *   smh_protect.lock     write tracking; inside kvm->srcu, outside kvm->mmu_lock
 *   smh_vm.window_lock   window tables, list of vCPUs as the window sees it; spinlock
 *   smh_host_ring.lock   raw spinlock, taken with IRQs off
 * A vCPU thread holds smh_srcu through each exit, and IRQs off (which is RCU) through each entry.
 * What only the vCPU thread touches (smh_vcpu's entry and exit state) needs no lock.
 */
#ifndef SHADOWMON_KMOD_H
#define SHADOWMON_KMOD_H

#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/kvm_host.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <asm/kvm_page_track.h>
#include <asm/vmx.h>

#include <shadowmon/event.h>
#include <shadowmon/hypercall.h>
#include <shadowmon/ioctl.h>
#include <shadowmon/layout.h>
#include <shadowmon/ring.h>

#include "verify.h"

#undef pr_fmt
#define pr_fmt(fmt) "shadowmon: " fmt

struct smh_vm;

/* --- pages: pool.c --------------------------------------------------------------------------- */

/* Pages that live as long as their VM's compartment, freed together. */
struct smh_pool {
	spinlock_t lock;
	struct list_head pages;
	u32 count;
};

void smh_pool_init(struct smh_pool *pool);
/* A zeroed page, or NULL.  May sleep. */
void *smh_pool_page(struct smh_pool *pool);
void smh_pool_destroy(struct smh_pool *pool);
/* Host pages held for all VMs: pools and rings. */
u32 smh_pages_held(void);
void smh_pages_account(int delta);

/* --- second-level tables: ept.c -------------------------------------------------------------- */

#define SMH_EPT_READ  BIT(0)
#define SMH_EPT_WRITE BIT(1)
#define SMH_EPT_EXEC  BIT(2)

/* Maps one 4 KiB page; allocates tables on the way.  -ENOMEM, or -EEXIST if one is mapped there. */
int smh_ept_map(struct smh_pool *pool, u64 *root, u64 gpa, u64 pa, u64 permissions);
/* Makes an entry of a table of level (3: PDPTE ... 1: PTE tables) point to another table. */
void smh_ept_link(u64 *table, unsigned int index, u64 *child);
u64 *smh_ept_child(const u64 *table, unsigned int index);
u64 smh_ept_leaf(u64 pa, u64 permissions);
/* Drops all that this CPU has cached for an EPTP.  Preemption off, VMX on. */
void smh_ept_flush(u64 eptp);
/* The same for every EPTP, on every CPU.  May sleep. */
void smh_ept_flush_everywhere(void);

/* --- trusted first-level tables, B: tables.c ------------------------------------------------- */

struct smh_tables {
	u64 *pages[SM_TABLES_MAX]; /* [0] is the top level */
	unsigned int count;
};

/* Lays out B for the gate at gate_va and an image of these segments. */
int smh_tables_build(struct smh_tables *b, struct smh_pool *pool, u64 gate_va, u32 ring_size,
		     const struct sm_segment *segments, unsigned int nr_segments);

/* --- rings: ring.c --------------------------------------------------------------------------- */

struct smh_ring {
	struct page **pages; /* producer, consumer, data */
	unsigned int nr_pages;
	struct sm_ring_producer *producer;
	struct sm_ring_consumer *consumer;
};

int smh_ring_create(struct smh_ring *ring, u32 size, u32 flags, u32 vcpu);
void smh_ring_destroy(struct smh_ring *ring);
bool smh_ring_has_records(const struct smh_ring *ring);
bool smh_ring_has_room(const struct smh_ring *ring);
/* produces: whoever maps it writes records, too. */
int smh_ring_mmap(const struct smh_ring *ring, struct vm_area_struct *vma, unsigned long first_page,
		  bool produces);

/* The module's own records.  Any context. */
struct smh_host_ring {
	raw_spinlock_t lock;
	struct smh_ring ring;
	void *data;
	u64 seq;
	u64 lost;
};

int smh_host_ring_create(struct smh_host_ring *host);
void smh_host_ring_destroy(struct smh_host_ring *host);
/* Stamps rec (whose body and type the caller filled) and appends it, or counts it as lost. */
void smh_host_ring_put(struct smh_vm *vm, struct sm_record *rec, u32 len);

/* --- vCPUs: vcpu.c --------------------------------------------------------------------------- */

/* An event that KVM wanted to inject while the vCPU was in view 1 or 2. */
struct smh_held_event {
	u32 info; /* VM-entry interruption information; 0: none */
	u32 error_code;
	bool window; /* an exit is asked for when the guest can take interrupts */
};

#define SMH_PINS 11

/* Registers as they were at lock: pin.c. */
struct smh_pins {
	bool taken;
	bool wp_taken;       /* KVM had left CR0.WP to the guest */
	bool held[SMH_PINS]; /* had its pinned value when last looked at */
	u64 value[SMH_PINS];
};

/* What tells a reset: reset.c. */
struct smh_reset {
	bool was_protected; /* in protected mode when KVM had handled the last exit */
	bool written;       /* the VMM wrote its registers since the last entry */
	bool moved;         /* ... and put it elsewhere */
};

/* A write to a protected page that KVM was to emulate and that has not come to pass. */
struct smh_unfinished {
	u64 rip, gpa;
	unsigned int count;
};

/* What the activation that was interrupted has used; in the guest's TSC: budget.c. */
struct smh_budget {
	u64 activation;
	u64 used;
	u64 entered; /* guest mode; 0: not since the last exit */
	struct hrtimer timer;
};

struct smh_image;

struct smh_vcpu {
	/* What each exit and entry look at, together. */
	struct hlist_node node; /* vm.c */
	struct kvm_vcpu *vcpu;
	struct smh_vm *vm;
	u64 eptp[3]; /* of view 1 and 2 */
	u64 *list;   /* EPTP list page */
	struct sm_cpu_state *state;
	struct smh_image *image; /* that views 1 and 2 show */
	u64 functions;           /* that VMFUNC has, by our doing */
	bool bound;              /* this vCPU's VMCS names our list */
	bool vmfunc; /* VM functions are on, which KVM had off: a guest would make KVM warn of their exits */
	u8 view;      /* at the last exit; consumed by the next entry */
	bool flush;   /* INVEPT before the next entry; set by others */
	bool blocked; /* KVM is shown blocking by MOV SS */
	bool budget_armed;
	struct smh_reset reset;
	u32 masked_windows; /* window exits that KVM asked for and that are off */
	struct smh_held_event held;
	struct smh_look look;
	struct smh_pins pins;

	u32 index;
	u64 *pdpt[3]; /* of view 1 and 2: where window tables are linked */
	struct smh_ring ring;
	u64 rip; /* where it is to go on, if view is 1 or 2 */
	struct smh_budget budget;
	struct smh_unfinished unfinished;

	struct smh_outside *outside; /* transports other than the gate: transport.h */

	wait_queue_head_t room; /* block mode; an answer */
	struct sm_vcpu_status stats;
};

/* Creates what vcpu needs, unless it exists.  May sleep.  NULL: out of memory. */
struct smh_vcpu *smh_vcpu_get_or_create(struct smh_vm *vm, struct kvm_vcpu *vcpu);
void smh_vcpu_destroy(struct smh_vcpu *v);
/* Puts the image's and the window's tables into the vCPU's views.  window_lock held. */
void smh_vcpu_link_window(struct smh_vcpu *v);
int smh_vcpu_link_image(struct smh_vcpu *v);
/* Has views 1 and 2 show the VM's image of now.  The vCPU is in view 0, and not in guest mode. */
void smh_vcpu_take_image(struct smh_vcpu *v);
/* Gets one that is in KVM_RUN past its entry hook: out of guest mode, or out of HLT. */
void smh_vcpu_wake(struct smh_vcpu *v);
/* The same for transports other than the gate, and its undoing: transport.c. */
int smh_transport_prepare(struct smh_vcpu *v);
void smh_transport_unprepare(struct smh_vcpu *v);

u64 smh_vcpu_rip(struct smh_vcpu *v);
void smh_vcpu_set_reg(struct smh_vcpu *v, enum kvm_reg reg, u64 value);
/* 0 to 2, from the EPTP that is in the VMCS. */
static inline unsigned int smh_vcpu_current_view(const struct smh_vcpu *v, u64 eptp)
{
	if (unlikely(eptp == v->eptp[SM_VIEW_GATE]))
		return SM_VIEW_GATE;
	if (unlikely(eptp == v->eptp[SM_VIEW_MONITOR]))
		return SM_VIEW_MONITOR;
	return SM_VIEW_TARGET;
}
/* Writes the whole list page anew, disarmed, with target as view 0. */
void smh_vcpu_reset_list(struct smh_vcpu *v, u64 target_eptp);

/* --- window: window.c ------------------------------------------------------------------------ */

#define SMH_WINDOW_GIBS ((SM_PRIVATE_GPA - SM_WINDOW_GPA) >> 30)

struct smh_window {
	u64 *pd[SMH_WINDOW_GIBS];
	u64 generation; /* of the memslots that the window was filled from */
	unsigned long invalidate_seq;
	int invalidating;
};

/* Fills the page of gpa in.  -EFAULT: not RAM.  -EAGAIN: raced, retry.  vCPU thread; may sleep. */
int smh_window_fill(struct smh_vm *vm, u64 gpa);
/* The memslots are not those of window.generation: drops all.  vCPU thread, kvm->srcu held. */
void smh_window_follow(struct smh_vm *vm, u64 generation);
extern const struct mmu_notifier_ops smh_window_notifier_ops;

/* --- protected guest memory: protect.c -------------------------------------------------------- */

struct smh_tracked_page {
	gfn_t gfn;
	const unsigned short *counts; /* of the memslot in which this page is tracked, or NULL */
};

struct smh_protect {
	struct mutex lock; /* pages, generation */
	bool active;
	u64 generation; /* of the memslots that the pages are tracked in */
	unsigned int nr_fixed, nr_ranges,
		nr_pages; /* do not change while active; until lock under vm->lock */
	struct smh_range ranges[SMH_RANGES_MAX]; /* first nr_fixed that do not depend on hooks */
	struct smh_tracked_page pages[SMH_RANGES_MAX];
	struct kvm_page_track_notifier_node node;
	bool enabled; /* in the VM, by node */
};

void smh_protect_init(struct smh_vm *vm);
/* Until lock.  Gate and stubs; a call site; no call site.  vCPU thread; take vm->lock. */
int smh_protect_add_agent(struct smh_vm *vm, struct kvm_vcpu *vcpu,
			  const struct sm_agent_info *info);
int smh_protect_add_call_site(struct smh_vm *vm, struct kvm_vcpu *vcpu, u64 va, u32 slot);
/* After lock: has writes to a page seen.  protect.lock and kvm->srcu held. */
int smh_protect_track(struct smh_vm *vm, gfn_t gfn);
void smh_protect_forget_call_sites(struct smh_vm *vm);
/* From here on; until here.  May sleep; vm->lock held; smh_protect_stop() without it. */
int smh_protect_start(struct smh_vm *vm);
void smh_protect_stop(struct smh_vm *vm);
/* From here on writes pass; smh_protect_stop() is to follow.  Any context. */
void smh_protect_suspend(struct smh_vm *vm);
/* After smh_protect_stop(), when no hook sees the VM any more. */
void smh_protect_exit(struct smh_vm *vm);
enum sm_protection smh_protect_state(const struct smh_vm *vm);
/* Whether KVM can write-protect for us; else hooks are verified only. */
bool smh_protect_is_supported(void);
/* The memslots are not those of protect.generation: tracks anew.  vCPU thread, kvm->srcu held. */
void smh_protect_follow(struct smh_vm *vm, u64 generation);
/* True, and reported, if that overlaps what is protected: the caller does not write. */
bool smh_protect_refuses(struct kvm *kvm, u64 gpa, u64 len);
/* At an EPT violation: KVM does not get ahead with a write.  vCPU thread. */
bool smh_protect_is_stuck(struct smh_vcpu *v);

/* In place of KVM's functions of the same names. */
int smh_vcpu_write_guest(struct kvm_vcpu *vcpu, gpa_t gpa, const void *data, unsigned long len);
int smh_write_guest(struct kvm *kvm, gpa_t gpa, const void *data, unsigned long len);
unsigned long smh_vcpu_gfn_to_hva(struct kvm_vcpu *vcpu, gfn_t gfn);
unsigned long smh_vcpu_gfn_to_hva_prot(struct kvm_vcpu *vcpu, gfn_t gfn, bool *writable);
unsigned long smh_gfn_to_hva_memslot_prot(struct kvm_memory_slot *slot, gfn_t gfn, bool *writable);
int smh_set_msr_common(struct kvm_vcpu *vcpu, struct msr_data *msr);

/* --- VMs: vm.c ------------------------------------------------------------------------------- */

enum smh_command_state {
	SMH_COMMAND_NONE,
	SMH_COMMAND_QUEUED,
	SMH_COMMAND_TAKEN,
	SMH_COMMAND_DONE,
};

struct smh_vm {
	struct hlist_node node;
	struct kref ref;
	struct kvm *kvm;
	struct mutex lock;
	enum sm_state state;
	bool published; /* its vCPUs are found */
	bool locked;    /* guest is untrusted */
	bool parting;   /* no entry may bind a vCPU any more */
	bool gone;      /* the VMM's memory is being torn down: no vCPU will ever enter */
	bool detached;
	atomic_t was_reset; /* which ended the attachment */
	u32 flags, ring_size, budget_us, max_aborts;
	enum sm_transport transport;
	bool unserved;     /* no process serves any more */
	struct pid *owner; /* process that attached */
	void *exit_handlers[SM_SLOTS];
	pid_t vmm_pid;

	struct xarray vcpus; /* index -> smh_vcpu */
	struct smh_pool pool;
	struct smh_image *image;   /* NULL: none, or another transport than the gate */
	struct smh_image *retired; /* replaced, but a vCPU may still have it */

	spinlock_t window_lock;
	struct smh_window window;
	struct smh_protect protect;
	struct smh_verify verify;
	struct mmu_notifier notifier;

	spinlock_t pins_lock; /* what follows; IRQs off */
	bool pins_known;
	u64 pins[SMH_PINS]; /* as the first vCPU showed them after lock */

	struct sm_agent_info agent;
	u64 kernel_cr3;
	u16 abort_errno[SM_SLOTS]; /* transports other than the gate: the image's else */

	struct mutex command_lock; /* one command at a time; outside lock */
	spinlock_t mailbox_lock;   /* what follows */
	struct sm_agent_command command;
	s64 command_result;
	enum smh_command_state command_state;
	wait_queue_head_t command_wait;

	struct smh_host_ring host_ring;
	wait_queue_head_t readers;
	struct work_struct detach_work;
	struct delayed_work reap_work;
};

extern struct srcu_struct smh_srcu;

/* The attachment of kvm, or NULL.  Under smh_srcu or RCU. */
struct smh_vm *smh_vm_find(const struct kvm *kvm);
/* The same for a vCPU; NULL also for one that is new. */
struct smh_vcpu *smh_vcpu_find(const struct kvm_vcpu *vcpu);
/* From here on it is found. */
void smh_vcpu_publish(struct smh_vcpu *v);
int smh_vm_attach(const struct sm_ioc_attach *arg, struct smh_vm **ret_vm);
/* Takes the VM back to what it was; idempotent.  May sleep. */
void smh_vm_detach(struct smh_vm *vm);
/* The same by a work item.  Any context. */
void smh_vm_detach_later(struct smh_vm *vm);
void smh_vm_put(struct smh_vm *vm);
unsigned int smh_vm_count(void);
/* Takes the hooks out now, if none is attached.  Before unload. */
void smh_vm_exit(void);
/* Makes every vCPU leave guest mode and flush our views before it enters again. */
void smh_vm_flush(struct smh_vm *vm);

/* --- commands to the guest module: command.c --------------------------------------------------- */

/*
 * Has the guest module execute a command; *ret_result is its answer.  Sleeps until then.
 * -ETIMEDOUT, -ENOTCONN: the VM is gone, -EINTR.
 */
int smh_command(struct smh_vm *vm, const struct sm_agent_command *command, u32 timeout_ms,
		s64 *ret_result);
/* The guest's side: what is to be done now, and what came of it. */
void smh_command_take(struct smh_vm *vm, struct sm_agent_command *ret_command);
int smh_command_answer(struct smh_vm *vm, u64 id, s64 result);
/* False: no command of that id waits for its answer. */
bool smh_command_peek(struct smh_vm *vm, u64 id, struct sm_agent_command *ret_command);

/* --- the gate's bytes: gate_page.S ------------------------------------------------------------- */

extern const u8 smh_gate_page[SM_PAGE_SIZE];

/* --- image: image.c -------------------------------------------------------------------------- */

/* The compartment as all vCPUs have it; and what leads to it, since B depends on its segments. */
struct smh_image {
	struct smh_pool pool;
	u64 *alias_pd;      /* root alias, shared by all views */
	u64 *private_pd[3]; /* gate, tables and image, of view 1 and 2 */
	u64 *gate;
	struct smh_tables tables;
	u32 size;
	struct sm_fixup *fixups;
	u32 nr_fixups;
	u16 abort_errno[SM_SLOTS];
	u64 *dispatch; /* table of handlers, or NULL */
	u64 unbound;   /* the handler that does nothing */
	u32 policy;    /* offset of what policies are judged by, or 0 */
	atomic_t aborts[SM_SLOTS];
};

/* Copies, checks and maps, for the guest module that is registered.  -errno in *ret_image's stead. */
int smh_image_create(const struct smh_vm *vm, const struct sm_ioc_load_image *arg,
		     struct smh_image **ret_image);
/* No CPU has cached anything of it.  NULL: nothing. */
void smh_image_destroy(struct smh_image *image);
/* The VM's first; vm->lock held, state SM_STATE_REGISTERED. */
int smh_image_load(struct smh_vm *vm, const struct sm_ioc_load_image *arg);
/* Where a load at this image offset resumes when it missed; 0: nowhere. */
u32 smh_image_fixup(const struct smh_image *image, u32 offset);
/* The page that shows an offset in one of the image's segments. */
u64 *smh_image_page(const struct smh_image *image, u32 offset);

/* --- another image: reload.c -------------------------------------------------------------------- */

/*
 * Each vCPU changes to it when it is in view 0.  Returns when all have; -ETIMEDOUT: one has not run yet, and
 * will when it does; -EBUSY: one has not since an earlier call.  Takes vm->lock; may sleep.
 */
int smh_image_reload(struct smh_vm *vm, const struct sm_ioc_load_image *arg);

/* --- hooks that come and go after lock: call_site.c ----------------------------------------------- */

/*
 * The guest says that there is a call of a stub at va.  -EPERM: there is not.  vCPU thread, vm->lock and
 * kvm->srcu held; may sleep.
 */
int smh_call_site_add(struct smh_vm *vm, u64 va, u32 slot, u32 nargs);
/* From here on the guest may write to the call of a slot.  No vCPU thread; neither lock held; sleeps. */
void smh_call_site_release(struct smh_vm *vm, u32 slot);

/* --- policies: policy.c ------------------------------------------------------------------------ */

int smh_policy_decode(const struct sm_ioc_load_image *arg);
int smh_policy_set(struct smh_vm *vm, const struct sm_ioc_policy *arg);
/* What the VM judges by now is what another image, which no vCPU has yet, will.  vm->lock held. */
void smh_policy_copy(const struct smh_vm *vm, struct smh_image *to);

/* --- how long monitors may run: budget.c --------------------------------------------------------- */

void smh_budget_init(struct smh_vcpu *v);
void smh_budget_destroy(struct smh_vcpu *v);
/* Before an entry in view 2, with IRQs off, and after the next exit there.  vCPU's thread. */
void smh_budget_enter(struct smh_vcpu *v);
void smh_budget_exit(struct smh_vcpu *v);
bool smh_budget_is_used_up(const struct smh_vcpu *v);
void smh_budget_forget(struct smh_vcpu *v);
/* The activation has ended, or begins anew.  Each exit in view 0 asks. */
static inline void smh_budget_end(struct smh_vcpu *v)
{
	if (unlikely(v->budget_armed))
		smh_budget_forget(v);
}
/* Makes an exit when a whole budget has passed.  Any context. */
void smh_budget_kick(struct smh_vcpu *v);

/* --- monitors that go wrong: disable.c --------------------------------------------------------- */

/* What a max_aborts of SM_IOC_ATTACH means. */
u32 smh_disable_limit(u32 max_aborts);
/* Once the image is built; offsets as in struct sm_ioc_load_image, checked. */
void smh_disable_prepare(struct smh_image *image, u64 gate_va, u32 dispatch, u32 unbound);
/* An activation of this slot was aborted. */
void smh_disable_count(struct smh_vcpu *v, u32 slot);

/* --- pinned registers: pin.c ------------------------------------------------------------------- */

/*
 * Before each entry after lock until they are taken, which is when the vCPU runs the kernel that was locked.
 * vCPU's thread, VMCS current, IRQs off.
 */
void smh_pins_take(struct smh_vcpu *v);
/* No more: VMCS current. */
void smh_pins_release(struct smh_vcpu *v);
/* Answers LIDT, LGDT, SIDT, SGDT and the like; returns as an exit handler does. */
int smh_pins_descriptor_access(struct smh_vcpu *v, u32 exit_reason);
/*
 * Behind an exit for this reason there may be something to undo.  A vCPU gets to long mode from another one by
 * writes to EFER and CR0 only, which are among them, so that smh_pins_check() sees it on its way.
 */
static inline bool smh_pins_may_change(const struct smh_vcpu *v, u32 exit_reason)
{
	return v->pins.taken &&
	       (exit_reason == EXIT_REASON_EXTERNAL_INTERRUPT || exit_reason == EXIT_REASON_HLT ||
		exit_reason == EXIT_REASON_CR_ACCESS || exit_reason == EXIT_REASON_MSR_WRITE);
}

/* Behind KVM's handler: undoes and reports what it let through. */
void smh_pins_check(struct smh_vcpu *v, u32 exit_reason);

/* --- resets: reset.c --------------------------------------------------------------------------- */

static inline bool smh_is_protected_mode(const struct smh_vcpu *v)
{
	return v->vcpu->arch.cr0 & X86_CR0_PE; /* never the guest's own: KVM intercepts changes */
}

/* Behind KVM's exit handler, view 0. */
static inline void smh_reset_note_mode(struct smh_vcpu *v)
{
	v->reset.was_protected = smh_is_protected_mode(v);
}

/* Can smh_reset_is_due() be other than 0? */
static inline bool smh_reset_may_be_due(const struct smh_vcpu *v)
{
	return !smh_is_protected_mode(v) || v->reset.written || v->reset.moved;
}

/* Before an entry: what the VMM has made of the VM meanwhile, by which the attachment ends; or 0. */
u32 smh_reset_is_due(struct smh_vcpu *v);
/* Reports, ends write protection and has the VM detached by a work item.  Any context. */
void smh_reset(struct smh_vm *vm, u32 what);

/* --- registers that the VMM reads and writes: vmm.c ---------------------------------------------- */

/* Before KVM_GET_REGS and KVM_SET_REGS, vCPU not loaded.  Preemption off. */
void smh_vmm_reads(struct kvm_vcpu *vcpu, const void *unused);
void smh_vmm_writes(struct kvm_vcpu *vcpu, const void *kvm_regs);

/* --- hooks into KVM: hooks.c ----------------------------------------------------------------- */

int smh_hooks_resolve(void);
int smh_hooks_install(void);
void smh_hooks_remove(void);
/* Returns when no thread can be in our code any more.  Before unload. */
void smh_hooks_quiesce(void);
/* KVM's own function for one of ours that took its place, and that must not call it last of all. */
void *smh_original(const void *ours);

/* enter.c: right before each VM entry; IRQs off. */
void smh_enter(struct kvm_vcpu *vcpu, const void *unused);
/* enter.c: takes our settings out of the VMCS, which is current. */
void smh_unbind(struct smh_vcpu *v);
/* exit.c: in place of vmx_handle_exit. */
int smh_handle_exit(struct kvm_vcpu *vcpu, unsigned int fastpath);

/* --- injection: inject.c ------------------------------------------------------------------------ */

/* Behind all exit handlers: KVM injects no interrupt and no NMI if the vCPU goes on in view 1 or 2. */
void smh_inject_block(struct smh_vcpu *v);
/* Before an entry in view 1 or 2: no exit because the guest could take an interrupt or an NMI. */
void smh_inject_mask_windows(struct smh_vcpu *v, unsigned int view);
/* At an exit, before any of KVM's handlers: the window exits that it asked for. */
void smh_inject_unmask_windows(struct smh_vcpu *v);
/* Before an entry: VMCS as KVM has it. */
void smh_inject_restore(struct smh_vcpu *v);
/* Before an entry in view 1 or 2: takes out what KVM wants to inject. */
void smh_inject_withhold(struct smh_vcpu *v);
/* Behind all exit handlers: what is held goes back to KVM, if the guest can take it in view 0. */
void smh_inject_hand_back(struct smh_vcpu *v);
/* Before an entry in view 0: true if something is held; then there is an exit as soon as it can go. */
bool smh_inject_waits(struct smh_vcpu *v);
/* At an exit for an interrupt window. */
void smh_inject_note_window(struct smh_vcpu *v);

/* In place of vmx_smi_allowed: not in views 1 and 2. */
int smh_smi_allowed(struct kvm_vcpu *vcpu, bool for_injection);

/* --- violations and aborts: abort.c ---------------------------------------------------------- */

/* Reports; vCPU in view 1, or in view 0 (refused): back to view 0, #UD.  Returns 1: enter again. */
int smh_violation(struct smh_vcpu *v, unsigned int view, u32 reason, u32 exit_reason);
/* Reports; vCPU in view 2: on at the stub's return label.  Returns 1. */
int smh_abort(struct smh_vcpu *v, u32 reason, u32 exit_reason);
/* vCPU in view 1 by the gate's own way: on at the stub's return label, as if the monitor had allowed. */
void smh_leave_gate(struct smh_vcpu *v);
/* vCPU in any view: on in view 0, with as little lost as can be.  Not between KVM's injections and an entry. */
void smh_leave_views(struct smh_vcpu *v, u32 reason);
/* The next entry is one into view 0, whatever view the vCPU left; the list is written anew.  VMCS current. */
void smh_vcpu_to_target(struct smh_vcpu *v);
/* Gives the vCPU the kernel's own page tables if its CR3 names no RAM. */
void smh_repair_cr3(struct smh_vcpu *v);
/* Reports, and no more. */
void smh_report(struct smh_vcpu *v, u16 type, unsigned int view, u32 reason, u32 exit_reason);

/* --- VMCALLs: hypercall.c -------------------------------------------------------------------- */

bool smh_is_hypercall(u64 rax);
/* Wakes the consumer; waits for it to make room, for a while. */
void smh_doorbell(struct smh_vcpu *v);
void smh_wait_for_room(struct smh_vcpu *v);
int smh_hypercall_target(struct smh_vcpu *v);
int smh_hypercall_monitor(struct smh_vcpu *v);

/* --- what is told of an attachment: status.c ----------------------------------------------------- */

/* SM_IOC_STATUS.  May sleep. */
int smh_status(struct smh_vm *vm, struct sm_ioc_status *arg);

/* --- device: device.c ------------------------------------------------------------------------ */

int smh_device_register(void);
void smh_device_unregister(void);

#endif
