// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Into the gate from other modes than 64-bit mode.  Outside long mode the attacker has tables of descriptors
 * of his own, and so survives the #UD with which the host answers; excursion.S leads there and back.
 *
 * PAE paging is what the gate's mode trap was made for.  The four entries of its top level are registers, so
 * view 2 would walk the attacker's tables in the window instead of B.  In view 1 one of them has to name the
 * table of B that shows the gate; since nothing is there in view 0, the attacker's last instructions there come
 * from the TLB.  CR3 is 0x20, which is less than the 64 that the gate's test allows when decoded as 32-bit code.
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <asm/desc.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/trapnr.h>

#include "attack.h"
#include "excursion.h"
#include "gate_offsets.h"

#define CODE16 0x20 /* selector in the attacker's GDT */

#define ENTRIES      512
#define PDPT_PRESENT BIT_ULL(0)
#define PAGE_FLAGS   0x063 /* present, writable, accessed, dirty */
#define GLOBAL       BIT_ULL(8)
#define WAY_LENGTH   6       /* of what stands before the offset that is entered */
#define B_GATE_PD    3       /* of B's pages: the table that covers the gate's GiB */
#define FIRST_PDPT   0x00ULL /* guest-physical: view 0's */
#define SECOND_PDPT  0x20ULL /* views 1 and 2 */
#define LOW          0x38000 /* RAM that real mode's segments reach */
#define LOW_SIZE     0x200

struct mode {
	struct tables tables; /* of long mode */
	u64 *pages[8];
	unsigned int count;
	u8 *home; /* the page of excursion.S */
	u8 *code; /* in the gate's place */
	struct excursion *excursion;
	u64 saved[8]; /* what was where the PDPTs are */
	bool is_real;
};

static u64 *add_page(struct mode *mode)
{
	u64 *page = mode->count < ARRAY_SIZE(mode->pages)
			    ? (u64 *)get_zeroed_page(GFP_KERNEL | GFP_DMA32)
			    : NULL;

	if (page)
		mode->pages[mode->count++] = page;
	return page;
}

static void mode_destroy(struct mode *mode)
{
	while (mode->count)
		free_page((unsigned long)mode->pages[--mode->count]);
	tables_destroy(&mode->tables);
}

static u64 code_segment(u64 base, bool is_64_bit, bool is_32_bit)
{
	u64 segment = 0x008f9b000000ffff | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;

	return segment | (u64)is_64_bit << 53 | (u64)is_32_bit << 54;
}

static u64 interrupt_gate(u32 address)
{
	return (address & 0xffff) | __KERNEL32_CS << 16 | 0x8eULL << 40 |
	       (u64)(address >> 16) << 48;
}

static void fill_home(struct mode *mode)
{
	struct excursion *e = mode->excursion;
	u32 home = virt_to_phys(mode->home), data = home + EXCURSION_DATA;
	unsigned int i;

	memcpy(mode->home, excursion_code, excursion_code_end - excursion_code);
	*(u32 *)(mode->home + (excursion_patch - excursion_code)) = home;
	e->gdt[__KERNEL32_CS / 8] = code_segment(0, false, true);
	e->gdt[__KERNEL_CS / 8] = code_segment(0, true, false);
	e->gdt[__KERNEL_DS / 8] = 0x00cf93000000ffff;
	e->gdt[CODE16 / 8] = code_segment((u32)(u64)gate, false, false);
	for (i = 0; i < EXCURSION_VECTORS; i++)
		e->idt[i] = interrupt_gate(home + i * EXCURSION_ENTRY_SIZE);
	e->gdtr.base = data + offsetof(struct excursion, gdt);
	e->gdtr.limit = sizeof(e->gdt) - 1;
	e->idtr.base = data + offsetof(struct excursion, idt);
	e->idtr.limit = sizeof(e->idt) - 1;
	e->own_cr3 = tables_cr3(&mode->tables);
	e->back = (u64)excursion_end;
}

