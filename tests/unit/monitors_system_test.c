// SPDX-License-Identifier: GPL-2.0-or-later
/* Monitors of what processes do to the system: files, sockets, mounts, kernel parameters, what the kernel loads. */
#include "monitor_fixture.h"

#include "monitors/bpf/monitor.c"
#include "monitors/file/monitor.c"
#include "monitors/kernel_load/monitor.c"
#include "monitors/mount/monitor.c"
#include "monitors/socket/monitor.c"
#include "monitors/syscall/monitor.c"
#include "monitors/sysctl/monitor.c"

static u64 tmp, tmp_path, secret;

static int setup(void **state)
{
	int err = monitor_setup(state);
	u64 inode;

	if (err)
		return err;
	tmp = new_dentry(root_dentry, "tmp");
	tmp_path = new_path(tmp);
	secret = new_dentry(tmp, "secret");
	inode = new_object(0x40);
	PUT16(inode, inode, i_mode, 0100600);
	PUT64(secret, dentry, d_inode, inode);
	return 0;
}

/* --- files -------------------------------------------------------------------------------- */

static void files_opened_for_writing(void **state)
{
	u64 file = new_file(secret);
	const struct sm_event_file_open *e;

	(void)state;
	PUT64(file, file, f_inode, SM_READ64(secret, dentry, d_inode));
	PUT32(file, file, f_mode, 0x1);
	assert_int_equal(file_open(file), SM_ALLOW);
	assert_null(take_event());
	PUT32(file, file, f_mode, 0x3);
	PUT32(file, file, f_flags, 0x8242);
	file_open(file);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->flags, 0x8242);
	assert_int_equal(e->mode, 0100600);
	ASSERT_TEXT(e, path, "/tmp/secret");
	file_open(NOWHERE);
	assert_null(take_event());
}

static void files_made(void **state)
{
	const struct sm_event_file_create *e;

	(void)state;
	assert_int_equal(file_mknod(tmp_path, secret, 0100640, 0), SM_ALLOW);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->mode, 0100640);
	ASSERT_TEXT(e, directory, "/tmp");
	ASSERT_TEXT(e, name, "secret");
	assert_int_equal(file_mkdir(tmp_path, secret, 0700), SM_ALLOW);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->mode, 0040700);
	ASSERT_TEXT(e, directory, "/tmp");
	ASSERT_TEXT(e, name, "secret");
}

static void files_removed(void **state)
{
	const struct sm_event_file_unlink *e;

	(void)state;
	file_unlink(tmp_path, secret);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->is_directory, 0);
	ASSERT_TEXT(e, directory, "/tmp");
	ASSERT_TEXT(e, name, "secret");
	file_rmdir(new_path(root_dentry), tmp);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->is_directory, 1);
	ASSERT_TEXT(e, directory, "/");
	ASSERT_TEXT(e, name, "tmp");
}

static void files_renamed_and_linked(void **state)
{
	u64 to = new_path(root_dentry), other = new_dentry(root_dentry, "other");
	const struct sm_event_file_rename *rename;
	const struct sm_event_file_link *link;

	(void)state;
	file_rename(tmp_path, secret, to, other, 0);
	rename = take_event();
	assert_non_null(rename);
	ASSERT_TEXT(rename, old_directory, "/tmp");
	ASSERT_TEXT(rename, old_name, "secret");
	ASSERT_TEXT(rename, directory, "/");
	ASSERT_TEXT(rename, name, "other");
	file_link(secret, to, other);
	link = take_event();
	assert_non_null(link);
	assert_int_equal(link->symbolic, 0);
	ASSERT_TEXT(link, target, "/tmp/secret");
	ASSERT_TEXT(link, directory, "/");
	ASSERT_TEXT(link, name, "other");
	file_symlink(to, other, new_string("../etc/shadow"));
	link = take_event();
	assert_non_null(link);
	assert_int_equal(link->symbolic, 1);
	ASSERT_TEXT(link, target, "../etc/shadow");
}

