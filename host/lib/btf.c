// SPDX-License-Identifier: GPL-2.0-or-later
/* Layouts from the guest kernel's BTF.  libbpf checks the blob as a whole; depth is bounded here. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "internal.h"

#define DEPTH_MAX 32

static int ignore(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level, (void)fmt, (void)args;
	return 0;
}

int sm_btf_open(const void *data, size_t size, struct btf **ret_btf, struct sm_error *err)
{
	struct btf *btf;
	int code;

	libbpf_set_print(ignore);
	if (size > UINT32_MAX / 2)
		return sm_error_set(err, -E2BIG, "the guest's BTF claims %zu bytes", size);
	btf = btf__new(data, (uint32_t)size);
	code = (int)libbpf_get_error(btf);
	if (code)
		return sm_error_set(err, code, "the guest's BTF is malformed: %s", strerror(-code));
	*ret_btf = btf;
	return 0;
}

void sm_btf_close(struct btf *btf)
{
	btf__free(btf);
}

static const struct btf_type *composite(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	if (id < 0)
		id = btf__find_by_name_kind(btf, name, BTF_KIND_UNION);
	return id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
}

/* Through typedefs and qualifiers. */
static const struct btf_type *strip(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	int depth;

	for (depth = 0; t && depth < DEPTH_MAX && (btf_is_mod(t) || btf_is_typedef(t)); depth++)
		t = btf__type_by_id(btf, t->type);
	return t;
}

/* A member by name, also inside anonymous members.  0, -ENOENT, -EINVAL (bit-field). */
static int find_member(const struct btf *btf, const struct btf_type *t, const char *name, size_t len, int depth,
		       uint64_t *ret_bits, uint32_t *ret_type)
{
	const struct btf_member *m = btf_members(t);
	uint16_t i;

	if (depth > DEPTH_MAX)
		return -ENOENT;
	for (i = 0; i < btf_vlen(t); i++) {
		const char *member = btf__name_by_offset(btf, m[i].name_off);
		const struct btf_type *inner;
		int err;

		if (member && strlen(member) == len && len && memcmp(member, name, len) == 0) {
			if (btf_member_bitfield_size(t, i))
				return -EINVAL;
			*ret_bits += btf_member_bit_offset(t, i);
			*ret_type = m[i].type;
			return 0;
		}
		if (member && *member)
			continue;
		inner = strip(btf, m[i].type);
		if (!inner || !btf_is_composite(inner))
			continue;
		err = find_member(btf, inner, name, len, depth + 1, ret_bits, ret_type);
		if (err == -ENOENT)
			continue;
		*ret_bits += btf_member_bit_offset(t, i);
		return err;
	}
	return -ENOENT;
}

int sm_btf_member(const struct btf *btf, const char *type, const char *path, uint64_t *ret_offset,
		  uint64_t *ret_size)
{
	const struct btf_type *t = composite(btf, type);
	uint64_t bits = 0;
	uint32_t id = 0;
	int64_t size;
	int err;

	while (*path) {
		size_t len = strcspn(path, ".");

		if (!t || !btf_is_composite(t))
			return -ENOENT;
		err = find_member(btf, t, path, len, 0, &bits, &id);
		if (err)
			return err;
		t = strip(btf, id);
		path += len;
		path += *path == '.';
	}
	if (!id)
		return -ENOENT;
	size = btf__resolve_size(btf, id);
	*ret_offset = bits / 8;
	*ret_size = size < 0 ? 0 : (uint64_t)size;
	return 0;
}

int sm_btf_size(const struct btf *btf, const char *type, uint64_t *ret_size)
{
	const struct btf_type *t = composite(btf, type);

	if (!t)
		return -ENOENT;
	*ret_size = t->size;
	return 0;
}

int sm_btf_enum(const struct btf *btf, const char *type, const char *name, uint64_t *ret_value)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *t;
	uint16_t i;

	if (id < 0)
		id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM64);
	if (id < 0)
		return -ENOENT;
	t = btf__type_by_id(btf, (uint32_t)id);
	for (i = 0; i < btf_vlen(t); i++) {
		bool wide = btf_is_enum64(t);
		uint32_t off = wide ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off;
		const char *member = btf__name_by_offset(btf, off);

		if (!member || strcmp(member, name))
			continue;
		*ret_value = wide ? btf_enum64_value(&btf_enum64(t)[i]) : (uint64_t)(int64_t)btf_enum(t)[i].val;
		return 0;
	}
	return -ENOENT;
}

int sm_btf_function_args(const struct btf *btf, const char *function)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *proto;

	if (id < 0)
		return -ENOENT;
	proto = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	return proto && btf_is_func_proto(proto) ? btf_vlen(proto) : -ENOENT;
}
