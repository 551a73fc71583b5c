/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages for the host module's code, and walks through the tables that it builds in them. */
#ifndef SHADOWMON_KMOD_FIXTURE_H
#define SHADOWMON_KMOD_FIXTURE_H

#include "../../host/kmod/shadowmon.h"

#define GATE_VA 0xffffffffc0123000ULL

#define EPT_RW (SMH_EPT_READ | SMH_EPT_WRITE)
#define EPT_RX (SMH_EPT_READ | SMH_EPT_EXEC)

/* A VM with two vCPUs whose guest module has registered, its gate at GATE_VA. */
struct smh_vm *vm_create(void);
void vm_destroy(struct smh_vm *vm);
extern struct kvm_vcpu kvm_vcpus[3]; /* the third one is for whoever wants to add it */

/* After how many more pages there is no memory. */
extern unsigned int pages_left;

/* What the module reported: how often, and the last of it. */
extern unsigned int host_records;
extern struct sm_record_lifecycle last_host_record;

/* Loads an image of code, constants and data; what smh_image_load() says. */
int load_image(struct smh_vm *vm);
extern const struct sm_ioc_load_image good_image;

/* The leaf entry of an EPT (or of B) for an address; 0: none, or below an entry without
 * permissions. */
u64 ept_leaf(const u64 *root, u64 gpa);
u64 b_leaf(const struct smh_tables *b, u64 va);
/* Of an EPTP. */
u64 *ept_root(u64 eptp);
u64 ept_pa(u64 leaf);

/* Leaves in the table and the tables below it, the alias left out. */
unsigned int ept_count(const u64 *table, int level);
unsigned int b_count(const struct smh_tables *b, const u64 *table, int level);

#endif
