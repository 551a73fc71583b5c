// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attaches with the smallest compartment and hooks shadowmon_ping, then waits for a line on standard
 * input and tells what happened meanwhile.  Arguments: pid of a VMM, image file.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shadowmon/hypercall.h>
#include <shadowmon/ioctl.h>
#include <shadowmon/ring.h>

#include "tap.h"
#include "vm_fd.h"

static bool wait_for_agent(int fd)
{
	struct sm_ioc_agent agent = { .size = sizeof(agent) };
	int i;

	for (i = 0; i < 300; i++) {
		if (ioctl(fd, SM_IOC_AGENT, &agent) == 0) {
			printf("# gate at %llx, BTF of %llu bytes, release %s\n", (unsigned long long)agent.gate_va,
			       (unsigned long long)agent.btf_size, agent.release);
			return true;
		}
		if (errno != EAGAIN)
			return false;
		usleep(10000);
	}
	return false;
}

static bool load(int fd, const char *path)
{
	static char page[4096] __attribute__((aligned(4096)));
	struct sm_ioc_load_image image = {
		.size = sizeof(image),
		.nr_segments = 1,
		.segments[0] = {
			.mem_size = sizeof(page),
			.file_size = sizeof(page),
			.flags = SM_SEGMENT_READ | SM_SEGMENT_EXEC,
			.data = (uintptr_t)page,
		},
	};
	int file = open(path, O_RDONLY);

	if (file < 0 || read(file, page, sizeof(page)) <= 0)
		return false;
	close(file);
	return ioctl(fd, SM_IOC_LOAD_IMAGE, &image) == 0;
}

static int hook(int fd, const char *name, unsigned int slot, unsigned int nargs)
{
	struct sm_ioc_command command = {
		.size = sizeof(command), .op = SM_OP_HOOK, .slot = slot, .nargs = nargs, .timeout_ms = 20000,
	};

	strncpy(command.name, name, sizeof(command.name) - 1);
	return ioctl(fd, SM_IOC_COMMAND, &command) < 0 ? -errno : (int)command.result;
}

static void print_violations(int fd)
{
	const char *ring = mmap(NULL, SM_RING_DATA + SM_HOST_RING_SIZE, PROT_READ, MAP_SHARED, fd, (off_t)SM_MMAP_HOST_RING);
	const struct sm_ring_producer *producer = (const void *)ring;
	uint64_t at;

	if (!tap(ring != MAP_FAILED, "host ring maps"))
		return;
	for (at = 0; at < producer->head;) {
		const struct sm_record_violation *r = (const void *)(ring + SM_RING_DATA + at);

		if (r->h.type == SM_RECORD_VIOLATION || r->h.type == SM_RECORD_ABORT)
			printf("# record %u: view %u reason %u exit %u rip %llx gpa %llx gla %llx cr3 %llx qualification %llx\n",
			       r->h.type, r->view, r->reason, r->exit_reason, (unsigned long long)r->rip,
			       (unsigned long long)r->gpa, (unsigned long long)r->gla, (unsigned long long)r->cr3,
			       (unsigned long long)r->qualification);
		at += r->h.len;
	}
	munmap((void *)ring, SM_RING_DATA + SM_HOST_RING_SIZE);
}

static void report(int fd)
{
	struct sm_vcpu_status vcpus[8];
	struct sm_ioc_status status = { .size = sizeof(status), .capacity = 8, .vcpus = (uintptr_t)vcpus };
	unsigned int i;

	tap(ioctl(fd, SM_IOC_STATUS, &status) == 0, "status");
	for (i = 0; i < status.count; i++)
		printf("# vcpu %u: entries %llu exits %llu gate %llu monitor %llu event %llu violations %llu aborts %llu "
		       "deferred %llu restored %llu\n",
		       i, (unsigned long long)vcpus[i].entries, (unsigned long long)vcpus[i].exits,
		       (unsigned long long)vcpus[i].exits_gate, (unsigned long long)vcpus[i].exits_monitor,
		       (unsigned long long)vcpus[i].exits_event, (unsigned long long)vcpus[i].violations,
		       (unsigned long long)vcpus[i].aborts, (unsigned long long)vcpus[i].deferred,
		       (unsigned long long)vcpus[i].restored);
	print_violations(fd);
}

int main(int argc, char **argv)
{
	struct sm_ioc_attach attach = { .size = sizeof(attach), .ring_size = 0x10000 };
	struct sm_ioc_detach detach = { .size = sizeof(detach), .timeout_ms = 20000 };
	struct sm_ioc_lock lock = { .size = sizeof(lock) };
	int fd = open(SM_DEVICE, O_RDWR), err;
	char line[16];

	if (argc < 3)
		return 2;
	attach.kvm_fd = vm_fd(atoi(argv[1]));
	if (!tap(ioctl(fd, SM_IOC_ATTACH, &attach) == 0, "attach") || !tap(wait_for_agent(fd), "guest module registers") ||
	    !tap(load(fd, argv[2]), "image loads"))
		return tap_end();
	err = hook(fd, "no_such_function", 1, 1);
	tap(err == -ENOENT, "a function that is not there cannot be hooked (%d)", err);
	err = hook(fd, "shadowmon_ping", 0, 1);
	tap(err == 0, "shadowmon_ping is hooked (%d)", err);
	tap(ioctl(fd, SM_IOC_LOCK, &lock) == 0, "lock");
	puts("# ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	report(fd);
	tap(ioctl(fd, SM_IOC_DETACH, &detach) == 0, "detach");
	return tap_end();
}