static int mode_create(struct mode *mode)
{
	int err;

	*mode = (struct mode){};
	err = tables_create(&mode->tables);
	mode->home = (u8 *)add_page(mode);
	mode->code = (u8 *)add_page(mode);
	if (!err && mode->home && mode->code)
		err = tables_map(&mode->tables, virt_to_phys(mode->home), virt_to_phys(mode->home));
	if (err || !mode->home || !mode->code || virt_to_phys(mode->home) >= SZ_1G ||
	    upper_32_bits(tables_cr3(&mode->tables))) {
		mode_destroy(mode);
		return -ENOMEM;
	}
	mode->excursion = (struct excursion *)(mode->home + EXCURSION_DATA);
	fill_home(mode);
	return 0;
}

/*
 * The page's own address shows the page; all others of this GiB one and the same page, so that a stack pointer
 * may be whatever the compartment leaves in it.
 */
static u64 *home_directory(struct mode *mode)
{
	u64 *directory = add_page(mode), *all = add_page(mode), *own = add_page(mode),
	    *waste = add_page(mode);
	u64 home = virt_to_phys(mode->home);
	unsigned int i;

	if (!directory || !all || !own || !waste)
		return NULL;
	for (i = 0; i < ENTRIES; i++) {
		directory[i] = virt_to_phys(all) | PAGE_FLAGS;
		all[i] = virt_to_phys(waste) | PAGE_FLAGS;
		own[i] = all[i];
	}
	directory[(home >> 21) & (ENTRIES - 1)] = virt_to_phys(own) | PAGE_FLAGS;
	own[(home >> PAGE_SHIFT) & (ENTRIES - 1)] = home | PAGE_FLAGS;
	return directory;
}

/* The attacker's page in place of the gate's. */
static u64 *gate_directory(struct mode *mode)
{
	u64 *directory = add_page(mode), *table = add_page(mode);

	if (!directory || !table)
		return NULL;
	directory[((u64)gate >> 21) & (ENTRIES - 1)] = virt_to_phys(table) | PAGE_FLAGS;
	table[((u64)gate >> PAGE_SHIFT) & (ENTRIES - 1)] =
		virt_to_phys(mode->code) | PAGE_FLAGS | GLOBAL;
	return directory;
}

static int make_pae_tables(struct mode *mode)
{
	u64 *home = home_directory(mode), *code = gate_directory(mode);
	u64 *first = phys_to_virt(FIRST_PDPT), *second = phys_to_virt(SECOND_PDPT);
	unsigned int gib = (u32)(u64)gate >> 30;

	if (!home || !code)
		return -ENOMEM;
	memset(first, 0, sizeof(mode->saved));
	first[0] = second[0] = virt_to_phys(home) | PDPT_PRESENT;
	first[gib] = virt_to_phys(code) | PDPT_PRESENT;
	second[gib] = (SM_TABLES_GPA + B_GATE_PD * SM_PAGE_SIZE) | PDPT_PRESENT;
	second[gib - 1] = (SM_WINDOW_GPA + virt_to_phys(code)) | PDPT_PRESENT;
	mode->excursion->cr0 = X86_CR0_PG;
	mode->excursion->cr3 = FIRST_PDPT;
	mode->excursion->late_cr3 = SECOND_PDPT;
	return 0;
}

/* MOV CR3, EDX; VMFUNC; what stands at offset is the gate's. */
static void aim(struct mode *mode, unsigned int offset)
{
	static const u8 way[WAY_LENGTH] = {0x0f, 0x22, 0xda, 0x0f, 0x01, 0xd4};

	memset(mode->code, 0xcc, PAGE_SIZE);
	memcpy(mode->code + offset - WAY_LENGTH, way, WAY_LENGTH);
}

