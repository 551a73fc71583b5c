/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies: from YAML to the table that the compartment judges by. */
#ifndef SHADOWMON_LIB_POLICY_H
#define SHADOWMON_LIB_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "attach.h"

#define SM_POLICY_NAME_MAX 63
#define SM_POLICY_FILE_MAX 32768 /* bytes of a policy's text */

struct sm_policy;

/*
 * Reads one policy.  file: for errors, which tell "FILE:LINE:COLUMN: what is wrong and what was expected".
 * 0, or a negative errno with err filled in.
 */
int sm_policy_parse(const char *file, const char *text, size_t len, struct sm_policy **ret_policy,
		    struct sm_error *err);
int sm_policy_parse_file(const char *path, struct sm_policy **ret_policy, struct sm_error *err);
void sm_policy_free(struct sm_policy *policy);

const char *sm_policy_name(const struct sm_policy *policy);
size_t sm_policy_rules(const struct sm_policy *policy);
/* Mode: enforce, or monitor, in which what would be refused is told alone. */
bool sm_policy_enforces(const struct sm_policy *policy);
void sm_policy_set_enforce(struct sm_policy *policy, bool enforce);

/* -E2BIG, with err filled in: together they are larger than the compartment's table. */
int sm_policies_check(struct sm_policy *const *policies, size_t count, struct sm_error *err);
/*
 * Has the monitors of an attachment judge by these policies alone, from the next event on.  0, or a negative
 * errno with err filled in, and nothing has changed: -EOPNOTSUPP: its image or transport has no policies.
 */
int sm_policies_apply(const struct sm_attachment *attachment, struct sm_policy *const *policies,
		      size_t count, struct sm_error *err);

#endif
