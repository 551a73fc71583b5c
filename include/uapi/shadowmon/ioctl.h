/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * /dev/shadowmon: mode 0600, root.  One open file is at most one attachment; closing the last
 * descriptor of it detaches.
 *
 * Life of an attachment:
 *
 *   SM_IOC_ATTACH        the VM's vCPUs answer hypercalls; nothing is hooked in the guest
 *   (the guest module registers)          poll(): POLLIN; SM_IOC_AGENT succeeds
 *   SM_IOC_COMMAND ...   LOOKUPs, that the image loader needs
 *   SM_IOC_LOAD_IMAGE    the compartment exists; views 1 and 2 can be entered
 *   SM_IOC_COMMAND ...   HOOKs
 *   SM_IOC_LOCK          from now on the guest is untrusted
 *   mmap(), poll(), SM_IOC_STATUS ...
 *   SM_IOC_RELOAD        another image; SM_IOC_COMMAND for its hooks before, for the old one's after
 *   SM_IOC_DETACH        or close()
 *
 * Every struct starts with its size as the caller knows it: a smaller one than the first revision's is
 * refused (EINVAL), a larger one is accepted if the tail that the module does not know is zero (E2BIG).
 * Reserved fields must be 0 (EINVAL).  All calls may sleep.
 */
#ifndef SHADOWMON_UAPI_IOCTL_H
#define SHADOWMON_UAPI_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SM_DEVICE        "/dev/shadowmon"
#define SM_UAPI_REVISION 1

/* --- module-wide -------------------------------------------------------------------------- */

#define SM_FEATURE_WRITE_TRACKING 0x1 /* KVM can write-protect guest pages for us */

struct sm_ioc_info {
	__u32 size;
	__u32 revision;     /* out: SM_UAPI_REVISION */
	__u32 abi_revision; /* out: of the guest's and the compartment's ABI */
	__u32 features;     /* out: SM_FEATURE_* */
	__u32 attached;     /* out: VMs attached now */
	__u32 pages;        /* out: host pages that the module holds for all of them */
};

/* --- attach ------------------------------------------------------------------------------- */

#define SM_ATTACH_BLOCK 0x1 /* full ring: the vCPU waits (else records are dropped) */
#define SM_ATTACH_FLAGS 0x1

struct sm_ioc_attach {
	__u32 size;
	__s32 kvm_fd;     /* a kvm-vm descriptor of this process (pidfd_getfd) */
	__u32 flags;      /* SM_ATTACH_* */
	__u32 ring_size;  /* data bytes a vCPU: power of two, 16 KiB to 1 MiB */
	__u32 budget_us;  /* longest activation of a monitor: 100 to 1,000,000; 0: 10,000 */
	__u32 max_aborts; /* of one hook's activations, until it is disabled; 0: 20 */
	__u32 transport;  /* enum sm_transport */
	__u32 reserved;
};

/*
 * How an event gets to its monitor.  The gate is what this is all about; the others exist to be
 * compared with it, from the same stubs, by the same monitors, into the same rings.  With them there is
 * no compartment and no view but the target's; the gate's first VMFUNC exits instead.
 */
enum sm_transport {
	SM_TRANSPORT_GATE = 0, /* VMFUNC: no exit */
	SM_TRANSPORT_EXIT = 1, /* a VM exit; the monitors of this module run in the host kernel */
	SM_TRANSPORT_USER = 2, /* a VM exit; the vCPU waits for a process (SM_IOC_SERVE) */
};

#define SM_MAX_ABORTS_NEVER 0xffffffff /* disable none */

/*
 * EBADF: no such descriptor.  EINVAL: not a VM, or a bad argument.  EBUSY: this file has an attachment.
 * EEXIST: the VM has one.  ENOTSUP: the VM uses what is not supported (guest RAM beyond 252 GiB,
 * EPT off, no VMFUNC), or SM_ATTACH_BLOCK with SM_TRANSPORT_USER.  EOWNERDEAD: the VMM is exiting.
 */

/* --- guest module ------------------------------------------------------------------------- */

struct sm_ioc_agent {
	__u32 size;
	__u32 abi_revision;
	__u64 gate_va;
	__u64 page_offset;
	__u64 direct_map_size;
	__u64 kernel_va;
	__u64 kernel_pa;
	__u64 kernel_size;
	__u64 btf_gpa;
	__u64 btf_size;
	char release[64];
};
/* EAGAIN: the guest module has not registered (yet). */

struct sm_ioc_command {
	__u32 size;
	__u32 op; /* SM_OP_LOOKUP, SM_OP_HOOK, SM_OP_UNHOOK, SM_OP_UNHOOK_ALL, SM_OP_BENCH */
	__u32 slot;
	__u32 nargs;
	__u32 timeout_ms; /* 1 to 60,000 */
	__u32 reserved;
	__s64 result;   /* out: what the guest module answered */
	char name[128]; /* NUL-terminated */
};
/*
 * EAGAIN: not registered.  EPERM: locked (SM_OP_UNHOOK_ALL; all but SM_OP_BENCH, unless the transport is the gate).  ETIMEDOUT: the
 * guest did not answer.  ENOTCONN: VM gone.  After lock a call of the stub must be where the guest says that it
 * hooked, or the result is -EPERM; which function that is, is the guest's word.
 */

