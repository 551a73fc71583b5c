// SPDX-License-Identifier: GPL-2.0-or-later
/* Views 1 and 2 and the trusted tables B, as the host module builds them: these mappings, no
 * others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "kmod_fixture.h"

#define LEAF_TYPE (6ULL << 3 | BIT_ULL(6)) /* write-back, whatever the guest's PAT says */

#define P     BIT_ULL(0)
#define W     BIT_ULL(1)
#define US    BIT_ULL(2)
#define NX    BIT_ULL(63)
#define A_D_G (BIT_ULL(5) | BIT_ULL(6) | BIT_ULL(8))

static int setup(void **state)
{
	struct smh_vm *vm = vm_create();

	*state = vm;
	return !vm || load_image(vm);
}

static int setup_without_image(void **state)
{
	*state = vm_create();
	return !*state;
}

static int teardown(void **state)
{
	vm_destroy(*state);
	return 0;
}

static const u64 *view_of(const struct smh_vcpu *v, unsigned int view)
{
	return ept_root(v->eptp[view]);
}

/* NULL for pa: any page but B's top level. */
static void assert_leaf(const struct smh_vm *vm, const u64 *root, u64 gpa, const void *pa,
			u64 permissions)
{
	u64 leaf = ept_leaf(root, gpa);

	assert_int_equal(leaf & 7, permissions);
	assert_int_equal(leaf & ~ept_pa(~0ULL) & ~7ULL, LEAF_TYPE);
	if (pa)
		assert_int_equal(ept_pa(leaf), __pa(pa));
	else
		assert_int_not_equal(ept_pa(leaf), __pa(vm->image->tables.pages[0]));
}

/* --- both views ---------------------------------------------------------------------------------
 */

static void check_alias(const struct smh_vm *vm, const u64 *root)
{
	const u64 *pdpt = ept_root(root[0]), *pd = ept_root(pdpt[0]), *pt = ept_root(pd[0]);
	unsigned int i;

	for (i = 0; i < 1 << (SM_ALIAS_SHIFT - 30); i++)
		assert_int_equal(pdpt[i], pdpt[0]);
	for (i = 0; i < 512; i++) {
		assert_int_equal(pd[i], pd[0]);
		assert_int_equal(pt[i], pt[0]);
	}
	assert_leaf(vm, root, 0, vm->image->tables.pages[0], SMH_EPT_READ);
	assert_leaf(vm, root, (1ULL << SM_ALIAS_SHIFT) - 1, vm->image->tables.pages[0],
		    SMH_EPT_READ);
}

static void every_address_below_the_window_shows_b(void **state)
{
	struct smh_vm *vm = *state;
	struct smh_vcpu *v;
	unsigned long i;

	xa_for_each(&vm->vcpus, i, v) {
		check_alias(vm, view_of(v, SM_VIEW_GATE));
		check_alias(vm, view_of(v, SM_VIEW_MONITOR));
	}
}

static void nothing_beyond_512_gib(void **state)
{
	struct smh_vm *vm = *state;
	struct smh_vcpu *v;
	unsigned long i, j;

	xa_for_each(&vm->vcpus, i, v)
		for (j = 1; j < 512; j++)
			assert_false(view_of(v, SM_VIEW_GATE)[j] || view_of(v, SM_VIEW_MONITOR)[j]);
}

/* Gate and B, the same in both views and on each vCPU.  How many pages that is. */
static unsigned int check_shared(const struct smh_vm *vm, const u64 *root)
{
	unsigned int i;

	assert_leaf(vm, root, SM_GATE_GPA, vm->image->gate, EPT_RX);
	for (i = 0; i < vm->image->tables.count; i++)
		assert_leaf(vm, root, SM_TABLES_GPA + (u64)i * SM_PAGE_SIZE,
			    vm->image->tables.pages[i], SMH_EPT_READ);
	return 1 + vm->image->tables.count;
}

/* --- view 1 --------------------------------------------------------------------------------------
 */

