// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * compartment/sdk/shadowmon/window.h itself, with the window in user space (bench/user_arch) and
 * the test in the host's place: where a load faults, it resumes at the fix-up.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <cmocka.h>

#include <shadowmon/window.h>

/* Two pages of RAM, one without, one of RAM. */
#define HOLE (2ULL * SM_PAGE_SIZE)
#define RAM  (4ULL * SM_PAGE_SIZE)

struct fixup {
	s32 load, resume; /* each from its own address on */
};

extern struct fixup image_fixups[], image_fixups_end[];

static unsigned int faults;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	struct fixup *fixup;

	(void)info;
	faults++;
	for (fixup = image_fixups; fixup < image_fixups_end; fixup++) {
		if ((greg_t)&fixup->load + fixup->load == *rip) {
			*rip = (greg_t)&fixup->resume + fixup->resume;
			return;
		}
	}
	raise(signal == SIGSEGV ? SIGABRT : signal);
}

static u8 *ram = (u8 *)SM_WINDOW_VA;

static int setup(void **state)
{
	u64 i;

	(void)state;
	if (mmap(ram, RAM, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		return -1;
	for (i = 0; i < RAM; i++)
		ram[i] = (u8)(i * 7 + 129);
	return munmap(ram + HOLE, SM_PAGE_SIZE);
}

/* In the test itself: cmocka takes the signal for its own before each. */
static void play_host(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	faults = 0;
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

static void loads_have_their_width(void **state)
{
	u64 at = sm_window(0x1003), value;

	(void)state;
	play_host();
	memcpy(&value, ram + 0x1003, sizeof(value));
	assert_true(sm_window_load64(at) == value);
	assert_true(sm_window_load32(at) == (u32)value);
	assert_true(sm_window_load16(at) == (u16)value);
	assert_true(sm_window_load8(at) == (u8)value);
	assert_true(sm_window_load64(sm_window(0x1000) + 3) == value);
	value = 0;
	assert_true(sm_window_get64(at, &value));
	assert_memory_equal(&value, ram + 0x1003, sizeof(value));
	assert_int_equal(faults, 0);
}

static void no_ram_is_zero(void **state)
{
	u64 value = 1;

	(void)state;
	play_host();
	assert_true(sm_window_load64(sm_window(HOLE)) == 0);
	assert_true(sm_window_load32(sm_window(HOLE + 8)) == 0);
	assert_true(sm_window_load16(sm_window(HOLE + 16)) == 0);
	assert_true(sm_window_load8(sm_window(HOLE + SM_PAGE_SIZE - 1)) == 0);
	assert_false(sm_window_get64(sm_window(HOLE), &value));
	assert_true(value == 0);
	assert_int_equal(faults, 5);
}

static void part_of_ram_is_none(void **state)
{
	u64 value = 1;

	(void)state;
	play_host();
	assert_true(sm_window_load64(sm_window(HOLE - 4)) == 0);
	assert_true(sm_window_load64(sm_window(HOLE + SM_PAGE_SIZE - 4)) == 0);
	assert_false(sm_window_get64(sm_window(HOLE - 7), &value));
	assert_true(value == 0);
	assert_true(sm_window_get64(sm_window(HOLE - 8), &value));
	assert_memory_equal(&value, ram + HOLE - 8, sizeof(value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_have_their_width),
		cmocka_unit_test(no_ram_is_zero),
		cmocka_unit_test(part_of_ram_is_none),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