static void files_changed(void **state)
{
	u64 path = new_path(secret);
	const struct sm_event_file_chmod *chmod;
	const struct sm_event_file_chown *chown;
	const struct sm_event_file_truncate *truncate;

	(void)state;
	file_chmod(path, 04755);
	chmod = take_event();
	assert_non_null(chmod);
	assert_int_equal(chmod->was, 0100600);
	assert_int_equal(chmod->mode, 04755);
	ASSERT_TEXT(chmod, path, "/tmp/secret");
	file_chown(path, 0, (u32)-1);
	chown = take_event();
	assert_non_null(chown);
	assert_int_equal(chown->uid, 0);
	assert_int_equal(chown->gid, -1);
	ASSERT_TEXT(chown, path, "/tmp/secret");
	file_truncate(path);
	truncate = take_event();
	assert_non_null(truncate);
	ASSERT_TEXT(truncate, path, "/tmp/secret");
}

/* --- system calls ------------------------------------------------------------------------- */

static void assert_arguments(const struct sm_event_syscall *e, bool compat, u32 number, u64 first)
{
	assert_non_null(e);
	assert_int_equal(e->compat, compat);
	assert_int_equal(e->number, number);
	assert_int_equal(e->argument_1, first);
	assert_int_equal(e->argument_2, first + 1);
	assert_int_equal(e->argument_3, first + 2);
	assert_int_equal(e->argument_4, first + 3);
	assert_int_equal(e->argument_5, first + 4);
	assert_int_equal(e->argument_6, first + 5);
}

static void system_calls(void **state)
{
	u64 regs = new_object(168), high = 0x5555000000000010, wide = 0xffffffff00000010;

	(void)state;
	PUT64(regs, pt_regs, di, high);
	PUT64(regs, pt_regs, si, high + 1);
	PUT64(regs, pt_regs, dx, high + 2);
	PUT64(regs, pt_regs, r10, high + 3);
	PUT64(regs, pt_regs, r8, high + 4);
	PUT64(regs, pt_regs, r9, high + 5);
	assert_int_equal(syscall_64bit(regs, 257), SM_ALLOW);
	assert_arguments(take_event(), false, 257, high);
	PUT64(regs, pt_regs, bx, wide);
	PUT64(regs, pt_regs, cx, wide + 1);
	PUT64(regs, pt_regs, dx, wide + 2);
	PUT64(regs, pt_regs, si, wide + 3);
	PUT64(regs, pt_regs, di, wide + 4);
	PUT64(regs, pt_regs, bp, wide + 5);
	assert_int_equal(syscall_32bit(regs, 5), SM_ALLOW);
	assert_arguments(take_event(), true, 5, 0x10);
}

/* --- sockets ------------------------------------------------------------------------------ */

static u64 new_socket(u16 type, u64 sock)
{
	u64 socket = new_object(0x20);

	PUT16(socket, socket, type, type);
	PUT64(socket, socket, sk, sock);
	return socket;
}

static void addresses_given(void **state)
{
	static const u8 inet[] = {2, 0, 0x1f, 0x90, 10, 0, 0, 1};
	u64 address = new_object(128), socket = new_socket(1, 0);
	const struct sm_event_socket_bind *bind;
	const struct sm_event_socket_connect *connect;

	(void)state;
	put_bytes(address, inet, sizeof(inet));
	socket_bind(socket, address, 16);
	bind = take_event();
	assert_non_null(bind);
	assert_int_equal(bind->type, 1);
	assert_int_equal(bind->address.family, 2);
	assert_int_equal(bind->address.port, 8080);
	assert_memory_equal(bind->address.address, inet + 4, 4);
	assert_int_equal(bind->path.len, 0);
	put_bytes(address, "\1\0/run/x.sock", 13);
	socket_connect(socket, address, 13); /* without a NUL */
	connect = take_event();
	assert_non_null(connect);
	assert_int_equal(connect->address.family, 1);
	ASSERT_TEXT(connect, path, "/run/x.sock");
}

