// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any registers and any guest memory against the host module's VMCALLs, from view 0 and view 2.
 * What is accepted keeps to the rules of the contract; a locked or detaching VM takes nothing over;
 * guest memory is written only where a command is asked for, and never beyond it.
 */
#include "../../host/kmod/shadowmon.h"

#define RAM (3 * SM_PAGE_SIZE)

#define CHECK(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const u8 smh_gate_page[SM_PAGE_SIZE] = {0x0f, 0x01, 0xd4};

/* On the heap, of just its size, for the address sanitizer. */
static u8 *ram;
static u64 written_at, written;
static unsigned int skipped, reports, lifecycles, aborts, leaves;

/* --- what the calls under test call -------------------------------------------------------------
 */

static bool is_ram(u64 gpa, unsigned long len)
{
	return gpa < RAM && len <= RAM - gpa;
}

int kvm_vcpu_read_guest(struct kvm_vcpu *vcpu, uint64_t gpa, void *data, unsigned long len)
{
	if (!is_ram(gpa, len))
		return -EFAULT;
	memcpy(data, ram + gpa, len);
	return 0;
}

int kvm_vcpu_write_guest(struct kvm_vcpu *vcpu, uint64_t gpa, const void *data, unsigned long len)
{
	if (!is_ram(gpa, len))
		return -EFAULT;
	memcpy(ram + gpa, data, len);
	written_at = gpa;
	written = len;
	return 0;
}

int kvm_skip_emulated_instruction(struct kvm_vcpu *vcpu)
{
	skipped++;
	return 1;
}

void smh_host_ring_put(struct smh_vm *vm, struct sm_record *rec, u32 len)
{
	CHECK(rec->type == SM_RECORD_LIFECYCLE && len == sizeof(struct sm_record_lifecycle));
	lifecycles++;
}

void smh_report(struct smh_vcpu *v, u16 type, unsigned int view, u32 reason, u32 exit_reason)
{
	CHECK(type == SM_RECORD_VIOLATION && view == SM_VIEW_TARGET &&
	      reason == SM_REASON_HYPERCALL);
	reports++;
}

void smh_reset(struct smh_vm *vm, u32 what)
{
	CHECK(what == SM_LIFECYCLE_KEXEC && !vm->parting);
	leaves++;
}

int smh_abort(struct smh_vcpu *v, u32 reason, u32 exit_reason)
{
	CHECK(reason == SM_REASON_PANIC);
	aborts++;
	return 1;
}

int smh_protect_add_agent(struct smh_vm *vm, struct kvm_vcpu *vcpu,
			  const struct sm_agent_info *info)
{
	CHECK(info->stubs_size && info->stubs_size <= SM_STUBS_MAX_SIZE);
	return 0;
}

int smh_protect_add_call_site(struct smh_vm *vm, struct kvm_vcpu *vcpu, u64 va, u32 slot)
{
	CHECK(!vm->locked && slot < SM_SLOTS);
	return 0;
}

/* Only what the guest was told to hook. */
int smh_call_site_add(struct smh_vm *vm, u64 va, u32 slot, u32 nargs)
{
	CHECK(vm->locked && slot < SM_SLOTS && nargs <= SM_ARGS_MAX);
	CHECK(vm->command.op == SM_OP_HOOK && vm->command.slot == slot);
	return -EPERM;
}

void smh_protect_forget_call_sites(struct smh_vm *vm)
{
}

bool kvm_is_visible_gfn(struct kvm *kvm, gfn_t gfn)
{
	return is_ram(gfn << SM_PAGE_SHIFT, SM_PAGE_SIZE);
}

bool smh_protect_refuses(struct kvm *kvm, u64 gpa, u64 len)
{
	return false;
}

void smh_budget_forget(struct smh_vcpu *v)
{
	CHECK(v);
}

bool smh_ring_has_room(const struct smh_ring *ring)
{
	return false;
}

/* --- the checks ----------------------------------------------------------------------------------
 */

static u64 take(const u8 **data, size_t *size, size_t bytes)
{
	u64 value = 0;

	if (bytes > *size)
		bytes = *size;
	if (bytes)
		memcpy(&value, *data, bytes);
	*data += bytes;
	*size -= bytes;
	return value;
}

static void check_agent(const struct sm_agent_info *a)
{
	u64 directory = a->gate_va & 0x3fffffff;

	CHECK(a->magic == SM_AGENT_MAGIC && a->revision == SM_ABI_REVISION &&
	      a->size == sizeof(*a));
	CHECK(a->gate_va % SM_PAGE_SIZE == 0 && directory);
	CHECK(a->gate_va >= SM_GATE_VA_MIN && a->gate_va <= SM_GATE_VA_MAX);
	CHECK(a->kernel_cr3 < SM_RAM_LIMIT && a->kernel_cr3 % SM_PAGE_SIZE == 0);
	CHECK(a->btf_gpa <= SM_RAM_LIMIT && a->btf_size <= SM_RAM_LIMIT);
	CHECK(a->direct_map_size <= SM_RAM_LIMIT && a->kernel_size <= SM_RAM_LIMIT);
	CHECK(a->data_va >= a->kernel_va && a->data_va - a->kernel_va < a->kernel_size);
	CHECK(a->release[sizeof(a->release) - 1] == 0);
	CHECK(is_ram(a->gate_gpa, SM_PAGE_SIZE) &&
	      !memcmp(ram + a->gate_gpa, smh_gate_page, SM_PAGE_SIZE));
}

