/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the attaching part of the library shares: guest memory, BTF, image. */
#ifndef SHADOWMON_LIB_INTERNAL_H
#define SHADOWMON_LIB_INTERNAL_H

#include <stddef.h>

#include <shadowmon/hypercall.h>
#include <shadowmon/ioctl.h>
#include <shadowmon/layout.h>

#include "attach.h"

/* --- guest memory: guest_memory.c -------------------------------------------------------------- */

struct sm_guest_memory {
	pid_t vmm_pid;
	uint32_t count;
	struct sm_memslot *slots;
};

int sm_guest_memory_open(int fd, struct sm_guest_memory *memory, struct sm_error *err);
void sm_guest_memory_close(struct sm_guest_memory *memory);
/* Copies len bytes at a guest-physical address; all or -EFAULT. */
int sm_guest_memory_read(const struct sm_guest_memory *memory, uint64_t gpa, void *dst, size_t len);

/* --- BTF: btf.c --------------------------------------------------------------------------------- */

struct sm_btf;

/* Parses a copy of what came from the guest. */
int sm_btf_open(const void *data, size_t size, struct sm_btf **ret_btf, struct sm_error *err);
/* btf once more: each of the two is to be closed, by any thread. */
struct sm_btf *sm_btf_share(struct sm_btf *btf);
void sm_btf_close(struct sm_btf *btf);
/* Was it parsed from just these bytes? */
bool sm_btf_is_of(const struct sm_btf *btf, const void *data, size_t size);
/* Byte offset and size of a member, by a path such as "d_name.len".  -ENOENT; -EINVAL: a bit-field. */
int sm_btf_member(const struct sm_btf *btf, const char *type, const char *path,
		  uint64_t *ret_offset, uint64_t *ret_size);
int sm_btf_size(const struct sm_btf *btf, const char *type, uint64_t *ret_size);
int sm_btf_enum(const struct sm_btf *btf, const char *type, const char *name, uint64_t *ret_value);
/* Number of arguments of a function, or -ENOENT. */
int sm_btf_function_args(const struct sm_btf *btf, const char *function);
/* Per-CPU variables are all that it knows. */
bool sm_btf_has_variable(const struct sm_btf *btf, const char *name);

/* --- image: image.c ------------------------------------------------------------------------------ */

struct sm_image;

/* A function to hook: the slot is the index. */
struct sm_image_hook {
	char function[128];
	unsigned int nargs;
	unsigned int abort_errno;
	uint64_t handler; /* address of its code */
	unsigned int slot;
};

/* Gives the value of an undefined symbol: 0, or -ENOENT, or one of those of struct sm_missing. */
typedef int (*sm_resolver)(void *ctx, const char *symbol, uint64_t *ret_value);

/* Reads and checks a relocatable ELF object; data is copied. */
int sm_image_open(const void *data, size_t size, struct sm_image **ret_image, struct sm_error *err);
int sm_image_open_file(const char *path, struct sm_image **ret_image, struct sm_error *err);
/* The same; the events of base, if it declares them as well, have records of the same types. */
int sm_image_open_file_after(const char *path, const struct sm_schema *base,
			     struct sm_image **ret_image, struct sm_error *err);
void sm_image_close(struct sm_image *image);
/* Takes the events that it declares out of it: they are the caller's to free. */
struct sm_schema *sm_image_take_schema(struct sm_image *image);
/*
 * Names the monitors to hook, with commas between; "default" and "all" stand for several, and a '-' before a name takes
 * it out of those named before.  NULL: default.  Whether the image has them shows when it is linked.
 */
int sm_image_choose(struct sm_image *image, const char *list, struct sm_error *err);
/* Before linking: functions that are hooked already have these slots, and no other function gets one of them. */
void sm_image_keep(struct sm_image *image, const struct sm_image_hook *hooks, unsigned int count);
/* After linking: the names of the monitors that are chosen, with commas between; NULL without memory. */
char *sm_image_chosen(const struct sm_image *image);
/* Lays the image out at base (G + SM_VA_IMAGE; G in the guest's range, or SM_PROCESS_GATE_VA) and relocates it. */
int sm_image_link(struct sm_image *image, uint64_t base, sm_resolver resolve, void *ctx,
		  struct sm_error *err);

