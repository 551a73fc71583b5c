// SPDX-License-Identifier: GPL-2.0-or-later
/* shadowmon_livepatch.ko: a livepatch that replaces a function which is hooked, and counts its calls. */

#include <linux/livepatch.h>
#include <linux/module.h>

static unsigned int calls;
module_param(calls, uint, 0444);

struct linux_binprm;

/* The original calls security modules, which have nothing to do here. */
static void replacement(struct linux_binprm *bprm)
{
	calls++;
}

static struct klp_func functions[] = {
	{.old_name = "security_bprm_committed_creds", .new_func = replacement},
	{},
};

static struct klp_object objects[] = {{.funcs = functions}, {}};
static struct klp_patch patch = {.mod = THIS_MODULE, .objs = objects};

static int __init patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit patch_exit(void)
{
}

module_init(patch_init);
module_exit(patch_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("A livepatch of a function that ShadowMonitor hooks");
