/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host's policies say of an event: whether it is told, and whether what it is about may happen.
 * Who is judged is the current task.
 */
#ifndef SHADOWMON_SDK_POLICY_H
#define SHADOWMON_SDK_POLICY_H

#include <stdbool.h>

#include <shadowmon/event.h>
#include <shadowmon/policy_table.h>

/* In the image's read-only data, which the host changes. */
extern const volatile struct sm_policy_area smc_policy;

/* Whether there is a rule for such events: else all are told, and nothing is refused. */
static inline bool sm_policy_has(u32 event)
{
	return __builtin_expect((smc_policy.events & (1u << event)) != 0, 0);
}

/* What happens; what the event does not have is 0. */
struct sm_policy_object {
	u32 event;
	const char
		*name; /* path of the program or file, name of the module; NULL: nobody can tell */
	u32 name_len;
	u64 bprm; /* address of the struct linux_binprm that has the arguments */
	struct sm_endpoint endpoint;
};

/* Its name, for which there is room on no stack.  len: as sm_path() and sm_read_string() return it. */
char *sm_policy_name_buffer(void); /* of SM_POLICY_FACT_SIZE bytes */
void sm_policy_set_name(struct sm_policy_object *object, int len);

/* False: the event is not to be told. */
bool sm_policy_tells(const struct sm_policy_object *object);
/*
 * SM_ALLOW, or SM_DENY() of the policy's errno; a refusal, or what would be one, is told here.  *ret_tell:
 * whether what is allowed is to be told.
 */
int sm_policy_judge(const struct sm_policy_object *object, bool *ret_tell);

#endif
