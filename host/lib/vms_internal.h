/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SHADOWMON_LIB_VMS_INTERNAL_H
#define SHADOWMON_LIB_VMS_INTERNAL_H

#include "vms.h"

/*
 * Fills in name and memory from the VMM's command line: len bytes, each argument with its NUL.
 * What it does not tell stays as it is.
 */
void sm_vm_parse_command(struct sm_vm *vm, const char *command, size_t len);

/* True for text that is UTF-8, not empty, and holds nothing but printable characters. */
bool sm_is_printable(const char *text);

#endif
