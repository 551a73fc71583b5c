// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Layouts from the guest kernel's BTF.  libbpf checks that types and strings lie inside the blob;
 * that what they refer to makes sense, and that a walk along them ends, is checked here.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "internal.h"

#define BTF_SIZE_MAX (64u << 20)
#define DEPTH_MAX    32     /* of typedefs, and of unnamed members in each other */
#define MEMBERS_MAX  100000 /* looked at for one name: unnamed members can multiply */

static int ignore(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level, (void)fmt, (void)args;
	return 0;
}

/* libbpf 1.1 believes hdr_len, and would take a blob of the other byte order for good. */
static bool has_good_header(const void *data, size_t size)
{
	struct btf_header h;

	if (size < sizeof(h) || size > BTF_SIZE_MAX)
		return false;
	memcpy(&h, data, sizeof(h));
	return h.magic == BTF_MAGIC && h.hdr_len >= sizeof(h) && h.hdr_len % 4 == 0 &&
	       h.hdr_len <= size && (uint64_t)h.type_off + h.type_len <= size - h.hdr_len &&
	       (uint64_t)h.str_off + h.str_len <= size - h.hdr_len;
}

int sm_btf_open(const void *data, size_t size, struct btf **ret_btf, struct sm_error *err)
{
	struct btf *btf;
	int code;

	if (!has_good_header(data, size))
		return sm_error_set(err, -EINVAL,
				    "the guest's BTF is malformed: its header cannot be right");
	libbpf_set_print(ignore);
	btf = btf__new(data, (uint32_t)size);
	code = (int)libbpf_get_error(btf);
	if (code)
		return sm_error_set(err, code, "the guest's BTF is malformed: %s", strerror(-code));
	btf__set_pointer_size(btf, 8);
	*ret_btf = btf;
	return 0;
}

void sm_btf_close(struct btf *btf)
{
	btf__free(btf);
}

/* Through typedefs and qualifiers; NULL: they lead nowhere. */
static const struct btf_type *strip(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	int depth;

	for (depth = 0; t && (btf_is_mod(t) || btf_is_typedef(t)); depth++)
		t = depth < DEPTH_MAX ? btf__type_by_id(btf, t->type) : NULL;
	return t;
}

/* The type of that name and one of these kinds, or the one that a typedef of that name stands for.
 */
static const struct btf_type *find_type(const struct btf *btf, const char *name, uint32_t kind,
					uint32_t other_kind)
{
	const struct btf_type *t;
	int id;

	id = btf__find_by_name_kind(btf, name, kind);
	if (id < 0)
		id = btf__find_by_name_kind(btf, name, other_kind);
	if (id < 0)
		id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	t = id < 0 ? NULL : strip(btf, (uint32_t)id);
	return t && (btf_kind(t) == kind || btf_kind(t) == other_kind) ? t : NULL;
}

static const struct btf_type *find_composite(const struct btf *btf, const char *name)
{
	return find_type(btf, name, BTF_KIND_STRUCT, BTF_KIND_UNION);
}

/* --- members
 * -------------------------------------------------------------------------------------- */

struct search {
	const struct btf *btf;
	const char *name;
	size_t len;
	unsigned int budget;
	uint64_t bits; /* found: offset in what was searched */
	uint32_t type; /* found */
};

/* Compilers describe a bit-field by the member, older ones by an integer type of its own. */
static bool is_bitfield(const struct btf *btf, const struct btf_type *t, uint32_t index)
{
	const struct btf_type *type = strip(btf, btf_members(t)[index].type);

	return btf_member_bitfield_size(t, index) || btf_member_bit_offset(t, index) % 8 ||
	       (type && btf_is_int(type) &&
		(btf_int_offset(type) || btf_int_bits(type) != (uint64_t)type->size * 8));
}

