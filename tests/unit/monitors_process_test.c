// SPDX-License-Identifier: GPL-2.0-or-later
/* Monitors of what processes become: credentials, namespaces, memory, tracers, children, keys. */
#include "monitor_fixture.h"

#include "monitors/clone/monitor.c"
#include "monitors/credentials/monitor.c"
#include "monitors/io_uring/monitor.c"
#include "monitors/keyring/monitor.c"
#include "monitors/memory/monitor.c"
#include "monitors/namespace/monitor.c"
#include "monitors/ptrace/monitor.c"

/* --- credentials -------------------------------------------------------------------------- */

#define ALL_CAPS    0x1ffffffffffULL
#define USER_NS     0xffff888000001000ULL
#define SYS_ioctl   16
#define SYS_execve  59
#define SYS_setuid  105
#define SYS_setgid  106
#define SYS_capset  126
#define SYS_unshare 272

static u64 new_cred(u32 uid, u64 caps)
{
	u64 cred = new_object(0x40);
	u32 i;

	for (i = 0; i < 8; i++)
		put32(cred + 4 + 4 * i, uid);
	PUT64(cred, cred, cap_effective, caps);
	PUT64(cred, cred, cap_permitted, caps);
	PUT64(cred, cred, user_ns, USER_NS);
	return cred;
}

/* A process with these credentials, in a system call. */
static void enter(u64 cred, u64 number)
{
	u64 stack = new_object(THREAD_SIZE);

	PUT64(task, task_struct, cred, cred);
	PUT64(task, task_struct, mm, 1);
	PUT64(task, task_struct, stack, stack);
	PUT64(stack + THREAD_SIZE - SM_SIZE(pt_regs), pt_regs, orig_ax, number);
}

static const struct sm_event_credentials *commit(u64 cred)
{
	assert_int_equal(credentials(cred), SM_ALLOW);
	return take_event();
}

static void assert_commit(u64 cred, u32 cause, bool unexplained)
{
	const struct sm_event_credentials *e = commit(cred);

	assert_non_null(e);
	assert_int_equal(e->cause, cause);
	assert_int_equal(e->unexplained, unexplained);
}

static void root_out_of_nothing_is_told(void **state)
{
	const struct sm_event_credentials *e;

	(void)state;
	enter(new_cred(1000, 0), SYS_ioctl);
	e = commit(new_cred(0, ALL_CAPS));
	assert_non_null(e);
	assert_int_equal(e->head.task.uid, 1000); /* who it was */
	assert_int_equal(e->cause, UNEXPLAINED);
	assert_int_equal(e->unexplained, 1);
	assert_int_equal(e->uid, 0);
	assert_int_equal(e->fsgid, 0);
	assert_int_equal(e->gained, ALL_CAPS);
	assert_int_equal(e->effective, ALL_CAPS);
	assert_int_equal(e->permitted, ALL_CAPS);
	assert_int_equal(e->new_user_namespace, 0);
	/* Capabilities alone, and ids alone. */
	assert_commit(new_cred(1000, SETUID_BIT), UNEXPLAINED, true);
	assert_commit(new_cred(0, 0), UNEXPLAINED, true);
}

/* An exploit that runs in a call that may change credentials is none the better for it. */
static void calls_explain_what_they_can_do(void **state)
{
	u64 user = new_cred(1000, 0), cred;

	(void)state;
	enter(user, SYS_execve);
	assert_commit(new_cred(0, ALL_CAPS), EXEC, false);
	enter(user, SYS_setuid);
	assert_commit(new_cred(0, 0), SET_ID, true);
	assert_commit(new_cred(1000, ALL_CAPS), SET_ID, true);
	enter(user, SYS_capset);
	assert_commit(new_cred(0, 0), CAPABILITY, true);
	assert_commit(new_cred(1000, SETUID_BIT), CAPABILITY, true);
	enter(user, SYS_unshare);
	assert_commit(new_cred(1000, ALL_CAPS), NAMESPACE, true);
	cred = new_cred(1000, ALL_CAPS);
	PUT64(cred, cred, user_ns, USER_NS + 0x100);
	assert_commit(cred, NAMESPACE, false);

	enter(new_cred(0, ALL_CAPS), SYS_setuid);
	assert_commit(new_cred(1000, 0), SET_ID, false);
	enter(new_cred(0, ALL_CAPS & ~SETGID_BIT), SYS_setgid);
	cred = new_cred(0, ALL_CAPS & ~SETGID_BIT);
	PUT32(cred, cred, egid, 5);
	assert_commit(cred, SET_ID, true);
}

/* A set-user-id program that goes back to the user it serves, and returns. */
static void saved_ids_may_come_back(void **state)
{
	u64 cred = new_cred(1000, 0);

	(void)state;
	PUT32(cred, cred, suid, 33);
	enter(cred, SYS_setuid);
	cred = new_cred(1000, 0);
	PUT32(cred, cred, suid, 33);
	PUT32(cred, cred, euid, 33);
	assert_commit(cred, SET_ID, false);
}

