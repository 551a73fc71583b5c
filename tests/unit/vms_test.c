// SPDX-License-Identifier: GPL-2.0-or-later
/* VMs found in a /proc that this test makes up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../host/lib/attach.h"
#include "../../host/lib/vms_internal.h"

/* No process has such a PID: what asks the kernel about it gets no answer. */
#define PID 4000000

static char proc[64];
static struct sm_vms vms;
static struct sm_error err;

static int setup(void **state)
{
	(void)state;
	strcpy(proc, "/tmp/vms_test.XXXXXX");
	memset(&err, 0, sizeof(err));
	return mkdtemp(proc) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	sm_vms_free(&vms);
	return nftw(proc, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

/* The same process by another name. */
static void make_link(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	assert_int_equal(symlink("4000000", path), 0);
}

static void make_file(int pid, const char *name, const char *bytes, size_t len)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d/%s", proc, pid, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

static void make_fd(int pid, int fd, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%d/fd/%d", proc, pid, fd);
	assert_int_equal(symlink(target, path), 0);
}

static void make_process(int pid, const char *comm, const char *command, size_t command_len)
{
	char name[64];

	snprintf(name, sizeof(name), "%d", pid);
	make_folder(name);
	snprintf(name, sizeof(name), "%d/fd", pid);
	make_folder(name);
	snprintf(name, sizeof(name), "%s\n", comm);
	make_file(pid, "comm", name, strlen(name));
	make_file(pid, "cmdline", command, command_len);
	make_fd(pid, 0, "/dev/null");
	make_fd(pid, 5, "anon_inode:[eventfd]");
}
#define MAKE_PROCESS(pid, comm, command) make_process(pid, comm, command, sizeof(command))

static void make_vm(int pid, int fd, unsigned int vcpus)
{
	char target[64];
	unsigned int i;

	make_fd(pid, fd, "anon_inode:kvm-vm");
	for (i = 0; i < vcpus; i++) {
		snprintf(target, sizeof(target), "anon_inode:kvm-vcpu:%u", i);
		make_fd(pid, fd + 1 + (int)i, target);
	}
}

static void scan(size_t expected)
{
	assert_int_equal(sm_vms_scan(proc, &vms, &err), 0);
	assert_int_equal(vms.count, expected);
}

static const struct sm_vm *find(const char *selector)
{
	const struct sm_vm *vm;

	assert_int_equal(sm_vms_find(&vms, selector, &vm, &err), 0);
	return vm;
}

/* --- finding
 * -------------------------------------------------------------------------------------- */

static void none(void **state)
{
	const struct sm_vm *vm = NULL;

	(void)state;
	MAKE_PROCESS(PID, "bash", "bash");
	make_folder("self");
	make_folder("sys");
	scan(0);
	assert_int_equal(sm_vms_find(&vms, "web", &vm, &err), -ENOENT);
	assert_null(vm);
	assert_non_null(strstr(err.text, "web"));
}

/* As while it attaches. */
static void who_scans_is_no_vmm(void **state)
{
	(void)state;
	MAKE_PROCESS(getpid(), "shadowmond", "shadowmond");
	make_vm(getpid(), 7, 0);
	MAKE_PROCESS(PID, "qemu-system-x86", "qemu-system-x86_64\0-name\0web");
	make_vm(PID, 7, 1);
	scan(1);
	assert_int_equal(vms.vms[0].pid, PID);
}

static void no_proc(void **state)
{
	(void)state;
	assert_int_equal(sm_vms_scan("/nowhere", &vms, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere"));
}

static void qemu(void **state)
{
	const struct sm_vm *vm;

	(void)state;
	MAKE_PROCESS(PID, "qemu-system-x86",
		     "/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0-S\0-m\0"
		     "size=2097152k,slots=4\0-smp\0002");
	make_vm(PID, 10, 2);
	scan(1);
	vm = find("web");
	assert_int_equal(vm->pid, PID);
	assert_int_equal(vm->fd, 10);
	assert_int_equal(vm->vcpus, 2);
	assert_int_equal(vm->memory, 2ull << 30);
	assert_false(vm->resident);
	assert_false(vm->shares_vmm);
	assert_string_equal(vm->vmm, "qemu-system-x86");
}

static void several_vmms(void **state)
{
	(void)state;
	MAKE_PROCESS(PID, "qemu-system-x86", "qemu\0-name\0a\0-m\000512");
	make_vm(PID, 10, 1);
	MAKE_PROCESS(PID + 1, "firecracker",
		     "/usr/bin/firecracker\0--id\0b\0--api-sock\0/run/x.sock");
	make_vm(PID + 1, 9, 4);
	MAKE_PROCESS(
		PID + 2, "cloud-hyperviso",
		"cloud-hypervisor\0--api-socket\0path=/run/c.sock\0--memory\0size=1G,shared=on");
	make_vm(PID + 2, 30, 3);
	MAKE_PROCESS(PID + 3, "crosvm", "crosvm\0run\0--mem\0002048\0-s\0/run/d.sock\0vmlinux");
	make_vm(PID + 3, 11, 1);
	MAKE_PROCESS(PID + 4, "bash", "bash");
	MAKE_PROCESS(PID + 5, "lkvm", "lkvm\0run");
	make_vm(PID + 5, 3, 1);
	scan(5);
	assert_int_equal(find("a")->memory, 512ull << 20);
	assert_int_equal(find("b")->vcpus, 4);
	assert_int_equal(find("b")->memory, 0);
	assert_int_equal(find("c")->memory, 1ull << 30);
	assert_int_equal(find("d")->memory, 2ull << 30);
	assert_int_equal(find("lkvm-4000005")->pid, PID + 5);
	/* In the order of their PIDs. */
	assert_int_equal(vms.vms[0].pid, PID);
	assert_int_equal(vms.vms[4].pid, PID + 5);
}

static void resident_memory_where_nothing_else_is_known(void **state)
{
	static const char status[] = "Name:\tfirecracker\nVmPeak:\t  999 kB\nVmRSS:\t  131072 kB\n";

	(void)state;
	MAKE_PROCESS(PID, "firecracker", "firecracker\0--id\0b");
	make_vm(PID, 9, 1);
	make_file(PID, "status", status, sizeof(status) - 1);
	scan(1);
	assert_int_equal(find("b")->memory, 128ull << 20);
	assert_true(find("b")->resident);
}

static void by_pid(void **state)
{
	const struct sm_vm *vm;

	(void)state;
	MAKE_PROCESS(PID, "qemu", "qemu\0-name\0web");
	make_vm(PID, 10, 1);
	scan(1);
	assert_string_equal(find("4000000")->name, "web");
	assert_string_equal(find("4000000:10")->name, "web");
	assert_int_equal(sm_vms_find(&vms, "4000001", &vm, &err), -ENOENT);
	assert_int_equal(sm_vms_find(&vms, "4000000:11", &vm, &err), -ENOENT);
	assert_int_equal(sm_vms_find(&vms, "", &vm, &err), -ENOENT);
	assert_int_equal(sm_vms_find(&vms, "we", &vm, &err), -ENOENT);
}

static void two_of_one_name(void **state)
{
	const struct sm_vm *vm;

	(void)state;
	MAKE_PROCESS(PID, "qemu", "qemu\0-name\0web");
	make_vm(PID, 10, 1);
	MAKE_PROCESS(PID + 7, "qemu", "qemu\0-name\0web");
	make_vm(PID + 7, 10, 1);
	scan(2);
	assert_int_equal(sm_vms_find(&vms, "web", &vm, &err), -ENOTUNIQ);
	assert_non_null(strstr(err.text, "4000000, 4000007"));
	assert_int_equal(find("4000007")->pid, PID + 7);
}

/* A name that is another VM's PID must not decide for the user. */
static void a_name_that_is_a_pid(void **state)
{
	const struct sm_vm *vm;

	(void)state;
	MAKE_PROCESS(PID, "qemu", "qemu\0-name\0web");
	make_vm(PID, 10, 1);
	MAKE_PROCESS(PID + 1, "qemu", "qemu\0-name\0004000000");
	make_vm(PID + 1, 10, 1);
	scan(2);
	assert_int_equal(sm_vms_find(&vms, "4000000", &vm, &err), -ENOTUNIQ);
}

static void many_of_one_name(void **state)
{
	const struct sm_vm *vm;
	int i;

	(void)state;
	for (i = 0; i < 60; i++) {
		MAKE_PROCESS(PID + i, "qemu", "qemu\0-name\0web");
		make_vm(PID + i, 10, 1);
	}
	scan(60);
	assert_int_equal(sm_vms_find(&vms, "web", &vm, &err), -ENOTUNIQ);
}

static void one_vmm_with_two_vms(void **state)
{
	const struct sm_vm *vm;

	(void)state;
	MAKE_PROCESS(PID, "many", "many");
	make_vm(PID, 10, 1);
	make_vm(PID, 20, 1);
	scan(2);
	assert_true(vms.vms[0].shares_vmm);
	assert_int_equal(sm_vms_find(&vms, "4000000", &vm, &err), -ENOTUNIQ);
	assert_non_null(strstr(err.text, "4000000:10, 4000000:20"));
	assert_int_equal(find("4000000:20")->fd, 20);
}

/* Real descriptors, of a real process, so that the kernel can be asked. */
static void one_vm_with_two_descriptors(void **state)
{
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_RDONLY);
	int fd = fcntl(zero, F_DUPFD, 40), same = fcntl(zero, F_DUPFD, 40),
	    other = fcntl(null, F_DUPFD, 40);
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (syscall(SYS_kcmp, pid, pid, KCMP_FILE, fd, same)) {
		kill(pid, SIGKILL);
		skip();
	}
	MAKE_PROCESS(pid, "many", "many");
	make_fd(pid, fd, "anon_inode:kvm-vm");
	make_fd(pid, same, "anon_inode:kvm-vm");
	scan(1);
	assert_int_equal(vms.vms[0].fd, fd);
	assert_false(vms.vms[0].shares_vmm);
	sm_vms_free(&vms);
	make_fd(pid, other, "anon_inode:kvm-vm");
	scan(2);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(zero);
	close(null);
	close(fd);
	close(same);
	close(other);
}

static void command_name_for_the_terminal(void **state)
{
	(void)state;
	MAKE_PROCESS(PID, "a\x1b[2J b", "x");
	make_vm(PID, 10, 1);
	scan(1);
	assert_string_equal(vms.vms[0].vmm, "a_[2J_b");
	assert_string_equal(vms.vms[0].name, "a_[2J_b-4000000");
}

static void vcpus_count_once(void **state)
{
	(void)state;
	MAKE_PROCESS(PID, "qemu", "qemu\0-name\0web");
	make_vm(PID, 10, 2);
	make_fd(PID, 30, "anon_inode:kvm-vcpu:1");
	make_fd(PID, 31, "anon_inode:kvm-vcpu:");
	make_fd(PID, 32, "anon_inode:kvm-vcpu:99999999999");
	make_fd(PID, 33, "anon_inode:kvm-vcpu:-1");
	make_fd(PID, 34, "anon_inode:kvm-vcpu-stats:0");
	make_fd(PID, 35, "anon_inode:kvm-vcpu:4096");
	make_fd(PID, 36, "anon_inode:kvm-vcpu:2147483647");
	scan(1);
	assert_int_equal(vms.vms[0].vcpus, 2);
}

static void names_that_only_look_like_it(void **state)
{
	(void)state;
	MAKE_PROCESS(PID, "x", "x");
	make_fd(PID, 10, "anon_inode:kvm-vmx");
	make_fd(PID, 11, "/tmp/anon_inode:kvm-vm");
	make_fd(PID, 12, "anon_inode:[kvm-vm]");
	scan(0);
}

static void processes_that_are_no_processes(void **state)
{
	(void)state;
	MAKE_PROCESS(PID, "qemu", "qemu\0-name\0web");
	make_vm(PID, 10, 1);
	make_link("99999999999999999999");
	make_link("4294967297");
	make_link("12x");
	make_link("-12");
	make_folder("4000009"); /* without anything in it */
	scan(1);
}

#define VMS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VMS(none),
		VMS(who_scans_is_no_vmm),
		VMS(no_proc),
		VMS(qemu),
		VMS(several_vmms),
		VMS(resident_memory_where_nothing_else_is_known),
		VMS(by_pid),
		VMS(two_of_one_name),
		VMS(a_name_that_is_a_pid),
		VMS(many_of_one_name),
		VMS(one_vmm_with_two_vms),
		VMS(one_vm_with_two_descriptors),
		VMS(command_name_for_the_terminal),
		VMS(vcpus_count_once),
		VMS(names_that_only_look_like_it),
		VMS(processes_that_are_no_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
