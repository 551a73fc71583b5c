// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shadowmon_hooks.ko: writes to what the hooks need, in every way that ring 0 has, when it is loaded.
 * With expect=written (nothing is locked) each must work, or the test would show nothing; with
 * expect=refused none may.  What is written is taken back.
 */

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>
#include <asm/asm.h>
#include <asm/cmpxchg.h>
#include <asm/fpu/api.h>
#include <asm/kvm_para.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include <shadowmon/hypercall.h>
#include <shadowmon/layout.h>

#include "call_site.h"

static char *expect = "refused";
module_param(expect, charp, 0444);

static char *function = "security_bprm_committed_creds";
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "a hooked function of the kernel proper");

static const u8 other_nop5[CALL_SIZE] = {0x66, 0x66, 0x66, 0x66, 0x90};

static int tests, failures;

static void tap(bool ok, const char *what, const char *where)
{
	pr_info("attack: %sok %d - %s: %s\n", ok ? "" : "not ", ++tests, where, what);
	failures += !ok;
}

/* --- ways to write CALL_SIZE bytes ------------------------------------------------------------------ */

static noinline void by_store(u8 *at, const u8 *bytes)
{
	WRITE_ONCE(*(u32 *)at, *(const u32 *)bytes);
	WRITE_ONCE(at[4], bytes[4]);
}

static noinline void by_cmpxchg(u8 *at, const u8 *bytes)
{
	u64 old = READ_ONCE(*(u64 *)at), new = old;

	memcpy(&new, bytes, CALL_SIZE);
	cmpxchg((u64 *)at, old, new);
}

/* From eight bytes before to eleven behind. */
static noinline void by_string(u8 *at, const u8 *bytes)
{
	u8 copy[24], *from = copy, *to = at - 8;
	unsigned long count = sizeof(copy);

	memcpy(copy, to, sizeof(copy));
	memcpy(copy + 8, bytes, CALL_SIZE);
	asm volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
}

/* KVM's emulator does not know MOVLPS. */
static noinline void by_movlps(u8 *at, const u8 *bytes)
{
	u64 copy = READ_ONCE(*(u64 *)at);

	memcpy(&copy, bytes, CALL_SIZE);
	kernel_fpu_begin();
	asm volatile("movlps %1, %%xmm0\n"
		     "1:	movlps %%xmm0, %0\n"
		     "2:\n" _ASM_EXTABLE(1b, 2b)
		     : "=m"(*(u64 *)at)
		     : "m"(copy));
	kernel_fpu_end();
}

/* KVM writes the time of day there. */
static noinline void by_kvm(u8 *at, const u8 *bytes)
{
	wrmsrl_safe(MSR_KVM_WALL_CLOCK_NEW, slow_virt_to_phys(at));
}

static __always_inline void write_protection(bool on)
{
	unsigned long cr0;

	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	cr0 = on ? cr0 | X86_CR0_WP : cr0 & ~X86_CR0_WP;
	asm volatile("mov %0, %%cr0" : : "r"(cr0) : "memory");
}

/* --- attacks ------------------------------------------------------------------------------------------ */

/* Through at, which shows the bytes of site. */
static void attack(const u8 *site, u8 *at, void (*write)(u8 *, const u8 *), const char *what,
		   const char *where)
{
	bool wanted = !strcmp(expect, "written"), written;
	const u8 *bytes = memcmp(site, nop5, CALL_SIZE) ? nop5 : other_nop5;
	u8 before[24];
	unsigned long flags;

	memcpy(before, site, sizeof(before));
	local_irq_save(flags);
	write_protection(false);
	write(at, bytes);
	written = memcmp(site, before, CALL_SIZE);
	if (written)
		memcpy(at, before, sizeof(before));
	write_protection(true);
	local_irq_restore(flags);
	tap(written == wanted, what, where);
}

static void attack_all(u8 *site, const char *where)
{
	struct page *page = pfn_to_page(slow_virt_to_phys(site) >> PAGE_SHIFT);
	u8 *direct = (u8 *)page_address(page) + offset_in_page(site);
	u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);

	pr_info("attack: # %s is at %llx\n", where, (u64)page_to_phys(page) + offset_in_page(site));
	attack(site, site, by_store, "store by its own mapping", where);
	attack(site, direct, by_store, "store by the direct map", where);
	if (alias)
		attack(site, alias + offset_in_page(site), by_store, "store by an alias", where);
	attack(site, site, by_cmpxchg, "lock cmpxchg", where);
	attack(site, direct, by_string, "rep movsb across it", where);
	attack(site, direct, by_movlps, "an instruction that KVM does not emulate", where);
	attack(site, direct, by_kvm, "KVM's own write at an address of the guest's choice", where);
	vunmap(alias);
}

/* The byte behind the call is no one's: it can be written. */
static void others_pass(u8 *site, const char *where)
{
	u8 *at = site + CALL_SIZE, before = *at;
	u32 across;
	unsigned long flags;
	bool ok;

	local_irq_save(flags);
	write_protection(false);
	WRITE_ONCE(*at, before ^ 0xff);
	ok = READ_ONCE(*at) == (u8)~before;
	WRITE_ONCE(*at, before);
	ok &= READ_ONCE(*at) == before;
	/* ... locked too */
	across = READ_ONCE(*(u32 *)at);
	ok &= cmpxchg((u32 *)at, across, ~across) == across && READ_ONCE(*(u32 *)at) == ~across;
	WRITE_ONCE(*(u32 *)at, across);
	write_protection(true);
	local_irq_restore(flags);
	tap(ok, "the bytes behind it can be written", where);
}

static int __init hooks_init(void)
{
	u8 *ping, *kernel, *stubs, *gate;
	int err = find_lookup();

	if (err)
		return err;
	ping = call_site("shadowmon_ping");
	kernel = call_site(function);
	stubs = (u8 *)lookup("smg_stubs");
	gate = (u8 *)lookup("smg_gate");
	if (!ping || !kernel || !stubs || !gate) {
		pr_err("attack: shadowmon_guest is not loaded\n");
		return -ENOENT;
	}
	attack_all(ping, "call site in a module");
	others_pass(ping, "call site in a module");
	attack_all(kernel, "call site in the kernel");
	others_pass(kernel, "call site in the kernel");
	attack(stubs + 64, stubs + 64, by_store, "store", "a stub");
	attack(stubs + PAGE_SIZE + 64, stubs + PAGE_SIZE + 64, by_store, "store",
	       "a stub's second page");
	attack(gate, gate, by_store, "store", "the gate's copy");
	attack(gate - 16, gate - 16, by_store, "store", "the return label");
	attack(gate - PAGE_SIZE, gate - PAGE_SIZE, by_store, "store", "the way out without a host");
	pr_info("attack: 1..%d\n", tests);
	return failures ? -EIO : 0;
}

static void __exit hooks_exit(void)
{
}

module_init(hooks_init);
module_exit(hooks_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Attacks on ShadowMonitor's hooks from ring 0 of a guest");
