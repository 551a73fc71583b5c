// SPDX-License-Identifier: GPL-2.0-or-later
/* Any blob as BTF, asked for what it names itself: no crash, no endless walk. */
#include <bpf/btf.h>
#include <stdlib.h>

#include "../../host/lib/internal.h"

#define TYPES_MAX   64
#define MEMBERS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_for_members(const struct sm_btf *b, const struct btf *btf, const struct btf_type *t,
			    const char *name)
{
	uint64_t offset, bytes;
	uint32_t i;

	sm_btf_member(b, name, "absent", &offset, &bytes);
	for (i = 0; i < btf_vlen(t) && i < MEMBERS_MAX; i++) {
		const char *member = btf__name_by_offset(btf, btf_members(t)[i].name_off);

		if (member)
			sm_btf_member(b, name, member, &offset, &bytes);
	}
}

static void ask_for_type(const struct sm_btf *b, const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *name = btf__name_by_offset(btf, t->name_off);
	uint64_t value;

	if (!name)
		return;
	if (btf_is_composite(t))
		ask_for_members(b, btf, t, name);
	sm_btf_size(b, name, &value);
	sm_btf_enum(b, name, "RED", &value);
	if (sm_btf_function_args(b, name) > BTF_MAX_VLEN)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sm_btf *b;
	struct btf *btf;
	uint32_t id;

	if (sm_btf_open(data, size, &b, NULL))
		return 0;
	btf = btf__new(data, (uint32_t)size);
	for (id = 1; id < btf__type_cnt(btf) && id < TYPES_MAX; id++)
		ask_for_type(b, btf, id);
	btf__free(btf);
	sm_btf_close(b);
	return 0;
}
