// SPDX-License-Identifier: GPL-2.0-or-later
/* gatecheck on any page: no crash, no endless walk, and never a verdict without a reason. */
#include <stdlib.h>
#include <string.h>

#include "../../compartment/gate/gatecheck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gc_report report;
	u8 page[SM_PAGE_SIZE];
	unsigned int i;

	memset(page, 0xcc, sizeof(page));
	memcpy(page, data, size < sizeof(page) ? size : sizeof(page));
	if (gatecheck_page(page, &report))
		abort();
	for (i = 0; i < report.nr_violations && i < GC_VIOLATIONS_MAX; i++) {
		if (!report.violations[i].sentence[0])
			abort();
	}
	/* Good means that the gate is there. */
	if (!report.nr_violations && (!report.arms || !report.disarms || !report.ways_in ||
				      !report.entries || !report.ways_back || !report.exits))
		abort();
	return 0;
}
