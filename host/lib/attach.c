// SPDX-License-Identifier: GPL-2.0-or-later
/* The whole way from a pid to a locked guest; a failure anywhere detaches, which undoes all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "schema.h"

#define DEFAULT_RING_SIZE     0x40000
#define DEFAULT_TIMEOUT_MS    5000
#define BTF_MAX               (64u << 20)
#define DETACH_TIMEOUT_MS     5000
#define DETACH_TIMEOUT_MAX_MS 60000

struct sm_attachment {
	int fd;
	struct sm_process *process; /* SM_TRANSPORT_USER */
	struct sm_schema *schema;
};

struct attach {
	const struct sm_attach_options *options;
	struct sm_error *err;
	int fd;
	struct sm_ioc_agent agent;
	struct sm_btf *btf;
	struct sm_image *image;
	struct sm_process *process;
	bool hooked; /* at least one function, perhaps */
};

static void progress(const struct attach *a, const char *what)
{
	if (a->options->progress)
		a->options->progress(a->options->progress_ctx, what);
}

/* Before anything is done to the VM. */
static int open_image(struct attach *a)
{
	int code;

	if (!a->options->image_path)
		return sm_error_set(a->err, -EINVAL, "no monitor image is named");
	code = sm_image_open_file(a->options->image_path, &a->image, a->err);
	return code ? code : sm_image_choose(a->image, a->options->monitors, a->err);
}

static int open_device(struct attach *a)
{
	a->fd = open(SM_DEVICE, O_RDWR | O_CLOEXEC);
	if (a->fd >= 0)
		return 0;
	if (errno == ENOENT)
		return sm_error_set(a->err, -errno,
				    "%s is missing: load the host module (modprobe shadowmon)",
				    SM_DEVICE);
	return sm_error_set(a->err, -errno, "cannot open %s: %s%s", SM_DEVICE, strerror(errno),
			    errno == EACCES ? " (are you root?)" : "");
}

static const char *attach_remedy(int error)
{
	switch (error) {
	case EEXIST:
		return "it is attached already";
	case EOPNOTSUPP:
		return "it needs EPT, VMFUNC and a guest without RAM beyond 252 GiB (see shadowmon doctor)";
	case EOWNERDEAD:
		return "its VMM is exiting";
	case EINVAL:
		return "an argument is out of range (ring size: a power of two from 16 KiB to 1 MiB; budget: 100 us "
		       "to 1 s)";
	case EBUSY:
		return "KVM cannot be hooked: a live patch or another module has the same function";
	default:
		return strerror(error);
	}
}

static int attach_vm(struct attach *a)
{
	const struct sm_attach_options *o = a->options;
	struct sm_ioc_attach arg = {
		.size = sizeof(arg),
		.flags = o->flags,
		.ring_size = o->ring_size ? o->ring_size : DEFAULT_RING_SIZE,
		.budget_us = o->budget_us,
		.max_aborts = o->max_aborts,
		.transport = o->transport,
	};
	int code;

	progress(a, "attaching to the VM");
	arg.kvm_fd = sm_kvm_fd_get(o->vmm_pid, o->vm_fd, a->err);
	if (arg.kvm_fd < 0)
		return arg.kvm_fd;
	code = ioctl(a->fd, SM_IOC_ATTACH, &arg) < 0 ? -errno : 0;
	close(arg.kvm_fd);
	if (code)
		sm_error_set(a->err, code, "cannot attach to the VM of process %d: %s", o->vmm_pid,
			     attach_remedy(-code));
	return code;
}

/* The guest module looks for a host every now and then. */
static int wait_for_agent(struct attach *a)
{
	unsigned int timeout = a->options->timeout_ms ? a->options->timeout_ms : DEFAULT_TIMEOUT_MS,
		     waited;
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	progress(a, "waiting for the guest module");
	a->agent.size = sizeof(a->agent);
	for (waited = 0;; waited += 20) {
		if (ioctl(a->fd, SM_IOC_AGENT, &a->agent) == 0) {
			a->agent.release[sizeof(a->agent.release) - 1] = '\0';
			return 0;
		}
		if (errno != EAGAIN)
			return sm_error_set(a->err, -errno, "the VM ended while being attached: %s",
					    strerror(errno));
		if (waited >= timeout)
			return sm_error_set(
				a->err, -ETIMEDOUT,
				"no guest module answered within %u ms: is shadowmon_guest loaded in the guest "
				"(and not 'waiting' for an older host)?",
				timeout);
		nanosleep(&pause, NULL);
	}
}

