// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Layouts from the guest kernel's BTF.  libbpf checks that types and strings lie inside the blob;
 * that what they refer to makes sense, and that a walk along them ends, is checked here.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define BTF_SIZE_MAX (64u << 20)
#define DEPTH_MAX    32     /* of typedefs, and of unnamed members in each other */
#define MEMBERS_MAX  100000 /* looked at for one name: unnamed members can multiply */
#define PROBES_MAX \
	512 /* for one name: more only where somebody made names collide, who then loses some */

/*
 * libbpf finds a name by comparing it with that of every type, and a kernel has more than 100,000: ids of
 * those that are asked for, by the hash of their name.
 */
struct sm_btf {
	atomic_uint owners;
	struct btf *btf;
	uint32_t *ids; /* 0: free; what is in the way of a name lies behind it */
	uint32_t mask; /* entries - 1; at least half of them are free */
};

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

static bool is_asked_for(const struct btf_type *t)
{
	return t->name_off &&
	       (btf_is_composite(t) || btf_is_any_enum(t) || btf_is_typedef(t) || btf_is_func(t));
}

/* FNV-1a */
static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

static int index_names(struct sm_btf *b)
{
	uint32_t count = btf__type_cnt(b->btf), entries = 16, id, n;

	while (entries < 2 * count)
		entries *= 2;
	b->ids = calloc(entries, sizeof(*b->ids));
	if (!b->ids)
		return -ENOMEM;
	b->mask = entries - 1;
	for (id = 1; id < count; id++) {
		const struct btf_type *t = btf__type_by_id(b->btf, id);
		const char *name =
			is_asked_for(t) ? btf__name_by_offset(b->btf, t->name_off) : NULL;
		uint32_t start;

		if (!name)
			continue;
		start = hash(name);
		for (n = 0; n < PROBES_MAX; n++) {
			uint32_t *slot = &b->ids[(start + n) & b->mask];

			if (*slot)
				continue;
			*slot = id;
			break;
		}
	}
	return 0;
}

/* Of several types of one name and kind, the first one; 0: none. */
static uint32_t find_name(const struct sm_btf *b, const char *name, uint32_t kind)
{
	uint32_t start = hash(name), n, id;

	for (n = 0; n < PROBES_MAX; n++) {
		const struct btf_type *t;

		id = b->ids[(start + n) & b->mask];
		if (!id)
			break;
		t = btf__type_by_id(b->btf, id);
		if (btf_kind(t) == kind && !strcmp(btf__name_by_offset(b->btf, t->name_off), name))
			return id;
	}
	return 0;
}

int sm_btf_open(const void *data, size_t size, struct sm_btf **ret_btf, struct sm_error *err)
{
	struct sm_btf *b;
	int code;

	if (!has_good_header(data, size))
		return sm_error_set(err, -EINVAL,
				    "the kernel's BTF is malformed: its header cannot be right");
	b = calloc(1, sizeof(*b));
	if (!b)
		return sm_error_set(err, -ENOMEM, "no memory for the guest's BTF");
	atomic_init(&b->owners, 1);
	libbpf_set_print(ignore);
	b->btf = btf__new(data, (uint32_t)size);
	code = (int)libbpf_get_error(b->btf);
	if (code) {
		b->btf = NULL;
		sm_error_set(err, code, "the kernel's BTF is malformed: %s", strerror(-code));
		goto err_close;
	}
	btf__set_pointer_size(b->btf, 8);
	code = index_names(b);
	if (code) {
		sm_error_set(err, code, "no memory for the names in the guest's BTF");
		goto err_close;
	}
	*ret_btf = b;
	return 0;

err_close:
	sm_btf_close(b);
	return code;
}

struct sm_btf *sm_btf_share(struct sm_btf *b)
{
	atomic_fetch_add(&b->owners, 1);
	return b;
}

void sm_btf_close(struct sm_btf *b)
{
	if (!b || atomic_fetch_sub(&b->owners, 1) > 1)
		return;
	btf__free(b->btf);
	free(b->ids);
	free(b);
}

bool sm_btf_is_of(const struct sm_btf *b, const void *data, size_t size)
{
	uint32_t raw_size;
	const void *raw = btf__raw_data(b->btf, &raw_size);

	return raw && raw_size == size && !memcmp(raw, data, size);
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
static const struct btf_type *find_type(const struct sm_btf *b, const char *name, uint32_t kind,
					uint32_t other_kind)
{
	const struct btf_type *t;
	uint32_t id;

	id = find_name(b, name, kind);
	if (!id)
		id = find_name(b, name, other_kind);
	if (!id)
		id = find_name(b, name, BTF_KIND_TYPEDEF);
	t = id ? strip(b->btf, id) : NULL;
	return t && (btf_kind(t) == kind || btf_kind(t) == other_kind) ? t : NULL;
}

static const struct btf_type *find_composite(const struct sm_btf *b, const char *name)
{
	return find_type(b, name, BTF_KIND_STRUCT, BTF_KIND_UNION);
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

int sm_btf_member(const struct sm_btf *b, const char *type, const char *path, uint64_t *ret_offset,
		  uint64_t *ret_size)
{
	const struct btf_type *t = find_composite(b, type);
	struct search s = {.btf = b->btf, .budget = MEMBERS_MAX};
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
		t = strip(b->btf, s.type);
		path += s.len + 1;
	}
	size = btf__resolve_size(b->btf, s.type);
	if (size < 0)
		return -ENOENT;
	*ret_offset = s.bits / 8;
	*ret_size = (uint64_t)size;
	return 0;
}

int sm_btf_size(const struct sm_btf *b, const char *type, uint64_t *ret_size)
{
	const struct btf_type *t = find_composite(b, type);

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

int sm_btf_enum(const struct sm_btf *b, const char *type, const char *name, uint64_t *ret_value)
{
	const struct btf_type *t = find_type(b, type, BTF_KIND_ENUM, BTF_KIND_ENUM64);
	uint32_t i;

	if (!t)
		return -ENOENT;
	for (i = 0; i < btf_vlen(t); i++) {
		uint32_t offset =
			btf_is_enum64(t) ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off;
		const char *enumerator = btf__name_by_offset(b->btf, offset);

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

int sm_btf_function_args(const struct sm_btf *b, const char *function)
{
	const struct btf *btf = b->btf;
	uint32_t id = find_name(b, function, BTF_KIND_FUNC);
	const struct btf_type *proto;
	uint32_t i;

	if (!id)
		return -ENOENT;
	proto = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	if (!proto || !btf_is_func_proto(proto))
		return -ENOENT;
	for (i = 0; i < btf_vlen(proto); i++)
		if (!is_in_register(btf, btf_params(proto)[i].type))
			return -EOPNOTSUPP;
	return btf_vlen(proto);
}

bool sm_btf_has_variable(const struct sm_btf *b, const char *name)
{
	return btf__find_by_name_kind(b->btf, name, BTF_KIND_VAR) >= 0;
}
