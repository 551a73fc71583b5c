/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an attachment's counters say. */
#ifndef SHADOWMON_LIB_STATUS_H
#define SHADOWMON_LIB_STATUS_H

#include <stdbool.h>
#include <jansson.h>

#include <shadowmon/layout.h>
#include <shadowmon/ioctl.h>

struct sm_status {
	struct sm_ioc_status vm; /* vm.count entries at vcpus; vm.vcpus means nothing */
	struct sm_vcpu_status *vcpus;
};

/*
 * Reads the status of the attachment behind fd.  0, or a negative errno with *ret_status untouched;
 * sm_status_free() what it filled in.
 */
int sm_status_read(int fd, struct sm_status *ret_status);

void sm_status_free(struct sm_status *status);

/* Bytes of guest RAM and ROM, by the memslots of the attachment behind fd.  0 or a negative errno. */
int sm_memory_read(int fd, u64 *ret_bytes);

/* "attached", "registered", "loaded", "locked", "gone"; "unknown" for a state that is none. */
const char *sm_state_name(u32 state);

/* New JSON objects, NULL without memory: the VM's part with sums over its vCPUs, and one vCPU's. */
json_t *sm_status_json(const struct sm_status *status);
json_t *sm_vcpu_status_json(const struct sm_vcpu_status *vcpu);

#endif
