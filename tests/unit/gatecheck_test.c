// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gatecheck accepts the real gate and names rule and place of each fault in bad ones.  Those are
 * assembled from gate.S with one instruction redefined (gates/), or the real page with bytes
 * changed. Places are found by their bytes, so that the gate may be rearranged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include <gate_offsets.h>

#include "../../compartment/gate/gatecheck.h"

#define SLED 0x800 /* amid the fill */

static u8 gate[SM_PAGE_SIZE];
static u8 page[SM_PAGE_SIZE];
static struct gc_report report;

static void read_page(const char *path, u8 *bytes)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	assert_int_equal(fread(bytes, 1, SM_PAGE_SIZE, file), SM_PAGE_SIZE);
	fclose(file);
}

/* The first place at or behind @from that holds @bytes. */
static unsigned int find(unsigned int from, const char *bytes, size_t length)
{
	u8 *at = memmem(page + from, SM_PAGE_SIZE - from, bytes, length);

	assert_non_null(at);
	return at - page;
}
#define FIND(from, bytes) find(from, bytes, sizeof(bytes) - 1)

static void patch(unsigned int offset, const char *bytes, size_t length)
{
	assert_true(offset + length <= SM_PAGE_SIZE);
	memcpy(page + offset, bytes, length);
}
#define PATCH(offset, bytes) patch(offset, bytes, sizeof(bytes) - 1)

static void assert_refused(enum gc_rule rule, enum gc_mode mode, unsigned int offset)
{
	unsigned int i;

	assert_int_equal(gatecheck_page(page, &report), 0);
	for (i = 0; i < report.nr_violations && i < GC_VIOLATIONS_MAX; i++) {
		struct gc_violation *v = &report.violations[i];

		if (v->rule == rule && v->mode == mode && v->offset == offset)
			return;
	}
	for (i = 0; i < report.nr_violations && i < GC_VIOLATIONS_MAX; i++)
		print_error("%s\n", report.violations[i].sentence);
	fail_msg("not refused: rule %d at 0x%03x in %u-bit mode", rule, offset, gc_mode_bits[mode]);
}

static int fresh_page(void **state)
{
	(void)state;
	memcpy(page, gate, SM_PAGE_SIZE);
	return 0;
}

static int read_gate(void **state)
{
	(void)state;
	read_page(GATE_BIN, gate);
	return 0;
}

/* --- the real gate ------------------------------------------------------------------------ */

static void real_gate_passes(void **state)
{
	(void)state;
	assert_int_equal(gatecheck_page(page, &report), 0);
	if (report.nr_violations)
		print_error("%s\n", report.violations[0].sentence);
	assert_int_equal(report.nr_violations, 0);
	assert_int_equal(report.vmfuncs, 4);
	assert_int_equal(report.arms, 1);
	assert_int_equal(report.disarms, 2);
	assert_true(report.ways_in > 0);
	assert_true(report.entries > 0);
	assert_true(report.ways_back > 0);
	assert_true(report.exits > 0);
}

/* --- one instruction redefined ------------------------------------------------------------ */

