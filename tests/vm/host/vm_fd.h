/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VMM's kvm-vm descriptor, for tests that use the device without the library. */
#ifndef SHADOWMON_TEST_VM_FD_H
#define SHADOWMON_TEST_VM_FD_H

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int vm_fd(int pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd;
	char path[64], target[64];
	ssize_t len;

	for (fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (strcmp(target, "anon_inode:kvm-vm") == 0)
			return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	}
	return -1;
}

#endif
