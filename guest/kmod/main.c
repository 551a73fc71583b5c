// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest module: the gate's copy and the stubs in this kernel's text, hooks that lead to them, and an
 * agent that does what the host says until it locks.  After lock nothing here matters to security.
 */

#include <linux/module.h>

#include "guest.h"

static bool lab;
module_param(lab, bool, 0444);
MODULE_PARM_DESC(lab, "files for tests and benchmarks in debugfs");

static int __init smg_init(void)
{
	int err = smg_symbols_init();

	if (err)
		return err;
	err = smg_hooks_init();
	if (err)
		return err;
	err = smg_leave_init();
	if (err)
		goto err_leave;
	if (lab)
		smg_lab_create();
	err = smg_agent_start();
	if (err)
		goto err_agent;
	return 0;

err_agent:
	smg_lab_destroy();
	smg_leave_exit();
err_leave:
	smg_hooks_exit();
	return err;
}

static void __exit smg_exit(void)
{
	smg_agent_stop();
	smg_lab_destroy();
	smg_leave_exit();
	smg_hooks_exit();
}

module_init(smg_init);
module_exit(smg_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("ShadowMonitor: the guest's side of the gate");
