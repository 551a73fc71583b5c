// SPDX-License-Identifier: GPL-2.0-or-later
/* Looks at the hooks of a guest whose memory, page tables and time the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "../../host/kmod/shadowmon.h"

#define P     BIT_ULL(0)
#define US    BIT_ULL(2)
#define LARGE BIT_ULL(7)
#define NX    BIT_ULL(63)

#define PAGES       1100 /* of RAM: 4 MiB and some, so that 2 MiB pages fit */
#define DIRECT_MAP  0xffff888000000000ULL
#define TEXT_VA     0xffffffff81000000ULL
#define TEXT_GPA    0x200000ULL /* 2 MiB-aligned */
#define DATA_VA     0xffffffff81a03000ULL
#define DATA_GPA    0x22000ULL
#define TSS_GPA     0x21000ULL
#define MODULE_VA   0xffffffffc0100000ULL
#define MODULE_GPA  0x10000ULL
#define COPY_GPA    0x20000ULL
#define SITE        0x1234 /* offset in the text of a call site; another one lies across two pages */
#define SITE_ACROSS 0x2ffe
#define RIP         0xffffffff81112233ULL
#define EXTERNAL    EXIT_REASON_EXTERNAL_INTERRUPT

unsigned long jiffies;
struct srcu_struct smh_srcu;

static u8 (*ram)[SM_PAGE_SIZE];
static struct {
	struct kvm kvm;
	struct kvm_vcpu kvm_vcpu;
	struct smh_vm vm;
	struct smh_vcpu v;
	u64 cr0, cr3;
	u64 next_table; /* guest-physical: tables grow from here */
	u64 hole;       /* a page that is no RAM at this moment, or 0 */
	void (*on_read)(u64 gpa);
	bool mm_is_gone;
	unsigned int reports, flushes, reads;
	struct sm_record_violation last;
	void *pool[32];
	unsigned int nr_pool;
} t;

/* --- what the module calls ------------------------------------------------------------------------ */

u64 smh_vmread(unsigned long field)
{
	return field == GUEST_CR0 ? t.cr0 : t.cr3;
}

u64 smh_vcpu_rip(struct smh_vcpu *v)
{
	(void)v;
	return RIP;
}

void *smh_pool_page(struct smh_pool *pool)
{
	(void)pool;
	t.pool[t.nr_pool] = calloc(1, SM_PAGE_SIZE);
	return t.pool[t.nr_pool++];
}

int kvm_read_guest(struct kvm *kvm, uint64_t gpa, void *data, unsigned long len)
{
	(void)kvm;
	assert_true((gpa & ~0xfffULL) == ((gpa + len - 1) & ~0xfffULL));
	if (t.on_read)
		t.on_read(gpa);
	if (gpa / SM_PAGE_SIZE >= PAGES || (t.hole && gpa / SM_PAGE_SIZE == t.hole / SM_PAGE_SIZE))
		return -EFAULT;
	t.reads++;
	memcpy(data, &ram[gpa / SM_PAGE_SIZE][gpa % SM_PAGE_SIZE], len);
	return 0;
}

void smh_host_ring_put(struct smh_vm *vm, struct sm_record *rec, u32 len)
{
	assert_ptr_equal(vm, &t.vm);
	assert_int_equal(len, sizeof(t.last));
	memcpy(&t.last, rec, len);
	t.reports++;
}

void kvm_make_request(int request, struct kvm_vcpu *vcpu)
{
	assert_ptr_equal(vcpu, &t.kvm_vcpu);
	t.flushes += request == KVM_REQ_TLB_FLUSH_GUEST;
}

uint32_t get_random_u32(void)
{
	return (uint32_t)rand();
}

bool mmget_not_zero(struct mm_struct *mm)
{
	(void)mm;
	return !t.mm_is_gone;
}

void mmput(struct mm_struct *mm)
{
	(void)mm;
}

void kthread_use_mm(struct mm_struct *mm)
{
	(void)mm;
}

