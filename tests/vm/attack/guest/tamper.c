// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shadowmon_tamper.ko: what rootkits do to a kernel.  What is written to its parameter "run" is one of the words at
 * the end of this file.  Reading it gives what a monitor of integrity has to tell of what was done: an extended
 * regular expression a line, for the first fields of the event.  Nothing that it plants is ever called.
 */
#include <linux/cred.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/static_call.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>

#include "lookup.h"

#define UNUSED_SYSCALL  156 /* sysctl() */
#define UNUSED_VECTOR   4   /* #OF, which no instruction of 64-bit mode raises */
#define UNUSED_CODE     32  /* bytes into a function that runs once at most */
#define UNUSED_FUNCTION "kernel_halt"

/* Another module: a function that ran when it was loaded, and one that its interface has when it is up. */
#define VICTIM          "dummy"
#define VICTIM_FUNCTION VICTIM ":dummy_setup"
#define VICTIM_TRACED   VICTIM ":dummy_xmit"
/* One that stays, with a function that is traced and probed. */
#define OTHER_FUNCTION "loop:lo_ioctl"

#define IDT_SEEN_AT \
	0xfffffe0000000000UL /* by IDTR: read-only, with other pages than the kernel's image */
#define ANY_HASH "0x[0-9a-f]+"

static void *nowhere; /* memory that is nobody's text */

/* --- what has to be told ---------------------------------------------------------------------------- */

static char report[PAGE_SIZE];
static size_t report_len;

static __printf(1, 2) void expect(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_len += vscnprintf(report + report_len, sizeof(report) - report_len, format, args);
	va_end(args);
}

static void expect_words_of(const char *kind, const void *at, u64 before, u64 now, const char *name)
{
	expect("\"kind\":\"%s\",\"address\":\"0x%lx\",\"expected\":\"0x%llx\",\"found\":\"0x%llx\",\"pid\":0,\"name\":\"%s\"\n",
	       kind, (unsigned long)at, before, now, name);
}

static void expect_words(const char *kind, const void *at, u64 before, u64 now)
{
	expect_words_of(kind, at, before, now, "");
}

static void expect_hashes_of(const char *kind, const void *at, const char *name)
{
	expect("\"kind\":\"%s\",\"address\":\"0x%lx\",\"expected\":\"" ANY_HASH
	       "\",\"found\":\"" ANY_HASH "\",\"pid\":0,\"name\":\"%s\"\n",
	       kind, (unsigned long)at, name);
}

static void expect_hashes(const char *kind, const void *at)
{
	expect_hashes_of(kind, at, "");
}

static void expect_named(const char *kind, const void *at, int pid, const char *name)
{
	expect("\"kind\":\"%s\",\"address\":\"0x%lx\",\"expected\":\"0x0\",\"found\":\"0x0\",\"pid\":%d,\"name\":\"%s\"\n",
	       kind, (unsigned long)at, pid, name);
}

/* --- writes to memory that is mapped read-only ------------------------------------------------------ */

static struct change {
	u8 *at;
	u8 bytes[16];
	size_t len;
} changes[16];
static unsigned int nr_changes;

/* at lies in the kernel's image or a module, and not across a page's end. */
static int poke(void *at, const void *bytes, size_t len)
{
	struct page *page;
	u8 *map;

	if ((unsigned long)at >= MODULES_VADDR)
		page = vmalloc_to_page(at);
	else
		page = pfn_to_page(__pa_symbol(at) >> PAGE_SHIFT);
	map = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!map)
		return -ENOMEM;
	memcpy(map + offset_in_page(at), bytes, len);
	vunmap(map);
	return memcmp(at, bytes, len) ? -EIO : 0;
}

static int change(void *at, const void *bytes, size_t len)
{
	struct change *c = &changes[nr_changes];
	unsigned long page = (unsigned long)at & PAGE_MASK;

	if (nr_changes == ARRAY_SIZE(changes) || len > sizeof(c->bytes))
		return -ENOSPC;
	c->at = at;
	c->len = len;
	memcpy(c->bytes, at, len);
	nr_changes++;
	if (page >= lookup("__start_rodata") && page < lookup("__start_BTF"))
		expect_hashes("KERNEL_RODATA", (void *)page);
	return poke(at, bytes, len);
}

static void undo_changes(void)
{
	while (nr_changes) {
		nr_changes--;
		poke(changes[nr_changes].at, changes[nr_changes].bytes, changes[nr_changes].len);
	}
}

/* --- tables ------------------------------------------------------------------------------------------ */

static int tamper_idt(void)
{
	u64 *gate = (u64 *)lookup("idt_table") + 2 * UNUSED_VECTOR;
	u64 other = *gate ^ 0x40; /* a bit of the handler's address */

	expect_words("IDT_GATE", (u64 *)IDT_SEEN_AT + 2 * UNUSED_VECTOR, *gate, other);
	return change(gate, &other, sizeof(other));
}

/* The GDT is data of the CPU's, and can be written. */
#define SEGMENT_DPL (3ULL << 45)
static u64 *segment;

