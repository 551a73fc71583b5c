// SPDX-License-Identifier: GPL-2.0-or-later
/* A small record without a hook of its own. */
#include "bench_number.h"

SM_MONITOR(number, "bench_number", u64 number)
{
	return bench_number(number);
}
