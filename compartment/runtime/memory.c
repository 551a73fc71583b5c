// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading guest memory.  Kernel addresses of the direct map and of the kernel image translate by
 * subtraction, all others by a walk of the guest's own page tables from its true CR3.  A guest-physical
 * address is looked at through the window alone, and the host decides what of it is RAM.
 */

#include "arch.h"
#include <shadowmon/monitor.h>

#define PTE_PRESENT (1ULL << 0)
#define PTE_USER (1ULL << 2)
#define PTE_LARGE (1ULL << 7)
#define PTE_ADDRESS 0x000ffffffffff000ULL

#define USER_END (1ULL << 47)

static inline u64 config_page_offset(void)
{
	return SM_ABSOLUTE64("sm_cfg.page_offset");
}

/* required: bits that every entry on the way must have. */
static bool walk(u64 address, u64 required, u64 *ret_gpa)
{
	u64 table = smc_cr3() & PTE_ADDRESS, entry, mask;
	int level;

	for (level = 3; level >= 0; level--) {
		unsigned int shift = 12 + 9 * level;

		table += ((address >> shift) & 511) * 8;
		if (table >= SM_RAM_LIMIT || !smc_window_load64(table, &entry))
			return false;
		if ((entry & required) != required)
			return false;
		mask = (1ULL << shift) - 1;
		if (level == 0 || (level < 3 && (entry & PTE_LARGE))) {
			*ret_gpa = (entry & PTE_ADDRESS & ~mask) | (address & mask);
			return true;
		}
		table = entry & PTE_ADDRESS;
	}
	return false;
}

static inline bool translate_kernel(u64 address, u64 *ret_gpa)
{
	u64 offset = address - config_page_offset();

	if (offset < SM_ABSOLUTE64("sm_cfg.direct_map_size")) {
		*ret_gpa = offset;
		return true;
	}
	offset = address - SM_ABSOLUTE64("sm_cfg.kernel_va");
	if (offset < SM_ABSOLUTE64("sm_cfg.kernel_size")) {
		*ret_gpa = offset + SM_ABSOLUTE64("sm_cfg.kernel_pa");
		return true;
	}
	if (address < -USER_END)
		return false; /* user space, or not canonical */
	return walk(address, PTE_PRESENT, ret_gpa);
}

static inline bool translate_user(u64 address, u64 *ret_gpa)
{
	return address < USER_END && walk(address, PTE_PRESENT | PTE_USER, ret_gpa);
}

static int copy(void *dst, u64 address, u32 len, bool (*translate)(u64, u64 *))
{
	char *to = dst;

	while (len) {
		u32 rest = SM_PAGE_SIZE - (address & (SM_PAGE_SIZE - 1)), part = len < rest ? len : rest;
		u64 gpa;

		if (!translate(address, &gpa) || gpa >= SM_RAM_LIMIT - SM_PAGE_SIZE || !smc_window_copy(to, gpa, part))
			return -EFAULT;
		to += part;
		address += part;
		len -= part;
	}
	return 0;
}

int sm_read(void *dst, u64 address, u32 len)
{
	return copy(dst, address, len, translate_kernel);
}

int sm_read_user(void *dst, u64 address, u32 len)
{
	return copy(dst, address, len, translate_user);
}

u64 sm_read64(u64 address)
{
	u64 gpa, value = 0;

	/* Within a page, which is nearly always, it is one load. */
	if ((address & (SM_PAGE_SIZE - 1)) <= SM_PAGE_SIZE - sizeof(value)) {
		if (!translate_kernel(address, &gpa) || gpa >= SM_RAM_LIMIT - SM_PAGE_SIZE ||
		    !smc_window_load64(gpa, &value))
			return 0;
		return value;
	}
	return sm_read(&value, address, sizeof(value)) ? 0 : value;
}

u32 sm_read32(u64 address)
{
	u32 value = 0;

	/* Not at the end of a page: half of an 8-byte load. */
	if ((address & (SM_PAGE_SIZE - 1)) <= SM_PAGE_SIZE - sizeof(u64))
		return (u32)sm_read64(address);
	return sm_read(&value, address, sizeof(value)) ? 0 : value;
}

int sm_read_string(char *dst, u64 address, u32 size)
{
	u32 len = 0;

	while (len < size - 1) {
		u32 rest = SM_PAGE_SIZE - (address & (SM_PAGE_SIZE - 1)), i;
		u32 part = size - 1 - len;

		/* Short pieces: most strings are. */
		if (part > 64)
			part = 64;
		if (part > rest)
			part = rest;
		if (sm_read(dst + len, address, part))
			return -EFAULT;
		for (i = 0; i < part; i++)
			if (!dst[len + i])
				return (int)(len + i);
		len += part;
		address += part;
	}
	dst[len] = '\0';
	return (int)len;
}