struct sm_memslot {
	__u64 gpa;
	__u64 bytes;
	__u64 hva; /* in the VMM's address space */
};

struct sm_ioc_memslots {
	__u32 size;
	__s32 vmm_pid;  /* out: thread group of the VMM, in the caller's PID namespace */
	__u32 capacity; /* entries at slots */
	__u32 count;    /* out: entries that exist (may exceed capacity) */
	__u64 slots;    /* struct sm_memslot[capacity] */
};

/* --- image -------------------------------------------------------------------------------- */

#define SM_SEGMENT_READ  0x1
#define SM_SEGMENT_WRITE 0x2
#define SM_SEGMENT_EXEC  0x4 /* never with WRITE */
#define SM_SEGMENTS_MAX  8
#define SM_FIXUPS_MAX    4096

struct sm_segment {
	__u32 offset;    /* from the image's start; page-aligned, ascending */
	__u32 mem_size;  /* bytes; rounded up to pages; the rest is zero */
	__u32 file_size; /* bytes at data */
	__u32 flags;     /* SM_SEGMENT_* */
	__u64 data;
};

/* A load in the compartment that may miss guest RAM: resume at fixup instead of aborting. */
struct sm_fixup {
	__u32 fault; /* both: offsets from the image's start, in an executable segment */
	__u32 fixup;
};

struct sm_ioc_load_image {
	__u32 size;
	__u32 nr_segments; /* the first holds the entry point at offset 0, and is executable */
	__u32 nr_fixups;   /* sorted by fault, ascending */
	__u32 reserved;
	__u64 fixups; /* struct sm_fixup[nr_fixups] */
	struct sm_segment segments[SM_SEGMENTS_MAX];
	/* A slot: what an aborted activation answers (0: the function goes on). */
	__u16 abort_errno[64];
	/*
	 * How the module disables a hook whose activations abort too often: offsets, from the image's start,
	 * of the table of 64 handlers (multiple of 512) and of a handler that does nothing.  dispatch 0:
	 * it does not.  Hooks with an abort_errno are never disabled.
	 */
	__u32 dispatch;
	__u32 unbound;
	/* Offset of struct sm_policy_area (abi/policy_table.h), page-aligned; 0: it has none. */
	__u32 policy;
	__u32 reserved2;
};
/* EAGAIN: not registered.  EINVAL: malformed.  E2BIG: beyond SM_IMAGE_MAX_SIZE.  EBUSY: loaded before. */
/*
 * SM_IOC_RELOAD replaces the image while the guest runs; slots keep their hooks.  EAGAIN: none is loaded.  ETIMEDOUT:
 * some vCPU does not run and has the old image until it does; then EBUSY until it has.  EOPNOTSUPP: other
 * transport.
 */

/*
 * Gives the compartment another table of policies, at any time: from the next event on, on all vCPUs, it
 * judges by that one.  The table is not looked at here.
 */
struct sm_ioc_policy {
	__u32 size;
	__u32 events;     /* that it has rules for, as bits; 0: no policy */
	__u32 table_size; /* sizeof(struct sm_policy_table) */
	__u32 reserved;
	__u64 table;
};
/* EAGAIN: no image.  EOPNOTSUPP: the image has no policies, or another transport. */

/* --- transports other than the gate --------------------------------------------------------- */

/*
 * What the module's own copy of the monitors asks of the guest's kernel, for SM_TRANSPORT_EXIT: the names
 * that the image has as undefined symbols.
 */
struct sm_ioc_value {
	__u32 size;
	__u32 index;
	__u32 set; /* 0: tell the name; 1: take the value */
	__u32 reserved;
	__u64 value;
	char name[128]; /* out, NUL-terminated */
};
/* ENOENT: there are not as many.  EBUSY: another VM's values are in use.  EOPNOTSUPP: other transport. */

/* In place of SM_IOC_LOAD_IMAGE. */
struct sm_ioc_outside {
	__u32 size;
	__u32 reserved;
	__u16 abort_errno[64];
};
/* EAGAIN: not registered.  EBUSY: called before.  EOPNOTSUPP: other transport. */

struct sm_ioc_lock {
	__u32 size;
	__u32 flags; /* 0 */
};
/* EAGAIN: no image.  EALREADY: locked before.  EFAULT: what is to be protected is no RAM. */

struct sm_ioc_detach {
	__u32 size;
	__u32 timeout_ms; /* for the guest module to unhook; 0: do not ask it */
};
/* Detaches in every case; ETIMEDOUT tells that the guest module did not unhook (the guest goes on). */

/* --- status ------------------------------------------------------------------------------- */

enum sm_state {
	SM_STATE_ATTACHED = 1,
	SM_STATE_REGISTERED = 2,
	SM_STATE_LOADED = 3,
	SM_STATE_LOCKED = 4,
	SM_STATE_GONE = 5, /* the VM has ended, or was detached */
	SM_STATE_RESET =
		6, /* detached because another kernel or state runs in the VM: attach again */
};

