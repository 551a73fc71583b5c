// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel modules: when their initialisation is about to run, and when they are about to be freed.
 */
#include <shadowmon/monitor.h>

static void report(u16 type, u64 module)
{
	struct sm_record_module *rec = sm_reserve(type, sizeof(*rec));
	int len;

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
	report(SM_RECORD_MODULE_LOAD, module);
	return SM_ALLOW;
}

SM_MONITOR(module_unload, "free_module", u64 module)
{
	report(SM_RECORD_MODULE_UNLOAD, module);
	return SM_ALLOW;
}
