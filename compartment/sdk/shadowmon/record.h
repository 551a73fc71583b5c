/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of a monitor's own.  One declaration gives the record's C type, and tells the host how to
 * show it as a line and as JSON:
 *
 *	#define OPEN_FLAGS(N) N(O_WRONLY, 1) N(O_RDWR, 2) N(O_CREAT, 0x40)
 *	#define FILE_OPEN(F) F(SM_FLAGS(OPEN_FLAGS), flags) F(SM_OCTAL, mode) F(SM_STRING(1024), path)
 *	SM_EVENT(file_open, FILE_OPEN);
 *
 *	struct sm_event_file_open *e = SM_RESERVE(file_open);
 *
 *	if (!e)
 *		return SM_ALLOW;
 *	e->mode = mode;
 *	SM_PUT_PATH(e, path, file + SM_OFFSET(file, f_path));
 *	SM_COMMIT(e);
 *
 * The event's name is its key in JSON.  It is global in an image, as are those of process_exec and
 * the host's own; a header with the declaration may be included by several monitors.  Names of
 * fields are keys next to "process" and "parent", which every event has; "truncated" and "unreadable",
 * which list texts that are not whole, are taken too.
 *
 * Types of fields, and what they are in C:
 *
 *	SM_U8 SM_U16 SM_U32 SM_U64 SM_S32 SM_S64   u8 ... s64
 *	SM_HEX            u64, shown as 0x...       SM_OCTAL      u32, shown as 0644
 *	SM_BOOL           u8, 0 or not              SM_ERRNO      s32, of either sign; 0: none
 *	SM_SIGNAL         u32, 0: none              SM_TASK       struct sm_task
 *	SM_NAMED(list)    u32, a value of the list  SM_FLAGS(list) u64, bits of the list
 *	SM_ENDPOINT       struct sm_endpoint
 *	SM_STRING(max)    struct sm_text            SM_STRINGS(max) the same: several, such as argv
 *	SM_BYTES(max)     the same, shown in hexadecimal
 */
#ifndef SHADOWMON_RECORD_H
#define SHADOWMON_RECORD_H

#include <stddef.h>

#include <shadowmon/kernel.h>
#include <shadowmon/schema.h>

