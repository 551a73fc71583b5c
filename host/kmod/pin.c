// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers on which the compartment or the hooks rest, pinned from lock on: a write that changes one is
 * undone and reported.
 *
 *   IDTR, GDTR               descriptor-table exiting shows each access
 *   CR0.WP, CR4, EFER, LSTAR  KVM intercepts these writes itself; looked at behind its handler
 *   SYSENTER MSRs            KVM passes them through; looked at when an interrupt or a halt exits
 *
 * A vCPU that an INIT has reset comes up with other values and loads the pinned ones one by one.  So only
 * a register that held its pinned value is defended; one that does not is defended from when it does.
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

void smh_pins_take(struct smh_vcpu *v)
{
	unsigned int i;

	for (i = 0; i < SMH_PINS; i++) {
		v->pins.value[i] = pins[i].read(v->vcpu);
		v->pins.held[i] = true;
	}
	v->pins.taken = true;
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

static bool is_in_long_mode(struct smh_vcpu *v)
{
	return (smh_vmread(GUEST_CR0) & X86_CR0_PG) && (v->vcpu->arch.efer & EFER_LMA);
}

int smh_pins_descriptor_access(struct smh_vcpu *v, u32 exit_reason)
{
	/* KVM's own handler expects these exits only when it emulates UMIP. */
	int ret = kvm_emulate_instruction(v->vcpu, 0);

	if (is_in_long_mode(v))
		defend(v, FIRST_DESCRIPTOR, FIRST_CONTROL, exit_reason);
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
	switch (exit_reason) {
	case EXIT_REASON_CR_ACCESS:
	case EXIT_REASON_MSR_WRITE:
		defend(v, FIRST_CONTROL, FIRST_SYSENTER, exit_reason);
		break;
	case EXIT_REASON_EXTERNAL_INTERRUPT:
	case EXIT_REASON_HLT:
		defend(v, FIRST_SYSENTER, SMH_PINS, exit_reason);
		break;
	}
}
