/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of the SDK's: policies are for the gate. */
#ifndef SHADOWMON_OUTSIDE_POLICY_H
#define SHADOWMON_OUTSIDE_POLICY_H

#include <linux/types.h>

#include <shadowmon/policy_table.h>

struct sm_policy_object {
	u32 event;
	u64 bprm;
};

static inline bool sm_policy_has(u32 event)
{
	return false;
}

static inline char *sm_policy_name_buffer(void)
{
	return NULL;
}

static inline void sm_policy_set_name(struct sm_policy_object *object, int len)
{
}

static inline bool sm_policy_tells(const struct sm_policy_object *object)
{
	return true;
}

static inline int sm_policy_judge(const struct sm_policy_object *object, bool *ret_tell)
{
	*ret_tell = true;
	return 0;
}

#endif
