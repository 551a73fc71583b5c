// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The compartment's judge on any table and any guest: nothing is read beyond either, it comes to an end, and a
 * verdict is an errno, perhaps with SIGKILL.  The input is the guest's RAM, from page 1 on, and then the table.
 */
#include <assert.h>
#include <string.h>

#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

#include <arch.h>
#include <cpu.h>

#define RAM_SIZE    0x4000UL
#define PAGE_OFFSET 0xffff888000000000ULL

struct sm_policy_area policy_area __asm__("smc_policy"); /* not const here */
struct sm_cpu_state sm_cpu_state;

static u8 ram[RAM_SIZE];
static u64 record[SM_RECORD_MAX / 8];

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* --- the machine -------------------------------------------------------------------------- */

u64 smc_cr3(void)
{
	return 0;
}

u64 smc_gs_base(void)
{
	return PAGE_OFFSET;
}

const void *fake_ram(u64 gpa, u64 len)
{
	assert(gpa < SM_RAM_LIMIT);
	return gpa < RAM_SIZE && len <= RAM_SIZE - gpa ? ram + gpa : NULL;
}

void *sm_reserve(u16 type, u32 max)
{
	struct sm_record *rec = (struct sm_record *)record;

	assert(max <= SM_EMIT_MAX);
	rec->type = type;
	rec->len = max;
	return record;
}

void sm_commit(void *rec, u32 len)
{
	assert(rec == record && len <= ((struct sm_record *)record)->len);
}

/* ------------------------------------------------------------------------------------------ */

static size_t take(void *to, size_t room, const u8 **data, size_t *size)
{
	size_t len = *size < room ? *size : room;

	memcpy(to, *data, len);
	*data += len;
	*size -= len;
	return len;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct sm_policy_object object = {.bprm = PAGE_OFFSET + 0x200};
	u8 head[8] = {0};
	bool tell;
	int verdict;

	memset(ram, 0, sizeof(ram));
	memset(&policy_area, 0, sizeof(policy_area));
	take(head, sizeof(head), &data, &size);
	object.event = head[0] % 8;
	object.endpoint.family = head[1];
	object.endpoint.port = head[2];
	object.endpoint.address[15] = head[3];
	sm_policy_set_name(&object, head[4] % 2 ? head[5] : -1);
	take(ram, size / 2 < RAM_SIZE ? size / 2 : RAM_SIZE, &data, &size);
	policy_area.active = 1;
	take(&policy_area.tables[0], sizeof(policy_area.tables[0]), &data, &size);
	verdict = sm_policy_judge(&object, &tell);
	assert((verdict & ~SM_VERDICT_MASK) == 0);
	sm_policy_tells(&object);
	return 0;
}
