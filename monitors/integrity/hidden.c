// SPDX-License-Identifier: GPL-2.0-or-later
/* Modules and processes that one of the kernel's lists has and another has not. */
#include "integrity.h"

/* struct list_head: next, prev. */
static bool is_linked(u64 node)
{
	u64 next = sm_read64(node), prev = sm_read64(node + 8);

	return next != node && sm_read64(next + 8) == node && sm_read64(prev) == node;
}

/* True, also if the list is longer than that many. */
static bool is_in_list(u64 head, u64 node, u32 limit)
{
	u64 at = sm_read64(head);
	u32 i;

	for (i = 0; i < limit; i++, at = sm_read64(at)) {
		if (at == node)
			return true;
		if (at == head || !at)
			return false;
	}
	return true;
}

/* --- modules ------------------------------------------------------------------------------- */

/*
 * The tree by which the kernel finds modules by address: two copies, of which one is whole at any time.  What a node
 * describes lies before it: struct module_memory, or until 6.3 module_layout.
 */
#define TREE_DEPTH    64
#define MODULES_SLICE 4

struct area {
	u64 base;
	u64 size;
	u64 module;
};

static u64 offset_of_node(void)
{
	if (SM_HAS(module_memory, mtn))
		return SM_OFFSET(module_memory, mtn);
	if (SM_HAS(module_layout, mtn))
		return SM_OFFSET(module_layout, mtn);
	return 0;
}

static void read_area(u64 at, struct area *area)
{
	if (SM_HAS(module_memory, base) && SM_HAS(module_memory, size)) {
		area->base = SM_READ64(at, module_memory, base);
		area->size = SM_READ32(at, module_memory, size);
	} else if (SM_HAS(module_layout, base) && SM_HAS(module_layout, size)) {
		area->base = SM_READ64(at, module_layout, base);
		area->size = SM_READ32(at, module_layout, size);
	}
	area->module = SM_READ64(at + offset_of_node(), mod_tree_node, mod);
}

/* The area with the highest base up to address; or the lowest behind it. */
static bool find_area(u64 address, bool behind, struct area *ret_area)
{
	u64 copy = sm_read32(SM_SYMBOL(mod_tree)) & 1, node, distance;
	bool found = false;
	struct area area = {0};
	u32 depth;

	distance = offset_of_node() + SM_OFFSET(mod_tree_node, node) + copy * SM_SIZE(rb_node);
	node = sm_read64(SM_SYMBOL(mod_tree) + SM_OFFSET(latch_tree_root, tree) + 8 * copy);
	for (depth = 0; node && depth < TREE_DEPTH; depth++) {
		read_area(node - distance, &area);
		if ((area.base > address) == behind) {
			*ret_area = area;
			found = true;
		}
		if (area.base > address)
			node = SM_READ64(node, rb_node, rb_left);
		else
			node = SM_READ64(node, rb_node, rb_right);
	}
	return found;
}

u64 integrity_module_at(u64 address)
{
	struct area area;

	if (!find_area(address, false, &area) || address - area.base >= area.size)
		return 0;
	return area.module;
}

static void look_at_module(u64 module)
{
	struct finding finding = {.kind = HIDDEN_MODULE, .address = module};
	u64 node = module + SM_OFFSET(module, list);

	if (is_linked(node) && is_in_list(SM_SYMBOL(modules), node, MODULES_MAX))
		return;
	finding.name = module + SM_OFFSET(module, name);
	integrity_suspect(&finding, module);
}

/* What sysfs shows of modules; the kernel's own parts have no struct module. */
static void look_at_next_kobject(void)
{
	u64 head = sm_read64(SM_SYMBOL(module_kset)), at, kobject, module;
	static u32 next;
	u32 i;

	at = sm_read64(head + SM_OFFSET(kset, list));
	for (i = 0; i < next && at && at != head + SM_OFFSET(kset, list); i++)
		at = sm_read64(at);
	next = (next + 1) % MODULES_MAX;
	if (!at || at == head + SM_OFFSET(kset, list)) {
		next = 0;
		return;
	}
	kobject = at - SM_OFFSET(kobject, entry);
	module = SM_READ64(kobject, module_kobject, mod);
	if (module)
		look_at_module(module);
}

void integrity_modules(void)
{
	struct area area;
	static u64 last;
	u32 i;

	for (i = 0; i < MODULES_SLICE; i++) {
		if (!find_area(last, true, &area)) {
			last = 0;
			break;
		}
		last = area.base;
		look_at_module(area.module);
		integrity_meet_module(area.module, area.base);
	}
	look_at_next_kobject();
}