void kthread_unuse_mm(struct mm_struct *mm)
{
	(void)mm;
}

/* --- the guest --------------------------------------------------------------------------------------- */

static u8 *at(u64 gpa)
{
	return &ram[gpa / SM_PAGE_SIZE][gpa % SM_PAGE_SIZE];
}

/* The entry for va in the tables at cr3, at the level of shift; tables are made on the way. */
static u64 *entry(u64 cr3, u64 va, int shift)
{
	u64 table = cr3, *e;
	int s;

	for (s = 39;; s -= 9) {
		e = (u64 *)at(table) + ((va >> s) & 511);
		if (s == shift)
			return e;
		if (!(*e & P)) {
			*e = t.next_table | P | US;
			t.next_table += SM_PAGE_SIZE;
		}
		table = *e & GENMASK_ULL(51, 12);
	}
}

static u64 *pte(u64 va)
{
	return entry(t.cr3, va, 12);
}

/* They map nothing so far. */
static void use_new_tables(void)
{
	t.cr3 = t.next_table;
	t.next_table += SM_PAGE_SIZE;
}

static void add(u64 va, u64 gpa, u32 len)
{
	struct smh_range *range = &t.vm.protect.ranges[t.vm.protect.nr_ranges++];

	*range = (struct smh_range){.va = va, .gpa = gpa, .len = len};
	assert_int_equal(smh_verify_remember(&t.vm, range), 0);
}

/* Text of the kernel in a page of 2 MiB, that of the guest module in pages of 4 KiB. */
static int setup(void **state)
{
	unsigned int i;

	(void)state;
	ram = calloc(PAGES, SM_PAGE_SIZE);
	memset(&t, 0, sizeof(t));
	for (i = 16; i < PAGES; i++)
		memset(ram[i], i, SM_PAGE_SIZE);
	for (i = 64; i < 128; i++)
		memset(ram[i], 0, SM_PAGE_SIZE);
	t.cr0 = X86_CR0_PG | X86_CR0_PE;
	t.cr3 = 64 * SM_PAGE_SIZE;
	t.next_table = 65 * SM_PAGE_SIZE;
	t.kvm_vcpu.arch.efer = EFER_LMA;
	t.vm.kvm = &t.kvm;
	t.vm.kernel_cr3 = t.cr3;
	t.vm.agent.data_va = DATA_VA + 64;
	t.vm.agent.kernel_va = DATA_VA;
	t.vm.agent.kernel_pa = DATA_GPA;
	t.v = (struct smh_vcpu){.vm = &t.vm, .vcpu = &t.kvm_vcpu, .index = 3};
	*entry(t.cr3, DIRECT_MAP, 30) = P | LARGE | NX;
	*entry(t.cr3, TEXT_VA, 21) = TEXT_GPA | P | LARGE;
	*pte(DATA_VA) = DATA_GPA | P | NX;
	for (i = 0; i < 10; i++) {
		*pte(MODULE_VA + i * SM_PAGE_SIZE) = (MODULE_GPA + i * SM_PAGE_SIZE) | P;
		add(MODULE_VA + i * SM_PAGE_SIZE, MODULE_GPA + i * SM_PAGE_SIZE, SM_PAGE_SIZE);
	}
	add(TEXT_VA + SITE, TEXT_GPA + SITE, 5);
	add(TEXT_VA + SITE_ACROSS, TEXT_GPA + SITE_ACROSS, 2);
	add(TEXT_VA + SITE_ACROSS + 2, TEXT_GPA + SITE_ACROSS + 2, 3);
	jiffies = 1000;
	smh_verify_start(&t.vm);
	smh_verify_meet(&t.v);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	while (t.nr_pool)
		free(t.pool[--t.nr_pool]);
	free(ram);
	return 0;
}

static void look(void)
{
	jiffies = t.v.look.due;
	smh_verify_look(&t.v, EXTERNAL);
}

