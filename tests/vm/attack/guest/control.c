// SPDX-License-Identifier: GPL-2.0-or-later
/* Hypercalls out of order, forged, and with hostile arguments. */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/vmalloc.h>

#include <shadowmon/hypercall.h>

#include "attack.h"

#define ROUNDS 20000

static long vmcall(unsigned long number, unsigned long rbx, unsigned long rcx)
{
	long ret;

	asm volatile("vmcall" : "=a"(ret) : "a"(number), "b"(rbx), "c"(rcx) : "memory");
	return ret;
}

static enum outcome control(void)
{
	return vmcall(SM_HC_HELLO, SM_ABI_REVISION, 0) == SM_HELLO_MAGIC ? ATTACK_SUCCEEDED
									 : ATTACK_IMPOSSIBLE;
}

/* Another G would put the monitor where the attacker wants it. */
static enum outcome register_again(void)
{
	struct sm_agent_info *info = (void *)get_zeroed_page(GFP_KERNEL);
	long ret;

	if (!info)
		return ATTACK_IMPOSSIBLE;
	info->magic = SM_AGENT_MAGIC;
	info->revision = SM_ABI_REVISION;
	info->size = sizeof(*info);
	info->gate_va = (u64)gate + SM_PAGE_SIZE;
	info->gate_gpa = page_to_phys(vmalloc_to_page(gate));
	ret = vmcall(SM_HC_REGISTER, virt_to_phys(info), 0);
	free_page((unsigned long)info);
	attack_note("%ld", ret);
	return ret < 0 ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/* The compartment's own calls, from the guest. */
static enum outcome monitor_calls(void)
{
	static const u32 numbers[] = {SM_HC_DOORBELL, SM_HC_RING_FULL, SM_HC_PANIC,
				      SM_HC_GATE_VIOLATION};
	unsigned int i, refused = 0;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		refused += vmcall(numbers[i], 0, 0) < 0;
	attack_note("%u of %zu refused", refused, ARRAY_SIZE(numbers));
	return refused == ARRAY_SIZE(numbers) ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/* Answers to commands that nobody gave, and places for commands where no RAM is. */
static enum outcome forged(void)
{
	static const u64 hostile[] = {
		SM_GATE_GPA,  SM_IMAGE_GPA, SM_CPU_GPA, SM_WINDOW_GPA,      0xfee00000,
		0x3000000000, ~0ULL,        ~0xfffULL,  0x8000000000000000,
	};
	unsigned int i, refused = 0;

	for (i = 0; i < ARRAY_SIZE(hostile); i++)
		refused += vmcall(SM_HC_POLL, hostile[i], 0) < 0;
	for (i = 0; i < 64; i++)
		refused += vmcall(SM_HC_ANSWER, i, 0) < 0;
	attack_note("%u of %zu refused", refused, ARRAY_SIZE(hostile) + 64);
	return refused == ARRAY_SIZE(hostile) + 64 ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/*
 * Any number with any arguments: that the host and the guest go on is the result.  All but the one that ends the
 * attachment, and is told of.
 */
static enum outcome random_calls(void)
{
	unsigned long *page = (void *)get_zeroed_page(GFP_KERNEL);
	unsigned int i, calls[2] = {};

	if (!page)
		return ATTACK_IMPOSSIBLE;
	for (i = 0; i < ROUNDS; i++) {
		u64 arguments[3];

		get_random_bytes(arguments, sizeof(arguments));
		get_random_bytes(page, 256);
		arguments[0] = SM_HC_BASE | (arguments[0] & 0x3f);
		if (arguments[0] == SM_HC_LEAVE)
			continue;
		if ((arguments[0] & 0xff) == (SM_HC_POLL & 0xff) || (i & 1))
			arguments[1] = virt_to_phys(page) + (arguments[1] & 0xfff) / 2;
		calls[vmcall(arguments[0], arguments[1], arguments[2]) < 0]++;
	}
	free_page((unsigned long)page);
	attack_note("%u answered, %u refused", calls[0], calls[1]);
	return ATTACK_REFUSED;
}

const struct attack control_attacks[] = {
	{"hypercall-register", register_again}, {"hypercall-monitor", monitor_calls},
	{"hypercall-forged", forged},           {"hypercall-random", random_calls},
	{"hypercall.control", control},         {}};
