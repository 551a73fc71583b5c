// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attaching without a VM: its parts; and the whole, with a device that is played by this test
 * (open, ioctl and sm_kvm_fd_get are wrapped by the linker) and a guest whose RAM is this
 * process's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../host/lib/internal.h"

#define PID_MAX 4194304 /* no process has this one */

int __real_open(const char *path, int flags, ...);
int __real_sm_kvm_fd_get(pid_t pid, int vm_fd, struct sm_error *err);

/* --- errors
 * --------------------------------------------------------------------------------------- */

static void error_is_one_statement(void **state)
{
	struct sm_error err;

	(void)state;
	assert_int_equal(sm_error_set(&err, -ENOENT, "no %s", "gate"), -ENOENT);
	assert_int_equal(err.code, -ENOENT);
	assert_string_equal(err.text, "no gate");
	assert_int_equal(sm_error_set(NULL, -EPERM, "nobody listens"), -EPERM);
}

static void error_is_printable(void **state)
{
	struct sm_error err;

	(void)state;
	sm_error_set(&err, -EINVAL, "%s",
		     "a\033[2Jb\nc\x7f d\xff"
		     "e \xc3\xa4");
	assert_string_equal(err.text, "a?[2Jb?c? d?e \xc3\xa4");
}

static void error_is_cut_at_a_character(void **state)
{
	char name[1024];
	struct sm_error err;
	size_t i;

	(void)state;
	for (i = 0; i + 1 < sizeof(name); i += 2)
		memcpy(name + i, "\xc3\xa4", 2);
	name[sizeof(name) - 2] = '\0';
	sm_error_set(&err, -EINVAL, "%s", name);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(err.text[sizeof(err.text) - 2], '?');
}

/* --- the VMM's descriptor
 * ------------------------------------------------------------------------- */

static void assert_no_vm(pid_t pid, int fd, int code)
{
	struct sm_error err = {0};

	assert_int_equal(__real_sm_kvm_fd_get(pid, fd, &err), code);
	assert_int_equal(err.code, code);
	assert_true(err.text[0]);
}

static void tells_why_there_is_no_vm(void **state)
{
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_no_vm(PID_MAX, -1, -ESRCH);
	assert_no_vm(PID_MAX, 3, -ESRCH);
	assert_no_vm(0, -1, -EINVAL);
	assert_no_vm(-1, -1, -EINVAL);
	assert_no_vm(getpid(), -1, -ENXIO);
	assert_no_vm(getpid(), fd, -ENXIO);
	assert_no_vm(getpid(), 1 << 30, -ENXIO);
	close(fd);
}

/* --- guest memory
 * ---------------------------------------------------------------------------------- */

static char *ram; /* two slots of a page, and a page that the VMM does not have */

static struct sm_guest_memory memory_of_this_process(struct sm_memslot *slots)
{
	slots[0] = (struct sm_memslot){0x0, 4096, (uintptr_t)ram + 4096};
	slots[1] = (struct sm_memslot){0x1000, 4096, (uintptr_t)ram};
	slots[2] = (struct sm_memslot){0x3000, 8192, (uintptr_t)ram + 4096};
	slots[3] = (struct sm_memslot){0xfffffffffffff000, 4096, (uintptr_t)ram};
	return (struct sm_guest_memory){.vmm_pid = getpid(), .count = 4, .slots = slots};
}

static int map_ram(void **state)
{
	int i;

	(void)state;
	ram = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(ram, MAP_FAILED);
	for (i = 0; i < 2 * 4096; i++)
		ram[i] = (char)(i >> 8);
	return munmap(ram + 2 * 4096, 4096);
}

static void reads_across_slots(void **state)
{
	struct sm_memslot slots[4];
	struct sm_guest_memory memory = memory_of_this_process(slots);
	char data[8192];

	(void)state;
	assert_int_equal(sm_guest_memory_read(&memory, 0, data, sizeof(data)), 0);
	assert_memory_equal(data, ram + 4096, 4096);
	assert_memory_equal(data + 4096, ram, 4096);
	assert_int_equal(sm_guest_memory_read(&memory, 0xffe, data, 4), 0);
	assert_memory_equal(data, "\x1f\x1f\x00\x00", 4);
	assert_int_equal(sm_guest_memory_read(&memory, 0x9999999, data, 0), 0);
}

