// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shadowmon_attack.ko: runs all attacks when it is loaded and prints a TAP line for each.  What must
 * hold is that #UD comes back and the guest goes on; that each was reported the host checks.
 */

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include <shadowmon/layout.h>

#include "attack.h"
#include "gate_offsets.h"

static int tests, failures;

static void tap(bool ok, const char *what)
{
	pr_info("attack: %sok %d - %s\n", ok ? "" : "not ", ++tests, what);
	failures += !ok;
}

static u8 *find_gate(void)
{
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };
	unsigned long (*lookup)(const char *name);

	if (register_kprobe(&kp))
		return NULL;
	lookup = (void *)kp.addr;
	unregister_kprobe(&kp);
	return (u8 *)lookup("smg_gate");
}

static void memory_attacks(void)
{
	static const struct {
		u64 gpa;
		const char *what;
	} pages[] = {
		{ SM_GATE_GPA, "the gate page" },
		{ SM_TABLES_GPA, "B" },
		{ SM_IMAGE_GPA, "the compartment's code" },
		{ SM_CPU_GPA + SM_CPU_LIST, "the EPTP list" },
		{ SM_CPU_GPA + SM_CPU_STATE, "the vCPU's state" },
		{ SM_CPU_GPA + SM_CPU_RING, "the ring" },
	};
	u64 *own = (u64 *)__get_free_page(GFP_KERNEL);
	char what[80];
	unsigned int i;

	if (!own)
		return;
	tap(run_read(own) == OUTCOME_FELL_THROUGH && run_write(own, 0x1234) == OUTCOME_FELL_THROUGH && *own == 0x1234,
	    "control: an ordinary page is read and written");
	free_page((unsigned long)own);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		unsigned long pfn = pages[i].gpa >> PAGE_SHIFT;
		void *address = vmap_pfn(&pfn, 1, PAGE_KERNEL);

		if (!address)
			continue;
		snprintf(what, sizeof(what), "read of %s is refused", pages[i].what);
		tap(run_read(address) == OUTCOME_REFUSED, what);
		snprintf(what, sizeof(what), "write of %s is refused", pages[i].what);
		tap(run_write(address, ~0ULL) == OUTCOME_REFUSED, what);
		vunmap(address);
	}
}

static void vmfunc_attacks(void)
{
	bool refused = true;
	u32 i;

	tap(run_vmfunc(0, SM_VIEW_TARGET) == OUTCOME_FELL_THROUGH, "control: VMFUNC to the own view is executed");
	tap(run_vmfunc(0, SM_VIEW_MONITOR) == OUTCOME_REFUSED, "VMFUNC to view 2 is refused");
	tap(run_vmfunc(0, SM_VIEW_GATE) == OUTCOME_REFUSED, "VMFUNC to view 1 from an arbitrary address is refused");
	for (i = 3; i < 512; i++)
		refused &= run_vmfunc(0, i) == OUTCOME_REFUSED;
	tap(refused, "VMFUNC to views 3 to 511 is refused");
	tap(run_vmfunc(0, 512) == OUTCOME_REFUSED && run_vmfunc(0, ~0u) == OUTCOME_REFUSED,
	    "VMFUNC with an index beyond the list is refused");
	refused = true;
	for (i = 1; i < 64; i++)
		refused &= run_vmfunc(i, 0) == OUTCOME_REFUSED;
	tap(refused, "VM functions 1 to 63 are refused");
}

/* In view 0 the guest's copy runs: its VMFUNCs to view 2 find it disarmed. */
static void copy_attacks(u8 *gate)
{
	tap(run_jump((u64)gate + GATE_VMFUNC_MONITOR_OFFSET - 3, 0, 0) == OUTCOME_REFUSED,
	    "jump to the load before the armed VMFUNC, in view 0, is refused");
	tap(run_jump((u64)gate + GATE_ENTER_OFFSET, 0, 0) == OUTCOME_FELL_THROUGH, "control: the gate's own entry works");
}

/*
 * VMFUNC(1) in a page of the attacker's at the gate's virtual address: the next instruction is the real
 * gate's, in view 1, at an offset of choice.
 */
static void sweep(u8 *gate, u8 *page, u64 cr3, u64 stack, const char *what)
{
	unsigned int offset, refused = 0, through = 0;

	for (offset = 3; offset < SM_PAGE_SIZE; offset++) {
		memset(page, 0xcc, SM_PAGE_SIZE);
		page[offset - 3] = 0x0f;
		page[offset - 2] = 0x01;
		page[offset - 1] = 0xd4;
		if (run_jump((u64)gate + offset - 3, cr3, stack) == OUTCOME_REFUSED)
			refused++;
		else
			through++;
	}
	pr_info("attack: # sweep with %s: %u offsets refused, %u came back by the gate\n", what, refused, through);
	tap(refused + through == SM_PAGE_SIZE - 3 && refused > SM_PAGE_SIZE - 100, what);
}

static void view1_attacks(u8 *gate)
{
	u8 *page = (u8 *)__get_free_page(GFP_KERNEL);
	u64 cr3 = page ? tables_create((unsigned long)gate, page) : 0;

	if (cr3) {
		sweep(gate, page, cr3, 0, "entry at every offset in view 1 is harmless");
		sweep(gate, page, cr3, (u64)gate + SM_VA_LIST + 0x18,
		      "entry at every offset in view 1 with RSP in the list page is harmless");
	} else {
		tap(false, "tables for the sweep");
	}
	tables_destroy();
	free_page((unsigned long)page);
}

static void cr3_attacks(u8 *gate)
{
	u64 no_flush = __read_cr4() & X86_CR4_PCIDE ? BIT_ULL(63) : 0;

	tap(run_jump((u64)gate + GATE_ENTER_OFFSET, SM_TABLES_GPA | no_flush, 0) == OUTCOME_REFUSED,
	    "CR3 in the shadow region is refused by the CR3 test");
}

static void trap_attacks(u8 *gate)
{
	tap(run_single_step((u64)gate + GATE_ENTER_OFFSET) == OUTCOME_REFUSED, "single step through the gate is refused");
}

static int __init attack_init(void)
{
	u8 *gate = find_gate();
	int err;

	if (!gate) {
		pr_err("attack: shadowmon_guest is not loaded\n");
		return -ENOENT;
	}
	err = recover_init();
	if (err)
		return err;
	memory_attacks();
	vmfunc_attacks();
	copy_attacks(gate);
	view1_attacks(gate);
	cr3_attacks(gate);
	trap_attacks(gate);
	pr_info("attack: 1..%d\n", tests);
	recover_exit();
	return failures ? -EIO : 0;
}

static void __exit attack_exit(void)
{
}

module_init(attack_init);
module_exit(attack_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Attacks on ShadowMonitor from ring 0 of a guest");