static void gate_view_runs_the_gate_and_writes_the_list_alone(void **state)
{
	struct smh_vm *vm = *state;
	struct smh_vcpu *v;
	unsigned int pages;
	unsigned long i;

	assert_memory_equal(vm->image->gate, smh_gate_page, SM_PAGE_SIZE);
	xa_for_each(&vm->vcpus, i, v) {
		const u64 *root = view_of(v, SM_VIEW_GATE);

		pages = check_shared(vm, root);
		assert_leaf(vm, root, SM_CPU_GPA + SM_CPU_LIST, v->list, EPT_RW);
		assert_int_equal(ept_count(root, 3), pages + 1);
	}
}

/* --- view 2 --------------------------------------------------------------------------------------
 */

static unsigned int check_segment(const struct smh_vm *vm, const u64 *root, u32 offset, u32 nr,
				  u64 permissions)
{
	u32 i;

	for (i = 0; i < nr; i++)
		assert_leaf(vm, root, SM_IMAGE_GPA + offset + (u64)i * SM_PAGE_SIZE, NULL,
			    permissions);
	return nr;
}

/* State, stack and ring. */
static unsigned int check_own(const struct smh_vcpu *v, const u64 *root)
{
	unsigned int i, stack = SM_CPU_STACK_SIZE >> SM_PAGE_SHIFT;

	assert_leaf(v->vm, root, SM_CPU_GPA + SM_CPU_STATE, v->state, EPT_RW);
	assert_int_equal(v->state->vcpu, v->index);
	for (i = 0; i < stack; i++)
		assert_leaf(v->vm, root, SM_CPU_GPA + SM_CPU_STACK + (u64)i * SM_PAGE_SIZE, NULL,
			    EPT_RW);
	for (i = 0; i < v->ring.nr_pages; i++)
		assert_leaf(v->vm, root, SM_CPU_GPA + SM_CPU_RING + (u64)i * SM_PAGE_SIZE,
			    v->ring.pages[i], i == 1 ? SMH_EPT_READ : EPT_RW);
	return 1 + stack + v->ring.nr_pages;
}

static void check_monitor_view(const struct smh_vcpu *v)
{
	const u64 *root = view_of(v, SM_VIEW_MONITOR);
	unsigned int pages = check_shared(v->vm, root);

	pages += check_segment(v->vm, root, 0, 3, EPT_RX);
	pages += check_segment(v->vm, root, 0x4000, 1, SMH_EPT_READ);
	pages += check_segment(v->vm, root, 0x200000, 2, EPT_RW);
	pages += check_own(v, root);
	assert_int_equal(ept_count(root, 3), pages);
	assert_int_equal(ept_leaf(root, SM_CPU_GPA + SM_CPU_LIST), 0);
}

static void monitor_view_has_the_compartment_and_not_the_list(void **state)
{
	struct smh_vm *vm = *state;
	struct smh_vcpu *v;
	unsigned long i;

	xa_for_each(&vm->vcpus, i, v)
		check_monitor_view(v);
}

static void segments_hold_what_was_given_and_zeros(void **state)
{
	struct smh_vm *vm = *state;
	const u64 *root = view_of(vm->vcpus.entries[0], SM_VIEW_MONITOR);
	const u8 *first = __va(ept_pa(ept_leaf(root, SM_IMAGE_GPA)));
	const u8 *last = __va(ept_pa(ept_leaf(root, SM_IMAGE_GPA + 0x2000)));
	const u8 *data = __va(ept_pa(ept_leaf(root, SM_IMAGE_GPA + 0x200000)));

	assert_int_equal(first[0], 0xc3);
	assert_int_equal(last[0], 0x77);
	assert_int_equal(data[0], 0xc3);
	assert_int_equal(data[8], 0);
}

/* --- vCPUs
 * ---------------------------------------------------------------------------------------- */