/* As many looks as see everything.  How many reports they made. */
static unsigned int look_at_all(void)
{
	unsigned int i, before = t.reports;

	for (i = 0; i < 10; i++)
		look();
	return t.reports - before;
}

static void assert_last(u32 reason, u64 gpa, u64 gla)
{
	assert_int_equal(t.last.h.type, SM_RECORD_VIOLATION);
	assert_int_equal(t.last.reason, reason);
	assert_int_equal(t.last.gpa, gpa);
	assert_int_equal(t.last.gla, gla);
	assert_int_equal(t.last.cr3, t.cr3);
	assert_int_equal(t.last.vcpu, 3);
	assert_int_equal(t.last.view, SM_VIEW_TARGET);
	assert_int_equal(t.last.rip, RIP);
	assert_int_equal(t.last.exit_reason, EXTERNAL);
}

/* --- bytes ------------------------------------------------------------------------------------------- */

static void nothing_is_told_of_a_sound_guest(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_int_equal(look_at_all(), 0);
	assert_int_equal(t.v.stats.violations, 0);
	assert_int_equal(t.flushes, 100);
}

static void a_changed_byte_is_told_once_a_change(void **state)
{
	const u64 changed[] = {
		MODULE_GPA,
		MODULE_GPA + 0xfff,
		MODULE_GPA + 9 * SM_PAGE_SIZE + 0x801,
		TEXT_GPA + SITE,
		TEXT_GPA + SITE + 4,
		TEXT_GPA + SITE_ACROSS + 1,
		TEXT_GPA + SITE_ACROSS + 2,
		TEXT_GPA + SITE_ACROSS + 4,
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(changed) / sizeof(*changed); i++) {
		u64 va = changed[i] < TEXT_GPA ? changed[i] - MODULE_GPA + MODULE_VA
					       : changed[i] - TEXT_GPA + TEXT_VA;

		*at(changed[i]) ^= 1;
		assert_int_equal(look_at_all(), 1);
		assert_last(SM_REASON_HOOK_CHANGED, changed[i], va);
		assert_int_equal(look_at_all() + look_at_all(), 0);
		*at(changed[i]) ^= 1;
		assert_int_equal(look_at_all(), 0);
		*at(changed[i]) ^= 1;
		assert_int_equal(look_at_all(), 1);
		*at(changed[i]) ^= 1;
		assert_int_equal(look_at_all(), 0);
	}
	assert_int_equal(t.v.stats.violations, 2 * i);
}

static void neighbours_of_a_call_site_are_the_guests_own(void **state)
{
	(void)state;
	*at(TEXT_GPA + SITE - 1) ^= 1;
	*at(TEXT_GPA + SITE + 5) ^= 1;
	*at(TEXT_GPA + SITE_ACROSS - 1) ^= 1;
	*at(TEXT_GPA + SITE_ACROSS + 5) ^= 1;
	assert_int_equal(look_at_all(), 0);
}

static void what_cannot_be_read_is_not_judged(void **state)
{
	(void)state;
	*at(MODULE_GPA) ^= 1;
	t.hole = MODULE_GPA;
	assert_int_equal(look_at_all(), 0);
	t.hole = 0;
	assert_int_equal(look_at_all(), 1);
	/* ... nor taken for a change back */
	t.hole = MODULE_GPA;
	look_at_all();
	t.hole = 0;
	assert_int_equal(look_at_all(), 0);
}

/* --- page tables ---------------------------------------------------------------------------------------- */

static void a_remapped_page_is_told_once_a_change(void **state)
{
	u64 va = MODULE_VA + 4 * SM_PAGE_SIZE, original = *pte(va);

	(void)state;
	*pte(va) = COPY_GPA | P;
	assert_int_equal(look_at_all(), 1);
	assert_last(SM_REASON_HOOK_MAPPED, COPY_GPA, va);
	assert_int_equal(look_at_all() + look_at_all(), 0);
	*pte(va) = original;
	assert_int_equal(look_at_all(), 0);
	*pte(va) = COPY_GPA | P;
	assert_int_equal(look_at_all(), 1);
}

