// SPDX-License-Identifier: GPL-2.0-or-later
/* Activations whose vCPU is in guest mode, on the host, or waits for a CPU there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "../../host/kmod/shadowmon.h"

#define KHZ    2000000 /* the guest's TSC, which is ... */
#define OFFSET 777     /* ... behind the host's */
#define MS     ((u64)KHZ)
#define BUDGET 10 /* ms */

static struct {
	struct smh_vm vm;
	struct kvm_vcpu kvm_vcpu;
	struct sm_cpu_state state;
	struct smh_vcpu v;
	u64 now; /* the host's TSC */
	int64_t timer;
	unsigned int starts, cancels;
} t;

u64 rdtsc(void)
{
	return t.now;
}

u64 kvm_read_l1_tsc(struct kvm_vcpu *vcpu, u64 host_tsc)
{
	assert_ptr_equal(vcpu, &t.kvm_vcpu);
	return host_tsc - OFFSET;
}

void hrtimer_start(struct hrtimer *timer, int64_t ns, enum hrtimer_mode mode)
{
	(void)mode;
	assert_ptr_equal(timer, &t.v.budget.timer);
	t.timer = ns;
	t.starts++;
}

void hrtimer_try_to_cancel(struct hrtimer *timer)
{
	assert_ptr_equal(timer, &t.v.budget.timer);
	t.cancels++;
}

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.vm.budget_us = BUDGET * 1000;
	t.kvm_vcpu.arch.virtual_tsc_khz = KHZ;
	t.v.vm = &t.vm;
	t.v.vcpu = &t.kvm_vcpu;
	t.v.state = &t.state;
	t.state.entries = 41;
	t.now = 1000 * MS;
	return 0;
}

/* In guest mode for so long, then on the host. */
static bool exit_after(u64 guest, u64 host)
{
	t.now += guest;
	t.kvm_vcpu.arch.last_guest_tsc = t.now - OFFSET;
	t.now += host;
	smh_budget_exit(&t.v);
	return smh_budget_is_used_up(&t.v);
}

static void a_new_activation(void)
{
	t.state.entries++;
}

static void it_is_counted_from_the_first_exit_on(void **state)
{
	(void)state;
	a_new_activation();
	assert_false(exit_after(50 * MS, 0));
	smh_budget_enter(&t.v);
	assert_false(exit_after(BUDGET * MS - 1, 0));
	smh_budget_enter(&t.v);
	assert_true(exit_after(1, 0));
}

static void the_host_s_time_does_not_count(void **state)
{
	unsigned int i;

	(void)state;
	a_new_activation();
	assert_false(exit_after(0, 500 * MS));
	for (i = 0; i < BUDGET - 1; i++) {
		t.now += 500 * MS;
		smh_budget_enter(&t.v);
		assert_false(exit_after(MS, 500 * MS));
	}
	smh_budget_enter(&t.v);
	assert_true(exit_after(MS, 0));
}

static void each_entry_leaves_the_timer_what_is_left(void **state)
{
	(void)state;
	a_new_activation();
	exit_after(0, 0);
	smh_budget_enter(&t.v);
	assert_int_equal(t.timer, BUDGET * NSEC_PER_MSEC);
	exit_after(3 * MS, 100 * MS);
	smh_budget_enter(&t.v);
	assert_int_equal(t.timer, (BUDGET - 3) * NSEC_PER_MSEC);
	exit_after(30 * MS, 0);
	smh_budget_enter(&t.v);
	assert_int_equal(t.timer, 0);
}

/* KVM's fast path: entries with no exit of ours between them. */
static void entries_without_an_exit_are_one(void **state)
{
	(void)state;
	a_new_activation();
	exit_after(0, 0);
	smh_budget_enter(&t.v);
	t.now += BUDGET * MS / 2;
	smh_budget_enter(&t.v);
	assert_true(exit_after(BUDGET * MS / 2, 0));
}

static void each_activation_has_its_own(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		a_new_activation();
		assert_false(exit_after(BUDGET * MS, 0));
		smh_budget_enter(&t.v);
		assert_false(exit_after(BUDGET * MS - 1, 0));
		/* It ends without an exit. */
		smh_budget_enter(&t.v);
	}
}

static void what_ends_it_begins_anew(void **state)
{
	(void)state;
	smh_budget_end(&t.v);
	assert_int_equal(t.cancels, 0);
	a_new_activation();
	exit_after(0, 0);
	smh_budget_enter(&t.v);
	exit_after(BUDGET * MS - 1, 0);
	smh_budget_end(&t.v);
	assert_int_equal(t.cancels, 1);
	smh_budget_end(&t.v);
	assert_int_equal(t.cancels, 1);
	smh_budget_enter(&t.v);
	assert_int_equal(t.timer, BUDGET * NSEC_PER_MSEC);
	assert_false(exit_after(BUDGET * MS - 1, 0));
}

static void a_kick_comes_after_a_whole_budget(void **state)
{
	(void)state;
	smh_budget_kick(&t.v);
	assert_int_equal(t.timer, BUDGET * NSEC_PER_MSEC);
	assert_int_equal(t.starts, 1);
}

static void a_tsc_of_unknown_speed_has_one(void **state)
{
	(void)state;
	t.kvm_vcpu.arch.virtual_tsc_khz = 0;
	a_new_activation();
	assert_false(exit_after(0, 0));
	smh_budget_enter(&t.v);
	assert_int_equal(t.timer, BUDGET * NSEC_PER_MSEC);
	assert_true(exit_after(1000 * MS, 0));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_counted_from_the_first_exit_on),
		TEST(the_host_s_time_does_not_count),
		TEST(each_entry_leaves_the_timer_what_is_left),
		TEST(entries_without_an_exit_are_one),
		TEST(each_activation_has_its_own),
		TEST(what_ends_it_begins_anew),
		TEST(a_kick_comes_after_a_whole_budget),
		TEST(a_tsc_of_unknown_speed_has_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
