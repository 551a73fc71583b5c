/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SHADOWMON_LIB_KERNEL_TYPES_H
#define SHADOWMON_LIB_KERNEL_TYPES_H

#include "internal.h"

/*
 * The BTF of a guest, read anew or shared with the guest that was asked for before if it has the same bytes; for
 * sm_btf_close().  ret_mark: tells these bytes from any others that this process sees, and nobody can make others of
 * the same mark.  Any thread.
 */
int sm_kernel_types_open(const void *data, size_t size, struct sm_btf **ret_btf, uint64_t *ret_mark,
			 struct sm_error *err);

#endif
