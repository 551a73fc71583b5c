/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SHADOWMON_KMOD_HOOKS_H
#define SHADOWMON_KMOD_HOOKS_H

#include <linux/static_call.h>

#include "shadowmon.h"

/* KVM's own handler, behind the call by which it would come back to ours. */
DECLARE_STATIC_CALL(smh_vmx_handle_exit, smh_handle_exit);

#endif