struct sm_vcpu_status {
	__u32 vcpu;
	__s32 tid; /* the thread that ran it last, in the caller's PID namespace; 0: none there */
	__u64 entries; /* activations of the compartment */
	__u64 records; /* sequence number of the next record */
	__u64 lost;
	__u64 exits;         /* VM exits while attached, in all views */
	__u64 exits_gate;    /* ... in view 1 */
	__u64 exits_monitor; /* ... in view 2 */
	__u64 exits_event;   /* ... that an event caused, doorbells and window fills apart */
	__u64 doorbells;
	__u64 window_faults; /* guest pages filled into the window */
	__u64 fixups;        /* reads of the compartment that missed guest RAM */
	__u64 waits;         /* exits to wait for room in the ring */
	__u64 violations;
	__u64 aborts;
	__u64 deferred;   /* injections withheld while in view 1 or 2 */
	__u64 restored;   /* entries at which KVM's root had replaced the view's */
	__s64 tsc_offset; /* guest TSC = (host TSC * tsc_ratio >> tsc_ratio_shift) + tsc_offset */
	__u64 tsc_ratio;
};

/* Whether writes of the guest to what its hooks need are refused; looked at it is in any case. */
enum sm_protection {
	SM_PROTECTION_OFF = 0, /* not locked, or on the way out */
	SM_PROTECTION_ON = 1,
	SM_PROTECTION_VERIFIED = 2, /* only looked at: no SM_FEATURE_WRITE_TRACKING */
};

struct sm_ioc_status {
	__u32 size;
	__u32 state; /* enum sm_state */
	__s32 vmm_pid;
	__u32 flags; /* SM_ATTACH_* */
	__u32 ring_size;
	__u32 budget_us;
	__u32 pages;        /* host pages held for this VM */
	__u32 capacity;     /* entries at vcpus */
	__u32 count;        /* out: vCPUs */
	__u32 protection;   /* out: enum sm_protection */
	__u64 vcpus;        /* struct sm_vcpu_status[capacity] */
	__u64 host_tsc;     /* out: a moment, by the TSC ... */
	__u64 host_time_ns; /* ... and by CLOCK_REALTIME */
	__u32 tsc_khz;      /* of the host */
	__u32 tsc_ratio_shift;
};

/* --- rings -------------------------------------------------------------------------------- */

/*
 * mmap() offsets.  A ring is mapped read-only as a whole (2 pages and ring_size bytes), and its second
 * page once more, writable, at offset + 4096.  Any other writable mapping is refused (EPERM).
 * poll(): POLLIN when a ring has records or the state changed, POLLHUP when the VM is gone.  Before it
 * polls, the consumer sets sleeping in each ring and looks at head once more.
 */
#define SM_MMAP_RING(vcpu) ((__u64)(vcpu) << 24)
#define SM_MMAP_HOST_RING  ((__u64)1 << 40) /* records of the module itself */
#define SM_HOST_RING_SIZE  0x10000
/*
 * SM_TRANSPORT_USER: two pages, writable: struct sm_request (abi/request.h), struct sm_cpu_state.  The process may map
 * all of the vCPU's ring writable, too: it is the producer.
 */
#define SM_MMAP_SERVER(vcpu) (((__u64)1 << 41) + ((__u64)(vcpu) << 24))

#define SM_IOC_INFO       _IOWR('S', 0x01, struct sm_ioc_info)
#define SM_IOC_ATTACH     _IOWR('S', 0x02, struct sm_ioc_attach)
#define SM_IOC_AGENT      _IOWR('S', 0x03, struct sm_ioc_agent)
#define SM_IOC_COMMAND    _IOWR('S', 0x04, struct sm_ioc_command)
#define SM_IOC_MEMSLOTS   _IOWR('S', 0x05, struct sm_ioc_memslots)
#define SM_IOC_LOAD_IMAGE _IOWR('S', 0x06, struct sm_ioc_load_image)
#define SM_IOC_LOCK       _IOWR('S', 0x07, struct sm_ioc_lock)
#define SM_IOC_STATUS     _IOWR('S', 0x08, struct sm_ioc_status)
#define SM_IOC_WAKE       _IO('S', 0x09) /* block mode, after advancing a tail */
#define SM_IOC_DETACH     _IOWR('S', 0x0a, struct sm_ioc_detach)
#define SM_IOC_RELOAD     _IOWR('S', 0x0b, struct sm_ioc_load_image)
#define SM_IOC_POLICY     _IOWR('S', 0x0c, struct sm_ioc_policy)
#define SM_IOC_VALUE      _IOWR('S', 0x10, struct sm_ioc_value)
#define SM_IOC_OUTSIDE    _IOWR('S', 0x11, struct sm_ioc_outside)
/*
 * SM_TRANSPORT_USER, argument: a vCPU's number.  Answers that vCPU's event, if the caller was given one,
 * and waits for the next.  EINTR; ENOTCONN: the attachment ends, or who attached has ended.
 */
#define SM_IOC_SERVE _IO('S', 0x12)

#endif
