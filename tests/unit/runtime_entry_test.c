// SPDX-License-Identifier: GPL-2.0-or-later
/* compartment/runtime/entry.S and what SM_MONITOR makes, between a gate that the test plays. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <cmocka.h>

#include <shadowmon/monitor.h>

#include "cpu.h"

/* From the gate's jump to the jump back, with a monitor that does nothing (2 of them are the
 * monitor's). */
#define EMPTY_ACTIVATION 21

enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, REGISTERS };

extern u64 smc_dispatch[SM_SLOTS];
extern const char smc_entry[], sm_gate_exit[];

/* Registers as the gate would give them, and as it gets them back. */
u64 gate_registers[REGISTERS];
u64 gate_flags; /* to set: 0x100 is single-stepping */
u64 gate_stack, gate_stack_back;
void pass_gate(void);

/* State and stack, as layout.h has them. */
#define STRING_(x) #x
#define STRING(x)  STRING_(x)
__asm__(".bss\n"
	".balign 4096\n"
	".globl sm_cpu_state\n"
	".set sm_cpu_state, . + " STRING(
		SM_CPU_STATE) "\n"
			      ".skip " STRING(SM_CPU_STACK) " + " STRING(
				      SM_CPU_STACK_SIZE) "\n"
							 ".globl stack_top\n"
							 "stack_top:\n");
extern const char stack_top[];

__asm__(".text\n"
	"pass_gate:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, gate_stack\n"
	"	mov gate_registers+8, %rbx\n"
	"	mov gate_registers+16, %rcx\n"
	"	mov gate_registers+24, %rdx\n"
	"	mov gate_registers+32, %rsi\n"
	"	mov gate_registers+40, %rdi\n"
	"	mov gate_registers+48, %rbp\n"
	"	mov gate_registers+56, %r8\n"
	"	mov gate_registers+64, %r9\n"
	"	mov gate_registers+72, %r10\n"
	"	mov gate_registers+80, %r11\n"
	"	mov gate_registers+88, %r12\n"
	"	mov gate_registers+96, %r13\n"
	"	mov gate_registers+104, %r14\n"
	"	mov gate_registers+112, %r15\n"
	"	pushf\n"
	"	mov gate_flags, %rax\n"
	"	or %rax, (%rsp)\n"
	"	mov gate_registers, %rax\n"
	"	popf\n"
	"	jmp smc_entry\n"
	".globl sm_gate_exit\n"
	"sm_gate_exit:\n"
	"	mov %rax, gate_registers\n"
	"	mov %rbx, gate_registers+8\n"
	"	mov %rcx, gate_registers+16\n"
	"	mov %rdx, gate_registers+24\n"
	"	mov %rsi, gate_registers+32\n"
	"	mov %rdi, gate_registers+40\n"
	"	mov %rbp, gate_registers+48\n"
	"	mov %r8, gate_registers+56\n"
	"	mov %r9, gate_registers+64\n"
	"	mov %r10, gate_registers+72\n"
	"	mov %r11, gate_registers+80\n"
	"	mov %r12, gate_registers+88\n"
	"	mov %r13, gate_registers+96\n"
	"	mov %r14, gate_registers+104\n"
	"	mov %r15, gate_registers+112\n"
	"	mov %rsp, gate_stack_back\n"
	"	mov gate_stack, %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");

static u64 given(unsigned int reg)
{
	return 0x1111111111111111ULL * (reg + 1);
}

static u64 seen[6], stack_at_call;
static int verdict;

/* As costly to the caller-saved registers as a handler can be. */
static void clobber(void)
{
	stack_at_call = (u64)__builtin_frame_address(0);
	__asm__ volatile("mov $-1, %%rcx; mov %%rcx, %%rdx; mov %%rcx, %%rsi; mov %%rcx, %%rdi; "
			 "mov %%rcx, %%r8\n"
			 "mov %%rcx, %%r9"
			 :
			 :
			 : "rcx", "rdx", "rsi", "rdi", "r8", "r9");
}

SM_MONITOR(empty, "one", u64 a)
{
	(void)a;
	return SM_ALLOW;
}

SM_MONITOR(none, "two")
{
	clobber();
	return verdict;
}

SM_MONITOR(narrow, "three", u32 a, u8 b)
{
	seen[0] = a;
	seen[1] = b;
	return SM_DENY(13);
}

SM_MONITOR_FAILING(four, "four", SM_DENY(1), u64 a, u64 b, u64 c, u64 d)
{
	memcpy(seen, (u64[]){a, b, c, d}, 4 * sizeof(u64));
	return SM_ALLOW;
}

SM_MONITOR(six, "six", u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	memcpy(seen, (u64[]){a, b, c, d, e, f}, sizeof(seen));
	return SM_ALLOW;
}

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	/* What the loader does before the table becomes read-only. */
	if (mprotect((void *)((u64)smc_dispatch & ~(u64)(SM_PAGE_SIZE - 1)), 2 * SM_PAGE_SIZE,
		     PROT_READ | PROT_WRITE))
		return -1;
	smc_dispatch[1] = empty_hook.handler;
	smc_dispatch[2] = none_hook.handler;
	smc_dispatch[3] = narrow_hook.handler;
	smc_dispatch[4] = four_hook.handler;
	smc_dispatch[63] = six_hook.handler;
	memset(&sm_cpu_state, 0, sizeof(sm_cpu_state));
	memset(seen, 0, sizeof(seen));
	verdict = 0;
	gate_flags = 0;
	for (i = 0; i < REGISTERS; i++)
		gate_registers[i] = given(i);
	return 0;
}

