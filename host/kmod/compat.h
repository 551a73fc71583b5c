/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel differences, by the compile probes of configure/. */
#ifndef SHADOWMON_KMOD_COMPAT_H
#define SHADOWMON_KMOD_COMPAT_H

#include <linux/file.h>
#include <linux/ftrace.h>
#include <linux/mm.h>

#ifndef fd_file
#define fd_file(f) ((f).file)
#endif

#ifdef HAS_VM_FLAGS_SET
#define smh_vma_set_flags(vma, flags)   vm_flags_set(vma, flags)
#define smh_vma_clear_flags(vma, flags) vm_flags_clear(vma, flags)
#else
#define smh_vma_set_flags(vma, flags)   ((vma)->vm_flags |= (flags))
#define smh_vma_clear_flags(vma, flags) ((vma)->vm_flags &= ~(flags))
#endif

#ifdef HAS_FTRACE_DIRECT_MULTI
#define smh_direct_register(ops, addr)   register_ftrace_direct_multi(ops, addr)
#define smh_direct_unregister(ops, addr) unregister_ftrace_direct_multi(ops, addr)
#else
#define smh_direct_register(ops, addr)   register_ftrace_direct(ops, addr)
#define smh_direct_unregister(ops, addr) unregister_ftrace_direct(ops, addr, false)
#endif

#endif
