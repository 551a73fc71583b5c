// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest RAM by way of the VMM's address space. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "internal.h"

#define SLOTS_MAX 65536 /* twice KVM's limit */

static int fetch(int fd, struct sm_guest_memory *memory, uint32_t capacity)
{
	struct sm_ioc_memslots arg = {.size = sizeof(arg), .capacity = capacity};
	struct sm_memslot *slots = reallocarray(memory->slots, capacity, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	memory->slots = slots;
	arg.slots = (uintptr_t)slots;
	if (ioctl(fd, SM_IOC_MEMSLOTS, &arg) < 0)
		return -errno;
	memory->count = arg.count;
	memory->vmm_pid = arg.vmm_pid;
	return 0;
}

int sm_guest_memory_open(int fd, struct sm_guest_memory *memory, struct sm_error *err)
{
	uint32_t capacity = 64;
	int code;

	*memory = (struct sm_guest_memory){0};
	/* VMMs add slots at any time, but not all the time. */
	do {
		code = fetch(fd, memory, capacity);
		if (!code && memory->count <= capacity)
			return 0;
		capacity = memory->count + 64;
	} while (!code && memory->count < SLOTS_MAX);

	sm_guest_memory_close(memory);
	code = code ? code : -E2BIG;
	return sm_error_set(err, code, "cannot read the VM's memory slots: %s", strerror(-code));
}

void sm_guest_memory_close(struct sm_guest_memory *memory)
{
	free(memory->slots);
	memory->slots = NULL;
	memory->count = 0;
}

static const struct sm_memslot *find(const struct sm_guest_memory *memory, uint64_t gpa)
{
	uint32_t i;

	for (i = 0; i < memory->count; i++)
		if (gpa - memory->slots[i].gpa < memory->slots[i].bytes)
			return &memory->slots[i];
	return NULL;
}

int sm_guest_memory_read(const struct sm_guest_memory *memory, uint64_t gpa, void *dst, size_t len)
{
	char *to = dst;

	if (len && len - 1 > UINT64_MAX - gpa)
		return -EFAULT;
	while (len) {
		const struct sm_memslot *slot = find(memory, gpa);
		struct iovec local, remote;
		uint64_t offset;
		ssize_t part;

		if (!slot)
			return -EFAULT;
		offset = gpa - slot->gpa;
		local = (struct iovec){to, len < slot->bytes - offset ? len : slot->bytes - offset};
		remote = (struct iovec){(void *)(uintptr_t)(slot->hva + offset), local.iov_len};
		part = process_vm_readv(memory->vmm_pid, &local, 1, &remote, 1, 0);
		if (part <= 0)
			return part < 0 ? -errno : -EFAULT;
		to += part;
		gpa += (uint64_t)part;
		len -= (size_t)part;
	}
	return 0;
}
