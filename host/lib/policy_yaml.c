// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a policy.  What is not known is refused, with its place: a rule that is misspelt would
 * otherwise be one that does nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy_yaml.h"

#define API_VERSION "shadowmon/v1"

static const struct policy_word modes[] = {{"monitor", 0}, {"enforce", 1}, {0}};

/* --- places and errors ----------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 0))) static int vfail_at(struct policy_reader *r, yaml_mark_t mark,
							  const char *fmt, va_list args)
{
	char text[400];

	vsnprintf(text, sizeof(text), fmt, args);
	return sm_error_set(r->err, -EINVAL, "%.80s:%zu:%zu: %s", r->file, mark.line + 1,
			    mark.column + 1, text);
}

__attribute__((format(printf, 3, 4))) static int fail_at(struct policy_reader *r, yaml_mark_t mark,
							 const char *fmt, ...)
{
	va_list args;
	int code;

	va_start(args, fmt);
	code = vfail_at(r, mark, fmt, args);
	va_end(args);
	return code;
}

int policy_fail(struct policy_reader *r, const yaml_node_t *node, const char *fmt, ...)
{
	va_list args;
	int code;

	va_start(args, fmt);
	code = vfail_at(r, node->start_mark, fmt, args);
	va_end(args);
	return code;
}

yaml_node_t *policy_node(struct policy_reader *r, int index)
{
	return yaml_document_get_node(&r->document, index);
}

const char *policy_scalar(const yaml_node_t *node, size_t *ret_len)
{
	*ret_len = node->data.scalar.length;
	return (const char *)node->data.scalar.value;
}

static bool is_word(const yaml_node_t *node, const char *word)
{
	size_t len;
	const char *text;

	if (node->type != YAML_SCALAR_NODE)
		return false;
	text = policy_scalar(node, &len);
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

static void list_words(const struct policy_word *words, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (; words->word && len < size; words++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", len ? ", " : "",
					words->word);
}

int policy_read_word(struct policy_reader *r, const yaml_node_t *node, const char *what,
		     const struct policy_word *words, unsigned int *ret_value)
{
	char expected[256];
	const struct policy_word *word;
	size_t len = 0;

	for (word = words; word->word; word++) {
		if (!is_word(node, word->word))
			continue;
		*ret_value = word->value;
		return 0;
	}
	list_words(words, expected, sizeof(expected));
	if (node->type != YAML_SCALAR_NODE)
		return policy_fail(r, node, "expected %s: %s", what, expected);
	return policy_fail(r, node, "\"%.40s\" is no %s; expected %s", policy_scalar(node, &len),
			   what, expected);
}

/* --- mappings -------------------------------------------------------------------------------------- */

static struct policy_key *find_key(struct policy_key *keys, const yaml_node_t *node)
{
	for (; keys->name; keys++)
		if (is_word(node, keys->name))
			return keys;
	return NULL;
}

static void list_keys(const struct policy_key *keys, char *text, size_t size)
{
	size_t len = 0;

	for (; keys->name && len < size; keys++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", len ? ", " : "",
					keys->name);
}

/* All keys must be known, and there once. */
int policy_read_mapping(struct policy_reader *r, const yaml_node_t *node, const char *what,
			struct policy_key *keys)
{
	yaml_node_pair_t *pair;
	char expected[128];
	struct policy_key *key;
	size_t len = 0;

	list_keys(keys, expected, sizeof(expected));
	if (node->type != YAML_MAPPING_NODE)
		return policy_fail(r, node, "expected %s: a mapping with the keys %s", what,
				   expected);
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = policy_node(r, pair->key);

		key = find_key(keys, name);
		if (!key)
			return policy_fail(
				r, name, "%s has no key \"%.40s\"; expected %s", what,
				name->type == YAML_SCALAR_NODE ? policy_scalar(name, &len) : "...",
				expected);
		if (key->value)
			return policy_fail(r, name, "the key %s is there twice", key->name);
		key->value = policy_node(r, pair->value);
	}
	for (key = keys; key->name; key++)
		if (key->required && !key->value)
			return policy_fail(r, node, "%s lacks the key %s", what, key->name);
	return 0;
}

/* --- the policy ------------------------------------------------------------------------------------ */