/* Returns the vector of the exception that ended it. */
static unsigned int go(struct mode *mode, u32 address)
{
	struct excursion *e = mode->excursion;
	unsigned long flags;
	unsigned int vector;

	e->eip = address;
	if (mode->is_real) {
		e->fill = address;
		e->eip = virt_to_phys(mode->home) + (excursion_real - excursion_code);
	}
	local_irq_save(flags);
	vector = excursion_go(virt_to_phys(mode->home), e->own_cr3);
	local_irq_restore(flags);
	return vector;
}

/* Wherever the gate could be entered. */
static enum outcome enter_everywhere(struct mode *mode, u32 page_address)
{
	static const u16 offsets[] = {
		GATE_ARM_OFFSET,        GATE_MODE_TRAP_OFFSET,
		GATE_CR3_BRANCH_OFFSET, GATE_VMFUNC_MONITOR_OFFSET,
		GATE_EXIT_OFFSET,       GATE_DISARM_OFFSET,
		GATE_LEAVE_OFFSET,      GATE_BAD_OFFSET,
	};
	unsigned int i, refused = 0;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		aim(mode, offsets[i]);
		mode->excursion->ecx = SM_VIEW_GATE;
		refused += go(mode, page_address + offsets[i] - WAY_LENGTH) == X86_TRAP_UD;
	}
	attack_note("%u of %zu refused", refused, ARRAY_SIZE(offsets));
	return refused == ARRAY_SIZE(offsets) ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome enter_in_pae(u32 cs, u32 page_address)
{
	enum outcome outcome = ATTACK_IMPOSSIBLE;
	struct mode mode;

	if (mode_create(&mode))
		return ATTACK_IMPOSSIBLE;
	memcpy(mode.saved, phys_to_virt(FIRST_PDPT), sizeof(mode.saved));
	if (!make_pae_tables(&mode)) {
		mode.excursion->cs = cs;
		mode.excursion->fill = (u32)((u64)gate + SM_VA_LIST);
		outcome = enter_everywhere(&mode, page_address);
	}
	memcpy(phys_to_virt(FIRST_PDPT), mode.saved, sizeof(mode.saved));
	mode_destroy(&mode);
	return outcome;
}

static enum outcome pae(void)
{
	return enter_in_pae(__KERNEL32_CS, (u32)(u64)gate);
}

static enum outcome pae_16_bit(void)
{
	return enter_in_pae(CODE16, 0);
}

/* Linear addresses are physical ones. */
static enum outcome unpaged(void)
{
	enum outcome outcome;
	struct mode mode;

	if (mode_create(&mode))
		return ATTACK_IMPOSSIBLE;
	mode.excursion->cs = __KERNEL32_CS;
	outcome = enter_everywhere(&mode, virt_to_phys(mode.code));
	mode_destroy(&mode);
	return outcome;
}

static void fill_low(struct mode *mode, u8 *low)
{
	struct excursion *e = mode->excursion;
	u32 home = virt_to_phys(mode->home);
	unsigned int i;

	memcpy(low, excursion_low, excursion_low_end - excursion_low);
	*(u32 *)(low + (excursion_low_patch - excursion_low)) =
		home + (excursion_back - excursion_code);
	for (i = 0; i < EXCURSION_VECTORS; i++)
		e->real_idt[i] = LOW >> 4 << 16 | i * EXCURSION_ENTRY_SIZE;
	e->real_idtr.base = home + EXCURSION_DATA + offsetof(struct excursion, real_idt);
	e->real_idtr.limit = sizeof(e->real_idt) - 1;
}

/* With the segments of protected mode, so that all of the first 4 GiB can be reached. */
static enum outcome real_mode(void)
{
	static u8 saved[LOW_SIZE];
	u8 *low = phys_to_virt(LOW);
	enum outcome outcome;
	struct mode mode;

	if (excursion_low_end - excursion_low > LOW_SIZE || mode_create(&mode))
		return ATTACK_IMPOSSIBLE;
	memcpy(saved, low, LOW_SIZE);
	fill_low(&mode, low);
	mode.is_real = true;
	mode.excursion->cs = __KERNEL32_CS;
	outcome = enter_everywhere(&mode, virt_to_phys(mode.code));
	memcpy(low, saved, LOW_SIZE);
	mode_destroy(&mode);
	return outcome;
}

