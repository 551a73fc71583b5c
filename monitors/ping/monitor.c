// SPDX-License-Identifier: GPL-2.0-or-later
/* Nothing, as fast as possible: what the gate itself costs.  The lab's guests have the function. */
#include <shadowmon/monitor.h>

SM_MONITOR(ping, "shadowmon_ping", 1, u64 op)
{
	(void)op;
	return SM_ALLOW;
}
