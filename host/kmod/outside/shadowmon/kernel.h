/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SDK's header, but what the guest's kernel is like lies in memory that the library fills in: this
 * module is linked before there is a guest.
 */
#include_next <shadowmon/kernel.h>

#ifndef SHADOWMON_OUTSIDE_KERNEL_H
#define SHADOWMON_OUTSIDE_KERNEL_H

#include "../context.h"

#undef SM_ABSOLUTE
#undef SM_ABSOLUTE64
#undef SM_FLAG
#define SM_ABSOLUTE(symbol)                                                       \
	({                                                                        \
		static struct smx_value value_ __used __section(".sm.values") = { \
			.name = symbol,                                           \
		};                                                                \
		READ_ONCE(value_.value);                                          \
	})
#define SM_ABSOLUTE64(symbol)      SM_ABSOLUTE(symbol)
#define SM_FLAG(symbol, directive) (SM_ABSOLUTE(symbol) != 0)

#endif
