// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers on which the compartment or the hooks rest, pinned from lock on: a write that changes one is
 * undone and reported.
 *
 *   IDTR, GDTR               descriptor-table exiting shows each access
 *   CR0.WP                   KVM may leave it to the guest; taken from it
 *   CR4, EFER, LSTAR         KVM intercepts these writes itself; looked at behind its handler
 *   SYSENTER MSRs            KVM passes them through; looked at when an interrupt or a halt exits
 *
 * A vCPU that leaves long mode loads other values on its way and the pinned ones one by one.  So only a
 * register that held its pinned value is defended; one that does not is defended from when it does.  One that
 * boots after lock is pinned once it shows what the others have.  Always, whatever was pinned, a table is
 * refused that lies where B has pages: an exception in view 1 or 2 would find it.
 */

#include "lab.h"
#include "shadowmon.h"
#include "vmcs.h"

#define PINNED_CR4  (X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_UMIP | X86_CR4_LA57)
#define PINNED_EFER (EFER_SCE | EFER_NX)

struct pin {
	u32 reason;
	u64 (*read)(struct kvm_vcpu *vcpu);
	void (*write)(struct kvm_vcpu *vcpu, u64 value);
};

static u64 pin_read_cr0(struct kvm_vcpu *vcpu)
{
	return smh_vmread(GUEST_CR0) & X86_CR0_WP;
}

static void pin_write_cr0(struct kvm_vcpu *vcpu, u64 value)
{
	kvm_set_cr0(vcpu, (vcpu->arch.cr0 & ~X86_CR0_WP) | value);
}

static u64 pin_read_cr4(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.cr4 & PINNED_CR4;
}

static void pin_write_cr4(struct kvm_vcpu *vcpu, u64 value)
{
	kvm_set_cr4(vcpu, (vcpu->arch.cr4 & ~PINNED_CR4) | value);
}

static u64 pin_read_efer(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.efer & PINNED_EFER;
}

static void pin_write_efer(struct kvm_vcpu *vcpu, u64 value)
{
	kvm_set_msr(vcpu, MSR_EFER, (vcpu->arch.efer & ~PINNED_EFER) | value);
}

static u64 pin_read_lstar(struct kvm_vcpu *vcpu)
{
	u64 value = 0;

	kvm_get_msr(vcpu, MSR_LSTAR, &value);
	return value;
}

static void pin_write_lstar(struct kvm_vcpu *vcpu, u64 value)
{
	kvm_set_msr(vcpu, MSR_LSTAR, value);
}

#define VMCS_FIELD(name, field)                                        \
	static u64 pin_read_##name(struct kvm_vcpu *vcpu)              \
	{                                                              \
		return smh_vmread(field);                              \
	}                                                              \
	static void pin_write_##name(struct kvm_vcpu *vcpu, u64 value) \
	{                                                              \
		smh_vmwrite(field, value);                             \
	}

VMCS_FIELD(idt_base, GUEST_IDTR_BASE)
VMCS_FIELD(idt_limit, GUEST_IDTR_LIMIT)
VMCS_FIELD(gdt_base, GUEST_GDTR_BASE)
VMCS_FIELD(gdt_limit, GUEST_GDTR_LIMIT)
VMCS_FIELD(sysenter_cs, GUEST_SYSENTER_CS)
VMCS_FIELD(sysenter_esp, GUEST_SYSENTER_ESP)
VMCS_FIELD(sysenter_eip, GUEST_SYSENTER_EIP)

#define PIN(reason, name)                                 \
	{                                                 \
		reason, pin_read_##name, pin_write_##name \
	}

/* In groups that are looked at together. */
static const struct pin pins[SMH_PINS] = {
	PIN(SM_REASON_DESCRIPTOR, idt_base),
	PIN(SM_REASON_DESCRIPTOR, idt_limit),
	PIN(SM_REASON_DESCRIPTOR, gdt_base),
	PIN(SM_REASON_DESCRIPTOR, gdt_limit),
	PIN(SM_REASON_CR0, cr0),
	PIN(SM_REASON_CR4, cr4),
	PIN(SM_REASON_EFER, efer),
	PIN(SM_REASON_LSTAR, lstar),
	PIN(SM_REASON_SYSENTER, sysenter_cs),
	PIN(SM_REASON_SYSENTER, sysenter_esp),
	PIN(SM_REASON_SYSENTER, sysenter_eip),
};

