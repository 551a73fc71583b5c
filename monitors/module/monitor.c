// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel modules: when their initialisation is about to run, and when they are about to be freed. */
#include <shadowmon/monitor.h>

static void emit(u16 type, u64 module)
{
	struct sm_record_module *rec = sm_reserve(type, sizeof(*rec));
	u32 i;

	if (!rec)
		return;
	sm_task_describe(&rec->task, sm_current());
	for (i = 0; i < SM_MODULE_NAME_LEN; i++)
		rec->name[i] = '\0';
	sm_read_string(rec->name, module + SM_OFFSET(module, name), SM_MODULE_NAME_LEN);
	sm_commit(rec, sizeof(*rec));
}

SM_MONITOR(module_load, "do_init_module", 1, u64 module)
{
	emit(SM_RECORD_MODULE_LOAD, module);
	return SM_ALLOW;
}

SM_MONITOR(module_unload, "free_module", 1, u64 module)
{
	emit(SM_RECORD_MODULE_UNLOAD, module);
	return SM_ALLOW;
}