/* Also looks into unnamed members.  0, -ENOENT, -EINVAL (bit-field). */
static int find_member(struct search *s, const struct btf_type *t, int depth)
{
	const struct btf_member *m = btf_members(t);
	uint32_t i;
	int err;

	for (i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(s->btf, m[i].name_off);
		const struct btf_type *inner;

		if (!s->budget--)
			return -E2BIG;
		if (!name)
			continue;
		if (*name) {
			if (strncmp(name, s->name, s->len) || name[s->len])
				continue;
			s->bits += btf_member_bit_offset(t, i);
			s->type = m[i].type;
			return is_bitfield(s->btf, t, i) ? -EINVAL : 0;
		}
		inner = strip(s->btf, m[i].type);
		if (!inner || !btf_is_composite(inner) || depth == DEPTH_MAX)
			continue;
		err = find_member(s, inner, depth + 1);
		if (err == -ENOENT)
			continue;
		s->bits += btf_member_bit_offset(t, i);
		return err;
	}
	return -ENOENT;
}

int sm_btf_member(const struct btf *btf, const char *type, const char *path, uint64_t *ret_offset,
		  uint64_t *ret_size)
{
	const struct btf_type *t = find_composite(btf, type);
	struct search s = {.btf = btf, .budget = MEMBERS_MAX};
	int64_t size;
	int err;

	for (;;) {
		s.name = path;
		s.len = strcspn(path, ".");
		if (!s.len || !t || !btf_is_composite(t))
			return -ENOENT;
		err = find_member(&s, t, 0);
		if (err)
			return err;
		if (!path[s.len])
			break;
		t = strip(btf, s.type);
		path += s.len + 1;
	}
	size = btf__resolve_size(btf, s.type);
	if (size < 0)
		return -ENOENT;
	*ret_offset = s.bits / 8;
	*ret_size = (uint64_t)size;
	return 0;
}

int sm_btf_size(const struct btf *btf, const char *type, uint64_t *ret_size)
{
	const struct btf_type *t = find_composite(btf, type);

	if (!t)
		return -ENOENT;
	*ret_size = t->size;
	return 0;
}

/* --- enumerators
 * ---------------------------------------------------------------------------------- */

static uint64_t enum_value(const struct btf_type *t, uint32_t index)
{
	bool is_signed = btf_kflag(t);
	int32_t value;

	if (btf_is_enum64(t))
		return btf_enum64_value(&btf_enum64(t)[index]);
	value = btf_enum(t)[index].val;
	return is_signed ? (uint64_t)(int64_t)value : (uint32_t)value;
}

int sm_btf_enum(const struct btf *btf, const char *type, const char *name, uint64_t *ret_value)
{
	const struct btf_type *t = find_type(btf, type, BTF_KIND_ENUM, BTF_KIND_ENUM64);
	uint32_t i;

	if (!t)
		return -ENOENT;
	for (i = 0; i < btf_vlen(t); i++) {
		uint32_t offset =
			btf_is_enum64(t) ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off;
		const char *enumerator = btf__name_by_offset(btf, offset);

		if (!enumerator || strcmp(enumerator, name))
			continue;
		*ret_value = enum_value(t, i);
		return 0;
	}
	return -ENOENT;
}

/* --- functions
 * ------------------------------------------------------------------------------------ */

/* One that travels in one integer register, which is what the stub saves. */
static bool is_in_register(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = strip(btf, id);
	int64_t size = btf__resolve_size(btf, id);

	return t && !btf_is_float(t) && !btf_is_array(t) && size > 0 && size <= 8;
}

int sm_btf_function_args(const struct btf *btf, const char *function)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *proto;
	uint32_t i;

	if (id < 0)
		return -ENOENT;
	proto = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	if (!proto || !btf_is_func_proto(proto))
		return -ENOENT;
	for (i = 0; i < btf_vlen(proto); i++)
		if (!is_in_register(btf, btf_params(proto)[i].type))
			return -EOPNOTSUPP;
	return btf_vlen(proto);
}
