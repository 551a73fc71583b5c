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

#include <libc.h>

#define PTE_PRESENT 0x001ULL
#define PTE_USER    0x004ULL
#define PTE_LARGE   0x080ULL
#define PTE_ADDRESS 0x000ffffffffff000ULL

/* Canonical addresses: user space below this, the kernel from minus this on. */
#define HALF_SIZE (1ULL << 47)

enum space { KERNEL, USER };

/* SDM vol. 3, "4-level paging".  A mapping that user space can reach counts as user space's. */
static bool walk_from(u64 table, u64 address, enum space space, u64 *ret_gpa)
{
	u64 user = PTE_USER;
	int level;

	for (level = 3; level >= 0; level--) {
		unsigned int shift = SM_PAGE_SHIFT + 9 * level;
		u64 offset = address & ((1ULL << shift) - 1), entry;

		table += ((address >> shift) & 511) * sizeof(entry);
		if (table >= SM_RAM_LIMIT)
			return false;
		entry = sm_window_load64(sm_window(table));
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

static bool walk(u64 address, enum space space, u64 *ret_gpa)
{
	return walk_from(smc_cr3() & PTE_ADDRESS, address, space, ret_gpa);
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

/* Eight bytes from gpa on, the first lowest; what is not of gpa's page is 0.  False: no RAM. */
static inline bool load_word(u64 gpa, u64 *ret_word)
{
	u64 last = (gpa | (SM_PAGE_SIZE - 1)) - 7, skip = 0;

	if (gpa > last)
		skip = gpa - last;
	if (!sm_window_get64(sm_window(gpa - skip), ret_word))
		return false;
	*ret_word >>= 8 * skip;
	return true;
}

static inline void store_word(u8 *dst, u64 word)
{
	__builtin_memcpy(dst, &word, sizeof(word));
}

/* The low len bytes of word, len being less than eight. */
static inline void store_bytes(u8 *dst, u64 word, u32 len)
{
	for (; len; len--, word >>= 8)
		*dst++ = (u8)word;
}

/* len bytes of one page.  False: no RAM. */
static bool copy_of_page(u8 *dst, u64 gpa, u32 len)
{
	u64 word;

	for (; len >= sizeof(word); len -= sizeof(word)) {
		if (!sm_window_get64(sm_window(gpa), &word))
			return false;
		store_word(dst, word);
		dst += sizeof(word);
		gpa += sizeof(word);
	}
	if (!len)
		return true;
	if (!load_word(gpa, &word))
		return false;
	store_bytes(dst, word, len);
	return true;
}

static int copy(u8 *dst, u64 address, u32 len, enum space space)
{
	u64 gpa;

	while (len) {
		u32 part = rest_of_page(address, len);

		if (!translate(address, space, &gpa) || !copy_of_page(dst, gpa, part)) {
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
	u64 offset = address - SM_ABSOLUTE64("sm_cfg.kernel_va"), value = 0, room;
	u64 gpa = offset + SM_ABSOLUTE64("sm_cfg.kernel_pa");

	/* The kernel's variables. */
	if (!__builtin_sub_overflow(SM_ABSOLUTE64("sm_cfg.kernel_size"), offset, &room) &&
	    room >= sizeof(value) && gpa < SM_RAM_LIMIT)
		return sm_window_load64(sm_window(gpa)) & (~0ULL >> (64 - 8 * bytes));
	return copy((u8 *)&value, address, bytes, KERNEL) ? 0 : value;
}

struct sm_object sm_stack_object(u64 address, u64 size)
{
	struct sm_object object = {.address = address};
	u64 gpa;

	if (size <= SM_PAGE_SIZE - (address & (SM_PAGE_SIZE - 1)) &&
	    translate(address, KERNEL, &gpa))
		object.window = sm_window(gpa);
	return object;
}

/* How many bytes of word are 0. */
static inline u32 count_nuls(u64 word)
{
	const u64 low = 0x7f7f7f7f7f7f7f7f;
	u64 marks = ~(((word & low) + low) | word | low);

	return (u32)((marks >> 7) * 0x0101010101010101 >> 56);
}

/* Bytes of word, up to len of them or to the NUL that brings *left to 0.  Returns how many. */
static inline u32 store_strings(u8 *dst, u64 word, u32 len, u32 *left)
{
	u32 i;

	for (i = 0; i < len && *left; i++, word >>= 8) {
		dst[i] = (u8)word;
		*left -= dst[i] == 0;
	}
	return i;
}

/*
 * Up to len bytes of one page, or to the NUL that brings *left, which is not 0, to 0.  Returns how
 * many; less only if there is no RAM.
 */
static u32 copy_strings_of_page(u8 *dst, u64 gpa, u32 len, u32 *left)
{
	u32 copied, nuls;
	u64 word;

	for (copied = 0; len - copied >= sizeof(word); copied += sizeof(word)) {
		if (!sm_window_get64(sm_window(gpa + copied), &word))
			return copied;
		nuls = count_nuls(word);
		if (nuls >= *left)
			return copied + store_strings(dst + copied, word, sizeof(word), left);
		*left -= nuls;
		store_word(dst + copied, word);
	}
	if (copied < len && load_word(gpa + copied, &word))
		copied += store_strings(dst + copied, word, len - copied, left);
	return copied;
}

/* table: the process's, where that is not the current one's; else 0. */
static inline bool translate_from(u64 table, u64 address, enum space space, u64 *ret_gpa)
{
	if (!table)
		return translate(address, space, ret_gpa);
	return address < HALF_SIZE && walk_from(table, address, USER, ret_gpa) &&
	       *ret_gpa < SM_RAM_LIMIT;
}

static u32 copy_strings(char *dst, u64 address, u32 size, u32 *left, enum space space, u64 table)
{
	u32 len = 0, part, copied;
	u64 gpa;

	while (len < size && *left) {
		if (!translate_from(table, address + len, space, &gpa))
			break;
		part = rest_of_page(address + len, size - len);
		copied = copy_strings_of_page((u8 *)dst + len, gpa, part, left);
		len += copied;
		if (copied < part)
			break;
	}
	return len;
}

static int read_string(char *dst, u64 address, u32 size, enum space space, u64 table)
{
	u32 left = 1, len = copy_strings(dst, address, size, &left, space, table);

	if (!left)
		return (int)len - 1;
	if (len < size) {
		dst[0] = '\0';
		return -SM_EFAULT;
	}
	dst[size - 1] = '\0';
	return (int)size;
}

int sm_read_string(char *dst, u64 address, u32 size)
{
	return read_string(dst, address, size, KERNEL, 0);
}

int sm_read_user_string(char *dst, u64 address, u32 size)
{
	return read_string(dst, address, size, USER, 0);
}

int sm_read_mm_string(char *dst, u64 pgd, u64 address, u32 size)
{
	u64 table;

	if (!translate(pgd, KERNEL, &table) || !(table & PTE_ADDRESS)) {
		dst[0] = '\0';
		return -SM_EFAULT;
	}
	return read_string(dst, address, size, USER, table & PTE_ADDRESS);
}

u32 sm_read_user_strings(char *dst, u64 address, u32 size, u32 *count)
{
	return copy_strings(dst, address, size, count, USER, 0);
}
