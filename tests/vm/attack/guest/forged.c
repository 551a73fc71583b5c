// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events that never were: the attacker enters the gate as a stub does, for every slot, with arguments and a
 * current task of his own making.  Monitors follow the pointers that they find there.
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "attack.h"
#include "gate_offsets.h"

#define MAZE_ORDER 2
#define MAZE_SIZE  (PAGE_SIZE << MAZE_ORDER)
#define RACER      1

/* Two pieces of memory; every word of each leads to the other. */
static u64 *maze[2];
static bool race_is_over;

static void fill_maze(unsigned int i, u64 value)
{
	unsigned int word;

	for (word = 0; word < MAZE_SIZE / sizeof(u64); word++)
		WRITE_ONCE(maze[i][word], value);
}

static void free_maze(void)
{
	free_pages((unsigned long)maze[0], MAZE_ORDER);
	free_pages((unsigned long)maze[1], MAZE_ORDER);
}

/* Not to the first word, so that what lies before is there, too. */
static u64 into_maze(unsigned int i)
{
	return (u64)maze[i] + MAZE_SIZE / 4;
}

static int make_maze(void)
{
	maze[0] = (u64 *)__get_free_pages(GFP_KERNEL, MAZE_ORDER);
	maze[1] = (u64 *)__get_free_pages(GFP_KERNEL, MAZE_ORDER);
	if (!maze[0] || !maze[1]) {
		free_maze();
		return -ENOMEM;
	}
	fill_maze(0, into_maze(1));
	fill_maze(1, into_maze(0));
	return 0;
}

/* A GS base from which the task that is current is found in the maze, or 0. */
static u64 gs_base_for_maze(void)
{
	u64 offset = (u64)attack_symbol("pcpu_hot") ?: (u64)attack_symbol("current_task");

	return offset ? into_maze(0) - offset : 0;
}

/* Every slot; how many did not come back. */
static unsigned int call_all(u64 pointer, u64 gs_base)
{
	struct jump jump = {
		.rip = (u64)gate + GATE_ENTER_OFFSET,
		.fill = pointer,
		.late_cr3 = pointer,
		.gs_base = gs_base,
	};
	unsigned int lost = 0;

	for (jump.slot = 0; jump.slot < SM_SLOTS; jump.slot++)
		lost += run_jump(&jump) != LANDED_BACK;
	return lost;
}

static u64 hostile(unsigned int i)
{
	const u64 pointers[] = {
		0,
		PAGE_SIZE - 1,
		PAGE_OFFSET - 1,
		PAGE_OFFSET + 0xfee00000,   /* local APIC */
		PAGE_OFFSET + 0x3000000000, /* no RAM */
		PAGE_OFFSET + SM_RAM_LIMIT - 4,
		(u64)gate,
		(u64)gate + SM_VA_LIST,
		(u64)gate + SM_VA_IMAGE,
		(u64)gate + SM_VA_CPU + SM_CPU_STATE,
		(u64)gate + SM_VA_CPU + SM_CPU_RING,
		SM_WINDOW_VA,
		SM_WINDOW_VA + SM_RAM_LIMIT - PAGE_SIZE,
		0x0000800000000000, /* not canonical */
		0x00007ffffffffffc,
		~0ULL,
		~7ULL,
	};

	return i < ARRAY_SIZE(pointers) ? pointers[i] : 1;
}

static enum outcome all_came_back(unsigned int lost, unsigned int calls)
{
	attack_note("%u of %u came back", calls - lost, calls);
	return lost ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum outcome arguments(void)
{
	unsigned int lost = 0, i;

	for (i = 0; hostile(i) != 1; i++)
		lost += call_all(hostile(i), 0);
	return all_came_back(lost, i * SM_SLOTS);
}

/* The maze as arguments, and as the current task: parents, names and mounts without end. */
static enum outcome task(void)
{
	u64 gs_base = gs_base_for_maze();
	unsigned int lost, i;

	if (!gs_base || make_maze())
		return ATTACK_IMPOSSIBLE;
	lost = call_all(into_maze(0), gs_base);
	/* One that is its own parent, and one whose parents are hostile. */
	fill_maze(1, into_maze(1));
	lost += call_all(into_maze(0), gs_base);
	for (i = 0; hostile(i) != 1; i++) {
		fill_maze(1, hostile(i));
		lost += call_all(into_maze(0), gs_base);
	}
	free_maze();
	return all_came_back(lost, (i + 2) * SM_SLOTS);
}

static int change_maze(void *unused)
{
	unsigned int i = 0;

	while (!READ_ONCE(race_is_over)) {
		fill_maze(1, i & 1 ? into_maze(0) : hostile(i / 2));
		i = hostile(i / 2) == 1 ? 0 : i + 1;
	}
	return 0;
}

/* The same while another CPU changes it. */
static enum outcome race(void)
{
	u64 gs_base = gs_base_for_maze();
	struct task_struct *racer;
	unsigned int lost = 0, round;

	if (!gs_base || !cpu_online(RACER) || make_maze())
		return ATTACK_IMPOSSIBLE;
	race_is_over = false;
	racer = kthread_create(change_maze, NULL, "attack_race");
	if (IS_ERR(racer)) {
		free_maze();
		return ATTACK_IMPOSSIBLE;
	}
	kthread_bind(racer, RACER);
	get_task_struct(racer);
	wake_up_process(racer);
	for (round = 0; round < 20; round++)
		lost += call_all(into_maze(0), gs_base);
	WRITE_ONCE(race_is_over, true);
	kthread_stop(racer);
	put_task_struct(racer);
	free_maze();
	return all_came_back(lost, round * SM_SLOTS);
}

const struct attack forged_attacks[] = {
	{"forged-arguments", arguments}, {"forged-task", task}, {"forged-race", race}, {}};