static void numbers_of_32_bit_calls_are_others(void **state)
{
	u64 root = new_cred(0, ALL_CAPS);

	(void)state;
	enter(root, 213);
	assert_commit(new_cred(5, 0), UNEXPLAINED, true);
	PUT32(task, task_struct, thread_info.status, STATUS_COMPAT);
	assert_commit(new_cred(5, 0), SET_ID, false);
	enter(root, SYS_setuid);
	assert_commit(new_cred(5, 0), UNEXPLAINED, true);
	PUT32(task, task_struct, thread_info.status, 0);
	enter(root, SYS_setuid | 0x40000000);
	assert_commit(new_cred(5, 0), SET_ID, false);
}

static void kernel_threads_have_no_calls(void **state)
{
	(void)state;
	enter(new_cred(1000, 0), SYS_ioctl);
	PUT64(task, task_struct, mm, 0);
	assert_commit(new_cred(0, ALL_CAPS), KERNEL, false);
}

static void what_changes_nothing_is_not_told(void **state)
{
	(void)state;
	enter(new_cred(1000, 0), SYS_ioctl);
	assert_null(commit(new_cred(1000, 0)));
	/* Not to be read is not to be root. */
	assert_non_null(commit(NOWHERE));
	assert_non_null(commit(0));
	PUT64(task, task_struct, cred, 0);
	PUT64(task, task_struct, stack, NOWHERE);
	assert_commit(new_cred(0, ALL_CAPS), UNEXPLAINED, true);
}

/* --- memory ------------------------------------------------------------------------------- */

static void executable_mappings(void **state)
{
	u64 file = new_file(new_dentry(root_dentry, "lib.so"));
	const struct sm_event_memory_map *e;

	(void)state;
	assert_int_equal(memory_map(file, PROT_READ | PROT_EXEC, 2), SM_ALLOW);
	assert_null(take_event());
	memory_map(0, PROT_READ | PROT_WRITE, 2);
	assert_null(take_event());
	memory_map(0, PROT_EXEC, 0x22);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->protection, PROT_EXEC);
	assert_int_equal(e->anonymous, 1);
	assert_int_equal(e->shared, 0);
	memory_map(file, PROT_WRITE | PROT_EXEC, 1);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->protection, PROT_WRITE | PROT_EXEC);
	assert_int_equal(e->anonymous, 0);
	assert_int_equal(e->shared, 1);
	ASSERT_TEXT(e, path, "/lib.so");
}

static const struct sm_event_memory_protect *protect(u64 vma, u64 was, u64 prot)
{
	PUT64(vma, vm_area_struct, vm_flags, was | 0x70);
	assert_int_equal(memory_protect(vma, prot, prot), SM_ALLOW);
	return take_event();
}

static void memory_that_becomes_executable(void **state)
{
	u64 vma = new_object(0x40);
	const struct sm_event_memory_protect *e;

	(void)state;
	PUT64(vma, vm_area_struct, vm_start, 0x7000);
	PUT64(vma, vm_area_struct, vm_end, 0x9000);
	assert_null(protect(vma, PROT_READ, PROT_READ | PROT_WRITE));
	assert_null(protect(vma, PROT_READ | PROT_EXEC, PROT_READ | PROT_EXEC));
	assert_null(protect(vma, 7, PROT_READ | PROT_EXEC));
	e = protect(vma, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC);
	assert_non_null(e);
	assert_int_equal(e->start, 0x7000);
	assert_int_equal(e->end, 0x9000);
	assert_int_equal(e->was, PROT_READ | PROT_WRITE);
	assert_int_equal(e->protection, PROT_READ | PROT_EXEC);
	assert_int_equal(e->anonymous, 1);
	assert_int_equal(e->private_pages, 0);
	PUT64(vma, vm_area_struct, vm_file, new_file(new_dentry(root_dentry, "bin")));
	PUT64(vma, vm_area_struct, anon_vma, 1);
	e = protect(vma, PROT_READ | PROT_EXEC, 7); /* code that becomes writable */
	assert_non_null(e);
	assert_int_equal(e->anonymous, 0);
	assert_int_equal(e->private_pages, 1);
	ASSERT_TEXT(e, path, "/bin");
}

/* --- other processes ---------------------------------------------------------------------- */

static void tracers(void **state)
{
	u64 other = new_task(7, 7, "victim");
	const struct sm_event_ptrace_attach *e;
	const struct sm_event_ptrace_traceme *me;

	(void)state;
	ptrace_attach(other, 0x11); /* a look at /proc/7 */
	assert_null(take_event());
	ptrace_attach(other, 0x12);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->target.tgid, 7);
	assert_string_equal(e->target.comm, "victim");
	ptrace_traceme(other);
	me = take_event();
	assert_non_null(me);
	assert_int_equal(me->tracer.tgid, 7);
}