static void reads_nothing_outside_of_slots(void **state)
{
	struct sm_memslot slots[4];
	struct sm_guest_memory memory = memory_of_this_process(slots), none = {0};
	char data[8192];

	(void)state;
	assert_int_equal(sm_guest_memory_read(&memory, 0x2000, data, 1), -EFAULT);
	assert_int_equal(sm_guest_memory_read(&memory, 0x1fff, data, 2), -EFAULT);
	assert_int_equal(sm_guest_memory_read(&memory, 0x5000, data, 1), -EFAULT);
	assert_int_equal(sm_guest_memory_read(&none, 0, data, 1), -EFAULT);
}

static void reads_nothing_that_the_vmm_lacks(void **state)
{
	struct sm_memslot slots[4];
	struct sm_guest_memory memory = memory_of_this_process(slots);
	char data[8192];

	(void)state;
	assert_int_equal(sm_guest_memory_read(&memory, 0x3000, data, 4096), 0);
	assert_int_equal(sm_guest_memory_read(&memory, 0x3000, data, 8192), -EFAULT);
	memory.vmm_pid = PID_MAX;
	assert_int_equal(sm_guest_memory_read(&memory, 0, data, 1), -ESRCH);
}

static void does_not_wrap_around(void **state)
{
	struct sm_memslot slots[4];
	struct sm_guest_memory memory = memory_of_this_process(slots);
	char data[8192];

	(void)state;
	assert_int_equal(sm_guest_memory_read(&memory, 0xffffffffffffffff, data, 1), 0);
	assert_int_equal(sm_guest_memory_read(&memory, 0xffffffffffffffff, data, 2), -EFAULT);
}

static void refuses_a_descriptor_that_is_no_attachment(void **state)
{
	struct sm_guest_memory memory;
	struct sm_error err = {0};

	(void)state;
	assert_int_equal(sm_guest_memory_open(-1, &memory, &err), -EBADF);
	assert_int_equal(err.code, -EBADF);
	assert_null(memory.slots);
}

/* --- the whole
 * ------------------------------------------------------------------------------------- */

static void assert_not_attached(const struct sm_attach_options *options, int code, const char *word)
{
	struct sm_attachment *attachment = (void *)1;
	struct sm_error err = {0};

	assert_int_equal(sm_attach(options, &err, &attachment), code);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, word));
	assert_ptr_equal(attachment, (void *)1);
}

static void says_what_is_wrong_with_the_image(void **state)
{
	struct sm_attach_options options = {.vmm_pid = getpid(), .vm_fd = -1};

	(void)state;
	assert_not_attached(&options, -EINVAL, "image");
	options.image_path = "/nonexistent/monitors.o";
	assert_not_attached(&options, -ENOENT, "/nonexistent/monitors.o");
	options.image_path = "/dev/zero";
	assert_not_attached(&options, -EINVAL, "/dev/zero");
	options.image_path = "/proc/self/exe";
	assert_not_attached(&options, -EINVAL, "image");
}

/* --- a device of straw
 * ------------------------------------------------------------------------------ */

#define DEVICE_FD 1000 /* open, so that close() is content */
#define CALLS_MAX 32
#define RELEASE   "6.1.0-straw"

static struct {
	unsigned long fail;  /* the ioctl that fails */
	int err;             /* in that way */
	const char *missing; /* symbol or function that the guest lacks */
	int missing_result;  /* what it answers then */
	bool absent;         /* no /dev/shadowmon */
	char btf[8192];
	size_t btf_size;
	unsigned long calls[CALLS_MAX];
	unsigned int nr_calls, hooks;
	bool detached_politely;
	char said[1024];
} straw;

int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_sm_kvm_fd_get(pid_t pid, int vm_fd, struct sm_error *err);

int __wrap_open(const char *path, int flags, ...)
{
	if (strcmp(path, SM_DEVICE))
		return __real_open(path, flags);
	if (!straw.absent)
		return dup2(STDERR_FILENO, DEVICE_FD);
	errno = ENOENT;
	return -1;
}

int __wrap_sm_kvm_fd_get(pid_t pid, int vm_fd, struct sm_error *err)
{
	(void)pid, (void)vm_fd, (void)err;
	return dup(STDERR_FILENO);
}