/* Each call site of the text is another range. */
static void large_pages_are_walked(void **state)
{
	(void)state;
	*entry(t.cr3, TEXT_VA, 21) = P | LARGE;
	assert_int_equal(look_at_all(), 3);
	assert_int_equal(t.last.reason, SM_REASON_HOOK_MAPPED);
	assert_int_equal(t.last.gpa, t.last.gla - TEXT_VA);
}

static void a_page_split_in_place_is_the_same(void **state)
{
	unsigned int i;

	(void)state;
	*entry(t.cr3, TEXT_VA, 21) = 0;
	for (i = 0; i < 4; i++)
		*pte(TEXT_VA + i * SM_PAGE_SIZE) = (TEXT_GPA + i * SM_PAGE_SIZE) | P;
	assert_int_equal(look_at_all(), 0);
}

static void what_the_kernel_cannot_execute_leads_nowhere(void **state)
{
	u64 va = MODULE_VA + 2 * SM_PAGE_SIZE, original = *pte(va);
	const u64 entries[] = {0, original & ~P, original | NX, original | US};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		*pte(va) = entries[i];
		assert_int_equal(look_at_all(), 1);
		assert_last(SM_REASON_HOOK_MAPPED, 0, va);
		*pte(va) = original;
		assert_int_equal(look_at_all(), 0);
	}
	*entry(t.cr3, va, 39) |= NX;
	assert_int_equal(look_at_all(), 13);
}

/*
 * With KPTI they have the page of the TSS in the direct map, what is needed to enter the kernel, perhaps all its text:
 * everything but its data and its modules.
 */
static void tables_of_user_mode_are_left_alone(void **state)
{
	(void)state;
	use_new_tables();
	assert_int_equal(look_at_all(), 0);
	*pte(DIRECT_MAP + TSS_GPA) = TSS_GPA | P | NX;
	*entry(t.cr3, TEXT_VA, 21) = (TEXT_GPA + 0x200000) | P | LARGE;
	assert_int_equal(look_at_all(), 0);
	*at(MODULE_GPA) ^= 1;
	assert_int_equal(look_at_all(), 1);
	assert_last(SM_REASON_HOOK_CHANGED, MODULE_GPA, MODULE_VA);
	*pte(DATA_VA) = DATA_GPA | P | NX;
	assert_int_equal(look_at_all(), 13);
}

/* It is in RAM still, and so are the tables; this kernel is elsewhere. */
static void a_vcpu_that_a_kernel_before_has_parked_is_left_alone(void **state)
{
	u64 ours = t.cr3;

	(void)state;
	t.v.look.ours = false;
	use_new_tables();
	*pte(DATA_VA) = COPY_GPA | P | NX;
	smh_verify_meet(&t.v);
	assert_int_equal(look_at_all(), 0);
	*at(MODULE_GPA) ^= 1;
	assert_int_equal(look_at_all(), 1);
	assert_last(SM_REASON_HOOK_CHANGED, MODULE_GPA, MODULE_VA);
	/* It boots into this one: from now on such tables are wrong. */
	t.cr3 = ours;
	smh_verify_meet(&t.v);
	assert_true(t.v.look.ours);
	assert_int_equal(look_at_all(), 0);
	use_new_tables();
	*pte(DATA_VA) = COPY_GPA | P | NX;
	assert_int_equal(look_at_all(), 13);
}

static void whose_a_vcpu_is_shows_by_tables_that_are_in_use(void **state)
{
	(void)state;
	t.v.look.ours = false;
	t.cr0 &= ~X86_CR0_PG;
	smh_verify_meet(&t.v);
	assert_false(t.v.look.ours);
	t.cr0 |= X86_CR0_PG;
	t.vm.verify.active = false;
	smh_verify_meet(&t.v);
	assert_false(t.v.look.ours);
	t.vm.verify.active = true;
	*pte(DATA_VA) = 0;
	smh_verify_meet(&t.v);
	assert_false(t.v.look.ours);
	/* in a page of 2 MiB, too */
	*entry(t.cr3, DATA_VA, 21) = TEXT_GPA | P | LARGE | NX;
	t.vm.agent.kernel_pa = TEXT_GPA + (DATA_VA & 0x1fffff);
	smh_verify_meet(&t.v);
	assert_true(t.v.look.ours);
}

