// SPDX-License-Identifier: GPL-2.0-or-later
/* An attachment's policies.  They are the daemon's as text and as read; the compartment has their table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

/* --- the attachment's list ------------------------------------------------------------------------ */

void attachment_free_policies(struct attachment *attachment)
{
	size_t i;

	for (i = 0; i < attachment->options.nr_policies; i++)
		sm_policy_free(attachment->policies[i]);
	free(attachment->policies);
}

int attachment_add_policy(struct attachment *attachment, struct sm_policy *policy)
{
	size_t count = attachment->options.nr_policies;
	struct sm_policy **more = reallocarray(attachment->policies, count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	more[count] = policy;
	attachment->policies = more;
	attachment->options.policies = more;
	attachment->options.nr_policies = count + 1;
	return 0;
}

/* Takes a policy out of the list, as which it is not freed. */
static void remove_policy(struct attachment *attachment, size_t index)
{
	struct sm_policy **policies = attachment->policies;

	attachment->options.nr_policies--;
	memmove(&policies[index], &policies[index + 1],
		(attachment->options.nr_policies - index) * sizeof(*policies));
}

/* Its index, or the number of policies. */
static size_t find_policy(const struct attachment *attachment, const char *name)
{
	size_t i;

	for (i = 0; i < attachment->options.nr_policies; i++)
		if (strcmp(sm_policy_name(attachment->policies[i]), name) == 0)
			break;
	return i;
}

static int apply(struct attachment *attachment, struct sm_error *err)
{
	return sm_policies_apply(attachment->handle, attachment->policies,
				 attachment->options.nr_policies, err);
}

/* --- requests ------------------------------------------------------------------------------------- */

static void finish(struct client *client, int code, const struct sm_error *err)
{
	if (code)
		client_fail(client, SM_CODE_FAILED, err->text);
	else
		send_ok(client);
}

void do_policy_add(struct client *client, json_t *request)
{
	struct sm_error err = {.text = "no memory for the policy"};
	struct attachment *attachment;
	const char *op, *vm, *file, *text;
	struct sm_policy *policy;
	json_error_t error;
	size_t index;
	int code;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s, s:s, s:s}", "op", &op, "vm",
			   &vm, "file", &file, "text", &text) &&
	    unpack_failed(client, &error))
		return;
	attachment = request_attachment(client, vm);
	if (!attachment)
		return;
	code = sm_policy_parse(file, text, strlen(text), &policy, &err);
	if (code) {
		client_fail(client, SM_CODE_BAD_REQUEST, err.text);
		return;
	}
	index = find_policy(attachment, sm_policy_name(policy));
	if (index < attachment->options.nr_policies) {
		client_fail(client, SM_CODE_FAILED,
			    "there is a policy of that name; delete it first");
		sm_policy_free(policy);
		return;
	}
	code = attachment_add_policy(attachment, policy);
	if (!code) {
		code = apply(attachment, &err);
		if (code)
			remove_policy(attachment, index);
	}
	if (code)
		sm_policy_free(policy);
	finish(client, code, &err);
}

/* The policy that is meant; false: the client was told that there is none. */
static bool find(struct client *client, const struct attachment *attachment, const char *name,
		 size_t *ret_index)
{
	*ret_index = find_policy(attachment, name);
	if (*ret_index < attachment->options.nr_policies)
		return true;
	client_fail(client, SM_CODE_FAILED, "there is no policy of that name");
	return false;
}

void do_policy_delete(struct client *client, json_t *request)
{
	struct attachment *attachment;
	struct sm_policy *policy;
	struct sm_error err = {0};
	const char *op, *vm, *name;
	json_error_t error;
	size_t index;
	int code;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s, s:s}", "op", &op, "vm", &vm,
			   "name", &name) &&
	    unpack_failed(client, &error))
		return;
	attachment = request_attachment(client, vm);
	if (!attachment || !find(client, attachment, name, &index))
		return;
	policy = attachment->policies[index];
	remove_policy(attachment, index);
	code = apply(attachment, &err);
	sm_policy_free(policy);
	finish(client, code, &err);
}

void do_policy_mode(struct client *client, json_t *request)
{
	const char *op, *vm, *name;
	struct attachment *attachment;
	struct sm_policy *policy;
	struct sm_error err = {0};
	int enforce, code;
	json_error_t error;
	bool before;
	size_t index;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s, s:s, s:b}", "op", &op, "vm",
			   &vm, "name", &name, "enforce", &enforce) &&
	    unpack_failed(client, &error))
		return;
	attachment = request_attachment(client, vm);
	if (!attachment || !find(client, attachment, name, &index))
		return;
	policy = attachment->policies[index];
	before = sm_policy_enforces(policy);
	sm_policy_set_enforce(policy, enforce);
	code = apply(attachment, &err);
	if (code)
		sm_policy_set_enforce(policy, before);
	finish(client, code, &err);
}

void do_policy_list(struct client *client, json_t *request)
{
	struct attachment *attachment;
	const char *op, *vm;
	json_error_t error;
	size_t i;

	if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s}", "op", &op, "vm", &vm) &&
	    unpack_failed(client, &error))
		return;
	attachment = request_attachment(client, vm);
	if (!attachment)
		return;
	for (i = 0; i < attachment->options.nr_policies; i++) {
		const struct sm_policy *policy = attachment->policies[i];

		client_send(client,
			    json_pack("{s:{s:s, s:s, s:I}}", "item", "name", sm_policy_name(policy),
				      "mode", sm_policy_enforces(policy) ? "enforce" : "monitor",
				      "rules", (json_int_t)sm_policy_rules(policy)));
	}
	send_ok(client);
}

/* --- with attach ---------------------------------------------------------------------------------- */

int attachment_decode_policies(struct attachment *attachment, json_t *list, struct sm_error *err)
{
	struct sm_policy *policy;
	const char *file, *text;
	json_t *item;
	size_t i;
	int code;

	json_array_foreach(list, i, item) {
		if (json_unpack(item, "{s:s, s:s}", "file", &file, "text", &text))
			return sm_error_set(err, -EINVAL, "\"policies\" is malformed");
		code = sm_policy_parse(file, text, strlen(text), &policy, err);
		if (code)
			return code;
		if (find_policy(attachment, sm_policy_name(policy)) <
		    attachment->options.nr_policies)
			code = sm_error_set(err, -EEXIST, "two policies are called %s",
					    sm_policy_name(policy));
		if (!code)
			code = attachment_add_policy(attachment, policy);
		if (code) {
			sm_policy_free(policy);
			return code;
		}
	}
	return sm_policies_check(attachment->policies, attachment->options.nr_policies, err);
}