/* That the attacker gets there and back: an instruction of his own. */
static enum outcome excursion_control(void)
{
	enum outcome outcome;
	struct mode mode;

	if (mode_create(&mode))
		return ATTACK_IMPOSSIBLE;
	memset(mode.code, 0xcc, PAGE_SIZE);
	mode.excursion->cs = __KERNEL32_CS;
	outcome = go(&mode, virt_to_phys(mode.code)) == X86_TRAP_BP ? ATTACK_SUCCEEDED
								    : ATTACK_IMPOSSIBLE;
	mode_destroy(&mode);
	return outcome;
}

/* The pinned GDT has room for a segment of the attacker's. */
static enum landing jump_in_segment(struct jump *jump, u64 segment)
{
	enum landing landing;
	unsigned long flags;
	u64 *entry, before;

	local_irq_save(flags);
	entry = (u64 *)&get_current_gdt_rw()[GDT_ENTRY_TLS_MIN];
	before = *entry;
	*entry = segment;
	jump->cs = GDT_ENTRY_TLS_MIN * 8;
	landing = run_jump(jump);
	*entry = before;
	local_irq_restore(flags);
	return landing;
}

/*
 * 32-bit or 16-bit code in long mode, the gate's page being at page_address in its segment: B is what is walked, and
 * has nothing below 4 GiB.  Without VMFUNC an instruction of the attacker's own ends it.
 */
static enum landing enter_in_compatibility(u64 segment, u32 page_address, bool with_vmfunc)
{
	static const u8 ud2[] = {0x0f, 0x0b};
	struct jump jump = {.rip = page_address + GATE_ARM_OFFSET - 3};
	enum landing landing = LANDED_THROUGH;
	struct attack_page page;
	int err;

	if (page_create(&page))
		return LANDED_THROUGH;
	page_aim(&page, GATE_ARM_OFFSET, false);
	if (!with_vmfunc)
		memcpy(page.code + PAGE_SIZE + GATE_ARM_OFFSET - 3, ud2, sizeof(ud2));
	err = tables_map(&page.tables, (u32)(u64)gate, virt_to_phys(page.code) + PAGE_SIZE);
	if (!err) {
		jump.cr3 = tables_cr3(&page.tables);
		jump.rsp = page_stack(&page);
		landing = jump_in_segment(&jump, segment);
	}
	page_destroy(&page);
	return landing;
}

static enum landing enter_in_32_bit(bool with_vmfunc)
{
	return enter_in_compatibility(code_segment(0, false, true), (u32)(u64)gate, with_vmfunc);
}

static enum landing enter_in_16_bit(bool with_vmfunc)
{
	return enter_in_compatibility(code_segment((u32)(u64)gate, false, false), 0, with_vmfunc);
}

static enum outcome compatibility(void)
{
	return enter_in_32_bit(true) == LANDED_UD ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome compatibility_control(void)
{
	return enter_in_32_bit(false) == LANDED_UD ? ATTACK_SUCCEEDED : ATTACK_IMPOSSIBLE;
}

static enum outcome segment_16_bit(void)
{
	return enter_in_16_bit(true) == LANDED_UD ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome segment_16_bit_control(void)
{
	return enter_in_16_bit(false) == LANDED_UD ? ATTACK_SUCCEEDED : ATTACK_IMPOSSIBLE;
}

const struct attack mode_attacks[] = {{"mode-pae", pae},
				      {"mode-pae-trap", pae},
				      {"mode-pae-16-bit", pae_16_bit},
				      {"mode-unpaged", unpaged},
				      {"mode-real", real_mode},
				      {"mode.control", excursion_control},
				      {"mode-compatibility", compatibility},
				      {"mode-compatibility.control", compatibility_control},
				      {"mode-16-bit-segment", segment_16_bit},
				      {"mode-16-bit-segment.control", segment_16_bit_control},
				      {}};
