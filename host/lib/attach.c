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

#include "attachment.h"
#include "policy_internal.h"
#include "prepare.h"
#include "schema.h"

#define DEFAULT_RING_SIZE     0x40000
#define DEFAULT_TIMEOUT_MS    5000
#define DETACH_TIMEOUT_MS     5000
#define DETACH_TIMEOUT_MAX_MS 60000

struct attach {
	struct sm_prepare p;
	const struct sm_attach_options *options;
	struct sm_attachment *attachment;
	bool hooked; /* at least one function, perhaps */
};

static int open_image(struct attach *a)
{
	return sm_prepare_open_image(&a->p, NULL);
}

static int open_device(struct attach *a)
{
	a->p.fd = open(SM_DEVICE, O_RDWR | O_CLOEXEC);
	if (a->p.fd >= 0)
		return 0;
	if (errno == ENOENT)
		return sm_error_set(a->p.err, -errno,
				    "%s is missing: load the host module (modprobe shadowmon)",
				    SM_DEVICE);
	return sm_error_set(a->p.err, -errno, "cannot open %s: %s%s", SM_DEVICE, strerror(errno),
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

	sm_prepare_progress(&a->p, "attaching to the VM");
	arg.kvm_fd = sm_kvm_fd_get(o->vmm_pid, o->vm_fd, a->p.err);
	if (arg.kvm_fd < 0)
		return arg.kvm_fd;
	code = ioctl(a->p.fd, SM_IOC_ATTACH, &arg) < 0 ? -errno : 0;
	close(arg.kvm_fd);
	if (code)
		sm_error_set(a->p.err, code, "cannot attach to the VM of process %d: %s",
			     o->vmm_pid, attach_remedy(-code));
	return code;
}

/* The guest module looks for a host every now and then. */
static int wait_for_agent(struct attach *a)
{
	unsigned int timeout = a->options->timeout_ms ? a->options->timeout_ms : DEFAULT_TIMEOUT_MS,
		     waited;
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	sm_prepare_progress(&a->p, "waiting for the guest module");
	for (waited = 0;; waited += 20) {
		int code = sm_prepare_find_agent(&a->p);

		if (code != -EAGAIN)
			return code;
		if (waited >= timeout)
			return sm_error_set(
				a->p.err, -ETIMEDOUT,
				"no guest module answered within %u ms: is shadowmon_guest loaded in the guest "
				"(and not 'waiting' for an older host)?",
				timeout);
		nanosleep(&pause, NULL);
	}
}

static int read_btf(struct attach *a)
{
	return sm_prepare_read_btf(&a->p, &a->attachment->btf_mark);
}

static int load_gate(struct attach *a, struct sm_resolve *resolve)
{
	struct sm_ioc_load_image arg;
	int code = sm_prepare_link(&a->p, resolve);

	if (code)
		return code;
	sm_image_describe(a->p.image, &arg);
	if (ioctl(a->p.fd, SM_IOC_LOAD_IMAGE, &arg) < 0)
		return sm_error_set(a->p.err, -errno, "the host module refuses the image: %s",
				    strerror(errno));
	return 0;
}

/* The image tells what to hook; what runs is the host module's own. */
static int load_exit(struct attach *a, struct sm_resolve *resolve)
{
	int code = sm_prepare_link(&a->p, resolve);

	if (!code)
		code = sm_outside_set_values(a->p.fd, resolve, a->p.err);
	return code ? code : sm_outside_load(a->p.fd, a->p.image, a->p.err);
}

static int load_process(struct attach *a, struct sm_resolve *resolve)
{
	struct sm_ioc_agent agent = a->p.agent;
	int code;

	agent.gate_va = SM_PROCESS_GATE_VA;
	resolve->agent = &agent;
	resolve->process = true;
	code = sm_prepare_link(&a->p, resolve);
	if (code)
		return code;
	if (!resolve->asked_for_request)
		return sm_error_set(a->p.err, -EINVAL,
				    "%s is built for the compartment, not for a process: "
				    "monitors-user.o is",
				    a->options->image_path);
	code = sm_outside_load(a->p.fd, a->p.image, a->p.err);
	return code ? code
		    : sm_process_start(a->p.fd, a->p.image, agent.btf_gpa, &a->attachment->process,
				       a->p.err);
}

static int load(struct attach *a)
{
	struct sm_resolve resolve = {
		.fd = a->p.fd,
		.agent = &a->p.agent,
		.btf = a->p.btf,
		.symbols = &a->attachment->symbols,
		.err = a->p.err,
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

/* Before anything is hooked. */
static int apply_policies(struct attach *a)
{
	const struct sm_attach_options *o = a->options;
	const struct policy_hooks hooks = policy_hooks(a->p.image);

	if (!o->nr_policies)
		return 0;
	return policy_apply(a->p.fd, &hooks, o->policies, o->nr_policies, a->p.err);
}

static int hook(struct attach *a)
{
	const struct sm_image_hook *hooks;
	unsigned int count = sm_image_hooks(a->p.image, &hooks), i;
	int code = 0;

	sm_prepare_progress(&a->p, "hooking the guest's kernel");
	a->hooked = true;
	for (i = 0; i < count && !code; i++)
		code = sm_prepare_hook(&a->p, &hooks[i]);
	memcpy(a->attachment->hooks, hooks, count * sizeof(*hooks));
	a->attachment->nr_hooks = count;
	return code;
}

static int lock(struct attach *a)
{
	struct sm_ioc_lock arg = {.size = sizeof(arg)};

	if (a->options->no_lock)
		return 0;
	sm_prepare_progress(&a->p, "locking");
	if (ioctl(a->p.fd, SM_IOC_LOCK, &arg) < 0)
		return sm_error_set(a->p.err, -errno, "cannot lock the guest: %s", strerror(errno));
	return 0;
}

static int detach(int fd, unsigned int timeout_ms)
{
	struct sm_ioc_detach arg = {.size = sizeof(arg), .timeout_ms = timeout_ms};

	return ioctl(fd, SM_IOC_DETACH, &arg) < 0 ? -errno : 0;
}

static void forget(struct sm_attachment *attachment)
{
	size_t i;

	if (attachment->fd >= 0)
		close(attachment->fd);
	sm_process_reap(attachment->process);
	sm_schema_free(attachment->schema);
	for (i = 0; i < attachment->nr_old_schemas; i++)
		sm_schema_free(attachment->old_schemas[i]);
	free(attachment->old_schemas);
	free(attachment->monitors);
	sm_known_free(&attachment->symbols);
	free(attachment);
}

static int keep(struct attach *a)
{
	struct sm_attachment *attachment = a->attachment;

	attachment->monitors = sm_image_chosen(a->p.image);
	if (!attachment->monitors)
		return sm_error_set(a->p.err, -ENOMEM, "no memory for the attachment");
	attachment->schema = sm_image_take_schema(a->p.image);
	attachment->policy_hooks = policy_hooks(a->p.image);
	return 0;
}

int sm_attach(const struct sm_attach_options *options, struct sm_error *err,
	      struct sm_attachment **ret)
{
	static int (*const steps[])(struct attach *) = {
		open_image, open_device,    attach_vm, wait_for_agent, read_btf,
		load,       apply_policies, hook,      lock,           keep,
	};
	struct attach a = {
		.p = {.image_path = options->image_path,
		      .monitors = options->monitors,
		      .progress = options->progress,
		      .progress_ctx = options->progress_ctx,
		      .err = err,
		      .fd = -1},
		.options = options,
		.attachment = calloc(1, sizeof(*a.attachment)),
	};
	int code = a.attachment ? 0 : sm_error_set(err, -ENOMEM, "no memory for the attachment");
	size_t i;

	if (code)
		return code;
	a.attachment->transport = options->transport;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && !code; i++)
		code = steps[i](&a);
	sm_prepare_close(&a.p);
	a.attachment->fd = a.p.fd;
	if (code) {
		if (a.hooked)
			detach(a.p.fd, DETACH_TIMEOUT_MS);
		else if (a.attachment->process)
			detach(a.p.fd, 0);
		forget(a.attachment);
		return code;
	}
	*ret = a.attachment;
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

const char *sm_attachment_monitors(const struct sm_attachment *attachment)
{
	return attachment->monitors;
}

const struct policy_hooks *attachment_policy_hooks(const struct sm_attachment *attachment)
{
	return &attachment->policy_hooks;
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
	forget(attachment);
}