#define FIRST_DESCRIPTOR 0
#define FIRST_CONTROL    4
#define FIRST_SYSENTER   8

/* Linux gives each CPU a GDT and an entry stack of its own. */
static bool is_per_cpu(const struct pin *pin)
{
	return pin->read == pin_read_gdt_base || pin->read == pin_read_sysenter_esp;
}

/* The first vCPU to come here tells what the others have to show.  pins_lock held. */
static bool is_like_others(struct smh_vm *vm, const struct smh_pins *new)
{
	unsigned int i;

	if (!vm->pins_known) {
		memcpy(vm->pins, new->value, sizeof(vm->pins));
		vm->pins_known = true;
		return true;
	}
	for (i = 0; i < SMH_PINS; i++)
		if (!is_per_cpu(&pins[i]) && new->value[i] != vm->pins[i])
			return false;
	return true;
}

static bool is_in_long_mode(struct smh_vcpu *v)
{
	return (smh_vmread(GUEST_CR0) & X86_CR0_PG) && (v->vcpu->arch.efer & EFER_LMA);
}

/*
 * KVM believes its copies of CR0 and of what the guest reads there, but for the bits that the guest owns: WP has
 * to be right in both from now on.
 */
static void own_wp(struct smh_vcpu *v)
{
	struct kvm_vcpu_arch *arch = &v->vcpu->arch;
	u64 wp = smh_vmread(GUEST_CR0) & X86_CR0_WP;

	if (!(arch->cr0_guest_owned_bits & X86_CR0_WP))
		return;
	arch->cr0 = (arch->cr0 & ~X86_CR0_WP) | wp;
	smh_vmwrite(CR0_READ_SHADOW, (smh_vmread(CR0_READ_SHADOW) & ~X86_CR0_WP) | wp);
	arch->cr0_guest_owned_bits &= ~X86_CR0_WP;
	smh_vmwrite(CR0_GUEST_HOST_MASK, ~arch->cr0_guest_owned_bits);
	v->pins.wp_taken = true;
}

static void disown_wp(struct smh_vcpu *v)
{
	struct kvm_vcpu_arch *arch = &v->vcpu->arch;

	if (!v->pins.wp_taken)
		return;
	arch->cr0_guest_owned_bits |= X86_CR0_WP;
	smh_vmwrite(CR0_GUEST_HOST_MASK, ~arch->cr0_guest_owned_bits);
	v->pins.wp_taken = false;
}

void smh_pins_release(struct smh_vcpu *v)
{
	disown_wp(v);
	v->pins.taken = false;
}

/*
 * A CPU that boots loads several GDTs in a row, the last of them late.  It has done so when it runs user code or
 * idles.
 */
static bool has_booted(struct smh_vcpu *v)
{
	return !smh_guest_is_cpl0() || (smh_vmread(VM_EXIT_REASON) & 0xffff) == EXIT_REASON_HLT;
}

/* Just after lock, whoever runs the trusted kernel has what it loaded. */
static bool has_loaded_all(struct smh_vcpu *v)
{
	return READ_ONCE(v->vm->pins_known) ? has_booted(v) : v->look.ours;
}

void smh_pins_take(struct smh_vcpu *v)
{
	struct smh_pins new = {.taken = true};
	unsigned int i;

	if (!is_in_long_mode(v) || !has_loaded_all(v))
		return;
	own_wp(v);
	new.wp_taken = v->pins.wp_taken;
	for (i = 0; i < SMH_PINS; i++) {
		new.value[i] = pins[i].read(v->vcpu);
		new.held[i] = true;
	}
	spin_lock(&v->vm->pins_lock);
	if (is_like_others(v->vm, &new))
		v->pins = new;
	spin_unlock(&v->vm->pins_lock);
}

/*
 * An IDT without entries is as good as the pinned one: any exception in views 1 and 2 still ends in a triple
 * fault.  Linux loads one to reboot.
 */