/* One event where it connects; none where connect() has said where to, or does not happen again. */
static void fast_open_connects(void **state)
{
	static const u8 inet[] = {2, 0, 0x1f, 0x90, 10, 0, 0, 1};
	u64 message = new_object(0x60), address = new_object(16), sock = new_object(0x40);
	u64 socket = new_socket(1, sock);
	const struct sm_event_socket_connect *e;

	(void)state;
	put_bytes(address, inet, sizeof(inet));
	PUT64(sock, sock, sk_socket, socket);
	PUT32(message, msghdr, msg_namelen, 16);
	PUT32(socket, socket, state, 1);
	assert_int_equal(socket_fast_open(sock, message, 0, 0, 0), SM_ALLOW);
	assert_null(take_event());
	PUT64(message, msghdr, msg_name, address);
	socket_fast_open(sock, message, 0, 0, 0);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->type, 1);
	assert_int_equal(e->address.port, 8080);
	assert_memory_equal(e->address.address, inet + 4, 4);
	PUT32(socket, socket, state, SS_CONNECTING);
	socket_fast_open(sock, message, 0, 0, 0);
	assert_null(take_event());
	PUT32(socket, socket, state, SS_CONNECTED);
	socket_fast_open(sock, message, 0, 0, 0);
	assert_null(take_event());
	/* Without a socket that could say so, it counts as one that connects. */
	socket_fast_open(NOWHERE, message, 0, 0, 0);
	assert_non_null(take_event());
	socket_fast_open(NOWHERE, NOWHERE, 0, 0, 0);
	assert_null(take_event());
}

static void names_of_unix_sockets_may_be_odd(void **state)
{
	static const u32 lengths[] = {0, 1, 2, 111, 0x7fffffff, 0xffffffff};
	u64 address = new_object(128);
	const struct sm_event_socket_connect *e;
	size_t i;

	(void)state;
	put_bytes(address, "\1\0/run", 7);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		socket_connect(0, address, lengths[i]);
		e = take_event();
		assert_non_null(e);
		assert_int_equal(e->path.len, 0);
	}
	socket_connect(0, address, 110);
	e = take_event();
	assert_non_null(e);
	ASSERT_TEXT(e, path, "/run");
	put_bytes(address, "\1\0\0abstract", 11);
	socket_connect(0, address, 11);
	e = take_event();
	assert_non_null(e);
	ASSERT_TEXT(e, path, "");
}

static void ends_of_connections(void **state)
{
	static const u8 local6[16] = {0xfd, [15] = 1}, remote6[16] = {0xfd, [15] = 2};
	u64 sock = new_object(0x40), socket = new_socket(1, sock);
	const struct sm_event_socket_listen *listen;
	const struct sm_event_socket_accept *accept;

	(void)state;
	PUT16(sock, sock, __sk_common.skc_family, 2);
	PUT16(sock, sock, __sk_common.skc_num, 22);
	PUT16(sock, sock, __sk_common.skc_dport, 0x3412);
	PUT32(sock, sock, __sk_common.skc_rcv_saddr, 0x0100007f);
	PUT32(sock, sock, __sk_common.skc_daddr, 0x0200007f);
	socket_listen(socket, 128);
	listen = take_event();
	assert_non_null(listen);
	assert_int_equal(listen->backlog, 128);
	assert_int_equal(listen->address.port, 22);
	assert_memory_equal(listen->address.address, "\x7f\0\0\1", 4);
	socket_accept(sock, socket);
	accept = take_event();
	assert_non_null(accept);
	assert_int_equal(accept->type, 1);
	assert_int_equal(accept->peer.family, 2);
	assert_int_equal(accept->peer.port, 0x1234);
	assert_memory_equal(accept->peer.address, "\x7f\0\0\2", 4);
	PUT16(sock, sock, __sk_common.skc_family, 10);
	put_bytes(sock + SM_OFFSET(sock, __sk_common.skc_v6_rcv_saddr), local6, 16);
	put_bytes(sock + SM_OFFSET(sock, __sk_common.skc_v6_daddr), remote6, 16);
	socket_accept(sock, socket);
	accept = take_event();
	assert_non_null(accept);
	assert_memory_equal(accept->address.address, local6, 16);
	assert_memory_equal(accept->peer.address, remote6, 16);
	assert_int_equal(accept->address.port, 22);
	socket_accept(NOWHERE, NOWHERE);
	accept = take_event();
	assert_non_null(accept);
	assert_int_equal(accept->peer.family, 0);
}