static void children_and_threads(void **state)
{
	const struct sm_event_process_clone *e;

	(void)state;
	process_clone(new_task(90, 90, "child"));
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->thread, 0);
	assert_int_equal(e->child.pid, 90);
	process_clone(new_task(91, 80, "worker"));
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->thread, 1);
}

/* --- namespaces, io_uring, keys -------------------------------------------------------------- */

static void namespaces_that_are_made(void **state)
{
	const struct sm_event_namespace_create *e;

	(void)state;
	namespace_create(0x11, task, 0, 0);
	assert_null(take_event());
	namespace_create(CLONE_NEWNET | CLONE_NEWNS | 0x11, task, 0, 0);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->namespaces, CLONE_NEWNET | CLONE_NEWNS);
	namespace_create_user(0);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->namespaces, CLONE_NEWUSER);
}

static void namespaces_that_are_entered(void **state)
{
	u64 old = new_object(0x40), new = new_object(0x40);
	const struct sm_event_namespace_enter *e;

	(void)state;
	namespace_enter(task, new);
	assert_null(take_event());
	PUT64(task, task_struct, nsproxy, old);
	namespace_enter(task, 0);
	assert_null(take_event());
	namespace_enter(task, new);
	assert_null(take_event());
	PUT64(new, nsproxy, mnt_ns, 1);
	PUT64(new, nsproxy, time_ns_for_children, 1);
	namespace_enter(task, new);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->namespaces, CLONE_NEWNS | CLONE_NEWTIME);
}

static void io_uring_beyond_its_process(void **state)
{
	u64 cred = new_cred(1000, 0);
	const struct sm_event_io_uring_credentials *e;

	(void)state;
	io_uring_sqpoll();
	assert_non_null(take_event());
	PUT32(cred, cred, euid, 0);
	io_uring_credentials(cred);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->uid, 1000);
	assert_int_equal(e->euid, 0);
	assert_int_equal(e->egid, 1000);
}

static void keys(void **state)
{
	u64 key = new_object(0x40), type = new_object(0x10);
	const struct sm_event_key_create *e;
	const struct sm_event_key_read *read;

	(void)state;
	PUT64(key, key, type, type);
	PUT64(key, key, description, new_string("token"));
	PUT64(type, key_type, name, new_string("user"));
	key_create(key, 0, 0);
	e = take_event();
	assert_non_null(e);
	ASSERT_TEXT(e, type, "user");
	ASSERT_TEXT(e, description, "token");
	key_create(NOWHERE, 0, 0);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->type.flags, SM_TEXT_UNREADABLE);
	key_read((u32)-3, 0, 0);
	read = take_event();
	assert_non_null(read);
	assert_int_equal(read->serial, -3);
}

static void full_ring_is_no_reason_to_stop(void **state)
{
	u64 namespaces = new_object(0x40), others = new_object(0x40), cred = new_cred(0, 0);

	(void)state;
	enter(new_cred(1, 0), SYS_ioctl);
	PUT64(task, task_struct, nsproxy, namespaces);
	PUT64(others, nsproxy, net_ns, 1);
	fill_ring();
	assert_int_equal(credentials(cred), SM_ALLOW);
	assert_int_equal(memory_map(0, PROT_EXEC, 0), SM_ALLOW);
	assert_int_equal(memory_protect(0, PROT_EXEC, PROT_EXEC), SM_ALLOW);
	assert_int_equal(ptrace_attach(task, 2), SM_ALLOW);
	assert_int_equal(ptrace_traceme(task), SM_ALLOW);
	assert_int_equal(process_clone(task), SM_ALLOW);
	assert_int_equal(namespace_create(CLONE_NEWNET, 0, 0, 0), SM_ALLOW);
	assert_int_equal(namespace_create_user(0), SM_ALLOW);
	assert_int_equal(namespace_enter(task, others), SM_ALLOW);
	assert_int_equal(io_uring_sqpoll(), SM_ALLOW);
	assert_int_equal(io_uring_credentials(cred), SM_ALLOW);
	assert_int_equal(key_create(0, 0, 0), SM_ALLOW);
	assert_int_equal(key_read(0, 0, 0), SM_ALLOW);
	assert_null(take_event());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MONITOR_TEST(root_out_of_nothing_is_told),
		MONITOR_TEST(calls_explain_what_they_can_do),
		MONITOR_TEST(saved_ids_may_come_back),
		MONITOR_TEST(numbers_of_32_bit_calls_are_others),
		MONITOR_TEST(kernel_threads_have_no_calls),
		MONITOR_TEST(what_changes_nothing_is_not_told),
		MONITOR_TEST(executable_mappings),
		MONITOR_TEST(memory_that_becomes_executable),
		MONITOR_TEST(tracers),
		MONITOR_TEST(children_and_threads),
		MONITOR_TEST(namespaces_that_are_made),
		MONITOR_TEST(namespaces_that_are_entered),
		MONITOR_TEST(io_uring_beyond_its_process),
		MONITOR_TEST(keys),
		MONITOR_TEST(full_ring_is_no_reason_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
