// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kexec, and kdump after a panic: the kernel that follows loads descriptor tables of its own, and writes where
 * this one's hooks are.  While a host has these pinned and protected it would not get far.
 *
 * Both come through machine_kexec(), last of all; there is no notifier that both call.
 */

#include <linux/kprobes.h>

#include "guest.h"

static bool probed;

static int on_kexec(struct kprobe *probe, struct pt_regs *regs)
{
	smg_vmcall(SM_HC_LEAVE, 0, 0);
	return 0;
}

static struct kprobe kexec_probe = {
	.symbol_name = "machine_kexec",
	.pre_handler = on_kexec,
};

int smg_leave_init(void)
{
	int err = register_kprobe(&kexec_probe);

	probed = !err;
	return err == -ENOENT ? 0 : err; /* a kernel without kexec */
}

void smg_leave_exit(void)
{
	if (probed)
		unregister_kprobe(&kexec_probe);
}
