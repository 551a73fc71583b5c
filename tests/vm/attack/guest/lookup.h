/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kallsyms_lookup_name() is not exported: a kprobe finds it.  Once in each module that includes this. */
#ifndef SHADOWMON_ATTACK_LOOKUP_H
#define SHADOWMON_ATTACK_LOOKUP_H

#include <linux/kprobes.h>

/* The address of any symbol, or 0. */
static unsigned long (*lookup)(const char *name);

static int find_lookup(void)
{
	struct kprobe kp = {.symbol_name = "kallsyms_lookup_name"};
	int err = register_kprobe(&kp);

	if (err)
		return err;
	lookup = (void *)kp.addr;
	unregister_kprobe(&kp);
	return 0;
}

#endif
