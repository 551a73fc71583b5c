/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct sm_cpu_state for assembly; cpu.h asserts that it is so. */
#ifndef SHADOWMON_RUNTIME_STATE_OFFSETS_H
#define SHADOWMON_RUNTIME_STATE_OFFSETS_H

#define STATE_RSP       0
#define STATE_RBX       8
#define STATE_ENTRIES   16
#define STATE_ATTENTION 24
#define STATE_SLOT      32

#endif