static void answer(struct sm_ioc_command *command)
{
	command->result = command->op == SM_OP_LOOKUP ? (int64_t)0xffffffff81234567 : 0;
	straw.hooks += command->op == SM_OP_HOOK;
	if (straw.missing && strcmp(command->name, straw.missing) == 0)
		command->result = straw.missing_result;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	if (straw.nr_calls < CALLS_MAX)
		straw.calls[straw.nr_calls++] = request;
	if (fd != DEVICE_FD || request == straw.fail) {
		errno = fd != DEVICE_FD ? EBADF : straw.err;
		return -1;
	}
	if (request == SM_IOC_AGENT) {
		struct sm_ioc_agent *agent = arg;

		agent->gate_va = 0xffffffffc0100000;
		agent->btf_gpa = 0x1000;
		agent->btf_size = straw.btf_size;
		strcpy(agent->release, RELEASE);
	} else if (request == SM_IOC_MEMSLOTS) {
		struct sm_ioc_memslots *memslots = arg;

		*(struct sm_memslot *)(uintptr_t)memslots->slots =
			(struct sm_memslot){0x1000, sizeof(straw.btf), (uintptr_t)straw.btf};
		memslots->count = 1;
		memslots->vmm_pid = getpid();
	} else if (request == SM_IOC_COMMAND) {
		answer(arg);
	} else if (request == SM_IOC_DETACH) {
		straw.detached_politely = ((struct sm_ioc_detach *)arg)->timeout_ms != 0;
	}
	return 0;
}

static int build_straw(void **state)
{
	FILE *file = fopen(TYPES_BTF, "rb");

	(void)state;
	assert_non_null(file);
	memset(&straw, 0, sizeof(straw));
	straw.btf_size = fread(straw.btf, 1, sizeof(straw.btf), file);
	fclose(file);
	return 0;
}

static bool was_called(unsigned long request)
{
	unsigned int i;

	for (i = 0; i < straw.nr_calls; i++)
		if (straw.calls[i] == request)
			return true;
	return false;
}

static void listen(void *ctx, const char *what)
{
	(void)ctx;
	strncat(straw.said, what, sizeof(straw.said) - strlen(straw.said) - 1);
}

static struct sm_attach_options options_for(const char *image)
{
	return (struct sm_attach_options){
		.vmm_pid = getpid(),
		.vm_fd = -1,
		.image_path = image,
		.timeout_ms = 50,
		.progress = listen,
	};
}

static void attaches(void **state)
{
	struct sm_attach_options options = options_for(IMAGES "/good.o");
	struct sm_attachment *attachment = NULL;
	struct sm_error err = {0};

	(void)state;
	if (sm_attach(&options, &err, &attachment))
		fail_msg("%s", err.text);
	assert_int_equal(sm_attachment_fd(attachment), DEVICE_FD);
	assert_int_equal(straw.hooks, 2);
	assert_int_equal(straw.calls[straw.nr_calls - 1], SM_IOC_LOCK);
	assert_null(strstr(straw.said, "not checked"));
	assert_int_equal(sm_detach(attachment, 1000000, &err), 0);
	assert_true(straw.detached_politely);
	assert_int_equal(fcntl(DEVICE_FD, F_GETFD), -1);
}

static void stays_unlocked_if_asked_to(void **state)
{
	struct sm_attach_options options = options_for(IMAGES "/good.o");
	struct sm_attachment *attachment = NULL;

	(void)state;
	options.no_lock = true;
	assert_int_equal(sm_attach(&options, NULL, &attachment), 0);
	assert_false(was_called(SM_IOC_LOCK));
	sm_attachment_close(attachment);
	assert_false(was_called(SM_IOC_DETACH));
	assert_int_equal(fcntl(DEVICE_FD, F_GETFD), -1);
}

/* Nothing stays behind, whatever step it was. */
static void assert_fails(const char *image, int code, const char *word)
{
	struct sm_attach_options options = options_for(image);

	assert_not_attached(&options, code, word);
	assert_int_equal(fcntl(DEVICE_FD, F_GETFD), -1);
	assert_int_equal(straw.detached_politely, straw.hooks != 0);
}

