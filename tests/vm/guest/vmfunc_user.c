// SPDX-License-Identifier: GPL-2.0-or-later
/* VMFUNC from ring 3.  Arguments: function, index.  Ends by SIGILL if it is refused, else with 0. */
#include <stdlib.h>

int main(int argc, char **argv)
{
	unsigned int function = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 0;
	unsigned int index = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 0) : 0;

	__asm__ volatile("vmfunc" : : "a"(function), "c"(index) : "memory");
	return 0;
}