static int read_btf(struct attach *a)
{
	struct sm_guest_memory memory;
	void *data = NULL;
	int code;

	progress(a, "reading the kernel's types");
	if (a->agent.btf_size == 0 || a->agent.btf_size > BTF_MAX)
		return sm_error_set(a->err, -EINVAL, "the guest's BTF claims %llu bytes",
				    (unsigned long long)a->agent.btf_size);
	code = sm_guest_memory_open(a->fd, &memory, a->err);
	if (code)
		return code;
	data = malloc(a->agent.btf_size);
	if (!data) {
		code = sm_error_set(a->err, -ENOMEM, "no memory for the guest's BTF");
		goto close;
	}
	code = sm_guest_memory_read(&memory, a->agent.btf_gpa, data, a->agent.btf_size);
	if (code)
		sm_error_set(a->err, code, "cannot read the guest's BTF from its memory: %s",
			     strerror(-code));
	else
		code = sm_btf_open(data, a->agent.btf_size, &a->btf, a->err);
close:
	free(data);
	sm_guest_memory_close(&memory);
	return code;
}

static void report_unchecked(const struct attach *a, const char *function)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "the guest's BTF does not know %s: its arguments are not checked", function);
	progress(a, text);
}

/* What is missing is missing in a certain kernel. */
static int name_release(const struct attach *a, int code)
{
	char text[sizeof(a->err->text)];

	if (a->err && code == -ENOENT) {
		snprintf(text, sizeof(text), "%s", a->err->text);
		sm_error_set(a->err, code, "%s (it runs %s)", text, a->agent.release);
	}
	return code;
}

/* The stub saves nargs argument registers: fewer than the function has would corrupt the guest. */
static int check_arguments(struct attach *a)
{
	const struct sm_image_hook *hooks;
	unsigned int count = sm_image_hooks(a->image, &hooks), i;

	for (i = 0; i < count; i++) {
		int args = sm_btf_function_args(a->btf, hooks[i].function);

		/* Functions of modules are not in there. */
		if (args == -ENOENT)
			report_unchecked(a, hooks[i].function);
		else if (args < 0)
			return sm_error_set(
				a->err, args,
				"%s cannot be hooked: not all of its arguments are in integer registers",
				hooks[i].function);
		else if ((unsigned int)args != hooks[i].nargs)
			return sm_error_set(
				a->err, -EINVAL,
				"%s has %d arguments in the guest's kernel, %u in the image",
				hooks[i].function, args, hooks[i].nargs);
	}
	return 0;
}

static int link_image(struct attach *a, struct sm_resolve *resolve)
{
	int code;

	progress(a, "linking the monitors");
	code = sm_image_link(a->image, resolve->agent->gate_va + SM_VA_IMAGE, sm_resolve_symbol,
			     resolve, a->err);
	if (!code)
		code = check_arguments(a);
	return code ? name_release(a, code) : 0;
}

static int load_gate(struct attach *a, struct sm_resolve *resolve)
{
	struct sm_ioc_load_image arg;
	int code = link_image(a, resolve);

	if (code)
		return code;
	sm_image_describe(a->image, &arg);
	if (ioctl(a->fd, SM_IOC_LOAD_IMAGE, &arg) < 0)
		return sm_error_set(a->err, -errno, "the host module refuses the image: %s",
				    strerror(errno));
	return 0;
}

/* The image tells what to hook; what runs is the host module's own. */
static int load_exit(struct attach *a, struct sm_resolve *resolve)
{
	int code = link_image(a, resolve);

	if (!code)
		code = sm_outside_set_values(a->fd, resolve, a->err);
	return code ? code : sm_outside_load(a->fd, a->image, a->err);
}

static int load_process(struct attach *a, struct sm_resolve *resolve)
{
	struct sm_ioc_agent agent = a->agent;
	int code;

	agent.gate_va = SM_PROCESS_GATE_VA;
	resolve->agent = &agent;
	resolve->process = true;
	code = link_image(a, resolve);
	if (code)
		return code;
	if (!resolve->asked_for_request)
		return sm_error_set(a->err, -EINVAL,
				    "%s is built for the compartment, not for a process: "
				    "monitors-user.o is",
				    a->options->image_path);
	code = sm_outside_load(a->fd, a->image, a->err);
	return code ? code : sm_process_start(a->fd, a->image, agent.btf_gpa, &a->process, a->err);
}