static void vcpus_share_nothing_that_is_their_own(void **state)
{
	struct smh_vm *vm = *state;
	const struct smh_vcpu *a = vm->vcpus.entries[0], *b = vm->vcpus.entries[1];
	u64 gpa;

	assert_ptr_not_equal(a->list, b->list);
	for (gpa = SM_CPU_GPA; gpa < SM_CPU_GPA + 0x200000; gpa += SM_PAGE_SIZE) {
		u64 leaf = ept_leaf(view_of(a, SM_VIEW_MONITOR), gpa);

		if (leaf)
			assert_int_not_equal(ept_pa(leaf),
					     ept_pa(ept_leaf(view_of(b, SM_VIEW_MONITOR), gpa)));
	}
}

static void vcpu_that_comes_late_has_all_of_it(void **state)
{
	struct smh_vm *vm = *state;
	struct smh_vcpu *v = smh_vcpu_get_or_create(vm, &kvm_vcpus[2]);

	assert_non_null(v);
	assert_int_equal(v->index, 2);
	check_alias(vm, view_of(v, SM_VIEW_GATE));
	check_alias(vm, view_of(v, SM_VIEW_MONITOR));
	check_monitor_view(v);
	assert_ptr_equal(smh_vcpu_get_or_create(vm, &kvm_vcpus[2]), v);
}

static void window_is_in_the_monitor_view_alone(void **state)
{
	struct smh_vm *vm = *state;
	struct smh_vcpu *v = vm->vcpus.entries[0];
	u64 *pd = smh_pool_page(&vm->pool), *pt = smh_pool_page(&vm->pool),
	    *ram = smh_pool_page(&vm->pool);
	u64 gpa = SM_WINDOW_GPA + (5ULL << 30) + 0x3000;

	assert_int_equal(ept_leaf(view_of(v, SM_VIEW_MONITOR), gpa), 0);
	pt[3] = smh_ept_leaf(__pa(ram), SMH_EPT_READ);
	smh_ept_link(pd, 0, pt);
	vm->window.pd[5] = pd;
	smh_vcpu_link_window(v);
	assert_leaf(vm, view_of(v, SM_VIEW_MONITOR), gpa, ram, SMH_EPT_READ);
	assert_int_equal(ept_leaf(view_of(v, SM_VIEW_GATE), gpa), 0);
	/* A vCPU that comes later finds it there. */
	v = smh_vcpu_get_or_create(vm, &kvm_vcpus[2]);
	assert_leaf(vm, view_of(v, SM_VIEW_MONITOR), gpa, ram, SMH_EPT_READ);
	assert_int_equal(ept_leaf(view_of(v, SM_VIEW_GATE), gpa), 0);
}

static void list_has_the_monitor_view_disarmed(void **state)
{
	struct smh_vm *vm = *state;
	struct smh_vcpu *v = vm->vcpus.entries[0];
	unsigned int i;

	memset(v->list, 0xff, SM_PAGE_SIZE);
	smh_vcpu_reset_list(v, 0x12345005e);
	assert_int_equal(v->list[0], 0x12345005e);
	assert_int_equal(v->list[1], v->eptp[SM_VIEW_GATE]);
	assert_int_equal(v->list[1] & 0xfff, SM_EPTP_ARMED);
	assert_int_equal(v->list[2], (v->eptp[SM_VIEW_MONITOR] & ~0xfffULL) | SM_EPTP_DISARMED);
	for (i = 3; i < 512; i++)
		assert_int_equal(v->list[i], 0);
	assert_int_equal(smh_vcpu_current_view(v, v->eptp[SM_VIEW_GATE]), SM_VIEW_GATE);
	assert_int_equal(smh_vcpu_current_view(v, v->eptp[SM_VIEW_MONITOR]), SM_VIEW_MONITOR);
	assert_int_equal(smh_vcpu_current_view(v, 0x12345005e), SM_VIEW_TARGET);
}

/* --- B
 * --------------------------------------------------------------------------------------------- */