static void other_modes_have_other_tables(void **state)
{
	(void)state;
	*pte(MODULE_VA) = 0;
	t.cr0 &= ~X86_CR0_PG;
	assert_int_equal(look_at_all(), 0);
	t.cr0 |= X86_CR0_PG;
	t.kvm_vcpu.arch.efer = 0;
	assert_int_equal(look_at_all(), 0);
	t.kvm_vcpu.arch.efer = EFER_LMA;
	t.kvm_vcpu.arch.hflags = HF_SMM_MASK;
	assert_int_equal(look_at_all(), 0);
	t.kvm_vcpu.arch.hflags = 0;
	t.kvm_vcpu.arch.cr4 = X86_CR4_LA57;
	assert_int_equal(look_at_all(), 0);
	t.kvm_vcpu.arch.cr4 = 0;
	assert_int_equal(look_at_all(), 1);
}

static void a_table_that_is_no_ram_is_not_judged(void **state)
{
	(void)state;
	*entry(t.cr3, MODULE_VA, 30) = 0x7f00000000 | P;
	assert_int_equal(look_at_all(), 0);
	t.cr3 = 0x7f00000000;
	assert_int_equal(look_at_all(), 0);
}

static u64 table_of_module;

/* The entry is wrong when it is read first, and right from then on. */
static void put_right(u64 gpa)
{
	static u64 seen;

	if (gpa != table_of_module)
		return;
	if (seen++ == 1)
		*pte(MODULE_VA) = MODULE_GPA | P;
}

static void a_table_in_the_midst_of_a_change_is_no_finding(void **state)
{
	(void)state;
	table_of_module = (u64)((u8 *)pte(MODULE_VA) - &ram[0][0]);
	*pte(MODULE_VA) = COPY_GPA | P;
	t.on_read = put_right;
	assert_int_equal(look_at_all(), 0);
	assert_int_equal(*pte(MODULE_VA), MODULE_GPA | P);
}

/* --- when ------------------------------------------------------------------------------------------------ */

static void exits_that_the_guest_chooses_are_no_looks_until_overdue(void **state)
{
	(void)state;
	t.v.look.due = jiffies;
	t.reads = 0;
	for (; jiffies < t.v.look.due + HZ; jiffies++)
		smh_verify_look(&t.v, EXIT_REASON_CPUID);
	assert_int_equal(t.reads, 0);
	smh_verify_look(&t.v, EXIT_REASON_CPUID);
	assert_int_equal(t.flushes, 1);
}

/* ... so that what exits once a second only is seen whole each time. */
static void a_late_look_makes_up_for_those_that_were_missed(void **state)
{
	const struct {
		unsigned long late;
		unsigned int least, most; /* ranges of 13 */
	} cases[] = {{0, 2, 2}, {3 * HZ / 10, 5, 6}, {HZ, 13, 13}, {100 * HZ, 13, 13}};
	unsigned int i;

	(void)state;
	look();
	for (i = 0; i < 13; i++)
		*at(t.vm.protect.ranges[i].gpa) ^= 1;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		jiffies = t.v.look.due + cases[i].late;
		t.reports = 0;
		t.vm.verify.changed[0] = 0;
		smh_verify_look(&t.v, EXTERNAL);
		assert_in_range(t.reports, cases[i].least, cases[i].most);
	}
}

