// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading: what this host lacks is said here, before any VM is touched. */

#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/vmx.h>

#include "lab.h"
#include "shadowmon.h"

#define PROCBASED2_ALLOWED(bit) ((u64)(bit) << 32)
#define VMFUNC_EPTP_SWITCHING   BIT_ULL(0)

#ifdef SMH_LAB
unsigned int smh_weaken;
module_param_named(weaken, smh_weaken, uint, 0600);
MODULE_PARM_DESC(weaken, "protections to do without: see lab.h");
#endif

static int require(bool there, const char *what)
{
	if (!there)
		pr_err("this CPU lacks %s\n", what);
	return there ? 0 : -EOPNOTSUPP;
}

static int check_cpu(void)
{
	u64 controls = 0, functions = 0, ept = 0;
	int err = require(boot_cpu_has(X86_FEATURE_VMX), "VMX");

	if (err)
		return err;
	rdmsrl_safe(MSR_IA32_VMX_PROCBASED_CTLS2, &controls);
	rdmsrl_safe(MSR_IA32_VMX_EPT_VPID_CAP, &ept);
	if (controls & PROCBASED2_ALLOWED(SECONDARY_EXEC_ENABLE_VMFUNC))
		rdmsrl_safe(MSR_IA32_VMX_VMFUNC, &functions);

	err = require(controls & PROCBASED2_ALLOWED(SECONDARY_EXEC_ENABLE_EPT), "EPT");
	if (!err)
		err = require(functions & VMFUNC_EPTP_SWITCHING, "EPTP switching by VMFUNC");
	if (!err)
		err = require(controls & PROCBASED2_ALLOWED(SECONDARY_EXEC_DESC),
			      "descriptor-table exiting");
	if (!err)
		err = require(ept & VMX_EPT_EXTENT_CONTEXT_BIT, "single-context INVEPT");
	if (!err)
		err = require(boot_cpu_has(X86_FEATURE_GBPAGES), "1 GiB pages");
	return err;
}

/* KVM's functions are called behind their ENDBR64, at the addresses that ftrace knows. */
static int check_kernel(void)
{
	if (!cpu_feature_enabled(X86_FEATURE_IBT))
		return 0;
	pr_err("this kernel enforces indirect branch tracking: boot it with ibt=off\n");
	return -EOPNOTSUPP;
}

static int __init smh_init(void)
{
	int err = check_cpu();

	if (!err)
		err = check_kernel();
	if (!err)
		err = smh_hooks_resolve();
	return err ?: smh_device_register();
}

/* Attachments hold a reference to the module, so none is left here. */
static void __exit smh_exit(void)
{
	smh_device_unregister();
	smh_vm_exit();
}

module_init(smh_init);
module_exit(smh_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("ShadowMonitor: monitors inside virtual machines, in compartments of their own");