static int load(struct attach *a)
{
	struct sm_resolve resolve = {
		.fd = a->fd,
		.agent = &a->agent,
		.btf = a->btf,
		.err = a->err,
	};

	switch (a->options->transport) {
	case SM_TRANSPORT_EXIT:
		return load_exit(a, &resolve);
	case SM_TRANSPORT_USER:
		return load_process(a, &resolve);
	default:
		return load_gate(a, &resolve);
	}
}

static const char *hook_remedy(int code)
{
	switch (code) {
	case -EOPNOTSUPP:
		return "it cannot be traced there";
	case -ENOENT:
		return "it has no such function";
	case -EBUSY:
		return "another user of ftrace has it: a live patch, or a BPF trampoline";
	case -ETIMEDOUT:
		return "the guest module did not answer";
	default:
		return strerror(-code);
	}
}

static int hook(struct attach *a)
{
	const struct sm_image_hook *hooks;
	unsigned int count = sm_image_hooks(a->image, &hooks), i;
	int64_t result;
	int code;

	progress(a, "hooking the guest's kernel");
	a->hooked = true;
	for (i = 0; i < count; i++) {
		code = sm_guest_command(a->fd, SM_OP_HOOK, hooks[i].function, i, hooks[i].nargs,
					&result);
		if (!code && result)
			code = (int)result;
		if (code)
			return sm_error_set(a->err, code,
					    "cannot hook %s in the guest's kernel: %s",
					    hooks[i].function, hook_remedy(code));
	}
	return 0;
}

static int lock(struct attach *a)
{
	struct sm_ioc_lock arg = {.size = sizeof(arg)};

	if (a->options->no_lock)
		return 0;
	progress(a, "locking");
	if (ioctl(a->fd, SM_IOC_LOCK, &arg) < 0)
		return sm_error_set(a->err, -errno, "cannot lock the guest: %s", strerror(errno));
	return 0;
}

static int detach(int fd, unsigned int timeout_ms)
{
	struct sm_ioc_detach arg = {.size = sizeof(arg), .timeout_ms = timeout_ms};

	return ioctl(fd, SM_IOC_DETACH, &arg) < 0 ? -errno : 0;
}

int sm_attach(const struct sm_attach_options *options, struct sm_error *err,
	      struct sm_attachment **ret)
{
	static int (*const steps[])(struct attach *) = {
		open_image, open_device, attach_vm, wait_for_agent, read_btf, load, hook, lock,
	};
	struct attach a = {.options = options, .err = err, .fd = -1};
	struct sm_attachment *attachment = malloc(sizeof(*attachment));
	int code = attachment ? 0 : sm_error_set(err, -ENOMEM, "no memory for the attachment");
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && !code; i++)
		code = steps[i](&a);
	if (!code)
		attachment->schema = sm_image_take_schema(a.image);
	sm_image_close(a.image);
	sm_btf_close(a.btf);
	if (code) {
		if (a.hooked)
			detach(a.fd, DETACH_TIMEOUT_MS);
		else if (a.process)
			detach(a.fd, 0);
		if (a.fd >= 0)
			close(a.fd);
		sm_process_reap(a.process);
		free(attachment);
		return code;
	}
	attachment->fd = a.fd;
	attachment->process = a.process;
	*ret = attachment;
	return 0;
}

int sm_attachment_fd(const struct sm_attachment *attachment)
{
	return attachment->fd;
}

const struct sm_schema *sm_attachment_schema(const struct sm_attachment *attachment)
{
	return attachment->schema;
}

int sm_detach(struct sm_attachment *attachment, unsigned int timeout_ms, struct sm_error *err)
{
	int code;

	code = detach(attachment->fd,
		      timeout_ms < DETACH_TIMEOUT_MAX_MS ? timeout_ms : DETACH_TIMEOUT_MAX_MS);
	if (code)
		sm_error_set(err, code, "detached, but the guest module did not unhook: %s",
			     strerror(-code));
	sm_attachment_close(attachment);
	return code;
}

void sm_attachment_close(struct sm_attachment *attachment)
{
	if (!attachment)
		return;
	/* They have the descriptor, too. */
	if (attachment->process)
		detach(attachment->fd, 0);
	close(attachment->fd);
	sm_process_reap(attachment->process);
	sm_schema_free(attachment->schema);
	free(attachment);
}
