// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Layouts from BTF: of types/types.c, encoded as kernels' types are, and of blobs that a hostile
 * guest may hand over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>
#include <cmocka.h>

#include "../../host/lib/kernel_types.h"
#include "../../host/lib/siphash.h"
#include "../../host/lib/internal.h"

static struct {
	char data[65536];
	size_t size;
	struct sm_btf *btf;
} types;

static int open_types(void **state)
{
	FILE *file = fopen(TYPES_BTF, "rb");

	(void)state;
	assert_non_null(file);
	types.size = fread(types.data, 1, sizeof(types.data), file);
	fclose(file);
	assert_in_range(types.size, sizeof(struct btf_header), sizeof(types.data) - 1);
	return sm_btf_open(types.data, types.size, &types.btf, NULL);
}

static int close_types(void **state)
{
	(void)state;
	sm_btf_close(types.btf);
	return 0;
}

static void assert_member(const char *type, const char *path, uint64_t offset, uint64_t size)
{
	uint64_t real_offset = ~0ULL, real_size = ~0ULL;

	assert_int_equal(sm_btf_member(types.btf, type, path, &real_offset, &real_size), 0);
	assert_int_equal(real_offset, offset);
	assert_int_equal(real_size, size);
}

static void assert_no_member(const char *type, const char *path, int err)
{
	uint64_t offset = 1, size = 2;

	assert_int_equal(sm_btf_member(types.btf, type, path, &offset, &size), err);
	assert_int_equal(offset, 1);
	assert_int_equal(size, 2);
}

static void finds_members(void **state)
{
	(void)state;
	assert_member("outer", "tag", 0, 1);
	assert_member("outer", "named", 8, 16);
	assert_member("outer", "after", 29, 1);
	assert_member("outer", "self", 32, 8);
	assert_member("outer", "text", 40, 16);
	assert_member("both", "narrow", 0, 4);
}

static void finds_nested_members(void **state)
{
	(void)state;
	/* Through a typedef and a const. */
	assert_member("outer", "named.second", 16, 8);
	assert_member("inner_alias", "second", 8, 8);
	assert_member("id_alias", "val", 0, 4);
}

static void looks_through_unnamed_members(void **state)
{
	(void)state;
	assert_member("outer", "in_union", 24, 4);
	assert_member("outer", "low", 24, 2);
	assert_member("outer", "deep", 26, 2);
}

static void refuses_bitfields(void **state)
{
	(void)state;
	assert_no_member("outer", "bit", -EINVAL);
	assert_no_member("outer", "bits", -EINVAL);
}

static void tells_what_is_missing(void **state)
{
	(void)state;
	assert_no_member("outer", "absent", -ENOENT);
	assert_no_member("absent", "tag", -ENOENT);
	assert_no_member("outer", "named.absent", -ENOENT);
	assert_no_member("outer", "tag.first", -ENOENT);
	assert_no_member("outer", "self.tag", -ENOENT); /* a pointer */
	assert_no_member("outer", "", -ENOENT);
	assert_no_member("outer", ".tag", -ENOENT);
	assert_no_member("outer", "named.", -ENOENT);
	assert_no_member("outer", "ta", -ENOENT);
	assert_no_member("outer", "tags", -ENOENT);
	assert_no_member("colour", "RED", -ENOENT);
}

static void tells_sizes(void **state)
{
	uint64_t size;

	(void)state;
	assert_int_equal(sm_btf_size(types.btf, "outer", &size), 0);
	assert_int_equal(size, 56);
	assert_int_equal(sm_btf_size(types.btf, "both", &size), 0);
	assert_int_equal(size, 8);
	assert_int_equal(sm_btf_size(types.btf, "id_alias", &size), 0);
	assert_int_equal(size, 4);
	assert_int_equal(sm_btf_size(types.btf, "absent", &size), -ENOENT);
	assert_int_equal(sm_btf_size(types.btf, "int", &size), -ENOENT);
}

static void assert_enum(const struct sm_btf *btf, const char *type, const char *name,
			uint64_t value)
{
	uint64_t real;

	assert_int_equal(sm_btf_enum(btf, type, name, &real), 0);
	assert_int_equal(real, value);
}

static void tells_enumerators(void **state)
{
	uint64_t value;

	(void)state;
	assert_enum(types.btf, "colour", "RED", 0);
	assert_enum(types.btf, "colour", "GREEN", 7);
	assert_enum(types.btf, "colour", "BLUE", (uint64_t)-2);
	assert_enum(types.btf, "size", "LARGE", 0xfffffff0);
	assert_enum(types.btf, "answer", "YES", 1);
	assert_int_equal(sm_btf_enum(types.btf, "colour", "PINK", &value), -ENOENT);
	assert_int_equal(sm_btf_enum(types.btf, "outer", "RED", &value), -ENOENT);
	assert_int_equal(sm_btf_enum(types.btf, "absent", "RED", &value), -ENOENT);
}

