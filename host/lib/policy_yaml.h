/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a policy: its document (policy_yaml.c), and the rules in it (policy_rules.c). */
#ifndef SHADOWMON_LIB_POLICY_YAML_H
#define SHADOWMON_LIB_POLICY_YAML_H

#include <yaml.h>

#include "policy_internal.h"

struct policy_reader {
	const char *file;
	yaml_document_t document;
	struct sm_policy *policy;
	struct sm_error *err;
};

struct policy_word {
	const char *word; /* NULL: behind the last one */
	unsigned int value;
};

struct policy_key {
	const char *name; /* NULL: behind the last one */
	bool required;
	yaml_node_t *value; /* out: NULL if it is not there */
};

/* Fills in the error, with the place.  -EINVAL. */
int policy_fail(struct policy_reader *r, const yaml_node_t *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

yaml_node_t *policy_node(struct policy_reader *r, int index);
const char *policy_scalar(const yaml_node_t *node, size_t *ret_len);
int policy_read_word(struct policy_reader *r, const yaml_node_t *node, const char *what,
		     const struct policy_word *words, unsigned int *ret_value);
/* All keys must be known, and there once. */
int policy_read_mapping(struct policy_reader *r, const yaml_node_t *node, const char *what,
			struct policy_key *keys);

/* The list of rules. */
int policy_read_rules(struct policy_reader *r, const yaml_node_t *node);

#endif