static unsigned int check_b(const struct smh_vm *vm, u64 distance, u64 gpa, u64 bytes, u64 flags)
{
	u64 offset;

	for (offset = 0; offset < bytes; offset += SM_PAGE_SIZE)
		assert_int_equal(b_leaf(&vm->image->tables, GATE_VA + distance + offset),
				 (gpa + offset) | P | A_D_G | flags);
	return (unsigned int)(bytes >> SM_PAGE_SHIFT);
}

static void b_maps_the_compartment_and_the_window(void **state)
{
	struct smh_vm *vm = *state;
	unsigned int pages = SMH_WINDOW_GIBS;
	u64 i;

	for (i = 0; i < SMH_WINDOW_GIBS; i++)
		assert_int_equal(b_leaf(&vm->image->tables, SM_WINDOW_VA + (i << 30)),
				 (SM_WINDOW_GPA + (i << 30)) | P | A_D_G | BIT_ULL(7) | NX);
	pages += check_b(vm, 0, SM_GATE_GPA, SM_PAGE_SIZE, 0);
	pages += check_b(vm, SM_VA_LIST, SM_CPU_GPA + SM_CPU_LIST, SM_PAGE_SIZE, W | NX);
	pages += check_b(vm, SM_VA_CPU + SM_CPU_STATE, SM_CPU_GPA + SM_CPU_STATE, SM_PAGE_SIZE,
			 W | NX);
	pages += check_b(vm, SM_VA_CPU + SM_CPU_STACK, SM_CPU_GPA + SM_CPU_STACK, SM_CPU_STACK_SIZE,
			 W | NX);
	pages += check_b(vm, SM_VA_CPU + SM_CPU_RING, SM_CPU_GPA + SM_CPU_RING,
			 SM_RING_DATA + vm->ring_size, W | NX);
	pages += check_b(vm, SM_VA_IMAGE, SM_IMAGE_GPA, 0x3000, 0);
	pages += check_b(vm, SM_VA_IMAGE + 0x4000, SM_IMAGE_GPA + 0x4000, 0x1000, NX);
	pages += check_b(vm, SM_VA_IMAGE + 0x200000, SM_IMAGE_GPA + 0x200000, 0x2000, W | NX);
	assert_int_equal(b_count(&vm->image->tables, vm->image->tables.pages[0], 3), pages);
}

/* The CPU cannot set accessed flags in B, and user mode has no business there. */
static void b_is_all_accessed_and_supervisor(void **state)
{
	struct smh_vm *vm = *state;
	unsigned int i, j;

	assert_true(vm->image->tables.count <= SM_TABLES_MAX);
	for (i = 0; i < vm->image->tables.count; i++)
		for (j = 0; j < 512; j++)
			if (vm->image->tables.pages[i][j])
				assert_int_equal(vm->image->tables.pages[i][j] &
							 (P | BIT_ULL(5) | US),
						 P | BIT_ULL(5));
}

/* --- what goes wrong
 * -------------------------------------------------------------------------------- */

static void memory_that_ends_is_an_error(void **state)
{
	unsigned int before = pages_left, need, i;
	struct smh_vm *vm = *state;

	assert_int_equal(load_image(vm), 0);
	need = before - pages_left;
	for (i = 0; i < need; i++) {
		vm_destroy(vm);
		vm = vm_create();
		pages_left = i;
		assert_int_equal(load_image(vm), -ENOMEM);
		/* The last vCPU's views: not bound to what is not whole. */
		assert_int_equal(((struct smh_vcpu *)vm->vcpus.entries[1])->eptp[SM_VIEW_MONITOR],
				 0);
	}
	*state = vm;
}

static void no_page_is_mapped_twice(void **state)
{
	struct smh_vm *vm = *state;
	u64 *root = smh_pool_page(&vm->pool);

	assert_int_equal(smh_ept_map(&vm->pool, root, 0x5000, 0x1000, SMH_EPT_READ), 0);
	assert_int_equal(smh_ept_map(&vm->pool, root, 0x5000, 0x2000, EPT_RW), -EEXIST);
	assert_int_equal(ept_pa(ept_leaf(root, 0x5000)), 0x1000);
	assert_int_equal(ept_leaf(root, 0x5000) & 7, SMH_EPT_READ);
}

