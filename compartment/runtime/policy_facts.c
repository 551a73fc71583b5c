// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy_facts.h"

#include "cpu.h"
#include "libc.h"

#define AF_INET  2
#define AF_INET6 10

#define ANCESTORS_MAX 16

/* --- numbers ------------------------------------------------------------------------------ */

static u64 credential(u64 task, u64 offset)
{
	return sm_read32(SM_READ64(task, task_struct, cred) + offset);
}

static u64 namespace_of(u64 task, u64 pointer, u64 number)
{
	return sm_read32(sm_read64(SM_READ64(task, task_struct, nsproxy) + pointer) + number);
}

static u64 parent_of(u64 task)
{
	return SM_READ64(task, task_struct, real_parent);
}

static bool has_address(const struct sm_policy_object *object)
{
	return object->endpoint.family == AF_INET || object->endpoint.family == AF_INET6;
}

bool smc_fact_number(const struct sm_policy_object *object, u64 task, u32 field, u64 *ret_number)
{
	u64 number = 0;

	switch (field) {
	case SM_POLICY_FIELD_UID:
		number = credential(task, SM_OFFSET(cred, uid));
		break;
	case SM_POLICY_FIELD_EUID:
		number = credential(task, SM_OFFSET(cred, euid));
		break;
	case SM_POLICY_FIELD_GID:
		number = credential(task, SM_OFFSET(cred, gid));
		break;
	case SM_POLICY_FIELD_PID:
		number = SM_READ32(task, task_struct, tgid);
		break;
	case SM_POLICY_FIELD_PPID:
		number = SM_READ32(parent_of(task), task_struct, tgid);
		break;
	case SM_POLICY_FIELD_CAPABILITY:
		number = SM_READ64(SM_READ64(task, task_struct, cred), cred, cap_effective);
		break;
	case SM_POLICY_FIELD_MOUNT_NAMESPACE:
		number = namespace_of(task, SM_OFFSET(nsproxy, mnt_ns),
				      SM_OFFSET(mnt_namespace, ns.inum));
		break;
	case SM_POLICY_FIELD_NETWORK_NAMESPACE:
		number = namespace_of(task, SM_OFFSET(nsproxy, net_ns), SM_OFFSET(net, ns.inum));
		break;
	case SM_POLICY_FIELD_USER_NAMESPACE:
		number = SM_READ32(SM_READ64(SM_READ64(task, task_struct, cred), cred, user_ns),
				   user_namespace, ns.inum);
		break;
	case SM_POLICY_FIELD_PORT:
		if (!has_address(object))
			return false;
		number = object->endpoint.port;
		break;
	default:
		return false;
	}
	*ret_number = number;
	return true;
}

/* --- texts -------------------------------------------------------------------------------- */

static char *buffer(void)
{
	return sm_cpu_state.scratch[1];
}

/* len: as sm_path() and sm_read_string() return it. */
static enum sm_fact_result take(int len, u32 size, struct sm_fact_text *ret_text)
{
	*ret_text = (struct sm_fact_text){buffer(), (u32)len};
	return len < 0 || len >= (int)size ? SM_FACT_UNKNOWN : SM_FACT_TEXT;
}

static enum sm_fact_result comm_of(u64 task, struct sm_fact_text *ret_text)
{
	int len = sm_read_string(buffer(), task + SM_OFFSET(task_struct, comm), SM_COMM_LEN);

	return take(len, SM_COMM_LEN, ret_text);
}

/* That of a kernel's thread is empty. */
static enum sm_fact_result binary_of(u64 task, struct sm_fact_text *ret_text)
{
	u64 mm = SM_READ64(task, task_struct, mm), file = SM_READ64(mm, mm_struct, exe_file);

	if (!mm || !file)
		return take(0, 1, ret_text);
	return take(sm_path(buffer(), SM_POLICY_FACT_SIZE, file + SM_OFFSET(file, f_path)),
		    SM_POLICY_FACT_SIZE, ret_text);
}

/* The new program's memory is the current process's only once the old one has gone. */
static u64 memory_of(u64 bprm)
{
	u64 mm = SM_READ64(bprm, linux_binprm, mm);

	return mm ? mm : SM_READ64(sm_current(), task_struct, mm);
}

static enum sm_fact_result next_argument(struct sm_fact_texts *texts, struct sm_fact_text *ret_text)
{
	u64 pgd = SM_READ64(memory_of(texts->object->bprm), mm_struct, pgd);
	int len = sm_read_mm_string(buffer(), pgd, texts->at, SM_POLICY_FACT_SIZE);

	texts->at += (u64)len + 1;
	return take(len, SM_POLICY_FACT_SIZE, ret_text);
}

/* The last one is its own parent. */
static enum sm_fact_result next_ancestor(struct sm_fact_texts *texts, struct sm_fact_text *ret_text)
{
	u64 task = texts->at, parent = parent_of(task);

	if (!task)
		return SM_FACT_END;
	if (task == parent)
		texts->left = 0;
	else if (!texts->left)
		return SM_FACT_UNKNOWN;
	texts->at = parent;
	return binary_of(task, ret_text);
}

void smc_fact_texts(struct sm_fact_texts *texts, const struct sm_policy_object *object, u64 task,
		    u32 field)
{
	*texts = (struct sm_fact_texts){object, field, 1, task};
	switch (field) {
	case SM_POLICY_FIELD_PARENT_COMM:
	case SM_POLICY_FIELD_PARENT_BINARY:
		texts->at = parent_of(task);
		break;
	case SM_POLICY_FIELD_ANCESTOR_BINARY:
		texts->at = parent_of(task);
		texts->left = ANCESTORS_MAX;
		break;
	case SM_POLICY_FIELD_ARGUMENTS:
		texts->at = SM_READ64(object->bprm, linux_binprm, p);
		texts->left = SM_READ32(object->bprm, linux_binprm, argc);
		break;
	}
}

enum sm_fact_result smc_fact_next(struct sm_fact_texts *texts, struct sm_fact_text *ret_text)
{
	const struct sm_policy_object *object = texts->object;

	if (!texts->left)
		return SM_FACT_END;
	texts->left--;
	switch (texts->field) {
	case SM_POLICY_FIELD_NAME:
		*ret_text = (struct sm_fact_text){object->name, object->name_len};
		return object->name ? SM_FACT_TEXT : SM_FACT_UNKNOWN;
	case SM_POLICY_FIELD_BINARY:
	case SM_POLICY_FIELD_PARENT_BINARY:
		return binary_of(texts->at, ret_text);
	case SM_POLICY_FIELD_COMM:
	case SM_POLICY_FIELD_PARENT_COMM:
		return comm_of(texts->at, ret_text);
	case SM_POLICY_FIELD_ANCESTOR_BINARY:
		return next_ancestor(texts, ret_text);
	case SM_POLICY_FIELD_ARGUMENTS:
		return next_argument(texts, ret_text);
	default:
		return SM_FACT_END;
	}
}

/* --- addresses ---------------------------------------------------------------------------- */

bool smc_fact_address(const struct sm_policy_object *object, u8 address[16])
{
	const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool ipv4 = object->endpoint.family == AF_INET;

	if (!has_address(object))
		return false;
	memcpy(address, mapped, sizeof(mapped));
	memcpy(ipv4 ? address + 12 : address, object->endpoint.address, ipv4 ? 4 : 16);
	return true;
}