static int tamper_gdt(void)
{
	segment = (u64 *)get_cpu_gdt_rw(0) + GDT_ENTRY_KERNEL32_CS;
	expect_words("GDT_ENTRY", segment, *segment, *segment ^ SEGMENT_DPL);
	*segment ^= SEGMENT_DPL;
	return 0;
}

static int tamper_syscall(void)
{
	unsigned long *entry = (unsigned long *)lookup("sys_call_table") + UNUSED_SYSCALL;

	expect_words("SYSCALL_TABLE", entry, *entry, (unsigned long)nowhere);
	return change(entry, &nowhere, sizeof(nowhere));
}

/* Up to 6.11 a security module is taken out of a list; later, its function from behind a static call. */
static int tamper_lsm(void)
{
	struct hlist_head *heads = (void *)lookup("security_hook_heads");
	unsigned long **call = (void *)lookup("static_calls_table");
	void *none = NULL;

	if (heads) {
		while (!heads->first)
			heads++;
		expect_hashes("LSM_HOOK", heads);
		return change(&heads->first, &heads->first->next, sizeof(void *));
	}
	/* key, trampoline, hook, whether it is on */
	while (!call[2])
		call += 4;
	expect_hashes("LSM_HOOK", call);
	return change(&call[2], &none, sizeof(none));
}

static int tamper_rodata(void)
{
	return change((void *)lookup("linux_banner"), "l", 1);
}

/* --- code -------------------------------------------------------------------------------------------- */

static int tamper_text(void)
{
	u8 *at = (u8 *)lookup(UNUSED_FUNCTION) + UNUSED_CODE, other = *at ^ 1;

	expect_hashes("KERNEL_TEXT", (void *)((unsigned long)at & PAGE_MASK));
	return change(at, &other, 1);
}

/* Where ftrace puts its call: the function returns at once. */
static int tamper_site_of(const char *kind, const char *function, const char *name)
{
	static const u8 nop[5] = {0x0f, 0x1f, 0x44, 0x00, 0x00},
			other[5] = {0x48, 0x31, 0xc0, 0xc3, 0x90};
	u8 *at = (u8 *)lookup(function);
	u64 found;
	int i;

	for (i = 0; memcmp(at + i, nop, sizeof(nop)); i++)
		if (i == 8)
			return -ENOENT;
	memcpy(&found, at + i, sizeof(found));
	memcpy(&found, other, sizeof(other));
	expect_words_of(kind, at + i, 0, found, name);
	return change(at + i, other, sizeof(other));
}

static int tamper_site(void)
{
	return tamper_site_of("KERNEL_TEXT_SITE", "kernel_power_off", "");
}

static int tamper_module_text(void)
{
	u8 *at = (u8 *)lookup(VICTIM_FUNCTION), other;

	if (!at)
		return -ENOENT;
	at += UNUSED_CODE;
	other = *at ^ 1;
	expect_hashes_of("MODULE_TEXT", (void *)((unsigned long)at & PAGE_MASK), VICTIM);
	return change(at, &other, 1);
}

static int tamper_module_site(void)
{
	return tamper_site_of("MODULE_TEXT_SITE", VICTIM_TRACED, VICTIM);
}

static void on_call(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
}

static int on_probe(struct kprobe *p, struct pt_regs *regs)
{
	return 0;
}

/* Of another kind each: a function's beginning, where ftrace is; behind it. */
static struct ftrace_ops ops;
static struct kprobe probes[3];

/* And another one, if it is not NULL. */
static int trace(const char *function, const char *other)
{
	int err;

	ops.func = on_call;
	err = ftrace_set_filter_ip(&ops, lookup(function), 0, 1);
	if (!err && other)
		err = ftrace_set_filter_ip(&ops, lookup(other), 0, 0);
	if (!err)
		err = register_ftrace_function(&ops);
	if (err)
		ops.func = NULL;
	return err;
}

static int insert_probe(struct kprobe *probe, unsigned long address)
{
	int err;

	memset(probe, 0, sizeof(*probe));
	probe->addr = (void *)address;
	probe->pre_handler = on_probe;
	err = register_kprobe(probe);
	if (err)
		probe->addr = NULL;
	return err;
}

static int tamper_ftrace(void)
{
	int err = trace("kernel_restart", NULL);

	if (err)
		return err;
	ops.func = nowhere;
	expect_words("FTRACE_OPS", &ops, 0, (unsigned long)nowhere);
	return 0;
}

static int tamper_kprobe(void)
{
	int err = insert_probe(&probes[0], lookup("kernel_restart_prepare"));

	if (err)
		return err;
	probes[0].pre_handler = nowhere;
	expect_words("KPROBE", &probes[0], (unsigned long)probes[0].addr, (unsigned long)nowhere);
	return 0;
}

static void undo_probes(void)
{
	int i;

	if (ops.func) {
		ops.func = on_call;
		unregister_ftrace_function(&ops);
		ops.func = NULL;
	}
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!probes[i].addr)
			continue;
		probes[i].pre_handler = on_probe;
		unregister_kprobe(&probes[i]);
		probes[i].addr = NULL;
	}
}