static int load_changed(struct smh_vm *vm, unsigned int i, struct sm_segment segment)
{
	struct sm_ioc_load_image image = good_image;

	image.segments[i] = segment;
	return smh_image_load(vm, &image);
}

static void bad_segments_are_refused(void **state)
{
	static const struct {
		unsigned int at;
		struct sm_segment segment;
		int err;
	} bad[] = {
		{0, {0x1000, 0x1000, 0, 5, 0}, -EINVAL}, /* nothing at the entry point */
		{0, {0, 0x1000, 0, 1, 0}, -EINVAL},      /* no code there */
		{0, {0, 0x5000, 0, 5, 0}, -EINVAL},      /* overlaps the next */
		{1, {0x4000, 0x1000, 0, 7, 0}, -EINVAL}, /* writable code */
		{1, {0x4000, 0x1000, 0, 6, 0}, -EINVAL},
		{1, {0x4000, 0x1000, 0, 2, 0}, -EINVAL},      /* not readable */
		{1, {0x4000, 0x1000, 0, 9, 0}, -EINVAL},      /* an unknown flag */
		{1, {0x4008, 0x1000, 0, 1, 0}, -EINVAL},      /* not aligned */
		{1, {0x4000, 0, 0, 1, 0}, -EINVAL},           /* empty */
		{1, {0x4000, 0x1000, 0x1001, 1, 0}, -EINVAL}, /* more bytes than room */
		{2, {0x3000, 0x1000, 0, 1, 0}, -EINVAL},      /* not ascending */
		{2, {SM_IMAGE_MAX_SIZE, 1, 0, 1, 0}, -E2BIG},
		{2, {0x200000, 0xffffffff, 0, 1, 0}, -E2BIG},
	};
	struct smh_vm *vm = *state;
	unsigned int i, before = pages_left;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(load_changed(vm, bad[i].at, bad[i].segment), bad[i].err);
	assert_int_equal(pages_left, before);
}

static void bad_numbers_are_refused(void **state)
{
	struct sm_fixup fixups[] = {{0x10, 0x20}, {0x10, 0x30}};
	struct sm_ioc_load_image image = good_image;
	struct smh_vm *vm = *state;

	image.nr_segments = 0;
	assert_int_equal(smh_image_load(vm, &image), -EINVAL);
	image.nr_segments = SM_SEGMENTS_MAX + 1;
	assert_int_equal(smh_image_load(vm, &image), -EINVAL);
	image = good_image;
	image.abort_errno[5] = SM_VERDICT_ERRNO + 1;
	assert_int_equal(smh_image_load(vm, &image), -EINVAL);
	image = good_image;
	image.nr_fixups = SM_FIXUPS_MAX + 1;
	assert_int_equal(smh_image_load(vm, &image), -E2BIG);
	image.fixups = (uintptr_t)fixups;
	image.nr_fixups = 2; /* not ascending */
	assert_int_equal(smh_image_load(vm, &image), -EINVAL);
	image.nr_fixups = 1;
	fixups[0].fixup = 0x4000; /* no code */
	assert_int_equal(smh_image_load(vm, &image), -EINVAL);
	fixups[0] = (struct sm_fixup){0x2001, 0x20}; /* behind the code's last byte */
	assert_int_equal(smh_image_load(vm, &image), -EINVAL);
}

static void fixups_are_found(void **state)
{
	struct sm_fixup fixups[] = {{0x10, 0x20}, {0x18, 0x30}, {0x2000, 0x40}};
	struct sm_ioc_load_image image = good_image;
	struct smh_vm *vm = *state;

	image.segments[0].file_size = image.segments[1].file_size = image.segments[2].file_size = 0;
	image.fixups = (uintptr_t)fixups;
	image.nr_fixups = 3;
	assert_int_equal(smh_image_load(vm, &image), 0);
	assert_int_equal(smh_image_fixup(vm->image, 0x10), 0x20);
	assert_int_equal(smh_image_fixup(vm->image, 0x18), 0x30);
	assert_int_equal(smh_image_fixup(vm->image, 0x2000), 0x40);
	assert_int_equal(smh_image_fixup(vm->image, 0x11), 0);
}

