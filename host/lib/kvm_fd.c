// SPDX-License-Identifier: GPL-2.0-or-later
/* A VM is a kvm-vm descriptor of some process, whatever VMM that is. */
#include <dirent.h>
#include <errno.h>
#include <linux/kcmp.h>
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

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	return strcmp(target, "anon_inode:kvm-vm") == 0;
}

/* VMMs may hold several descriptors of one VM. */
static bool is_same_vm(pid_t pid, int a, int b)
{
	return a == b || syscall(SYS_kcmp, pid, pid, KCMP_FILE, a, b) == 0;
}

static int not_readable(pid_t pid, int code, struct sm_error *err)
{
	if (code == -ENOENT || code == -ESRCH)
		return sm_error_set(err, -ESRCH, "there is no process %d", (int)pid);
	return sm_error_set(err, code, "cannot look into process %d: %s%s", (int)pid,
			    strerror(-code),
			    code == -EACCES || code == -EPERM ? "; run this as root" : "");
}

/* The descriptor of the process's only VM. */
static int find(pid_t pid, struct sm_error *err)
{
	struct dirent *entry;
	int found = -1;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return not_readable(pid, -errno, err);
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || !is_vm(pid, fd))
			continue;
		if (found >= 0 && !is_same_vm(pid, found, fd)) {
			closedir(dir);
			return sm_error_set(
				err, -ENOTUNIQ,
				"process %d has several VMs (descriptors %d and %d, at least): say "
				"which one by its descriptor, as in %d:%d",
				(int)pid, found, fd, (int)pid, found);
		}
		if (found < 0)
			found = fd;
	}
	closedir(dir);
	if (found < 0)
		return sm_error_set(err, -ENXIO, "process %d has no KVM virtual machine", (int)pid);
	return found;
}

int sm_kvm_fd_get(pid_t pid, int vm_fd, struct sm_error *err)
{
	int pidfd, fd, code;

	if (pid <= 0)
		return sm_error_set(err, -EINVAL, "%d is not the number of a process", (int)pid);
	/* First, so that all that follows is about one process. */
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return not_readable(pid, -errno, err);
	fd = vm_fd < 0 ? find(pid, err) : vm_fd;
	if (fd < 0)
		goto out;
	if (!is_vm(pid, fd)) {
		fd = sm_error_set(err, -ENXIO,
				  "descriptor %d of process %d is not a KVM virtual machine", fd,
				  (int)pid);
		goto out;
	}
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	code = -errno;
	if (fd < 0)
		fd = not_readable(pid, code, err);
out:
	close(pidfd);
	return fd;
}
