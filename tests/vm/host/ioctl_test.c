// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What /dev/shadowmon refuses, and that refusing changes nothing.  Argument: pid of a VMM.
 * The guest needs no guest module.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <shadowmon/hypercall.h>
#include <shadowmon/ioctl.h>
#include <shadowmon/layout.h>

#include "tap.h"
#include "vm_fd.h"

static int call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static void expect(int fd, unsigned long request, void *arg, int err, const char *what)
{
	int ret = call(fd, request, arg);

	tap(ret == err, "%s: %s (%d, expected %d)", what, ret ? strerror(-ret) : "accepted", ret,
	    err);
}

static struct sm_ioc_attach good_attach(int kvm_fd)
{
	return (struct sm_ioc_attach){
		.size = sizeof(struct sm_ioc_attach), .kvm_fd = kvm_fd, .ring_size = 0x10000};
}

static void test_attach_arguments(int fd, int kvm_fd)
{
	struct sm_ioc_attach a;
	char long_arg[2 * sizeof(a)] = {0};

	a = good_attach(-1);
	expect(fd, SM_IOC_ATTACH, &a, -EBADF, "attach to a closed descriptor");
	a = good_attach(0);
	expect(fd, SM_IOC_ATTACH, &a, -EINVAL, "attach to what is no VM");
	a = good_attach(kvm_fd);
	a.size = 4;
	expect(fd, SM_IOC_ATTACH, &a, -EINVAL, "attach with a short struct");
	a = good_attach(kvm_fd);
	a.flags = 0x80;
	expect(fd, SM_IOC_ATTACH, &a, -EINVAL, "attach with an unknown flag");
	a = good_attach(kvm_fd);
	a.ring_size = 12345;
	expect(fd, SM_IOC_ATTACH, &a, -EINVAL, "attach with a ring size that is no power of two");
	a.ring_size = 0x80000000;
	expect(fd, SM_IOC_ATTACH, &a, -EINVAL, "attach with a huge ring");
	a = good_attach(kvm_fd);
	a.budget_us = 50;
	expect(fd, SM_IOC_ATTACH, &a, -EINVAL, "attach with a tiny budget");
	a = good_attach(kvm_fd);
	a.transport = 3;
	expect(fd, SM_IOC_ATTACH, &a, -EINVAL, "attach with a transport that there is not");
	a = good_attach(kvm_fd);
	a.size = sizeof(long_arg);
	memcpy(long_arg, &a, sizeof(a));
	long_arg[sizeof(a) + 8] = 1;
	expect(fd, SM_IOC_ATTACH, long_arg, -E2BIG, "attach with a tail from the future");
	expect(fd, SM_IOC_ATTACH, (void *)8, -EFAULT, "attach with a bad pointer");
	expect(fd, _IO('S', 0x77), NULL, -ENOTTY, "unknown ioctl");
}

static void test_before_attach(int fd)
{
	struct sm_ioc_agent agent = {.size = sizeof(agent)};
	struct sm_ioc_lock lock = {.size = sizeof(lock)};

	expect(fd, SM_IOC_AGENT, &agent, -ENODEV, "agent before attach");
	expect(fd, SM_IOC_LOCK, &lock, -ENODEV, "lock before attach");
	tap(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV,
	    "mmap before attach");
}

static void test_attached(int fd, int kvm_fd)
{
	struct sm_ioc_attach a = good_attach(kvm_fd);
	struct sm_ioc_command command = {
		.size = sizeof(command), .op = SM_OP_LOOKUP, .timeout_ms = 100};
	struct sm_ioc_lock lock = {.size = sizeof(lock)};
	struct sm_vcpu_status vcpus[8];
	struct sm_ioc_status status = {
		.size = sizeof(status), .capacity = 8, .vcpus = (uintptr_t)vcpus};
	int other;

	expect(fd, SM_IOC_ATTACH, &a, 0, "attach");
	expect(fd, SM_IOC_ATTACH, &a, -EBUSY, "attach twice by one file");
	other = open(SM_DEVICE, O_RDWR);
	expect(other, SM_IOC_ATTACH, &a, -EEXIST, "attach to a VM twice");
	close(other);
	command.timeout_ms = 0;
	expect(fd, SM_IOC_COMMAND, &command, -EINVAL, "command without a timeout");
	command.timeout_ms = 100;
	memset(command.name, 'x', sizeof(command.name));
	expect(fd, SM_IOC_COMMAND, &command, -EINVAL, "command with an endless name");
	expect(fd, SM_IOC_LOCK, &lock, -EAGAIN, "lock without an image");
	expect(fd, SM_IOC_STATUS, &status, 0, "status");
	tap(status.count >= 1 && status.pages > 0 && status.tsc_khz > 0,
	    "status has vCPUs and pages (%u, %u)", status.count, status.pages);
}

static void test_mmap(int fd)
{
	size_t size = 0x2000 + 0x10000;
	char *ring = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	tap(ring != MAP_FAILED, "ring maps read-only");
	tap(mprotect(ring, size, PROT_READ | PROT_WRITE) < 0 && errno == EACCES,
	    "... and stays so");
	munmap(ring, size);
	tap(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
		    errno == EPERM,
	    "ring does not map writable");
	ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	tap(ring != MAP_FAILED, "consumer page maps writable");
	munmap(ring, 4096);
	tap(mmap(NULL, size + 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED,
	    "no mapping beyond the ring");
	tap(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)SM_MMAP_RING(77)) == MAP_FAILED &&
		    errno == ENXIO,
	    "no ring of a vCPU that is not there");
	ring = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)SM_MMAP_HOST_RING);
	tap(ring != MAP_FAILED, "host ring maps");
	/* A mapping holds the file, and so the attachment. */
	munmap(ring, 4096);
}

static struct sm_ioc_info info(int fd)
{
	struct sm_ioc_info arg = {.size = sizeof(arg)};

	call(fd, SM_IOC_INFO, &arg);
	return arg;
}

static void test_detach(int kvm_fd)
{
	struct sm_ioc_attach a = good_attach(kvm_fd);
	struct sm_ioc_detach detach = {.size = sizeof(detach)};
	struct sm_ioc_info before, after;
	int fd = open(SM_DEVICE, O_RDWR), i;

	before = info(fd);
	close(fd);
	for (i = 0; i < 100; i++) {
		fd = open(SM_DEVICE, O_RDWR);
		if (call(fd, SM_IOC_ATTACH, &a))
			break;
		if (i % 2 && call(fd, SM_IOC_DETACH, &detach))
			break;
		close(fd);
	}
	tap(i == 100, "attach and detach %d times", i);
	fd = open(SM_DEVICE, O_RDWR);
	after = info(fd);
	tap(after.attached == 0 && after.pages == before.pages,
	    "no page and no attachment is left (%u, %u before)", after.pages, before.pages);
	close(fd);
}

int main(int argc, char **argv)
{
	int kvm_fd = argc > 1 ? vm_fd(atoi(argv[1])) : -1;
	int fd = open(SM_DEVICE, O_RDWR);

	if (!tap(fd >= 0 && kvm_fd >= 0, "device and VM open"))
		return tap_end();
	test_before_attach(fd);
	test_attach_arguments(fd, kvm_fd);
	test_attached(fd, kvm_fd);
	test_mmap(fd);
	close(fd);
	test_detach(kvm_fd);
	return tap_end();
}
