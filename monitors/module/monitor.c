// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel modules: when their initialisation is about to run, and when they are about to be freed.
 */
#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

static __attribute__((__noinline__)) bool is_module_told(u32 event, u64 address)
{
	struct sm_policy_object module = {.event = event};

	sm_policy_set_name(&module,
			   sm_read_string(sm_policy_name_buffer(),
					  address + SM_OFFSET(module, name), SM_MODULE_NAME_LEN));
	return sm_policy_tells(&module);
}

static void report(u16 type, u32 event, u64 module)
{
	struct sm_record_module *rec;
	int len;

	if (sm_policy_has(event) && !is_module_told(event, module))
		return;
	rec = sm_reserve(type, sizeof(*rec));
	if (!rec)
		return;
	sm_task_describe(&rec->task, sm_current());
	len = sm_read_string(rec->name, module + SM_OFFSET(module, name), SM_MODULE_NAME_LEN);
	/* The rest of a fixed field: nothing of older records. */
	if (len < 0)
		len = 0;
	__builtin_memset(rec->name + len, 0, sizeof(rec->name) - (u32)len);
	sm_commit(rec, sizeof(*rec));
}

SM_MONITOR(module_load, "do_init_module", u64 module)
{
	report(SM_RECORD_MODULE_LOAD, SM_POLICY_MODULE_LOAD, module);
	return SM_ALLOW;
}

SM_MONITOR(module_unload, "free_module", u64 module)
{
	report(SM_RECORD_MODULE_UNLOAD, SM_POLICY_MODULE_UNLOAD, module);
	return SM_ALLOW;
}
