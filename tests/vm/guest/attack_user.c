// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attacks from ring 3.  What is refused ends the process by SIGILL; else the exit status is 0.
 *
 *   attack_user vmfunc FUNCTION INDEX
 *   attack_user read|write|execute GPA      through /dev/shadowmon_attack
 *   attack_user vmcall NUMBER               0 if the host answers what only ring 0 may ask
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void vmfunc(uint32_t function, uint32_t index)
{
	__asm__ volatile("vmfunc" : : "a"(function), "c"(index) : "memory");
}

static long vmcall(unsigned long number)
{
	long ret;

	__asm__ volatile("vmcall"
			 : "=a"(ret)
			 : "a"(number), "b"(1UL), "c"(0UL), "d"(0UL)
			 : "memory");
	return ret;
}

static void *map(uint64_t gpa)
{
	int fd = open("/dev/shadowmon_attack", O_RDWR);
	void *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, (off_t)gpa);

	if (fd < 0 || page == MAP_FAILED)
		exit(2);
	return page;
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;

	if (argc == 4 && !strcmp(argv[1], "vmfunc"))
		vmfunc((uint32_t)first, (uint32_t)strtoul(argv[3], NULL, 0));
	else if (argc == 3 && !strcmp(argv[1], "read"))
		(void)*(volatile uint64_t *)map(first);
	else if (argc == 3 && !strcmp(argv[1], "write"))
		*(volatile uint64_t *)map(first) = 0xc3c3c3c3c3c3c3c3;
	else if (argc == 3 && !strcmp(argv[1], "execute"))
		((void (*)(void))map(first))();
	else if (argc == 3 && !strcmp(argv[1], "vmcall"))
		return vmcall(first) < 0;
	else
		return 2;
	return 0;
}
