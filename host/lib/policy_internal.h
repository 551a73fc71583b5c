/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies between reading (policy_yaml.c) and applying (policy.c). */
#ifndef SHADOWMON_LIB_POLICY_INTERNAL_H
#define SHADOWMON_LIB_POLICY_INTERNAL_H

#include <shadowmon/policy_table.h>

#include "internal.h"
#include "policy.h"

struct sm_policy {
	char name[SM_POLICY_NAME_MAX + 1];
	bool enforce;
	struct sm_policy_table table; /* of this policy alone */
};

/* Makes one table of all; *ret_events: that it has rules for. */
int policy_join(struct sm_policy *const *policies, size_t count, struct sm_policy_table *table,
		uint32_t *ret_events, struct sm_error *err);

/* Of which events the hooks that are there refuse, and tell: bits. */
struct policy_hooks {
	uint32_t refuse, tell;
};

struct policy_hooks policy_hooks(const struct sm_image *image);
const struct policy_hooks *attachment_policy_hooks(const struct sm_attachment *attachment);
/* Has an attachment's monitors judge by these policies. */
int policy_apply(int fd, const struct policy_hooks *hooks, struct sm_policy *const *policies,
		 size_t count, struct sm_error *err);

/* -EOPNOTSUPP: a rule needs what these hooks do not do. */
int policy_check_hooks(const struct policy_hooks *hooks, struct sm_policy *const *policies,
		       size_t count, struct sm_error *err);

/* Room in a table's arrays for some more: the first one's index, or -E2BIG. */
int policy_add_text(struct sm_policy_table *table, const char *text, size_t len);

#endif