/* From view 0, that is from whoever runs in the guest. */
static void call_target(struct smh_vcpu *v, u64 number)
{
	const struct smh_vm *vm = v->vm;
	struct smh_vm before = *vm;

	written = 0;
	lifecycles = reports = skipped = aborts = leaves = 0;
	CHECK(smh_hypercall_target(v) == 1);
	CHECK(skipped == 1 && aborts == 0);
	CHECK(leaves == (!before.parting && (u32)number == SM_HC_LEAVE));
	CHECK(written == 0 ||
	      ((u32)number == SM_HC_POLL && written == sizeof(struct sm_agent_command)));
	CHECK(!before.parting || (written == 0 && reports == 0));
	if (vm->state == before.state) {
		CHECK(!memcmp(&vm->agent, &before.agent, sizeof(vm->agent)) &&
		      vm->kernel_cr3 == before.kernel_cr3);
		CHECK(lifecycles == 0);
		return;
	}
	CHECK(before.state == SM_STATE_ATTACHED && vm->state == SM_STATE_REGISTERED);
	CHECK(!before.locked && !before.parting && (u32)number == SM_HC_REGISTER &&
	      lifecycles == 1);
	CHECK(vm->kernel_cr3 == vm->agent.kernel_cr3);
	check_agent(&vm->agent);
}

static void call_monitor(struct smh_vcpu *v, u64 number)
{
	bool known = (u32)number == SM_HC_DOORBELL || (u32)number == SM_HC_RING_FULL;

	written = 0;
	lifecycles = reports = skipped = aborts = leaves = 0;
	CHECK(smh_hypercall_monitor(v) == 1 && leaves == 0);
	CHECK(skipped == known && aborts == !known && written == 0 && reports == 0);
}

static void fill_ram(const u8 *data, size_t size)
{
	static const struct sm_agent_info good = {
		.magic = SM_AGENT_MAGIC,
		.revision = SM_ABI_REVISION,
		.size = sizeof(good),
		.gate_va = 0xffffffffc0001000,
		.gate_gpa = SM_PAGE_SIZE,
		.page_offset = 0xffff888000000000,
		.direct_map_size = 0x40000000,
		.kernel_va = 0xffffffff81000000,
		.kernel_pa = 0x1000000,
		.kernel_size = 0x2000000,
		.data_va = 0xffffffff82004000,
		.kernel_cr3 = 0x2a0a000,
		.stubs_va = 0xffffffffc0003000,
		.stubs_size = SM_PAGE_SIZE,
	};

	/* Good, but for the bytes that the input changes. */
	memset(ram, 0, RAM);
	memcpy(ram, &good, sizeof(good));
	memcpy(ram + SM_PAGE_SIZE, smh_gate_page, SM_PAGE_SIZE);
	for (; size >= 2; data += 2, size -= 2)
		ram[data[0]] = data[1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u64 numbers[] = {SM_HC_HELLO,     SM_HC_REGISTER,  SM_HC_POLL,
				      SM_HC_ANSWER,    SM_HC_ATTENTION, SM_HC_DOORBELL,
				      SM_HC_RING_FULL, SM_HC_LEAVE};
	struct sm_ring_consumer consumer = {0};
	struct smh_vm vm = {.state = SM_STATE_ATTACHED};
	struct kvm_vcpu vcpu = {0};
	struct smh_vcpu v = {.vm = &vm, .vcpu = &vcpu, .ring.consumer = &consumer};
	unsigned int calls;

	ram = malloc(RAM);
	if (!ram)
		abort();
	for (calls = take(&data, &size, 1) % 8; calls; calls--) {
		u64 how = take(&data, &size, 1), flags = take(&data, &size, 1);
		u64 number = how & 8 ? take(&data, &size, 8) : numbers[how & 7];
		u64 changes = 2 * (flags >> 5);

		vm.locked |= flags & 1 && flags & 2;
		vm.parting |= flags & 4 && flags & 8;
		vm.command_state = how >> 4 & 3;
		vcpu.arch.regs[VCPU_REGS_RAX] = number;
		vcpu.arch.regs[VCPU_REGS_RBX] = how & 0x80 ? take(&data, &size, 8) : 0;
		vcpu.arch.regs[VCPU_REGS_RCX] = flags & 16 ? take(&data, &size, 8) : 0;
		if (changes > size)
			changes = size;
		fill_ram(data, changes);
		data += changes;
		size -= changes;
		if (how & 0x40)
			call_monitor(&v, number);
		else
			call_target(&v, number);
	}
	free(ram);
	return 0;
}