static void run(u64 slot)
{
	gate_registers[R11] = slot;
	pass_gate();
}

static void guest_registers_come_back(void **state)
{
	(void)state;
	run(2);
	assert_int_equal(gate_registers[RBX], given(RBX));
	assert_int_equal(gate_registers[RBP], given(RBP));
	assert_int_equal(gate_registers[R12], given(R12));
	assert_int_equal(gate_registers[R15], given(R15));
	assert_int_equal(sm_cpu_state.rbx, gate_registers[RBX]);
	assert_int_equal(sm_cpu_state.rsp, gate_stack);
	assert_int_equal(gate_stack_back, gate_stack);
	assert_int_equal(sm_cpu_state.slot, 2);
	assert_int_equal(sm_cpu_state.entries, 1);
	run(2);
	assert_int_equal(sm_cpu_state.entries, 2);
	assert_int_equal(stack_at_call % 16, 0);
	assert_in_range(stack_at_call, (u64)stack_top - 256, (u64)stack_top);
}

static void nothing_leaves_in_registers(void **state)
{
	static const int cleared[] = {RSI, RDI, R8, R9};
	size_t i;

	(void)state;
	run(2);
	for (i = 0; i < sizeof(cleared) / sizeof(cleared[0]); i++)
		assert_int_equal(gate_registers[cleared[i]], 0);
	assert_int_equal(gate_registers[RDX], 0);
}

static void slot_is_masked(void **state)
{
	(void)state;
	run(0xdeadbeef00000000 | 0xffffffc0 | 3);
	assert_int_equal(sm_cpu_state.slot, 3);
	assert_int_equal(gate_registers[RDX], 13);
	run(0);
	assert_int_equal(gate_registers[RDX], 0);
}

static void every_slot_has_a_handler(void **state)
{
	u64 slot;

	(void)state;
	for (slot = 0; slot < SM_SLOTS; slot++)
		assert_int_not_equal(smc_dispatch[slot], 0);
	run(40);
	assert_int_equal(gate_registers[RDX], 0);
}

static void verdicts_are_masked(void **state)
{
	static const struct {
		int verdict;
		u32 rdx;
	} cases[] = {{SM_ALLOW, 0},
		     {SM_DENY(1), 1},
		     {SM_DENY(4095), 4095},
		     {SM_DENY(4096), 0},
		     {SM_DENY(-1), 4095},
		     {SM_KILL(0), SM_VERDICT_KILL},
		     {SM_KILL(13), SM_VERDICT_KILL | 13},
		     {SM_KILL(8192), SM_VERDICT_KILL},
		     {8192, 0},
		     {INT32_MIN, 0},
		     {INT32_MAX, SM_VERDICT_MASK}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		verdict = cases[i].verdict;
		sm_cpu_state.attention = 0;
		run(2);
		assert_int_equal(gate_registers[RDX], cases[i].rdx);
		sm_cpu_state.attention = SM_VERDICT_ATTENTION;
		run(2);
		assert_int_equal(gate_registers[RDX], SM_VERDICT_ATTENTION | cases[i].rdx);
	}
}

static void arguments_arrive(void **state)
{
	(void)state;
	run(63);
	assert_int_equal(seen[0], given(RDI));
	assert_int_equal(seen[1], given(RSI));
	assert_int_equal(seen[2], given(RDX));
	assert_int_equal(seen[3], given(R10));
	assert_int_equal(seen[4], given(R8));
	assert_int_equal(seen[5], given(R9));

	setup(state);
	run(4);
	assert_int_equal(seen[3], given(R10));
	assert_int_equal(gate_registers[RDX], 0);

	setup(state);
	run(3);
	assert_int_equal(seen[0], (u32)given(RDI));
	assert_int_equal(seen[1], (u8)given(RSI));
}

static void hooks_say_what_the_loader_needs(void **state)
{
	(void)state;
	assert_string_equal((const char *)none_hook.name, "two");
	assert_int_equal(none_hook.nargs, 0);
	assert_int_equal(none_hook.abort_errno, 0);
	assert_int_equal(empty_hook.nargs, 1);
	assert_int_equal(narrow_hook.nargs, 2);
	assert_int_equal(four_hook.nargs, 4);
	assert_int_equal(four_hook.abort_errno, 1);
	assert_int_equal(six_hook.nargs, 6);
}

static volatile unsigned int steps;

static void on_step(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	if (regs[REG_RIP] == (greg_t)smc_entry)
		steps = 0;
	else
		steps++;
	if (regs[REG_RIP] == (greg_t)sm_gate_exit)
		regs[REG_EFL] &= ~0x100LL;
}

static void empty_activation_costs_what_we_say(void **state)
{
	static u8 stack[0x10000];
	const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_ONSTACK},
			 old;

	(void)state;
	assert_int_equal(sigaltstack(&alternative, NULL), 0);
	assert_int_equal(sigaction(SIGTRAP, &action, &old), 0);
	gate_flags = 0x100;
	run(1);
	sigaction(SIGTRAP, &old, NULL);
	assert_int_equal(steps, EMPTY_ACTIVATION);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(guest_registers_come_back),
		TEST(nothing_leaves_in_registers),
		TEST(slot_is_masked),
		TEST(every_slot_has_a_handler),
		TEST(verdicts_are_masked),
		TEST(arguments_arrive),
		TEST(hooks_say_what_the_loader_needs),
		TEST(empty_activation_costs_what_we_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
