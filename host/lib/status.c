// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "status.h"

/* More than KVM allows a VM: what bounds the loops below. */
#define VCPUS_MAX 8192
#define SLOTS_MAX 65536

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	{"entries", offsetof(struct sm_vcpu_status, entries)},
	{"records", offsetof(struct sm_vcpu_status, records)},
	{"lost", offsetof(struct sm_vcpu_status, lost)},
	{"exits", offsetof(struct sm_vcpu_status, exits)},
	{"exits_gate", offsetof(struct sm_vcpu_status, exits_gate)},
	{"exits_monitor", offsetof(struct sm_vcpu_status, exits_monitor)},
	{"exits_event", offsetof(struct sm_vcpu_status, exits_event)},
	{"doorbells", offsetof(struct sm_vcpu_status, doorbells)},
	{"window_faults", offsetof(struct sm_vcpu_status, window_faults)},
	{"fixups", offsetof(struct sm_vcpu_status, fixups)},
	{"waits", offsetof(struct sm_vcpu_status, waits)},
	{"violations", offsetof(struct sm_vcpu_status, violations)},
	{"aborts", offsetof(struct sm_vcpu_status, aborts)},
	{"deferred", offsetof(struct sm_vcpu_status, deferred)},
	{"restored", offsetof(struct sm_vcpu_status, restored)},
};

#define NR_COUNTERS (sizeof(counters) / sizeof(*counters))

static u64 counter(const struct sm_vcpu_status *vcpu, size_t i)
{
	return *(const __u64 *)((const char *)vcpu + counters[i].offset);
}

int sm_status_read(int fd, struct sm_status *ret_status)
{
	struct sm_vcpu_status *vcpus = NULL, *bigger;
	u32 capacity = 16;

	for (; capacity <= VCPUS_MAX; capacity *= 2) {
		struct sm_ioc_status arg = {.size = sizeof(arg), .capacity = capacity};
		int err;

		bigger = reallocarray(vcpus, capacity, sizeof(*vcpus));
		if (!bigger) {
			free(vcpus);
			return -ENOMEM;
		}
		vcpus = bigger;
		arg.vcpus = (uintptr_t)vcpus;
		if (ioctl(fd, SM_IOC_STATUS, &arg) < 0) {
			err = -errno;
			free(vcpus);
			return err;
		}
		if (arg.count <= capacity) {
			*ret_status = (struct sm_status){.vm = arg, .vcpus = vcpus};
			return 0;
		}
	}
	free(vcpus);
	return -E2BIG;
}

void sm_status_free(struct sm_status *status)
{
	free(status->vcpus);
	status->vcpus = NULL;
	status->vm.count = 0;
}

int sm_memory_read(int fd, u64 *ret_bytes)
{
	struct sm_memslot *slots = NULL, *bigger;
	u32 capacity, i;
	int err = -E2BIG;

	for (capacity = 64; capacity <= SLOTS_MAX; capacity *= 2) {
		struct sm_ioc_memslots arg = {.size = sizeof(arg), .capacity = capacity};
		u64 bytes = 0;

		bigger = reallocarray(slots, capacity, sizeof(*slots));
		if (!bigger) {
			err = -ENOMEM;
			break;
		}
		slots = bigger;
		arg.slots = (uintptr_t)slots;
		if (ioctl(fd, SM_IOC_MEMSLOTS, &arg) < 0) {
			err = -errno;
			break;
		}
		if (arg.count > capacity)
			continue;
		for (i = 0; i < arg.count; i++)
			bytes += slots[i].bytes;
		*ret_bytes = bytes;
		err = 0;
		break;
	}
	free(slots);
	return err;
}

const char *sm_state_name(u32 state)
{
	switch (state) {
	case SM_STATE_ATTACHED:
		return "attached";
	case SM_STATE_REGISTERED:
		return "registered";
	case SM_STATE_LOADED:
		return "loaded";
	case SM_STATE_LOCKED:
		return "locked";
	case SM_STATE_GONE:
		return "gone";
	case SM_STATE_RESET:
		return "reset";
	default:
		return "unknown";
	}
}

static const char *protection_name(u32 protection)
{
	switch (protection) {
	case SM_PROTECTION_ON:
		return "on";
	case SM_PROTECTION_VERIFIED:
		return "verification only (host kernel has no external write tracking)";
	default:
		return "off";
	}
}

static int set_integer(json_t *object, const char *name, u64 value)
{
	return json_object_set_new(object, name, json_integer((json_int_t)value));
}

json_t *sm_status_json(const struct sm_status *status)
{
	const struct sm_ioc_status *vm = &status->vm;
	json_t *object = json_pack(
		"{s:s, s:s, s:i, s:s, s:I, s:I, s:I, s:I}", "state", sm_state_name(vm->state),
		"hook_protection", protection_name(vm->protection), "vmm_pid", (int)vm->vmm_pid,
		"full_ring", vm->flags & SM_ATTACH_BLOCK ? "block" : "drop", "ring_size",
		(json_int_t)vm->ring_size, "budget_us", (json_int_t)vm->budget_us, "pages",
		(json_int_t)vm->pages, "vcpus", (json_int_t)vm->count);
	size_t i, v;
	int err = 0;

	for (i = 0; object && i < NR_COUNTERS; i++) {
		u64 sum = 0;

		for (v = 0; v < vm->count; v++)
			sum += counter(&status->vcpus[v], i);
		err |= set_integer(object, counters[i].name, sum);
	}
	if (!err)
		return object;
	json_decref(object);
	return NULL;
}

json_t *sm_vcpu_status_json(const struct sm_vcpu_status *vcpu)
{
	json_t *object = json_pack("{s:I, s:I}", "vcpu", (json_int_t)vcpu->vcpu, "tid",
				   (json_int_t)vcpu->tid);
	int err = 0;
	size_t i;

	for (i = 0; object && i < NR_COUNTERS; i++)
		err |= set_integer(object, counters[i].name, counter(vcpu, i));
	if (!err)
		return object;
	json_decref(object);
	return NULL;
}