/* Opens a copy of what was put together by hand. */
static struct sm_btf *reopen(struct btf *made)
{
	const void *data;
	struct sm_btf *btf;
	uint32_t size;

	data = btf__raw_data(made, &size);
	assert_non_null(data);
	assert_int_equal(sm_btf_open(data, size, &btf, NULL), 0);
	btf__free(made);
	return btf;
}

static void tells_wide_enumerators(void **state)
{
	struct btf *made = btf__new_empty();
	struct sm_btf *btf;

	(void)state;
	assert_true(btf__add_enum64(made, "wide", 8, false) > 0);
	assert_int_equal(btf__add_enum64_value(made, "HIGH", 0x123456789abcdefULL), 0);
	btf = reopen(made);
	assert_enum(btf, "wide", "HIGH", 0x123456789abcdefULL);
	sm_btf_close(btf);
}

static void counts_arguments(void **state)
{
	(void)state;
	assert_int_equal(sm_btf_function_args(types.btf, "none"), 0);
	assert_int_equal(sm_btf_function_args(types.btf, "two"), 2);
	assert_int_equal(sm_btf_function_args(types.btf, "six"), 6);
	assert_int_equal(sm_btf_function_args(types.btf, "absent"), -ENOENT);
	assert_int_equal(sm_btf_function_args(types.btf, "outer"), -ENOENT);
}

static void refuses_arguments_outside_of_integer_registers(void **state)
{
	(void)state;
	assert_int_equal(sm_btf_function_args(types.btf, "by_value"), -EOPNOTSUPP);
	assert_int_equal(sm_btf_function_args(types.btf, "variadic"), -EOPNOTSUPP);
	assert_int_equal(sm_btf_function_args(types.btf, "real"), -EOPNOTSUPP);
}

/* --- hostile blobs
 * -------------------------------------------------------------------------------- */

static void assert_blob_refused(const void *data, size_t size)
{
	struct sm_error err = {0};
	struct sm_btf *btf = NULL;
	void *exact = malloc(size ? size : 1); /* for the address sanitiser */

	memcpy(exact, data, size);
	assert_true(sm_btf_open(exact, size, &btf, &err) < 0);
	assert_null(btf);
	assert_true(err.code < 0);
	assert_non_null(strstr(err.text, "BTF"));
	free(exact);
}

static void refuses_every_truncation(void **state)
{
	size_t size;

	(void)state;
	for (size = 0; size < types.size; size++)
		assert_blob_refused(types.data, size);
}

static void refuses_bad_headers(void **state)
{
	static const struct {
		size_t offset;
		uint32_t value;
	} bad[] = {
		{offsetof(struct btf_header, magic), 0x9feb},
		{offsetof(struct btf_header, hdr_len), 0},
		{offsetof(struct btf_header, hdr_len), 25},
		{offsetof(struct btf_header, hdr_len), 0x1000},
		{offsetof(struct btf_header, hdr_len), 0xfffffffc},
		{offsetof(struct btf_header, type_off), 0xfffffffc},
		{offsetof(struct btf_header, type_len), 0xfffffffc},
		{offsetof(struct btf_header, str_off), 0xffffffff},
		{offsetof(struct btf_header, str_len), 0xffffffff},
		{offsetof(struct btf_header, str_len), 0},
	};
	char blob[sizeof(types.data)];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(blob, types.data, types.size);
		memcpy(blob + bad[i].offset, &bad[i].value, bad[i].offset ? 4 : 2);
		assert_blob_refused(blob, types.size);
	}
}

static void survives_cyclic_types(void **state)
{
	struct btf *made = btf__new_empty();
	struct sm_btf *btf;
	uint64_t offset, size;

	(void)state;
	/* 1 and 2: typedefs of each other; 3: a structure that is its own unnamed member. */
	assert_int_equal(btf__add_typedef(made, "a", 2), 1);
	assert_int_equal(btf__add_const(made, 1), 2);
	assert_int_equal(btf__add_struct(made, "s", 8), 3);
	assert_int_equal(btf__add_field(made, "", 3, 0, 0), 0);
	assert_int_equal(btf__add_field(made, "f", 1, 0, 0), 0);
	assert_int_equal(btf__add_func_proto(made, 0), 4);
	assert_int_equal(btf__add_func_param(made, "p", 1), 0);
	assert_int_equal(btf__add_func(made, "cyclic", BTF_FUNC_STATIC, 4), 5);
	assert_int_equal(btf__add_func(made, "no_prototype", BTF_FUNC_STATIC, 3), 6);
	btf = reopen(made);
	assert_int_equal(sm_btf_member(btf, "a", "f", &offset, &size), -ENOENT);
	assert_true(sm_btf_member(btf, "s", "f", &offset, &size) < 0);
	assert_true(sm_btf_member(btf, "s", "absent", &offset, &size) < 0);
	assert_int_equal(sm_btf_function_args(btf, "cyclic"), -EOPNOTSUPP);
	assert_int_equal(sm_btf_function_args(btf, "no_prototype"), -ENOENT);
	sm_btf_close(btf);
}

