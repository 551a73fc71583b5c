/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KVM VMs of this host, whatever their VMM: a process with a kvm-vm file descriptor is one.
 * Names and sizes come from the VMM's command line and are for people; nothing is decided by them
 * but which VM the user meant.
 */
#ifndef SHADOWMON_LIB_VMS_H
#define SHADOWMON_LIB_VMS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <jansson.h>

#include <shadowmon/layout.h>

struct sm_error;

#define SM_VM_NAME_MAX 128

struct sm_vm {
	pid_t pid;       /* thread group of the VMM */
	int fd;          /* its lowest kvm-vm descriptor for this VM */
	bool shares_vmm; /* the VMM has other VMs too: address this one as PID:FD */
	u32 vcpus;       /* of the VMM: distinct kvm-vcpu descriptors */
	u64 memory;      /* bytes; 0: unknown */
	bool resident;   /* memory is what the VMM has in RAM; else what its command line says */
	char name[SM_VM_NAME_MAX]; /* printable UTF-8: as the VMM was told, or else COMM-PID */
	char vmm[32];              /* printable: the VMM's command name */
};

struct sm_vms {
	struct sm_vm *vms; /* by ascending pid, then fd */
	size_t count;
	size_t hidden; /* processes that could not be looked into (not root) */
};

/*
 * Looks for VMs below proc ("/proc" but for tests).  0, or a negative errno with a sentence in err;
 * sm_vms_free() *ret_vms.
 */
int sm_vms_scan(const char *proc, struct sm_vms *ret_vms, struct sm_error *err);
void sm_vms_free(struct sm_vms *vms);

/*
 * Which VM is meant by selector: a name, a PID or PID:FD.  0 and *ret_vm, valid as long as vms is;
 * -ENOENT: none; -ENOTUNIQ: several, err lists them.
 */
int sm_vms_find(const struct sm_vms *vms, const char *selector, const struct sm_vm **ret_vm,
		struct sm_error *err);

/* A new JSON object of one VM, NULL without memory. */
json_t *sm_vm_json(const struct sm_vm *vm);

#endif
