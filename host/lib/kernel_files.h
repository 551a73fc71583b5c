/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's types and symbols from files. */
#ifndef SHADOWMON_LIB_KERNEL_FILES_H
#define SHADOWMON_LIB_KERNEL_FILES_H

#include "internal.h"

/* Raw BTF, or the section .BTF of an ELF file. */
int sm_btf_open_file(const char *path, struct sm_btf **ret_btf, struct sm_error *err);

/* The text of a System.map, for free(). */
int sm_symbols_read(const char *path, char **ret_text, struct sm_error *err);
/* 0 and the address, or -ENOENT. */
int sm_symbols_find(const char *text, const char *name, uint64_t *ret_address);

#endif
