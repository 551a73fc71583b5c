/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last bytes lead off the page. */
#include <shadowmon/layout.h>
#undef SM_PAGE_SIZE
#define SM_PAGE_SIZE 0xff8
#include "gate.S"
	.fill	8, 1, 0x90