static void undoes_what_fails(void **state)
{
	static const struct {
		unsigned long fail;
		int err;
		const char *word;
	} failures[] = {
		{SM_IOC_ATTACH, EEXIST, "already"}, {SM_IOC_ATTACH, EOPNOTSUPP, "VMFUNC"},
		{SM_IOC_AGENT, ENOTCONN, "ended"},  {SM_IOC_MEMSLOTS, ENOTCONN, "memory slots"},
		{SM_IOC_COMMAND, EINTR, "far"},     {SM_IOC_LOAD_IMAGE, ENOMEM, "image"},
		{SM_IOC_LOCK, EAGAIN, "lock"},
	};
	size_t i;

	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		build_straw(state);
		straw.fail = failures[i].fail;
		straw.err = failures[i].err;
		assert_fails(IMAGES "/good.o", -failures[i].err, failures[i].word);
	}
}

static void names_what_cannot_be_hooked(void **state)
{
	(void)state;
	straw.missing = "security_two";
	straw.missing_result = -EOPNOTSUPP;
	assert_fails(IMAGES "/good.o", -EOPNOTSUPP, "security_two");
}

static void names_what_the_kernel_lacks(void **state)
{
	struct sm_attach_options options = options_for(IMAGES "/unresolved.o");

	straw.missing = "far";
	straw.missing_result = -ENOENT;
	assert_fails(IMAGES "/good.o", -ENOENT, "far");
	build_straw(state);
	assert_fails(IMAGES "/unresolved.o", -ENOENT, "task_struct.absent");
	assert_not_attached(&options, -ENOENT, RELEASE);
}

static void refuses_a_wrong_number_of_arguments(void **state)
{
	(void)state;
	assert_fails(IMAGES "/hook_arguments.o", -EINVAL, "6 arguments");
	assert_false(was_called(SM_IOC_LOAD_IMAGE));
}

static void waits_for_the_guest_module(void **state)
{
	(void)state;
	straw.fail = SM_IOC_AGENT;
	straw.err = EAGAIN;
	assert_fails(IMAGES "/good.o", -ETIMEDOUT, "shadowmon_guest");
}

static void refuses_impossible_btf(void **state)
{
	(void)state;
	straw.btf_size = 0;
	assert_fails(IMAGES "/good.o", -EINVAL, "BTF");
	straw.btf_size = SIZE_MAX;
	assert_fails(IMAGES "/good.o", -EINVAL, "BTF");
	straw.btf_size = sizeof(straw.btf) + 1;
	assert_fails(IMAGES "/good.o", -EFAULT, "BTF");
	straw.btf_size = 100;
	assert_fails(IMAGES "/good.o", -EINVAL, "BTF");
}

static void says_that_the_module_is_not_loaded(void **state)
{
	(void)state;
	straw.absent = true;
	assert_fails(IMAGES "/good.o", -ENOENT, "modprobe shadowmon");
}

static void closes_nothing(void **state)
{
	(void)state;
	sm_attachment_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_is_one_statement),
		cmocka_unit_test(error_is_printable),
		cmocka_unit_test(error_is_cut_at_a_character),
		cmocka_unit_test(tells_why_there_is_no_vm),
		cmocka_unit_test(reads_across_slots),
		cmocka_unit_test(reads_nothing_outside_of_slots),
		cmocka_unit_test(reads_nothing_that_the_vmm_lacks),
		cmocka_unit_test(does_not_wrap_around),
		cmocka_unit_test(refuses_a_descriptor_that_is_no_attachment),
		cmocka_unit_test(says_what_is_wrong_with_the_image),
		cmocka_unit_test_setup(attaches, build_straw),
		cmocka_unit_test_setup(stays_unlocked_if_asked_to, build_straw),
		cmocka_unit_test_setup(undoes_what_fails, build_straw),
		cmocka_unit_test_setup(names_what_cannot_be_hooked, build_straw),
		cmocka_unit_test_setup(names_what_the_kernel_lacks, build_straw),
		cmocka_unit_test_setup(refuses_a_wrong_number_of_arguments, build_straw),
		cmocka_unit_test_setup(waits_for_the_guest_module, build_straw),
		cmocka_unit_test_setup(refuses_impossible_btf, build_straw),
		cmocka_unit_test_setup(says_that_the_module_is_not_loaded, build_straw),
		cmocka_unit_test(closes_nothing),
	};

	return cmocka_run_group_tests(tests, map_ram, NULL);
}