static int read_name(struct policy_reader *r, const yaml_node_t *metadata)
{
	struct policy_key keys[] = {{"name", true, NULL}, {0}};
	int code = policy_read_mapping(r, metadata, "metadata", keys);
	const char *name;
	size_t len;

	if (code)
		return code;
	if (keys[0].value->type == YAML_SCALAR_NODE) {
		name = policy_scalar(keys[0].value, &len);
		if (len && len <= SM_POLICY_NAME_MAX &&
		    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len) {
			memcpy(r->policy->name, name, len);
			policy_add_text(&r->policy->table, name, len);
			return 0;
		}
	}
	return policy_fail(r, keys[0].value,
			   "expected a name: 1 to %d lower-case letters, digits, - and .",
			   SM_POLICY_NAME_MAX);
}

static int read_spec(struct policy_reader *r, const yaml_node_t *spec)
{
	struct policy_key keys[] = {{"mode", false, NULL}, {"rules", true, NULL}, {0}};
	unsigned int mode = 0;
	int code = policy_read_mapping(r, spec, "spec", keys);

	if (!code && keys[0].value)
		code = policy_read_word(r, keys[0].value, "mode", modes, &mode);
	r->policy->enforce = mode;
	return code ? code : policy_read_rules(r, keys[1].value);
}

static int read_policy(struct policy_reader *r)
{
	struct policy_key keys[] = {{"apiVersion", true, NULL},
				    {"kind", true, NULL},
				    {"metadata", true, NULL},
				    {"spec", true, NULL},
				    {0}};
	yaml_node_t *root = yaml_document_get_root_node(&r->document);
	int code;

	if (!root)
		return fail_at(r, (yaml_mark_t){0}, "expected a policy; there is none");
	code = policy_read_mapping(r, root, "a policy", keys);
	if (code)
		return code;
	if (!is_word(keys[0].value, API_VERSION))
		return policy_fail(r, keys[0].value, "expected the apiVersion " API_VERSION);
	if (!is_word(keys[1].value, "Policy"))
		return policy_fail(r, keys[1].value, "expected the kind Policy");
	code = read_name(r, keys[2].value);
	return code ? code : read_spec(r, keys[3].value);
}

static int fail_parser(struct policy_reader *r, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return sm_error_set(r->err, -ENOMEM, "no memory for the policy");
	return fail_at(r, parser->problem_mark, "this is no YAML: %s",
		       parser->problem ? parser->problem : "unknown error");
}

/* There may be no second document. */
static int check_end(struct policy_reader *r, yaml_parser_t *parser)
{
	yaml_document_t document;
	yaml_node_t *root;
	int code = 0;

	if (!yaml_parser_load(parser, &document))
		return fail_parser(r, parser);
	root = yaml_document_get_root_node(&document);
	if (root)
		code = policy_fail(r, root, "a second policy begins here; expected one in a file");
	yaml_document_delete(&document);
	return code;
}

int sm_policy_parse(const char *file, const char *text, size_t len, struct sm_policy **ret_policy,
		    struct sm_error *err)
{
	struct policy_reader r = {.file = file, .err = err};
	yaml_parser_t parser;
	int code;

	if (len > SM_POLICY_FILE_MAX)
		return sm_error_set(err, -E2BIG, "%.80s: a policy has at most %d bytes", file,
				    SM_POLICY_FILE_MAX);
	r.policy = calloc(1, sizeof(*r.policy));
	if (!r.policy || !yaml_parser_initialize(&parser)) {
		free(r.policy);
		return sm_error_set(err, -ENOMEM, "no memory for the policy");
	}
	r.policy->table.revision = SM_POLICY_REVISION;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &r.document)) {
		code = read_policy(&r);
		if (!code)
			code = check_end(&r, &parser);
		yaml_document_delete(&r.document);
	} else {
		code = fail_parser(&r, &parser);
	}
	yaml_parser_delete(&parser);
	if (code)
		free(r.policy);
	else
		*ret_policy = r.policy;
	return code;
}

int sm_policy_parse_file(const char *path, struct sm_policy **ret_policy, struct sm_error *err)
{
	char *text = malloc(SM_POLICY_FILE_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC), code;
	FILE *from = fd < 0 ? NULL : fdopen(fd, "r");
	size_t len;

	if (!text || !from) {
		code = sm_error_set(err, text ? -errno : -ENOMEM, "cannot read %s: %s", path,
				    strerror(text ? errno : ENOMEM));
		if (fd >= 0 && !from)
			close(fd);
		goto free;
	}
	len = fread(text, 1, SM_POLICY_FILE_MAX + 1, from);
	if (ferror(from))
		code = sm_error_set(err, -EIO, "cannot read %s", path);
	else
		code = sm_policy_parse(path, text, len, ret_policy, err);
free:
	if (from)
		fclose(from);
	free(text);
	return code;
}