/* A place of the image that needs what the guest's kernel does not have. */
struct sm_missing {
	const char *symbol;
	int code; /* -ENOENT; -EINVAL: it is a bit-field; -ENODATA: cannot be known */
	const char *section;
	uint64_t offset;
};

typedef void sm_missing_fn(void *ctx, const struct sm_missing *missing);

/* The same, but tells of each such place and goes on: the image is then only good for being looked at. */
int sm_image_link_all(struct sm_image *image, uint64_t base, sm_resolver resolve,
		      sm_missing_fn *missing, void *ctx, struct sm_error *err);
/* What kind of thing of the kernel an undefined symbol asks for, and its name; NULL: none. */
const char *sm_symbol_kind(const char *symbol, const char **ret_name);
/* Where in the object an address of the linked image comes from. */
bool sm_image_locate(const struct sm_image *image, uint64_t address, const char **ret_section,
		     uint64_t *ret_offset);
/* After linking: those of the monitors that are chosen. */
unsigned int sm_image_hooks(const struct sm_image *image, const struct sm_image_hook **ret_hooks);
/* Fills in what SM_IOC_LOAD_IMAGE takes; it points into image. */
void sm_image_describe(const struct sm_image *image, struct sm_ioc_load_image *ret_arg);
/* Where a load at this offset resumes when it missed; 0: nowhere.  Async-signal-safe. */
uint32_t sm_image_fixup(const struct sm_image *image, uint32_t offset);

/* --- undefined symbols: resolve.c ------------------------------------------------------------------ */

struct sm_known;

struct sm_resolve {
	int fd; /* attachment, for LOOKUP commands; -1: symbols are not looked up */
	const struct sm_btf *btf;
	const struct sm_ioc_agent *agent;
	struct sm_known *symbols; /* what was looked up before, and is now; NULL: not kept */
	struct sm_error *err;     /* of a lookup that failed for another reason than absence */
	bool process; /* the image is for a process: agent->gate_va is SM_PROCESS_GATE_VA */
	bool asked_for_request; /* out: it was built for one */
};

int sm_resolve_symbol(void *ctx, const char *symbol, uint64_t *ret_value);
/* One command to the guest module: 0 with *ret_result, or a negative errno. */
int sm_guest_command(int fd, uint32_t op, const char *name, unsigned int slot, unsigned int nargs,
		     int64_t *ret_result);

/* --- transports other than the gate: outside.c, process.c -------------------------------------------- */

/*
 * Where a process that runs monitors has what the compartment has at the same distances from G: low, so
 * that code of the kernel's memory model reaches it.  In place of the gate there is a RET where the
 * runtime leaves, in place of the EPTP list struct sm_request.
 */
#define SM_PROCESS_GATE_VA   0x10000000
#define SM_PROCESS_WINDOW_VA 0x400000000000 /* compartment/process/window_va.h */

struct sm_process;

/* SM_TRANSPORT_EXIT: gives the host module's monitors their values. */
int sm_outside_set_values(int fd, struct sm_resolve *resolve, struct sm_error *err);
/* Both: takes the place of SM_IOC_LOAD_IMAGE. */
int sm_outside_load(int fd, const struct sm_image *image, struct sm_error *err);

/*
 * SM_TRANSPORT_USER, after sm_outside_load(): starts a process for each vCPU, which serves with the linked
 * image.  It ends when the attachment does, or the calling process.
 */
int sm_process_start(int fd, const struct sm_image *image, uint64_t needed_gpa,
		     struct sm_process **ret_process, struct sm_error *err);
/* Waits for their end; NULL: nothing. */
void sm_process_reap(struct sm_process *process);

#endif