/* Behind ftrace's NOP, before which there may be ENDBR. */
static int insert_probe_inside(struct kprobe *probe, const char *function)
{
	unsigned long inside = lookup(function) + 5;

	return insert_probe(probe, inside) ? insert_probe(probe, inside + 4) : 0;
}

/* This module's own places that the kernel patches. */
static int give_0(void)
{
	return 0;
}

static int give_1(void)
{
	return 1;
}

static DEFINE_STATIC_KEY_FALSE(tamper_key);
DEFINE_STATIC_CALL(tamper_call, give_0);

static noinline int patched(void)
{
	return static_branch_unlikely(&tamper_key) ? 1 + static_call(tamper_call)() : 0;
}

/*
 * What is no rootkit's: probes and a tracer in functions that run all the time, and in another module's; a static key
 * and a static call.
 */
static int use(void)
{
	int err = trace("schedule", OTHER_FUNCTION);

	if (!err)
		err = insert_probe(&probes[0], lookup("do_exit"));
	if (!err)
		err = insert_probe_inside(&probes[1], "do_exit");
	if (!err)
		err = insert_probe_inside(&probes[2], OTHER_FUNCTION);
	static_branch_enable(&tamper_key);
	static_call_update(tamper_call, give_1);
	return err ? err : patched() == 2 ? 0 : -EIO;
}

/* --- what is hidden ---------------------------------------------------------------------------------- */

static struct list_head *modules; /* what was before this one */
static struct task_struct *task;
static struct pid *pid;

static int tamper_module(void)
{
	modules = THIS_MODULE->list.prev;
	list_del(&THIS_MODULE->list);
	expect_named("HIDDEN_MODULE", THIS_MODULE, 0, THIS_MODULE->name);
	return 0;
}

/* The newest process "sleep". */
static struct task_struct *find_victim(void)
{
	struct task_struct *p, *victim = NULL;

	rcu_read_lock();
	for_each_process(p) if (strcmp(p->comm, "sleep") == 0) victim = p;
	rcu_read_unlock();
	return victim;
}

static int tamper_process(void)
{
	task = find_victim();
	if (!task)
		return -ESRCH;
	get_task_struct(task);
	list_del_init(&task->tasks);
	expect_named("HIDDEN_PROCESS", task, task_tgid_nr(task), task->comm);
	return 0;
}

/* The process that writes this runs on without its number, and so may what it executes: its name is any. */
static int hide_pid(void)
{
	pid = get_pid(task_tgid(current));
	idr_replace(&init_pid_ns.idr, NULL, pid_nr(pid));
	expect_named("HIDDEN_PID", current->group_leader, pid_nr(pid), "[a-z]+");
	return 0;
}

static void show_hidden(void)
{
	if (modules)
		list_add(&THIS_MODULE->list, modules);
	modules = NULL;
	if (task) {
		list_add_tail_rcu(&task->tasks, &init_task.tasks);
		put_task_struct(task);
	}
	task = NULL;
	if (pid) {
		idr_replace(&init_pid_ns.idr, pid, pid_nr(pid));
		put_pid(pid);
	}
	pid = NULL;
}

/* --- which ------------------------------------------------------------------------------------------- */

static int (*const ways[])(void) = {
	tamper_idt,     tamper_gdt,         tamper_syscall,     tamper_lsm,    tamper_rodata,
	tamper_text,    tamper_site,        tamper_ftrace,      tamper_kprobe, tamper_module,
	tamper_process, tamper_module_text, tamper_module_site,
};

static int tamper(void)
{
	int i, err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(ways); i++)
		err = ways[i]();
	return err;
}

static int undo(void)
{
	undo_changes();
	undo_probes();
	static_branch_disable(&tamper_key);
	static_call_update(tamper_call, give_0);
	show_hidden();
	if (segment)
		*segment ^= SEGMENT_DPL;
	segment = NULL;
	report_len = 0;
	return 0;
}

/* What exploits end with: whoever writes this has the first task's credentials. */
static int become_root(void)
{
	struct cred *root = prepare_kernel_cred(&init_task);

	return root ? commit_creds(root) : -ENOMEM;
}

static const struct {
	const char *name;
	int (*run)(void);
} words[] = {
	{"tamper", tamper}, {"hide_pid", hide_pid}, {"become_root", become_root},
	{"use", use},       {"undo", undo},
};

static int set_run(const char *val, const struct kernel_param *kp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (sysfs_streq(val, words[i].name))
			return words[i].run();
	return -EINVAL;
}

static int get_run(char *buffer, const struct kernel_param *kp)
{
	memcpy(buffer, report, report_len);
	return report_len;
}

static const struct kernel_param_ops run_ops = {.set = set_run, .get = get_run};
module_param_cb(run, &run_ops, NULL, 0600);

static int __init tamper_init(void)
{
	int err = find_lookup();

	if (err)
		return err;
	nowhere = kzalloc(64, GFP_KERNEL);
	return nowhere ? 0 : -ENOMEM;
}

static void __exit tamper_exit(void)
{
	undo();
	kfree(nowhere);
}

module_init(tamper_init);
module_exit(tamper_exit);
MODULE_DESCRIPTION("Changes a kernel as rootkits do, for tests");
MODULE_LICENSE("GPL");