static void assert_variant_refused(const char *name, enum gc_rule rule, enum gc_mode mode,
				   unsigned int offset)
{
	char command[256];
	int status;

	assert_refused(rule, mode, offset);
	snprintf(command, sizeof(command), "%s %s/%s.bin >/dev/null 2>&1", GATECHECK, GATES, name);
	status = system(command);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void read_variant(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.bin", GATES, name);
	read_page(path, page);
}

static void push_refused(void **state)
{
	(void)state;
	read_variant("push");
	assert_variant_refused("push", GC_RULE_WRITE, GC_64, FIND(0, "\x50"));
}

static void register_store_refused(void **state)
{
	(void)state;
	read_variant("register_store");
	assert_variant_refused("register_store", GC_RULE_WRITE, GC_64,
			       FIND(GATE_ARM_OFFSET, "\x89\x01"));
}

static void no_mode_trap_refused(void **state)
{
	(void)state;
	read_variant("no_mode_trap");
	assert_variant_refused("no_mode_trap", GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
	assert_refused(GC_RULE_ARM, GC_32, GATE_VMFUNC_MONITOR_OFFSET);
	assert_refused(GC_RULE_ARM, GC_16, GATE_VMFUNC_MONITOR_OFFSET);
	/* The exit path's store needs its trap as well. */
	assert_refused(GC_RULE_ARM, GC_32, FIND(GATE_EXIT_OFFSET + 0x10, "\x0f\x01\xd4"));
}

static void no_cr3_test_refused(void **state)
{
	(void)state;
	read_variant("no_cr3_test");
	assert_variant_refused("no_cr3_test", GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void test_before_arm_refused(void **state)
{
	(void)state;
	read_variant("test_before_arm");
	assert_variant_refused("test_before_arm", GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void no_disarm_refused(void **state)
{
	(void)state;
	read_variant("no_disarm");
	assert_variant_refused("no_disarm", GC_RULE_ARM, GC_64,
			       FIND(GATE_BAD_OFFSET, "\x0f\x01\xc1"));
}

static void fall_off_refused(void **state)
{
	(void)state;
	read_variant("fall_off");
	assert_variant_refused("fall_off", GC_RULE_FILL, GC_64, 0xfff);
}

/* --- bytes changed: the way from arm to VMFUNC -------------------------------------------- */

static unsigned int cr3_load(void)
{
	return FIND(GATE_ARM_OFFSET, "\x0f\x20");
}

static unsigned int shift(void)
{
	return FIND(cr3_load(), "\x48\xc1");
}

static unsigned int branch(void)
{
	return FIND(shift(), "\x75");
}

static void cr3_write_refused(void **state)
{
	(void)state;
	PATCH(branch() + 2, "\x0f\x22\xd9");
	assert_refused(GC_RULE_ARM, GC_64, branch() + 2);
}

static void wrong_shift_refused(void **state)
{
	(void)state;
	page[shift() + 3]--;
	assert_refused(GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void half_shift_refused(void **state)
{
	(void)state;
	page[shift()] = 0x40; /* 32-bit operand */
	assert_refused(GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void other_register_refused(void **state)
{
	(void)state;
	page[cr3_load() + 2] ^= 1;
	assert_refused(GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void other_control_register_refused(void **state)
{
	(void)state;
	page[cr3_load() + 2] ^= 0x18 ^ 0x10; /* CR2 */
	assert_refused(GC_RULE_WRITE, GC_64, cr3_load());
}

static void reversed_branch_refused(void **state)
{
	(void)state;
	page[branch()] = 0x74;
	assert_refused(GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void branch_to_success_refused(void **state)
{
	(void)state;
	page[branch() + 1] = 0;
	assert_refused(GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void hidden_vmfunc_refused(void **state)
{
	unsigned int immediate = FIND(GATE_ARM_OFFSET, "\x0f\x0b\x0f\x0b\x0f\x0b");

	(void)state;
	PATCH(immediate + 4, "\x0f\x01\xd4");
	page[branch() + 1] = immediate + 4 - (branch() + 2);
	assert_refused(GC_RULE_ARM, GC_64, immediate + 4);
}

static void trap_without_ud2_refused(void **state)
{
	unsigned int immediate = FIND(GATE_ARM_OFFSET, "\x0f\x0b\x0f\x0b\x0f\x0b");

	(void)state;
	memset(page + immediate, 0x90, 8);
	assert_refused(GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
	assert_refused(GC_RULE_ARM, GC_32, GATE_VMFUNC_MONITOR_OFFSET);
}

static void unknown_ecx_refused(void **state)
{
	(void)state;
	PATCH(GATE_VMFUNC_MONITOR_OFFSET - 3, "\x90\x90\x90");
	assert_refused(GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void no_cli_refused(void **state)
{
	(void)state;
	page[FIND(GATE_ARM_OFFSET, "\xfa")] = 0x90;
	assert_refused(GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void no_cld_refused(void **state)
{
	(void)state;
	page[FIND(branch(), "\xfc")] = 0x90;
	assert_refused(GC_RULE_ARM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void no_disarm_at_exit_refused(void **state)
{
	unsigned int store = FIND(GATE_EXIT_OFFSET, "\xc6\x05");

	(void)state;
	memset(page + store, 0x90, 7);
	assert_refused(GC_RULE_ARM, GC_64, FIND(store, "\x0f\x01\xd4"));
}

static void no_way_in_refused(void **state)
{
	(void)state;
	page[FIND(0, "\x8d\x48") + 2]++;
	assert_refused(GC_RULE_FORM, GC_64, 0);
}

static void no_way_back_refused(void **state)
{
	(void)state;
	page[FIND(GATE_EXIT_OFFSET, "\x8d\x48") + 2]++;
	assert_refused(GC_RULE_FORM, GC_64, 0);
}

static void wrong_entry_refused(void **state)
{
	(void)state;
	page[FIND(GATE_VMFUNC_MONITOR_OFFSET, "\xe9") + 3]++;
	assert_refused(GC_RULE_FORM, GC_64, GATE_VMFUNC_MONITOR_OFFSET);
}

static void wrong_return_refused(void **state)
{
	unsigned int jmp = FIND(GATE_EXIT_OFFSET, "\xd4\xeb") + 1;

	(void)state;
	page[jmp + 1]++;
	assert_refused(GC_RULE_FORM, GC_64, jmp - 3);
}

/* --- bytes changed: writes ---------------------------------------------------------------- */

static void other_byte_refused(void **state)
{
	(void)state;
	page[GATE_ARM_OFFSET + 2]++;
	assert_refused(GC_RULE_WRITE, GC_64, GATE_ARM_OFFSET);
	assert_refused(GC_RULE_WRITE, GC_32, GATE_ARM_OFFSET);
}

static void other_immediate_refused(void **state)
{
	(void)state;
	page[GATE_ARM_OFFSET + 6] ^= 0x40;
	assert_refused(GC_RULE_WRITE, GC_64, GATE_ARM_OFFSET);
}

static void truncated_store_refused(void **state)
{
	(void)state;
	PATCH(SM_PAGE_SIZE - 4, "\xc6\x05\x90\x90");
	assert_refused(GC_RULE_WRITE, GC_16, SM_PAGE_SIZE - 4);
	assert_refused(GC_RULE_FILL, GC_64, SM_PAGE_SIZE - 4);
}

#define SLED_CASE(rule, mode, bytes)                         \
	{                                                    \
		rule, mode, sizeof(bytes) - 1, bytes, #bytes \
	}

static void sled_refused(void **state)
{
	static const struct {
		enum gc_rule rule;
		enum gc_mode mode;
		size_t length;
		const char *bytes;
		const char *name;
	} cases[] = {
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x87\x01"),             /* xchg %eax, (%rcx) */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xf0\x0f\xb1\x01"),     /* lock cmpxchg */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x00\x00"),             /* add %al, (%rax) */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x8f\x00"),             /* pop (%rax) */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x9c"),                 /* pushf */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x9d"),                 /* popf */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xaa"),                 /* stosb */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xa4"),                 /* movsb */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x6c"),                 /* insb */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xe8\x90\x90\x90\x90"), /* call */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xff\x10"),             /* call *(%rax) */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xc8\x90\x90\x90"),     /* enter */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xcd\x80"),             /* int */
		SLED_CASE(GC_RULE_WRITE, GC_32, "\xce"),                 /* into */
		SLED_CASE(GC_RULE_WRITE, GC_32, "\x60"),                 /* pusha */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xf1"),                 /* int1 */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x05"),             /* syscall */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x01\x00"),         /* sgdt */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x01\x08"),         /* sidt */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x01\x20"),         /* smsw */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x00\x08"),         /* str */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x01\x18"),         /* lidt */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\xae\x00"),         /* fxsave */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\xae\x20"),         /* xsave */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\xae\x18"),         /* stmxcsr */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xd9\x10"),             /* fst */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xdb\x48\x90"),         /* fisttp */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x11\x00"),         /* movups */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\xf7\xc0"),         /* maskmovq */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\xab\x00"),         /* bts */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x94\x00"),         /* sete */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\xc7\x08"),         /* cmpxchg8b */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x78\x00"),         /* vmread */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x66\x0f\x38\xf8\x00"), /* movdir64b */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xf2\x0f\x38\xf8\x00"), /* enqcmd */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x38\xf6\x00"),     /* wrss */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x64\xc6\x05"), /* the store, from FS's base */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x8e\xd8"),     /* mov %eax, %ds */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x23\xf8"), /* mov %rax, %dr7 */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x0f\x30"),     /* wrmsr */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xee"),         /* out */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xec"),         /* in */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xfb"),         /* sti */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xfd"),         /* std */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xf4"),         /* hlt */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x66\x90"),     /* operand size prefix */
		SLED_CASE(GC_RULE_WRITE, GC_64,
			  "\xf2\x0f\x01\xd4"), /* prefixes without a meaning */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x48\x26\x90"),
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x48\x40\xc1\xe9\x26"),
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x48\x66\x90"),
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x26\xf3\x90"),
		SLED_CASE(GC_RULE_WRITE, GC_64, "\xc5\xf8\x77"), /* vzeroupper */
		SLED_CASE(GC_RULE_WRITE, GC_64, "\x06"),         /* undefined today */
		SLED_CASE(GC_RULE_ARM, GC_64, "\x0f\x22\xd8"),   /* mov %rax, %cr3 */
		SLED_CASE(GC_RULE_ARM, GC_32, "\x0f\x22\xc0"),   /* mov %eax, %cr0 */
		SLED_CASE(GC_RULE_FORM, GC_64, "\xff\xe0"),      /* jmp *%rax */
		SLED_CASE(GC_RULE_FORM, GC_64, "\xff\x20"),      /* jmp *(%rax) */
		SLED_CASE(GC_RULE_FORM, GC_32, "\xff\x28"),      /* ljmp */
		SLED_CASE(GC_RULE_FORM, GC_32, "\xea\x90\x90\x90\x90\x90\x90"), /* ljmp */
		SLED_CASE(GC_RULE_FORM, GC_64, "\xc3"),                         /* ret */
		SLED_CASE(GC_RULE_FORM, GC_64, "\xcb"),                         /* lret */
		SLED_CASE(GC_RULE_FORM, GC_64, "\xcf"),                         /* iret */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(page, gate, SM_PAGE_SIZE);
		patch(SLED, cases[i].bytes, cases[i].length);
		print_message("%s\n", cases[i].name);
		assert_refused(cases[i].rule, cases[i].mode, SLED);
	}
}

/* --- bytes changed: fill and form --------------------------------------------------------- */

static void nop_fill_refused(void **state)
{
	(void)state;
	memset(page + SLED, 0x90, SM_PAGE_SIZE - SLED);
	assert_refused(GC_RULE_FILL, GC_64, SLED);
	assert_refused(GC_RULE_FILL, GC_64, SM_PAGE_SIZE - 1);
}

static void nops_before_trap_refused(void **state)
{
	(void)state;
	memset(page + SLED, 0x90, 16);
	assert_refused(GC_RULE_FILL, GC_64, SLED);
}

static void vmfunc_at_end_refused(void **state)
{
	(void)state;
	PATCH(SM_PAGE_SIZE - 3, "\x0f\x01\xd4");
	assert_refused(GC_RULE_FILL, GC_64, SM_PAGE_SIZE - 3);
}

static void cut_instruction_refused(void **state)
{
	(void)state;
	PATCH(SM_PAGE_SIZE - 1, "\xb8");
	assert_refused(GC_RULE_FILL, GC_64, SM_PAGE_SIZE - 1);
	assert_refused(GC_RULE_FILL, GC_16, SM_PAGE_SIZE - 1);
}

static void empty_page_refused(void **state)
{
	(void)state;
	memset(page, 0xcc, SM_PAGE_SIZE);
	assert_refused(GC_RULE_FORM, GC_64, 0);
}

/* --- the program -------------------------------------------------------------------------- */

static int run(const char *arguments)
{
	char command[256];
	int status;

	snprintf(command, sizeof(command), "%s %s >/dev/null 2>&1", GATECHECK, arguments);
	status = system(command);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void program_answers(void **state)
{
	(void)state;
	assert_int_equal(run(GATE_BIN), 0);
	assert_int_equal(run("-v " GATE_BIN), 0);
	assert_int_equal(run("--help"), 0);
	assert_int_equal(run("/dev/null"), 1); /* too short */
	assert_int_equal(run("/dev/zero"), 1); /* too long */
	assert_int_equal(run("/nonexistent"), 2);
	assert_int_equal(run("/"), 2);
	assert_int_equal(run(""), 2);
	assert_int_equal(run("--unknown " GATE_BIN), 2);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh_page)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(real_gate_passes),
		TEST(push_refused),
		TEST(register_store_refused),
		TEST(no_mode_trap_refused),
		TEST(no_cr3_test_refused),
		TEST(test_before_arm_refused),
		TEST(no_disarm_refused),
		TEST(fall_off_refused),
		TEST(cr3_write_refused),
		TEST(wrong_shift_refused),
		TEST(half_shift_refused),
		TEST(other_register_refused),
		TEST(other_control_register_refused),
		TEST(reversed_branch_refused),
		TEST(branch_to_success_refused),
		TEST(hidden_vmfunc_refused),
		TEST(trap_without_ud2_refused),
		TEST(unknown_ecx_refused),
		TEST(no_cli_refused),
		TEST(no_cld_refused),
		TEST(no_disarm_at_exit_refused),
		TEST(no_way_in_refused),
		TEST(no_way_back_refused),
		TEST(wrong_entry_refused),
		TEST(wrong_return_refused),
		TEST(other_byte_refused),
		TEST(other_immediate_refused),
		TEST(truncated_store_refused),
		TEST(sled_refused),
		TEST(nop_fill_refused),
		TEST(nops_before_trap_refused),
		TEST(vmfunc_at_end_refused),
		TEST(cut_instruction_refused),
		TEST(empty_page_refused),
		TEST(program_answers),
	};

	return cmocka_run_group_tests(tests, read_gate, NULL);
}
