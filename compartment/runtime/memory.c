// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading guest memory.  Kernel addresses in the direct map and in the kernel's image translate by
 * subtraction, all others by a walk of the guest's own page tables from its true CR3.
 * Guest-physical addresses are read through the window alone, and the host decides what of that is
 * RAM.
 *
 * The tables may be hostile.  All they can do is name another guest-physical address.
 */
#include <shadowmon/memory.h>

#include <arch.h>

#include "libc.h"

#define PTE_PRESENT 0x001ULL
#define PTE_USER    0x004ULL
#define PTE_LARGE   0x080ULL
#define PTE_ADDRESS 0x000ffffffffff000ULL

/* Canonical addresses: user space below this, the kernel from minus this on. */
#define HALF_SIZE (1ULL << 47)

enum space { KERNEL, USER };

/* SDM vol. 3, "4-level paging".  A mapping that user space can reach counts as user space's. */
static bool walk(u64 address, enum space space, u64 *ret_gpa)
{
	u64 table = smc_cr3() & PTE_ADDRESS, user = PTE_USER;
	int level;

	for (level = 3; level >= 0; level--) {
		unsigned int shift = SM_PAGE_SHIFT + 9 * level;
		u64 offset = address & ((1ULL << shift) - 1), entry;

		table += ((address >> shift) & 511) * sizeof(entry);
		if (table >= SM_RAM_LIMIT)
			return false;
		entry = sm_window_load64(table);
		if (!(entry & PTE_PRESENT))
			return false;
		user &= entry;
		if (level == 0 || (level < 3 && (entry & PTE_LARGE))) {
			*ret_gpa = (entry & PTE_ADDRESS & ~((1ULL << shift) - 1)) | offset;
			return !user == (space == KERNEL);
		}
		table = entry & PTE_ADDRESS;
	}
	return false;
}

static inline bool translate_kernel(u64 address, u64 *ret_gpa)
{
	u64 offset = address - SM_ABSOLUTE64("sm_cfg.page_offset");

	if (offset < SM_ABSOLUTE64("sm_cfg.direct_map_size")) {
		*ret_gpa = offset;
		return true;
	}
	offset = address - SM_ABSOLUTE64("sm_cfg.kernel_va");
	if (offset < SM_ABSOLUTE64("sm_cfg.kernel_size")) {
		*ret_gpa = offset + SM_ABSOLUTE64("sm_cfg.kernel_pa");
		return true;
	}
	return address >= -HALF_SIZE && walk(address, KERNEL, ret_gpa);
}

static inline bool translate_user(u64 address, u64 *ret_gpa)
{
	return address < HALF_SIZE && walk(address, USER, ret_gpa);
}

/* Where the byte at address lies; what follows it to the end of its page lies behind it. */
static bool translate(u64 address, enum space space, u64 *ret_gpa)
{
	bool found;

	found = space == USER ? translate_user(address, ret_gpa)
			      : translate_kernel(address, ret_gpa);
	return found && *ret_gpa < SM_RAM_LIMIT;
}

static u32 rest_of_page(u64 address, u32 len)
{
	u32 rest = SM_PAGE_SIZE - (address & (SM_PAGE_SIZE - 1));

	return len < rest ? len : rest;
}

static int copy(u8 *dst, u64 address, u32 len, enum space space)
{
	u64 gpa;

	while (len) {
		u32 part = rest_of_page(address, len);

		if (!translate(address, space, &gpa) || !sm_window_copy(dst, gpa, part)) {
			memset(dst, 0, len);
			return -SM_EFAULT;
		}
		dst += part;
		address += part;
		len -= part;
	}
	return 0;
}

int sm_read(void *dst, u64 address, u32 len)
{
	return copy(dst, address, len, KERNEL);
}

int sm_read_user(void *dst, u64 address, u32 len)
{
	return copy(dst, address, len, USER);
}

u64 sm_read_slowly(u64 address, u32 bytes)
{
	u64 value = 0;

	return copy((u8 *)&value, address, bytes, KERNEL) ? 0 : value;
}

/*
 * The bytes of one page, up to the NUL that brings *left to 0.  Reads whole aligned words, which
 * never cross a page.  False: no RAM.
 */
static bool copy_strings_of_page(u8 *dst, u64 gpa, u32 len, u32 *left, u32 *ret_copied)
{
	u32 copied = 0;
	u64 word;

	while (copied < len && *left) {
		u32 skip = (gpa + copied) & 7, i;

		if (!sm_window_get64(gpa + copied - skip, &word))
			break;
		word >>= 8 * skip;
		for (i = skip; i < 8 && copied < len && *left; i++, word >>= 8) {
			dst[copied++] = (u8)word;
			*left -= (u8)word == 0;
		}
	}
	*ret_copied = copied;
	return copied == len || !*left;
}

static u32 copy_strings(char *dst, u64 address, u32 size, u32 *left, enum space space)
{
	u32 len = 0, copied;
	u64 gpa;

	while (len < size && *left) {
		if (!translate(address + len, space, &gpa))
			break;
		if (!copy_strings_of_page((u8 *)dst + len, gpa,
					  rest_of_page(address + len, size - len), left, &copied)) {
			len += copied;
			break;
		}
		len += copied;
	}
	return len;
}

int sm_read_string(char *dst, u64 address, u32 size)
{
	u32 left = 1, len = copy_strings(dst, address, size, &left, KERNEL);

	if (!left)
		return (int)len - 1;
	if (len < size) {
		dst[0] = '\0';
		return -SM_EFAULT;
	}
	dst[size - 1] = '\0';
	return (int)size;
}

u32 sm_read_user_strings(char *dst, u64 address, u32 size, u32 *count)
{
	return copy_strings(dst, address, size, count, USER);
}
