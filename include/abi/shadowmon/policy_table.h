/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Policies, as the compartment evaluates them: a table that the host compiles and writes, and the
 * compartment reads.  Any bytes are a table: indices and lengths beyond its arrays match nothing, and no
 * table takes more than SM_POLICY_STEPS_MAX steps.
 *
 * The area is in the image's read-only data.  Of its two tables one is active; the host writes the other
 * one and then changes active, so that an activation sees one or the other; should it be so slow that the
 * host has begun with its table again, written tells.
 */
#ifndef SHADOWMON_ABI_POLICY_TABLE_H
#define SHADOWMON_ABI_POLICY_TABLE_H

#include <shadowmon/layout.h>

#define SM_POLICY_REVISION 1

#define SM_POLICY_RULES   64
#define SM_POLICY_MATCHES 256
#define SM_POLICY_VALUES  256
#define SM_POLICY_TEXT    3056

#define SM_POLICY_TEXTS_MAX 64 /* of one fact: arguments of a program */
#define SM_POLICY_STEPS_MAX \
	(SM_POLICY_RULES + (SM_POLICY_MATCHES + SM_POLICY_VALUES) * (SM_POLICY_TEXTS_MAX + 1))

/* With the NUL; what is longer is not known, see sm_policy_action. */
#define SM_POLICY_FACT_SIZE SM_SCRATCH_SIZE

enum sm_policy_event {
	SM_POLICY_EXEC = 1,
	SM_POLICY_EXIT = 2,
	SM_POLICY_MODULE_LOAD = 3,
	SM_POLICY_MODULE_UNLOAD = 4,
	SM_POLICY_FILE_OPEN = 5,
	SM_POLICY_SOCKET_CONNECT = 6,
	SM_POLICY_SOCKET_BIND = 7,
};

/*
 * Of several policies, the strongest counts; what is enforced is stronger than what is not.  Where a match
 * cannot be decided, because a text is too long or cannot be read, it holds for what refuses, and for the
 * others it does not.
 */
enum sm_policy_action {
	SM_POLICY_ALLOW = 1,  /* tell nothing */
	SM_POLICY_NOTIFY = 2, /* tell the event, as without a policy */
	SM_POLICY_DENY = 3,   /* refuse, and tell that; not EXIT and MODULE_UNLOAD */
	SM_POLICY_KILL = 4,   /* the same, and SIGKILL to the current process */
};

#define SM_POLICY_REFUSES(action) ((action) >= SM_POLICY_DENY)

enum sm_policy_field {
	/* Texts. */
	SM_POLICY_FIELD_NAME = 1,   /* path of the program or file, name of the module */
	SM_POLICY_FIELD_BINARY = 2, /* path of what the current process runs */
	SM_POLICY_FIELD_COMM = 3,
	SM_POLICY_FIELD_PARENT_COMM = 4,
	SM_POLICY_FIELD_PARENT_BINARY = 5,
	SM_POLICY_FIELD_ANCESTOR_BINARY = 6, /* In: of one of the parent, its parent ... */
	SM_POLICY_FIELD_ARGUMENTS = 7,       /* In: one of them */
	SM_POLICY_FIELD_ADDRESS = 8,         /* values are struct sm_policy_network */
	/* Numbers. */
	SM_POLICY_FIELD_UID = 16, /* real */
	SM_POLICY_FIELD_EUID = 17,
	SM_POLICY_FIELD_GID = 18,
	SM_POLICY_FIELD_PID = 19, /* thread group's */
	SM_POLICY_FIELD_PPID = 20,
	SM_POLICY_FIELD_CAPABILITY = 21, /* effective ones; In: has one of them */
	SM_POLICY_FIELD_MOUNT_NAMESPACE = 22,
	SM_POLICY_FIELD_NETWORK_NAMESPACE = 23,
	SM_POLICY_FIELD_USER_NAMESPACE = 24,
	SM_POLICY_FIELD_PORT = 25,
};

#define SM_POLICY_FIELD_IS_TEXT(field) ((field) < SM_POLICY_FIELD_UID)

enum sm_policy_operator {
	SM_POLICY_IN = 0,
	SM_POLICY_PREFIX = 2, /* texts, as the next one */
	SM_POLICY_SUFFIX = 4,
	SM_POLICY_NOT = 1, /* added to one of these: none of the values */
};

struct sm_policy_rule {
	u8 event;
	u8 action;
	u8 enforce; /* 0: what it would refuse is told alone */
	u8 index;   /* in its policy's file */
	u16 policy; /* rules of one policy follow each other; the first that matches counts */
	u16 error;  /* of what refuses: 1 to SM_VERDICT_ERRNO */
	u16 first_match;
	u16 nr_matches; /* all must hold */
	u16 name_at;    /* the policy's, in text */
	u16 name_len;
};

struct sm_policy_match {
	u8 field;
	u8 op; /* enum sm_policy_operator */
	u16 first_value;
	u16 nr_values;
	u16 reserved;
};

/* Addresses whose first bits are these; IPv4 has the form ::ffff:a.b.c.d. */
struct sm_policy_network {
	u8 address[16];
	u8 bits;
};

struct sm_policy_table {
	u32 revision;
	u16 nr_rules;
	u16 nr_matches; /* these three for the host alone */
	u16 nr_values;
	u16 text_len;
	u32 reserved;
	struct sm_policy_rule rules[SM_POLICY_RULES];
	struct sm_policy_match matches[SM_POLICY_MATCHES];
	u64 values
		[SM_POLICY_VALUES]; /* numbers: first | last << 32; a text: where | length << 32 */
	char text[SM_POLICY_TEXT];
};

struct sm_policy_area {
	u32 active; /* 0: no policy; else a table's index + 1 */
	u32 events; /* that the active table has rules for: bits */
	u32 written[2];
	char padding[SM_PAGE_SIZE - 16];
	struct sm_policy_table tables[2];
};

SM_ASSERT_LAYOUT(sizeof(struct sm_policy_rule) == 16);
SM_ASSERT_LAYOUT(sizeof(struct sm_policy_match) == 8);
SM_ASSERT_LAYOUT(sizeof(struct sm_policy_network) == 17);
SM_ASSERT_LAYOUT(sizeof(struct sm_policy_table) == 2 * SM_PAGE_SIZE);
SM_ASSERT_LAYOUT(sizeof(struct sm_policy_area) == 5 * SM_PAGE_SIZE);

#endif