/* Declares an event; see above.  Outside of functions, once in each source file that uses it. */
/* clang-format off */
#define SM_EVENT(event, fields)                                                                    \
	struct sm_event_##event {                                                                  \
		struct sm_event_head head;                                                         \
		fields(SM_FIELD_MEMBER)                                                            \
	};                                                                                         \
	__attribute__((section(".sm.schema"), used))                                               \
	static const struct sm_schema_entry sm_schema_##event[] = {                                \
		{.name = #event, .kind = SM_SCHEMA_EVENT, .max = sizeof(struct sm_event_##event)}, \
		fields(SM_FIELD_ENTRY)                                                             \
	};                                                                                         \
	enum { sm_event_##event##_max = sizeof(struct sm_event_##event) fields(SM_FIELD_ROOM) };   \
	_Static_assert(sm_event_##event##_max <= SM_RECORD_MAX - 64, "event " #event " is too large")
/* clang-format on */

/* The values of a list of names as constants in C, for use in the monitor. */
#define SM_CONSTANTS(list) enum { list(SM_CONSTANT) }

/*
 * Room for an event in the vCPU's ring, as sm_reserve() gives it, or NULL.  The current task is
 * described in it, every field is 0 and every text empty.  One at a time.  An event that turns out
 * not to be worth telling is left alone: what is not committed is not there.
 */
#define SM_RESERVE(event)                                                                  \
	((struct sm_event_##event *)sm_event_reserve((u16)SM_ABSOLUTE("sm_event." #event), \
						     sizeof(struct sm_event_##event),      \
						     sm_event_##event##_max))
/* Publishes it. */
#define SM_COMMIT(e) sm_event_commit(&(e)->head)

/*
 * These fill in a text field, once each, in any order.  The length that came to be in the record; what was
 * longer is cut and marked so.  Or -SM_EFAULT if it, or the rest of it, could not be read: the field is
 * then what could be read, and marked so.
 *
 * SM_PUT_STRING, SM_PUT_BYTES read kernel memory, SM_PUT_USER_* that of the current process, SM_PUT_TEXT
 * the compartment's own (text a pointer).  SM_PUT_PATH takes the address of a struct path,
 * SM_PUT_DENTRY that of a struct dentry;
 * SM_PUT_USER_STRINGS reads count strings, one behind the other.
 */
#define SM_PUT_PATH(e, field, path)      sm_put_path(SM_TEXT_FIELD(e, field), path)
#define SM_PUT_DENTRY(e, field, dentry)  sm_put_dentry(SM_TEXT_FIELD(e, field), dentry)
#define SM_PUT_STRING(e, field, address) sm_put_string(SM_TEXT_FIELD(e, field), address)
#define SM_PUT_USER_STRING(e, field, address) \
	sm_put_user_strings(SM_TEXT_FIELD(e, field), address, 1)
#define SM_PUT_USER_STRINGS(e, field, address, count) \
	sm_put_user_strings(SM_TEXT_FIELD(e, field), address, count)
#define SM_PUT_BYTES(e, field, address, len) sm_put_bytes(SM_TEXT_FIELD(e, field), address, len)
#define SM_PUT_USER_BYTES(e, field, address, len) \
	sm_put_user_bytes(SM_TEXT_FIELD(e, field), address, len)
#define SM_PUT_TEXT(e, field, text, len) sm_put_text(SM_TEXT_FIELD(e, field), text, len)

/* Where the bytes of a text field lie; e->FIELD.len of them, without a NUL. */
#define SM_TEXT(e, field) ((const char *)(e) + (e)->field.at)

/*
 * The address in the guest kernel's copy of a struct sockaddr of len bytes; what is too short for its family, or
 * cannot be read, gives what could be told of it, else 0.
 */
struct sm_endpoint sm_endpoint_read(u64 sockaddr, u32 len);

/* --- how ---------------------------------------------------------------------------------- */

struct sm_event_head *sm_event_reserve(u16 type, u32 size, u32 max);
void sm_event_commit(struct sm_event_head *head);
int sm_put_path(struct sm_event_head *head, struct sm_text *text, u32 max, u64 path);
int sm_put_dentry(struct sm_event_head *head, struct sm_text *text, u32 max, u64 dentry);
int sm_put_string(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address);
int sm_put_user_strings(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address,
			u32 count);
int sm_put_bytes(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address, u32 len);
int sm_put_user_bytes(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address,
		      u32 len);
int sm_put_text(struct sm_event_head *head, struct sm_text *text, u32 max, const void *from,
		u32 len);

/* The most that a field may hold is the size of an array that is not there. */
#define SM_TEXT_FIELD(e, field) &(e)->head, &(e)->field, sizeof((e)->field##_max[0])

#define SM_FIELD_MEMBER(type, field) SM_FIELD_MEMBER_(field, SM_TYPE_##type)
#define SM_FIELD_MEMBER_(...)        SM_FIELD_MEMBER__(__VA_ARGS__)
#define SM_FIELD_MEMBER__(field, ctype, kind, max, names) \
	ctype field;                                      \
	char field##_max[0][max];

#define SM_FIELD_ROOM(type, field)               SM_FIELD_ROOM_(SM_TYPE_##type)
#define SM_FIELD_ROOM_(...)                      SM_FIELD_ROOM__(__VA_ARGS__)
#define SM_FIELD_ROOM__(ctype, kind, max, names) +(max)

#define SM_FIELD_ENTRY(type, field) SM_FIELD_ENTRY_(field, SM_TYPE_##type)
#define SM_FIELD_ENTRY_(...)        SM_FIELD_ENTRY__(__VA_ARGS__)
#define SM_FIELD_ENTRY__(field, ctype, kind_, max_, names) \
	{.name = #field, .kind = kind_, .max = max_}, names(SM_NAME_ENTRY)
#define SM_NAME_ENTRY(name_, value_) {.name = #name_, .kind = SM_SCHEMA_NAME, .value = value_},
#define SM_CONSTANT(name, value)     name = value,
#define SM_NO_NAMES(n)

#define SM_TYPE_SM_U8           u8, SM_FIELD_U8, 0, SM_NO_NAMES
#define SM_TYPE_SM_U16          u16, SM_FIELD_U16, 0, SM_NO_NAMES
#define SM_TYPE_SM_U32          u32, SM_FIELD_U32, 0, SM_NO_NAMES
#define SM_TYPE_SM_U64          u64, SM_FIELD_U64, 0, SM_NO_NAMES
#define SM_TYPE_SM_S32          s32, SM_FIELD_S32, 0, SM_NO_NAMES
#define SM_TYPE_SM_S64          s64, SM_FIELD_S64, 0, SM_NO_NAMES
#define SM_TYPE_SM_HEX          u64, SM_FIELD_HEX, 0, SM_NO_NAMES
#define SM_TYPE_SM_OCTAL        u32, SM_FIELD_OCTAL, 0, SM_NO_NAMES
#define SM_TYPE_SM_BOOL         u8, SM_FIELD_BOOL, 0, SM_NO_NAMES
#define SM_TYPE_SM_ERRNO        s32, SM_FIELD_ERRNO, 0, SM_NO_NAMES
#define SM_TYPE_SM_SIGNAL       u32, SM_FIELD_SIGNAL, 0, SM_NO_NAMES
#define SM_TYPE_SM_NAMED(list)  u32, SM_FIELD_ENUM, 0, list
#define SM_TYPE_SM_FLAGS(list)  u64, SM_FIELD_FLAGS, 0, list
#define SM_TYPE_SM_TASK         struct sm_task, SM_FIELD_TASK, 0, SM_NO_NAMES
#define SM_TYPE_SM_ENDPOINT     struct sm_endpoint, SM_FIELD_ENDPOINT, 0, SM_NO_NAMES
#define SM_TYPE_SM_STRING(max)  struct sm_text, SM_FIELD_STRING, max, SM_NO_NAMES
#define SM_TYPE_SM_STRINGS(max) struct sm_text, SM_FIELD_STRINGS, max, SM_NO_NAMES
#define SM_TYPE_SM_BYTES(max)   struct sm_text, SM_FIELD_BYTES, max, SM_NO_NAMES

#endif