#define VIEWS(test)    cmocka_unit_test_setup_teardown(test, setup, teardown)
#define UNLOADED(test) cmocka_unit_test_setup_teardown(test, setup_without_image, teardown)

/* good_image: code at 0, constants at 0x4000 */
static void bad_dispatch_tables_are_refused(void **state)
{
	static const u32 bad[][2] = {
		{0x4008, 0x10},     /* not aligned */
		{0x3000, 0x10},     /* between segments */
		{0x7ffffe00, 0x10}, /* behind the image */
		{0x4000, 0x4000},   /* a handler that is no code */
	};
	struct sm_ioc_load_image image = good_image;
	struct smh_vm *vm = *state;
	unsigned int i, before = pages_left;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		image.dispatch = bad[i][0];
		image.unbound = bad[i][1];
		assert_int_equal(smh_image_load(vm, &image), -EINVAL);
	}
	assert_int_equal(pages_left, before);
}

static void hooks_that_abort_too_often_are_disabled(void **state)
{
	struct sm_ioc_load_image image = good_image;
	struct smh_vm *vm = *state;
	struct smh_vcpu *v;
	u64 *table;
	int i;

	for (i = 0; i < (int)image.nr_segments; i++)
		image.segments[i].file_size = 0;
	image.dispatch = 0x4000;
	image.unbound = 0x10;
	image.abort_errno[3] = 1;
	assert_int_equal(smh_image_load(vm, &image), 0);
	v = vm->vcpus.entries[0];
	table = __va(ept_pa(ept_leaf(ept_root(v->eptp[SM_VIEW_MONITOR]), SM_IMAGE_GPA + 0x4000)));
	table[2] = table[3] = 0x1234;
	host_records = 0;
	vm->max_aborts = 3;
	for (i = 0; i < 10; i++) {
		smh_disable_count(v, 3); /* it fails closed: never */
		assert_int_equal(table[2] == GATE_VA + SM_VA_IMAGE + 0x10, i >= 3);
		smh_disable_count(v, 2);
	}
	assert_int_equal(table[3], 0x1234);
	assert_int_equal(host_records, 1);
	assert_int_equal(last_host_record.what, SM_LIFECYCLE_MONITOR_DISABLED);
	assert_int_equal(last_host_record.slot, 2);
	assert_int_equal(smh_disable_limit(0), 20);
	vm->max_aborts = SM_MAX_ABORTS_NEVER;
	table[4] = 0x1234;
	for (i = 0; i < 1000; i++)
		smh_disable_count(v, 4);
	assert_int_equal(table[4], 0x1234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEWS(every_address_below_the_window_shows_b),
		VIEWS(nothing_beyond_512_gib),
		VIEWS(gate_view_runs_the_gate_and_writes_the_list_alone),
		VIEWS(monitor_view_has_the_compartment_and_not_the_list),
		VIEWS(segments_hold_what_was_given_and_zeros),
		VIEWS(vcpus_share_nothing_that_is_their_own),
		VIEWS(vcpu_that_comes_late_has_all_of_it),
		VIEWS(window_is_in_the_monitor_view_alone),
		VIEWS(list_has_the_monitor_view_disarmed),
		VIEWS(b_maps_the_compartment_and_the_window),
		VIEWS(b_is_all_accessed_and_supervisor),
		UNLOADED(memory_that_ends_is_an_error),
		UNLOADED(no_page_is_mapped_twice),
		UNLOADED(bad_segments_are_refused),
		UNLOADED(bad_numbers_are_refused),
		UNLOADED(fixups_are_found),
		UNLOADED(bad_dispatch_tables_are_refused),
		UNLOADED(hooks_that_abort_too_often_are_disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