/* --- bpf, what the kernel loads ----------------------------------------------------------- */

static void bpf_calls(void **state)
{
	static const u32 quiet[] = {1, 2, 3, 4, 11, 15, 21, 36, 63, 64, 69, 0xffffffff};
	u64 attr = new_object(128);
	const struct sm_event_bpf_load *load;
	const struct sm_event_bpf *e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		assert_int_equal(bpf(quiet[i], attr, 128), SM_ALLOW);
		assert_null(take_event());
	}
	bpf(BPF_LINK_CREATE, attr, 128);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->command, BPF_LINK_CREATE);
	PUT32(attr, bpf_attr, prog_type, 2);
	PUT32(attr, bpf_attr, insn_cnt, 77);
	put_bytes(attr + SM_OFFSET(bpf_attr, prog_name), "hide_pid", 9);
	bpf(BPF_PROG_LOAD, attr, 128);
	load = take_event();
	assert_non_null(load);
	assert_int_equal(load->program_type, 2);
	assert_int_equal(load->instructions, 77);
	ASSERT_TEXT(load, name, "hide_pid");
}

static void kernel_loads(void **state)
{
	const struct sm_event_kernel_load *e;

	(void)state;
	kernel_load_data(3, 0);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->what, 3);
	assert_int_equal(e->from_file, 0);
	kernel_read_file(new_file(secret), 2, 1);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->what, 2);
	assert_int_equal(e->from_file, 1);
	ASSERT_TEXT(e, path, "/tmp/secret");
	kexec_start();
	assert_non_null(take_event());
}

/* --- mounts, kernel parameters ------------------------------------------------------------- */

static void mounts(void **state)
{
	u64 mounted = new_object(0x60);
	const struct sm_event_mount *e;
	const struct sm_event_mount_move *move;
	const struct sm_event_pivot_root *pivot;
	const struct sm_event_unmount *gone;

	(void)state;
	mount(new_string("none"), tmp_path, new_string("tmpfs"), 0x6, 0);
	e = take_event();
	assert_non_null(e);
	assert_int_equal(e->flags, 0x6);
	ASSERT_TEXT(e, device, "none");
	ASSERT_TEXT(e, path, "/tmp");
	ASSERT_TEXT(e, type, "tmpfs");
	mount(0, tmp_path, 0, 0x1020, 0);
	e = take_event();
	assert_non_null(e);
	ASSERT_TEXT(e, type, "");
	mount_move(new_path(secret), tmp_path);
	move = take_event();
	assert_non_null(move);
	ASSERT_TEXT(move, from, "/tmp/secret");
	ASSERT_TEXT(move, to, "/tmp");
	pivot_root(new_path(secret), tmp_path);
	pivot = take_event();
	assert_non_null(pivot);
	ASSERT_TEXT(pivot, new_root, "/tmp");
	ASSERT_TEXT(pivot, put_old, "/tmp/secret");
	PUT64(mounted, mount, mnt_mountpoint, tmp);
	unmount(mounted + SM_OFFSET(mount, mnt), 2);
	gone = take_event();
	assert_non_null(gone);
	assert_int_equal(gone->flags, 2);
	ASSERT_TEXT(gone, path, "/tmp");
}

