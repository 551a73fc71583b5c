/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policies ask: of the current task, and of what happens. */
#ifndef SHADOWMON_RUNTIME_POLICY_FACTS_H
#define SHADOWMON_RUNTIME_POLICY_FACTS_H

#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

struct sm_fact_text {
	const char *data;
	u32 len;
};

/* One text after the other. */
struct sm_fact_texts {
	const struct sm_policy_object *object;
	u32 field;
	u32 left; /* so many texts at most */
	u64 at;   /* a task, or an address in the new program's memory */
};

enum sm_fact_result { SM_FACT_END, SM_FACT_TEXT, SM_FACT_UNKNOWN };

/* False: what happens has no such property. */
bool smc_fact_number(const struct sm_policy_object *object, u64 task, u32 field, u64 *ret_number);

void smc_fact_texts(struct sm_fact_texts *texts, const struct sm_policy_object *object, u64 task,
		    u32 field);
/* The next one lies where the one before did. */
enum sm_fact_result smc_fact_next(struct sm_fact_texts *texts, struct sm_fact_text *ret_text);

/* The address of what happens as struct sm_policy_network has them.  False: it has none. */
bool smc_fact_address(const struct sm_policy_object *object, u8 address[16]);

#endif