static void looks_are_a_tenth_of_a_second_apart_in_the_mean(void **state)
{
	unsigned long start, i, wait, shortest = ~0UL, longest = 0;

	(void)state;
	look();
	start = jiffies;
	for (i = 0; i < 1000; i++) {
		look();
		wait = t.v.look.due - jiffies;
		shortest = wait < shortest ? wait : shortest;
		longest = wait > longest ? wait : longest;
	}
	assert_in_range(shortest, 1, 3);
	assert_in_range(longest, 2 * (HZ / 10) - 3, 2 * (HZ / 10));
	assert_in_range(jiffies - start, 1000 * (HZ / 10) * 9 / 10, 1000 * (HZ / 10) * 11 / 10);
}

static void before_lock_and_after_suspend_there_are_none(void **state)
{
	(void)state;
	*at(MODULE_GPA) ^= 1;
	t.vm.verify.active = false;
	assert_int_equal(look_at_all(), 0);
	smh_verify_stop(&t.vm);
	assert_int_equal(t.reports, 0);
	smh_verify_start(&t.vm);
	smh_verify_suspend(&t.vm);
	assert_int_equal(look_at_all(), 0);
}

static void suspend(u64 gpa)
{
	if (gpa >= TEXT_GPA)
		smh_verify_suspend(&t.vm);
}

/* The guest unhooks when it may: that is no finding, even if a look has begun before. */
static void a_look_that_was_overtaken_tells_nothing(void **state)
{
	(void)state;
	*at(TEXT_GPA + SITE) ^= 1;
	t.on_read = suspend;
	assert_int_equal(look_at_all(), 0);
}

static void the_end_looks_at_everything(void **state)
{
	(void)state;
	*at(MODULE_GPA + 5) ^= 1;
	*at(TEXT_GPA + SITE_ACROSS + 4) ^= 1;
	*pte(MODULE_VA + SM_PAGE_SIZE) = COPY_GPA | P;
	smh_verify_stop(&t.vm);
	assert_int_equal(t.reports, 3);
	assert_int_equal(t.last.gpa, TEXT_GPA + SITE_ACROSS + 4);
	assert_int_equal(t.last.cr3, t.vm.kernel_cr3);
	assert_int_equal(t.last.rip, 0);
	smh_verify_stop(&t.vm);
	assert_int_equal(t.reports, 3);
	assert_int_equal(look_at_all(), 0);
}

static void nobody_looks_at_a_vm_that_is_gone(void **state)
{
	(void)state;
	*at(MODULE_GPA) ^= 1;
	t.mm_is_gone = true;
	smh_verify_stop(&t.vm);
	smh_verify_start(&t.vm);
	t.mm_is_gone = false;
	t.vm.gone = true;
	smh_verify_stop(&t.vm);
	assert_int_equal(t.reports, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_told_of_a_sound_guest),
		TEST(a_changed_byte_is_told_once_a_change),
		TEST(neighbours_of_a_call_site_are_the_guests_own),
		TEST(what_cannot_be_read_is_not_judged),
		TEST(a_remapped_page_is_told_once_a_change),
		TEST(large_pages_are_walked),
		TEST(a_page_split_in_place_is_the_same),
		TEST(what_the_kernel_cannot_execute_leads_nowhere),
		TEST(tables_of_user_mode_are_left_alone),
		TEST(a_vcpu_that_a_kernel_before_has_parked_is_left_alone),
		TEST(whose_a_vcpu_is_shows_by_tables_that_are_in_use),
		TEST(other_modes_have_other_tables),
		TEST(a_table_that_is_no_ram_is_not_judged),
		TEST(a_table_in_the_midst_of_a_change_is_no_finding),
		TEST(exits_that_the_guest_chooses_are_no_looks_until_overdue),
		TEST(a_late_look_makes_up_for_those_that_were_missed),
		TEST(looks_are_a_tenth_of_a_second_apart_in_the_mean),
		TEST(before_lock_and_after_suspend_there_are_none),
		TEST(a_look_that_was_overtaken_tells_nothing),
		TEST(the_end_looks_at_everything),
		TEST(nobody_looks_at_a_vm_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