static bool idt_is_empty(u32 reason)
{
	return reason == SM_REASON_DESCRIPTOR && smh_vmread(GUEST_IDTR_LIMIT) == 0;
}

static void defend(struct smh_vcpu *v, unsigned int first, unsigned int end, u32 exit_reason)
{
	u32 reported = SM_REASON_NONE;
	unsigned int i;

	for (i = first; i < end; i++) {
		if (pins[i].read(v->vcpu) == v->pins.value[i]) {
			v->pins.held[i] = true;
			continue;
		}
		if (!v->pins.held[i] || idt_is_empty(pins[i].reason))
			continue;
		if (pins[i].reason != reported) {
			reported = pins[i].reason;
			smh_report(v, SM_RECORD_VIOLATION, SM_VIEW_TARGET, reported, exit_reason);
			v->stats.violations++;
		}
		pins[i].write(v->vcpu, v->pins.value[i]);
	}
}

/* Does a table of this limit meet the len bytes at start? */
static bool overlaps(u64 base, u64 limit, u64 start, u64 len)
{
	return base + limit < base || (base < start + len && base + limit >= start);
}

static bool is_shown_by_b(const struct smh_vm *vm, u64 base, u64 limit)
{
	u64 gate = vm->agent.gate_va;

	return overlaps(base, limit, gate + SM_VA_LIST, SM_PAGE_SIZE) ||
	       overlaps(base, limit, gate, SM_VA_END) ||
	       overlaps(base, limit, SM_WINDOW_VA, SM_RAM_LIMIT);
}

/* The tables as they were before an instruction that may load one. */
struct tables {
	u64 idt_base, idt_limit, gdt_base, gdt_limit;
};

static void refuse_tables_in_b(struct smh_vcpu *v, const struct tables *old, u32 exit_reason)
{
	bool idt = is_shown_by_b(v->vm, smh_vmread(GUEST_IDTR_BASE), smh_vmread(GUEST_IDTR_LIMIT));
	bool gdt = is_shown_by_b(v->vm, smh_vmread(GUEST_GDTR_BASE), smh_vmread(GUEST_GDTR_LIMIT));

	if (!idt && !gdt)
		return;
	smh_report(v, SM_RECORD_VIOLATION, SM_VIEW_TARGET, SM_REASON_DESCRIPTOR, exit_reason);
	v->stats.violations++;
	smh_vmwrite(GUEST_IDTR_BASE, old->idt_base);
	smh_vmwrite(GUEST_IDTR_LIMIT, old->idt_limit);
	smh_vmwrite(GUEST_GDTR_BASE, old->gdt_base);
	smh_vmwrite(GUEST_GDTR_LIMIT, old->gdt_limit);
}

int smh_pins_descriptor_access(struct smh_vcpu *v, u32 exit_reason)
{
	struct tables old = {
		.idt_base = smh_vmread(GUEST_IDTR_BASE),
		.idt_limit = smh_vmread(GUEST_IDTR_LIMIT),
		.gdt_base = smh_vmread(GUEST_GDTR_BASE),
		.gdt_limit = smh_vmread(GUEST_GDTR_LIMIT),
	};
	/* KVM's own handler expects these exits only when it emulates UMIP. */
	int ret = kvm_emulate_instruction(v->vcpu, 0);

	if (v->pins.taken && is_in_long_mode(v))
		defend(v, FIRST_DESCRIPTOR, FIRST_CONTROL, exit_reason);
	refuse_tables_in_b(v, &old, exit_reason);
	return ret;
}

void smh_pins_check(struct smh_vcpu *v, u32 exit_reason)
{
	if (!v->pins.taken || smh_weakened(SMH_WEAKEN_REGISTERS))
		return;
	if (!is_in_long_mode(v)) {
		memset(v->pins.held, 0, sizeof(v->pins.held));
		return;
	}
	if (exit_reason == EXIT_REASON_CR_ACCESS || exit_reason == EXIT_REASON_MSR_WRITE)
		defend(v, FIRST_CONTROL, FIRST_SYSENTER, exit_reason);
	else
		defend(v, FIRST_SYSENTER, SMH_PINS, exit_reason);
}
