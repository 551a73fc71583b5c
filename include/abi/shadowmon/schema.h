/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Records that monitors declare (SM_EVENT, compartment/sdk/shadowmon/record.h), and how an image
 * describes them: its section .sm.schema is an array of struct sm_schema_entry, which is for the host
 * and not loaded.  An event's entry is followed by those of its fields in the order of the record, a
 * field's by the names of its values.
 *
 * A record is a struct sm_event_head, the fields as a C compiler for x86-64 lays them out, and the
 * bytes that fields of type struct sm_text point at.  The consumer checks these against the record.
 */
#ifndef SHADOWMON_ABI_SCHEMA_H
#define SHADOWMON_ABI_SCHEMA_H

#include <shadowmon/event.h>

struct sm_event_head {
	struct sm_record h; /* type: SM_RECORD_USER and up, given by the loader */
	struct sm_task task;
	u32 used; /* bytes of the record so far: fixed part and texts */
	u32 reserved;
};

/* Bytes of variable length. */
struct sm_text {
	u16 at; /* distance from the record's start */
	u16 len;
	u16 flags; /* SM_TEXT_* */
};

#define SM_TEXT_TRUNCATED  0x1 /* there was more of it */
#define SM_TEXT_UNREADABLE 0x2 /* a page of it was not there */

/* A socket's address; what its family does not use is 0. */
struct sm_endpoint {
	u16 family; /* AF_INET, AF_INET6, or another's number */
	u16 port;   /* host byte order */
	u8 address[16];
};

enum sm_schema_kind {
	SM_SCHEMA_EVENT = 1, /* max: bytes of the fixed part, sm_event_head included */
	SM_SCHEMA_NAME = 2,  /* of a value of the field before */
	SM_FIELD_U8 = 16,
	SM_FIELD_U16 = 17,
	SM_FIELD_U32 = 18,
	SM_FIELD_U64 = 19,
	SM_FIELD_S32 = 20,
	SM_FIELD_S64 = 21,
	SM_FIELD_HEX = 22,    /* u64: an address, a mask */
	SM_FIELD_OCTAL = 23,  /* u32: a file's mode */
	SM_FIELD_BOOL = 24,   /* u8 */
	SM_FIELD_ERRNO = 25,  /* s32, of either sign; 0: none */
	SM_FIELD_SIGNAL = 26, /* u32; 0: none */
	SM_FIELD_ENUM = 27,   /* u32, with names */
	SM_FIELD_FLAGS = 28,  /* u64, names are of bits or sets of bits */
	SM_FIELD_TASK = 29,   /* struct sm_task */
	SM_FIELD_ENDPOINT = 30,
	SM_FIELD_STRING = 31,  /* struct sm_text, without NUL; max: most bytes, as below */
	SM_FIELD_STRINGS = 32, /* each with its NUL, the last perhaps without */
	SM_FIELD_BYTES = 33,
};

#define SM_SCHEMA_NAME_LEN 48

struct sm_schema_entry {
	char name[SM_SCHEMA_NAME_LEN]; /* C identifier, NUL-terminated */
	u64 value;                     /* SM_SCHEMA_NAME */
	u32 max;
	u32 kind;               /* enum sm_schema_kind */
} __attribute__((aligned(64))); /* the linker leaves no gaps between whole multiples */

SM_ASSERT_LAYOUT(sizeof(struct sm_event_head) == 128);
SM_ASSERT_LAYOUT(sizeof(struct sm_text) == 6);
SM_ASSERT_LAYOUT(sizeof(struct sm_endpoint) == 20);
SM_ASSERT_LAYOUT(sizeof(struct sm_schema_entry) == 64);

#endif
