// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooks after lock, of a guest that says what it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "../../host/kmod/shadowmon.h"

#define STUBS_VA 0xffffffffc0200000ULL
#define TEXT_VA  0xffffffff81000000ULL
#define TEXT_GPA 0x100000ULL
#define PAGES    2
#define SITE     0x123
#define ACROSS   (SM_PAGE_SIZE - 2) /* the call lies in two pages */
#define SLOT     7
#define NARGS    3

struct srcu_struct smh_srcu;

static struct {
	struct smh_vm vm;
	u8 text[PAGES * SM_PAGE_SIZE];
	u64 nowhere; /* a virtual address that leads to no code */
	unsigned int tracked, track_errors;
} t;

int smh_verify_translate(struct smh_vm *vm, u64 cr3, u64 va, u64 *ret_gpa)
{
	assert_int_equal(cr3, vm->kernel_cr3);
	if (va - TEXT_VA >= sizeof(t.text))
		return -EFAULT;
	*ret_gpa = va == t.nowhere ? 0 : TEXT_GPA + (va - TEXT_VA);
	return 0;
}

int smh_protect_track(struct smh_vm *vm, gfn_t gfn)
{
	(void)vm;
	assert_in_range(gfn, TEXT_GPA >> SM_PAGE_SHIFT, (TEXT_GPA >> SM_PAGE_SHIFT) + PAGES - 1);
	t.tracked++;
	return t.track_errors ? -EFAULT : 0;
}

int kvm_read_guest(struct kvm *kvm, uint64_t gpa, void *data, unsigned long len)
{
	(void)kvm;
	assert_true((gpa & ~0xfffULL) == ((gpa + len - 1) & ~0xfffULL));
	assert_int_not_equal(t.tracked, 0); /* or a write after the look would pass */
	memcpy(data, &t.text[gpa - TEXT_GPA], len);
	return 0;
}

static void write_call(u64 at, u64 target)
{
	s32 distance = (s32)(target - (TEXT_VA + at + SM_CALL_SITE_SIZE));

	t.text[at] = 0xe8;
	memcpy(&t.text[at + 1], &distance, sizeof(distance));
}

static u64 stub(u32 slot, u32 nargs)
{
	return STUBS_VA + ((u64)nargs * SM_SLOTS + slot) * SM_STUB_SIZE;
}

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.vm.kernel_cr3 = 0x5000;
	t.vm.agent.stubs_va = STUBS_VA;
	t.vm.verify.active = true;
	t.vm.protect.nr_fixed = t.vm.protect.nr_ranges = 1;
	t.vm.protect.ranges[0] = (struct smh_range){.len = 16, .slot = SMH_NO_SLOT};
	return 0;
}

static unsigned int protected_bytes(void)
{
	unsigned int i, bytes = 0;

	for (i = t.vm.protect.nr_fixed; i < t.vm.protect.nr_ranges; i++)
		bytes += t.vm.protect.ranges[i].len;
	return bytes;
}

static void a_call_of_the_stub_is_protected(void **state)
{
	const struct smh_range *range = &t.vm.protect.ranges[1];

	(void)state;
	write_call(SITE, stub(SLOT, NARGS));
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + SITE, SLOT, NARGS), 0);
	assert_int_equal(t.vm.protect.nr_ranges, 2);
	assert_int_equal(range->va, TEXT_VA + SITE);
	assert_int_equal(range->gpa, TEXT_GPA + SITE);
	assert_int_equal(range->len, SM_CALL_SITE_SIZE);
	assert_memory_equal(range->bytes, &t.text[SITE], SM_CALL_SITE_SIZE);
}

static void one_across_pages_is_two(void **state)
{
	(void)state;
	write_call(ACROSS, stub(SLOT, NARGS));
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + ACROSS, SLOT, NARGS), 0);
	assert_int_equal(t.vm.protect.nr_ranges, 3);
	assert_int_equal(protected_bytes(), SM_CALL_SITE_SIZE);
	assert_int_equal(t.tracked, 2);
}

static void lies_are_refused(void **state)
{
	(void)state;
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + SITE, SLOT, NARGS), -EPERM);
	write_call(SITE, stub(SLOT, NARGS) + 1);
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + SITE, SLOT, NARGS), -EPERM);
	write_call(SITE, stub(SLOT + 1, NARGS));
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + SITE, SLOT, NARGS), -EPERM);
	write_call(SITE, stub(SLOT, NARGS));
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + SITE, SLOT, NARGS + 1), -EPERM);
	t.text[SITE] = 0xe9;
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + SITE, SLOT, NARGS), -EPERM);
	assert_int_equal(smh_call_site_add(&t.vm, 0, SLOT, NARGS), -EFAULT);
	assert_int_equal(smh_call_site_add(&t.vm, ~0ULL, SLOT, NARGS), -EFAULT);
	assert_int_equal(protected_bytes(), 0);
}

static void what_is_nowhere_or_no_ram_is_refused(void **state)
{
	(void)state;
	write_call(ACROSS, stub(SLOT, NARGS));
	t.nowhere = TEXT_VA + SM_PAGE_SIZE; /* the second piece */
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + ACROSS, SLOT, NARGS), -EFAULT);
	t.nowhere = 0;
	t.track_errors = 1;
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + ACROSS, SLOT, NARGS), -EFAULT);
	assert_int_equal(protected_bytes(), 0);
}

static void nothing_is_added_on_the_way_out(void **state)
{
	(void)state;
	write_call(SITE, stub(SLOT, NARGS));
	t.vm.verify.active = false;
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + SITE, SLOT, NARGS), -ENOTCONN);
	assert_int_equal(protected_bytes(), 0);
}

static void released_ones_are_used_again(void **state)
{
	unsigned int i;

	(void)state;
	write_call(ACROSS, stub(SLOT, NARGS));
	write_call(SITE, stub(SLOT + 1, NARGS));
	for (i = 0; i < 3 * SMH_RANGES_MAX; i++) {
		assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + ACROSS, SLOT, NARGS), 0);
		assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + SITE, SLOT + 1, NARGS), 0);
		smh_call_site_release(&t.vm, SLOT);
		assert_int_equal(protected_bytes(), SM_CALL_SITE_SIZE);
		smh_call_site_release(&t.vm, SLOT + 1);
	}
	assert_int_equal(protected_bytes(), 0);
	assert_int_equal(t.vm.protect.nr_ranges, 4);
	assert_int_equal(t.vm.protect.ranges[0].len, 16);
}

static void a_full_table_takes_no_more(void **state)
{
	unsigned int before;

	(void)state;
	write_call(ACROSS, stub(SLOT, NARGS));
	while (t.vm.protect.nr_ranges + 2 <= SMH_RANGES_MAX)
		assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + ACROSS, SLOT, NARGS), 0);
	before = protected_bytes();
	assert_int_equal(smh_call_site_add(&t.vm, TEXT_VA + ACROSS, SLOT, NARGS), -ENOSPC);
	assert_int_equal(protected_bytes(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_call_of_the_stub_is_protected, setup),
		cmocka_unit_test_setup(one_across_pages_is_two, setup),
		cmocka_unit_test_setup(lies_are_refused, setup),
		cmocka_unit_test_setup(what_is_nowhere_or_no_ram_is_refused, setup),
		cmocka_unit_test_setup(nothing_is_added_on_the_way_out, setup),
		cmocka_unit_test_setup(released_ones_are_used_again, setup),
		cmocka_unit_test_setup(a_full_table_takes_no_more, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
