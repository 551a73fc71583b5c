// SPDX-License-Identifier: GPL-2.0-or-later
/* A VM is a kvm-vm descriptor of some process, whatever VMM that is. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach.h"

static bool is_vm(pid_t pid, int fd)
{
	char path[64], target[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	return strcmp(target, "anon_inode:kvm-vm") == 0;
}

/* The one kvm-vm descriptor of a process. */
static int find(pid_t pid, struct sm_error *err)
{
	char path[64];
	struct dirent *entry;
	int found = -1, count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return sm_error_set(err, errno == ENOENT ? -ESRCH : -errno, "cannot look into process %d: %s", pid,
				    errno == ENOENT ? "there is none" : strerror(errno));
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && is_vm(pid, fd)) {
			found = fd;
			count++;
		}
	}
	closedir(dir);
	if (count == 0)
		return sm_error_set(err, -ENXIO, "process %d has no KVM virtual machine", pid);
	if (count > 1)
		return sm_error_set(err, -ENOTUNIQ,
				    "process %d has %d virtual machines: name one by its descriptor (ls -l %s)", pid,
				    count, path);
	return found;
}

int sm_kvm_fd_get(pid_t pid, int vm_fd, struct sm_error *err)
{
	int pidfd, fd, error;

	if (pid <= 0)
		return sm_error_set(err, -ESRCH, "%d is no process", pid);
	if (vm_fd < 0)
		vm_fd = find(pid, err);
	else if (!is_vm(pid, vm_fd))
		vm_fd = sm_error_set(err, -ENXIO, "descriptor %d of process %d is no KVM virtual machine", vm_fd, pid);
	if (vm_fd < 0)
		return vm_fd;

	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return sm_error_set(err, -errno, "cannot open process %d: %s", pid, strerror(errno));
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, vm_fd, 0);
	error = errno;
	close(pidfd);
	if (fd < 0)
		return sm_error_set(err, -error, "cannot take descriptor %d of process %d: %s%s", vm_fd, pid,
				    strerror(error), error == EPERM ? " (are you root?)" : "");
	return fd;
}