/* --- processes ----------------------------------------------------------------------------- */

/* linux/pid.h, linux/xarray.h: XA_CHUNK_SHIFT */
#define PIDTYPE_TGID  1
#define CHUNK_SHIFT   6
#define CHUNK         (1u << CHUNK_SHIFT)
#define PIDS_MAX      (1u << 22) /* PID_MAX_LIMIT */
#define PROCESSES_MAX 1024

/* Inner nodes are marked by the lowest bits of their address. */
static bool is_node(u64 entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

/*
 * The node with the entries of *pid and its 63 neighbours; or 0, and in *pid the first that another node may have.
 * Without a node there is no process but the first.
 */
static u64 find_chunk(u32 *pid)
{
	u64 entry = sm_read64(SM_SYMBOL(init_pid_ns) + SM_OFFSET(pid_namespace, idr) +
			      SM_OFFSET(idr, idr_rt) + SM_OFFSET(xarray, xa_head));
	u32 shift, above = 32, here = *pid;

	*pid = PIDS_MAX;
	while (is_node(entry)) {
		entry -= 2;
		shift = SM_READ8(entry, xa_node, shift);
		if (shift >= above || (above == 32 && here >> shift >= CHUNK))
			return 0;
		if (shift == 0) {
			*pid = here;
			return entry;
		}
		above = shift;
		*pid = ((here >> shift) + 1) << shift;
		entry = sm_read64(entry + SM_OFFSET(xa_node, slots) +
				  8 * ((here >> shift) & (CHUNK - 1)));
	}
	return 0;
}

static u64 pid_in_chunk(u64 chunk, u32 i)
{
	u64 pid = sm_read64(chunk + SM_OFFSET(xa_node, slots) + 8 * i);

	return pid & 3 ? 0 : pid;
}

static void suspect_process(u32 kind, u64 leader)
{
	struct finding finding = {.kind = kind, .address = leader};

	finding.pid = SM_READ32(leader, task_struct, tgid);
	finding.name = leader + SM_OFFSET(task_struct, comm);
	integrity_suspect(&finding, SM_READ64(leader, task_struct, start_boottime) ^ finding.pid);
}

/* thoroughly: a ring of its own does not pass for the list. */
static void look_at_process(u64 leader, bool thoroughly)
{
	u64 node = leader + SM_OFFSET(task_struct, tasks);

	if (is_linked(node) &&
	    (!thoroughly ||
	     is_in_list(SM_SYMBOL(init_task) + SM_OFFSET(task_struct, tasks), node, PROCESSES_MAX)))
		return;
	suspect_process(HIDDEN_PROCESS, leader);
}

/* The processes of 64 pids, one of them thoroughly. */
void integrity_processes(void)
{
	u32 i, chosen = (u32)sm_random() % CHUNK;
	static u32 next;
	u64 chunk, pid, node;

	if (next >= PIDS_MAX)
		next = 0;
	chunk = find_chunk(&next);
	if (!chunk)
		return;
	for (i = 0; i < CHUNK; i++) {
		pid = pid_in_chunk(chunk, i);
		if (!pid)
			continue;
		node = sm_read64(pid + SM_OFFSET(pid, tasks) + 8 * PIDTYPE_TGID);
		if (node)
			look_at_process(node - SM_OFFSET(task_struct, pid_links) -
						PIDTYPE_TGID * SM_SIZE(hlist_node),
					i >= chosen);
		if (node && i >= chosen)
			chosen = CHUNK;
	}
	next = ((next >> CHUNK_SHIFT) + 1) << CHUNK_SHIFT;
}

/* Who runs, which needs no list. */
void integrity_current(void)
{
	u64 leader = SM_READ64(sm_current(), task_struct, group_leader), chunk;
	u32 pid = SM_READ32(leader, task_struct, pid), at = pid;

	/* An idle thread is in no list. */
	if (!leader || (pid == 0 && !SM_READ64(leader, task_struct, mm)))
		return;
	look_at_process(leader, false);
	chunk = find_chunk(&at);
	if (!chunk ||
	    pid_in_chunk(chunk, pid & (CHUNK - 1)) != SM_READ64(leader, task_struct, thread_pid))
		suspect_process(HIDDEN_PID, leader);
}
