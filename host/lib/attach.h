/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaching to a VM: from a VMM's pid to a locked compartment, and back. */
#ifndef SHADOWMON_LIB_ATTACH_H
#define SHADOWMON_LIB_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What went wrong, as a sentence for the user: what, why, what to do.  code: negative errno.  text is
 * printable UTF-8 without newlines, whatever names from guest or file it holds.
 */
struct sm_error {
	int code;
	char text[512];
};

/* Fills err, unless it is NULL; returns code. */
int sm_error_set(struct sm_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct sm_attachment;
struct sm_policy;
struct sm_schema;

struct sm_attach_options {
	pid_t vmm_pid;
	int vm_fd;               /* which of the VMM's kvm-vm descriptors; -1: it has one */
	uint32_t flags;          /* SM_ATTACH_* */
	uint32_t transport;      /* enum sm_transport */
	uint32_t ring_size;      /* bytes a vCPU; 0: 256 KiB */
	uint32_t budget_us;      /* 0: 10,000 */
	uint32_t max_aborts;     /* of one hook until it is disabled; 0: 20, SM_MAX_ABORTS_NEVER */
	unsigned int timeout_ms; /* for the guest module to register; 0: 5,000 */
	const char *image_path;  /* SM_TRANSPORT_USER: one that is built for a process */
	/*
	 * Names with commas between, "default" and "all"; '-' before a name takes it out of those before.  NULL: the
	 * image's default ones.
	 */
	const char *monitors;
	struct sm_policy *const *policies; /* that the monitors judge by from the first event on */
	size_t nr_policies;
	bool no_lock;                                  /* leave the guest trusted: for the lab */
	void (*progress)(void *ctx, const char *what); /* may be NULL */
	void *progress_ctx;
};

/*
 * Attaches, links the image for this guest, hooks and locks.  All or nothing: on failure the VM is as it
 * was.  Blocks for as long as the guest takes.  0, or a negative errno with err filled in: -ESRCH no such
 * process, -ENXIO no VM there, -EEXIST attached already, -ETIMEDOUT no guest module, -ENOENT a kernel
 * function, symbol or field that the guest lacks, and those of the system calls.
 */
int sm_attach(const struct sm_attach_options *options, struct sm_error *err,
	      struct sm_attachment **ret);
/* The /dev/shadowmon descriptor, for poll(), SM_IOC_STATUS and mmap(); it stays the attachment's. */
int sm_attachment_fd(const struct sm_attachment *attachment);
/* What its monitors declare, for sm_event_decode(); it stays the attachment's. */
const struct sm_schema *sm_attachment_schema(const struct sm_attachment *attachment);
/*
 * The names of the monitors that run, with commas between, as sm_attach_options takes them; the attachment's, until
 * the next sm_reload().
 */
const char *sm_attachment_monitors(const struct sm_attachment *attachment);

struct sm_reload_options {
	const char *image_path;
	const char *monitors;              /* as of sm_attach_options */
	struct sm_policy *const *policies; /* that the monitors judge by, and go on to */
	size_t nr_policies;
	void (*progress)(void *ctx, const char *what); /* may be NULL */
	void *progress_ctx;
};

/*
 * Other monitors, while the guest runs.  Functions that are hooked before and after have their events all the
 * time; what monitors remember (maps, counters) starts anew.  On failure the ones before go on, but for -ETIMEDOUT: a vCPU
 * that does not run has them until it does; then -EBUSY for the next call, if it has not run since.  Blocks.  Other
 * threads may use attachment meanwhile, but for this function, sm_detach() and sm_attachment_close().
 *
 * The guest is not trusted any more: what its kernel looks like counts as it was at attach, and a call of a stub
 * must be where the guest module says that it hooked.  That this is the function meant, only the guest says.
 * -ENOTSUP: another transport than the gate.  -EOPNOTSUPP: a policy needs a monitor that would go.  -ESTALE: the kernel's types are not what they were.
 */
int sm_reload(struct sm_attachment *attachment, const struct sm_reload_options *options,
	      struct sm_error *err);

/*
 * Asks the guest module to unhook (timeout_ms, at most 60,000; 0: does not ask), detaches in every case and frees
 * attachment.  -ETIMEDOUT: it did not unhook; the guest goes on all the same.
 */
int sm_detach(struct sm_attachment *attachment, unsigned int timeout_ms, struct sm_error *err);
/*
 * Closes the descriptor and frees attachment (NULL: nothing).  The attachment itself ends, without a word
 * to the guest module, when no other process has the descriptor.
 */
void sm_attachment_close(struct sm_attachment *attachment);

/*
 * A duplicate of a process's kvm-vm descriptor: number vm_fd there, or -1 for its one VM.  A negative
 * errno with err filled in: -ESRCH no such process, -ENXIO no VM there, -ENOTUNIQ several, -EPERM or
 * -EACCES not root.
 */
int sm_kvm_fd_get(pid_t pid, int vm_fd, struct sm_error *err);

#endif
