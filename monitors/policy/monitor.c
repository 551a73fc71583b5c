// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What policies can refuse besides what other monitors look at.  Programs: when the guest calls
 * security_bprm_check(), the file is opened, the arguments are copied and nothing of it runs; it is called for a
 * script, and then for its interpreter.  Modules: when it calls module_finalize(), the module is in the
 * kernel's memory, none of its code has run, and a refusal undoes all.
 */
#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

static __attribute__((__noinline__)) int judge_program(u64 bprm)
{
	struct sm_policy_object program = {.event = SM_POLICY_EXEC, .bprm = bprm};
	u64 file = SM_READ64(bprm, linux_binprm, file);
	bool tell;

	sm_policy_set_name(&program, sm_path(sm_policy_name_buffer(), SM_POLICY_FACT_SIZE,
					     file + SM_OFFSET(file, f_path)));
	return sm_policy_judge(&program, &tell);
}

SM_MONITOR(policy_exec, "security_bprm_check", u64 bprm)
{
	return sm_policy_has(SM_POLICY_EXEC) ? judge_program(bprm) : SM_ALLOW;
}

static __attribute__((__noinline__)) int judge_module(u64 address)
{
	struct sm_policy_object module = {.event = SM_POLICY_MODULE_LOAD};
	bool tell;

	sm_policy_set_name(&module,
			   sm_read_string(sm_policy_name_buffer(),
					  address + SM_OFFSET(module, name), SM_MODULE_NAME_LEN));
	return sm_policy_judge(&module, &tell);
}

SM_MONITOR(policy_module, "module_finalize", u64 header, u64 sections, u64 module)
{
	(void)header, (void)sections;
	return sm_policy_has(SM_POLICY_MODULE_LOAD) ? judge_module(module) : SM_ALLOW;
}