/* Each level holds the next one 16 times: 16^16 members to look at. */
static void survives_multiplying_members(void **state)
{
	struct btf *made = btf__new_empty();
	struct sm_btf *btf;
	uint64_t offset, size;
	int level, i;

	(void)state;
	for (level = 1; level <= 16; level++) {
		assert_int_equal(btf__add_struct(made, level == 1 ? "top" : "", 8), level);
		for (i = 0; i < 16; i++)
			assert_int_equal(btf__add_field(made, "", level + 1, 0, 0), 0);
	}
	assert_int_equal(btf__add_struct(made, "", 8), level);
	btf = reopen(made);
	assert_int_equal(sm_btf_member(btf, "top", "absent", &offset, &size), -E2BIG);
	sm_btf_close(btf);
}

/* So many types of one name that looking for a free place for each would take for ever. */
static void survives_one_name_for_all(void **state)
{
	struct btf *made = btf__new_empty();
	struct sm_btf *btf;
	uint64_t size;
	int i;

	(void)state;
	for (i = 0; i < 20000; i++)
		assert_true(btf__add_struct(made, "same", 8 + i) > 0);
	btf = reopen(made);
	assert_int_equal(sm_btf_size(btf, "same", &size), 0);
	assert_int_equal(size, 8);
	assert_int_equal(sm_btf_size(btf, "other", &size), -ENOENT);
	sm_btf_close(btf);
}

static void kernels_of_the_same_types_share_them(void **state)
{
	struct sm_btf *first, *second, *other, *again;
	uint64_t mark, second_mark, other_mark, offset, size;
	char data[sizeof(types.data)], *name;

	(void)state;
	memcpy(data, types.data, types.size);
	assert_int_equal(sm_kernel_types_open(data, types.size, &first, &mark, NULL), 0);
	assert_int_equal(sm_kernel_types_open(data, types.size, &second, &second_mark, NULL), 0);
	assert_ptr_equal(first, second);
	assert_int_equal(mark, second_mark);
	sm_btf_close(second);

	/* One member has another name; who has the first ones keeps them. */
	name = memmem(data, types.size, "\0in_union", sizeof("\0in_union"));
	assert_non_null(name);
	name[1] = 'I';
	assert_int_equal(sm_kernel_types_open(data, types.size, &other, &other_mark, NULL), 0);
	assert_ptr_not_equal(first, other);
	assert_int_not_equal(mark, other_mark);
	assert_int_equal(sm_btf_member(other, "outer", "In_union", &offset, &size), 0);
	sm_btf_close(other);
	assert_int_equal(sm_btf_member(first, "outer", "in_union", &offset, &size), 0);
	sm_btf_close(first);

	/* What is no BTF takes nobody's place. */
	assert_int_equal(sm_kernel_types_open(data, 8, &again, &mark, NULL), -EINVAL);
	assert_int_equal(sm_kernel_types_open(data, types.size, &again, &mark, NULL), 0);
	assert_ptr_equal(again, other);
	assert_int_equal(mark, other_mark);
	sm_btf_close(again);
}

/* Of the paper's reference implementation: key 00 01 ... 0f, message 00 01 ... */
static void siphash_is_as_published(void **state)
{
	static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	unsigned char message[15];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(message); i++)
		message[i] = (unsigned char)i;
	assert_int_equal(sm_siphash(message, 0, key), 0x726fdb47dd0e0e31);
	assert_int_equal(sm_siphash(message, 8, key), 0x93f5f5799a932462);
	assert_int_equal(sm_siphash(message, sizeof(message), key), 0xa129ca6149be45e5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_is_as_published),
		cmocka_unit_test(finds_members),
		cmocka_unit_test(finds_nested_members),
		cmocka_unit_test(looks_through_unnamed_members),
		cmocka_unit_test(refuses_bitfields),
		cmocka_unit_test(kernels_of_the_same_types_share_them),
		cmocka_unit_test(tells_what_is_missing),
		cmocka_unit_test(tells_sizes),
		cmocka_unit_test(tells_enumerators),
		cmocka_unit_test(tells_wide_enumerators),
		cmocka_unit_test(counts_arguments),
		cmocka_unit_test(refuses_arguments_outside_of_integer_registers),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_bad_headers),
		cmocka_unit_test(survives_cyclic_types),
		cmocka_unit_test(survives_multiplying_members),
		cmocka_unit_test(survives_one_name_for_all),
	};

	return cmocka_run_group_tests(tests, open_types, close_types);
}
