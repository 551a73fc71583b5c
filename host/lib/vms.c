// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "vms_internal.h"

#define COMMAND_MAX (1u << 18)
#define VCPUS_MAX   4096

/* What the descriptors of one process show. */
struct descriptors {
	int *vm_fds;
	size_t nr_vm_fds;
	unsigned char vcpu_seen[VCPUS_MAX / 8];
	u32 vcpus;
};

static bool parse_number(const char *text, int *ret_number)
{
	char *end;
	long number;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || *end || number > INT32_MAX)
		return false;
	*ret_number = (int)number;
	return true;
}

static int compare_ints(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static int note_descriptor(struct descriptors *d, int fd, const char *target)
{
	static const char vcpu_prefix[] = "anon_inode:kvm-vcpu:";
	int *bigger, vcpu;

	if (strncmp(target, vcpu_prefix, sizeof(vcpu_prefix) - 1) == 0) {
		if (!parse_number(target + sizeof(vcpu_prefix) - 1, &vcpu) || vcpu >= VCPUS_MAX)
			return 0;
		d->vcpus += !(d->vcpu_seen[vcpu / 8] & 1 << vcpu % 8);
		d->vcpu_seen[vcpu / 8] |= (unsigned char)(1 << vcpu % 8);
		return 0;
	}
	if (strcmp(target, "anon_inode:kvm-vm"))
		return 0;
	bigger = reallocarray(d->vm_fds, d->nr_vm_fds + 1, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	d->vm_fds = bigger;
	d->vm_fds[d->nr_vm_fds++] = fd;
	return 0;
}

/* 0, or why the process could not be looked into. */
static int read_descriptors(int process, struct descriptors *d)
{
	struct dirent *entry;
	char target[64];
	int dir_fd, fd, err = 0;
	ssize_t len;
	DIR *dir;

	dir_fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	dir = fdopendir(dir_fd);
	if (!dir) {
		err = -errno;
		close(dir_fd);
		return err;
	}
	while (!err && (entry = readdir(dir))) {
		if (!parse_number(entry->d_name, &fd))
			continue;
		len = readlinkat(dir_fd, entry->d_name, target, sizeof(target) - 1);
		if (len < 0)
			continue; /* closed meanwhile */
		target[len] = '\0';
		err = note_descriptor(d, fd, target);
	}
	closedir(dir);
	if (d->nr_vm_fds)
		qsort(d->vm_fds, d->nr_vm_fds, sizeof(*d->vm_fds), compare_ints);
	return err;
}

/* Two descriptors of one file; where that cannot be told, they count as two. */
static bool is_same_file(pid_t pid, int a, int b)
{
	return syscall(SYS_kcmp, pid, pid, KCMP_FILE, a, b) == 0;
}

static void drop_duplicates(pid_t pid, struct descriptors *d)
{
	size_t i, j, kept = 0;

	for (i = 0; i < d->nr_vm_fds; i++) {
		for (j = 0; j < kept; j++)
			if (is_same_file(pid, d->vm_fds[j], d->vm_fds[i]))
				break;
		if (j == kept)
			d->vm_fds[kept++] = d->vm_fds[i];
	}
	d->nr_vm_fds = kept;
}

/* A whole file of at most max bytes into a new buffer with a NUL behind; NULL: unreadable. */
static char *read_text(int process, const char *name, size_t max, size_t *ret_len)
{
	int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(max + 1);
	size_t len = 0;
	ssize_t got = 1;

	while (text && got > 0 && len < max) {
		got = read(fd, text + len, max - len);
		len += got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0)
		close(fd);
	if (text)
		text[len] = '\0';
	*ret_len = len;
	return text;
}

static void read_comm(int process, struct sm_vm *vm)
{
	size_t len, i;
	char *comm = read_text(process, "comm", sizeof(vm->vmm) - 1, &len);

	snprintf(vm->vmm, sizeof(vm->vmm), "%s", comm && comm[0] ? comm : "vmm");
	free(comm);
	vm->vmm[strcspn(vm->vmm, "\n")] = '\0';
	for (i = 0; vm->vmm[i]; i++)
		if (!isgraph((unsigned char)vm->vmm[i]))
			vm->vmm[i] = '_';
}

static void read_resident(int process, struct sm_vm *vm)
{
	size_t len;
	char *status = read_text(process, "status", 8192, &len);
	const char *line = status ? strstr(status, "\nVmRSS:") : NULL;
	unsigned long long kib;

	if (line && sscanf(line, "\nVmRSS: %llu kB", &kib) == 1 && kib < UINT64_MAX >> 10) {
		vm->memory = kib << 10;
		vm->resident = true;
	}
	free(status);
}

static void describe(int process, struct sm_vm *vm)
{
	size_t len;
	char *command;

	read_comm(process, vm);
	snprintf(vm->name, sizeof(vm->name), "%s-%d", vm->vmm, (int)vm->pid);
	read_resident(process, vm);
	command = read_text(process, "cmdline", COMMAND_MAX, &len);
	if (command)
		sm_vm_parse_command(vm, command, len);
	free(command);
}

static int add_process(struct sm_vms *vms, int process, pid_t pid)
{
	struct descriptors d = {0};
	struct sm_vm *bigger, vm = {.pid = pid};
	size_t i;
	int err;

	err = read_descriptors(process, &d);
	if (err == -EACCES || err == -EPERM)
		vms->hidden++;
	if (err == -ENOMEM || d.nr_vm_fds == 0)
		goto out;
	drop_duplicates(pid, &d);
	describe(process, &vm);
	vm.vcpus = d.vcpus;
	vm.shares_vmm = d.nr_vm_fds > 1;
	bigger = reallocarray(vms->vms, vms->count + d.nr_vm_fds, sizeof(*bigger));
	if (!bigger) {
		err = -ENOMEM;
		goto out;
	}
	vms->vms = bigger;
	for (i = 0; i < d.nr_vm_fds; i++) {
		vm.fd = d.vm_fds[i];
		vms->vms[vms->count++] = vm;
	}
out:
	free(d.vm_fds);
	return err == -ENOMEM ? err : 0;
}

static int compare_vms(const void *a, const void *b)
{
	const struct sm_vm *x = a, *y = b;

	return x->pid != y->pid ? compare_ints(&x->pid, &y->pid) : compare_ints(&x->fd, &y->fd);
}

int sm_vms_scan(const char *proc, struct sm_vms *ret_vms, struct sm_error *err_text)
{
	struct sm_vms vms = {0};
	struct dirent *entry;
	int pid, process, err = 0;
	DIR *dir = opendir(proc);

	if (!dir)
		return sm_error_set(err_text, -errno, "cannot read %s: %s", proc, strerror(errno));
	while (!err && (entry = readdir(dir))) {
		/* Who attaches has the VM's descriptor, too, for a while. */
		if (!parse_number(entry->d_name, &pid) || pid == getpid())
			continue;
		process = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue; /* ended meanwhile */
		err = add_process(&vms, process, pid);
		close(process);
	}
	closedir(dir);
	if (err) {
		sm_vms_free(&vms);
		return sm_error_set(err_text, err, "no memory to list the VMs");
	}
	if (vms.count)
		qsort(vms.vms, vms.count, sizeof(*vms.vms), compare_vms);
	*ret_vms = vms;
	return 0;
}

void sm_vms_free(struct sm_vms *vms)
{
	free(vms->vms);
	*vms = (struct sm_vms){0};
}

static void address(const struct sm_vm *vm, char text[32])
{
	snprintf(text, 32, vm->shares_vmm ? "%d:%d" : "%d", (int)vm->pid, vm->fd);
}

static bool is_meant(const struct sm_vm *vm, const char *selector)
{
	char pid[32], pid_fd[32];

	snprintf(pid, sizeof(pid), "%d", (int)vm->pid);
	snprintf(pid_fd, sizeof(pid_fd), "%d:%d", (int)vm->pid, vm->fd);
	return strcmp(selector, vm->name) == 0 || strcmp(selector, pid) == 0 ||
	       strcmp(selector, pid_fd) == 0;
}

int sm_vms_find(const struct sm_vms *vms, const char *selector, const struct sm_vm **ret_vm,
		struct sm_error *err)
{
	const struct sm_vm *found = NULL;
	char list[256] = "", one[32];
	size_t i, matches = 0;

	for (i = 0; i < vms->count; i++) {
		const struct sm_vm *vm = &vms->vms[i];

		if (!is_meant(vm, selector))
			continue;
		found = vm;
		address(vm, one);
		if (strlen(list) + strlen(one) + 3 < sizeof(list)) {
			strcat(list, matches ? ", " : "");
			strcat(list, one);
		}
		matches++;
	}
	if (matches == 0)
		return sm_error_set(
			err, -ENOENT, "no VM is called \"%s\" or has that PID%s", selector,
			vms->hidden ? " (some processes can only be seen by root)" : "");
	if (matches > 1)
		return sm_error_set(err, -ENOTUNIQ, "\"%s\" may be any of these VMs: %s", selector,
				    list);
	*ret_vm = found;
	return 0;
}

json_t *sm_vm_json(const struct sm_vm *vm)
{
	char text[32];

	address(vm, text);
	return json_pack("{s:s, s:i, s:i, s:s, s:s, s:I, s:I, s:s}", "name", vm->name, "pid",
			 (int)vm->pid, "fd", vm->fd, "address", text, "vmm", vm->vmm, "vcpus",
			 (json_int_t)vm->vcpus, "memory", (json_int_t)vm->memory, "memory_source",
			 vm->memory == 0 ? "unknown"
			 : vm->resident  ? "resident"
					 : "configured");
}