static void kernel_parameters(void **state)
{
	u64 iocb = new_object(0x40), table = new_object(0x40);
	const struct sm_event_sysctl_write *e;
	const struct sm_event_sysctl_string *string;

	(void)state;
	PUT64(iocb, kiocb, ki_filp, new_file(secret));
	sysctl_write(iocb, 0, 0);
	assert_null(take_event());
	sysctl_write(iocb, 0, 1);
	e = take_event();
	assert_non_null(e);
	ASSERT_TEXT(e, name, "/tmp/secret");
	PUT64(table, ctl_table, procname, new_string("core_pattern"));
	sysctl_string(table, 0, new_string("core"), 0, 0);
	assert_null(take_event());
	sysctl_string(table, 1, new_string("|/tmp/x"), 0, 0);
	string = take_event();
	assert_non_null(string);
	ASSERT_TEXT(string, name, "core_pattern");
	ASSERT_TEXT(string, value, "|/tmp/x");
}

static void full_ring_is_no_reason_to_stop(void **state)
{
	u64 file = new_file(secret);

	(void)state;
	PUT32(file, file, f_mode, MODE_WRITE);
	fill_ring();
	assert_int_equal(file_open(file), SM_ALLOW);
	assert_int_equal(file_unlink(0, 0), SM_ALLOW);
	assert_int_equal(file_rmdir(0, 0), SM_ALLOW);
	assert_int_equal(file_rename(0, 0, 0, 0, 0), SM_ALLOW);
	assert_int_equal(file_mknod(0, 0, 0, 0), SM_ALLOW);
	assert_int_equal(file_mkdir(0, 0, 0), SM_ALLOW);
	assert_int_equal(syscall_64bit(0, 0), SM_ALLOW);
	assert_int_equal(syscall_32bit(0, 0), SM_ALLOW);
	assert_int_equal(file_link(0, 0, 0), SM_ALLOW);
	assert_int_equal(file_symlink(0, 0, 0), SM_ALLOW);
	assert_int_equal(file_chmod(0, 0), SM_ALLOW);
	assert_int_equal(file_chown(0, 0, 0), SM_ALLOW);
	assert_int_equal(file_truncate(0), SM_ALLOW);
	assert_int_equal(socket_bind(0, 0, 0), SM_ALLOW);
	assert_int_equal(socket_connect(0, 0, 0), SM_ALLOW);
	assert_int_equal(socket_fast_open(0, 0, 0, 0, 0), SM_ALLOW);
	assert_int_equal(socket_listen(0, 0), SM_ALLOW);
	assert_int_equal(socket_accept(0, 0), SM_ALLOW);
	assert_int_equal(bpf(BPF_PROG_LOAD, 0, 0), SM_ALLOW);
	assert_int_equal(bpf(BPF_MAP_CREATE, 0, 0), SM_ALLOW);
	assert_int_equal(kernel_load_data(0, 0), SM_ALLOW);
	assert_int_equal(kernel_read_file(0, 0, 0), SM_ALLOW);
	assert_int_equal(kexec_start(), SM_ALLOW);
	assert_int_equal(mount(0, 0, 0, 0, 0), SM_ALLOW);
	assert_int_equal(mount_move(0, 0), SM_ALLOW);
	assert_int_equal(pivot_root(0, 0), SM_ALLOW);
	assert_int_equal(unmount(0, 0), SM_ALLOW);
	assert_int_equal(sysctl_write(0, 0, 1), SM_ALLOW);
	assert_int_equal(sysctl_string(0, 1, 0, 0, 0), SM_ALLOW);
	assert_null(take_event());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, monitor_teardown)
	const struct CMUnitTest tests[] = {
		TEST(files_opened_for_writing),
		TEST(files_made),
		TEST(files_removed),
		TEST(system_calls),
		TEST(files_renamed_and_linked),
		TEST(files_changed),
		TEST(addresses_given),
		TEST(fast_open_connects),
		TEST(names_of_unix_sockets_may_be_odd),
		TEST(ends_of_connections),
		TEST(bpf_calls),
		TEST(kernel_loads),
		TEST(mounts),
		TEST(kernel_parameters),
		TEST(full_ring_is_no_reason_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
