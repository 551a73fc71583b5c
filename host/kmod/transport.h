/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transports other than the gate: uapi/shadowmon/ioctl.h says what they are for.  No vCPU of such a VM is
 * ever bound to a compartment; the gate's first VMFUNC exits, and the exit is the event.
 *
 * They have none of the gate's properties.  SM_TRANSPORT_EXIT runs monitors in the host's kernel:
 * one that goes wrong takes the host with it.  SM_TRANSPORT_USER runs them in a process, which sees all of
 * the guest's memory and writes the rings.
 */
#ifndef SHADOWMON_KMOD_TRANSPORT_H
#define SHADOWMON_KMOD_TRANSPORT_H

#include <shadowmon/request.h>

#include "outside/context.h"
#include "shadowmon.h"

/* What a vCPU has in place of its views. */
struct smh_outside {
	struct sm_request *request; /* shared with the process that serves it */
	void *ring;                 /* pages of v->ring, one after the other */
	struct smx_context context;
	int exchange; /* transport_user.c: how far the request is */
	bool served;
	wait_queue_head_t server;
};

struct smh_request {
	u64 slot;
	u64 args[SM_ARGS_MAX];
};

/* transport.c.  VMFUNC in view 0 of such a VM: as an exit handler returns, or -1: none of ours. */
int smh_transport_event(struct smh_vcpu *v);
/* SM_IOC_OUTSIDE: vm->lock held. */
int smh_transport_load(struct smh_vm *vm, const struct sm_ioc_outside *arg);

/* transport_exit.c: the monitors of this module. */
int smh_exit_value(struct smh_vm *vm, struct sm_ioc_value *arg);
/* -ENOENT: this module has no monitor of that function; -EINVAL: it has other arguments. */
int smh_exit_bind(struct smh_vm *vm, u32 slot, const char *function, u32 nargs);
u32 smh_exit_event(struct smh_vcpu *v, const struct smh_request *request);
void smh_exit_release(struct smh_vm *vm);

/* transport_user.c: a process that serves a vCPU. */
u32 smh_user_event(struct smh_vcpu *v, const struct smh_request *request);
long smh_user_serve(struct smh_vm *vm, unsigned long vcpu);
int smh_user_mmap(struct smh_vcpu *v, struct vm_area_struct *vma, unsigned long first_page);
/* From now on no process serves. */
void smh_user_stop(struct smh_vm *vm);

#endif
