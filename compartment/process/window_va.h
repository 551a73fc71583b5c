/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included before all else: the window where a process can have it. */
#include <shadowmon/layout.h>

#undef SM_WINDOW_VA
#define SM_WINDOW_VA 0x400000000000
