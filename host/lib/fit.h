/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does an image of monitors fit a kernel?  Without a guest: from the kernel's BTF, and its System.map. */
#ifndef SHADOWMON_LIB_FIT_H
#define SHADOWMON_LIB_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach.h"

/* Where in the image's file: a section of the object, and an offset in it. */
struct sm_place {
	char section[64];
	uint64_t offset;
};

struct sm_finding {
	bool missing;     /* attaching would fail; else: the files do not tell */
	const char *what; /* static: "structure member", "kernel symbol", "function" ... */
	char name[160];   /* "task_struct.pid", "security_file_open" */
	char text[320];   /* a sentence */
	struct sm_place *places;
	size_t nr_places;
};

struct sm_fit {
	struct sm_finding *findings;
	size_t count;
	size_t missing; /* of them */
};

/*
 * Links the image for nowhere and tells of all that the kernel lacks, not just the first.  btf: raw, as
 * /sys/kernel/btf/vmlinux, or an ELF file that has it.  symbols: a System.map, or a copy of /proc/kallsyms, or
 * NULL; without it most addresses of the kernel cannot be checked.  0, or a negative errno with err filled in
 * if the files cannot be used, or the image is malformed.
 */
int sm_fit_check(const char *image, const char *btf, const char *symbols, struct sm_fit *ret_fit,
		 struct sm_error *err);
void sm_fit_free(struct sm_fit *fit);

#endif
