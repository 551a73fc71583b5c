# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the monitors that must be asked for have to say of /usr/bin/provoke: for scripts that have tap.sh and vm.sh.
# All but those that are too many or have tests of their own: syscall, integrity.
MONITORS_ON_REQUEST=credentials,file,socket,memory,ptrace,bpf,kernel_load,mount,namespace,keyring,sysctl,io_uring,clone

# One line a check: what has to be among the events of /usr/bin/provoke, and its condition.
EXPECTED='
file_open|.mode == "0100600" and .path == "/tmp/one" and (.flags | contains(["O_RDWR", "O_CREAT", "O_EXCL"]))
file_create|.mode == "0100600" and .directory == "/tmp" and .name == "one"
file_create|.mode == "040700" and .directory == "/tmp" and .name == "gone"
file_open|.mode == "0100600" and .path == "/tmp/by-ring" and (.flags | contains(["O_WRONLY", "O_CREAT"]))
file_chmod|.was == "0100600" and .mode == "04711" and .path == "/tmp/one"
file_chown|.uid == 7 and .gid == -1 and .path == "/tmp/one"
file_rename|.old_directory == "/tmp" and .old_name == "one" and .directory == "/tmp" and .name == "two"
file_link|(.symbolic | not) and (.target | endswith("/two")) and .directory == "/tmp" and .name == "hard"
file_link|.symbolic and .target == "/etc/shadow" and .directory == "/tmp" and .name == "soft"
file_truncate|.path == "/tmp/two"
file_unlink|(.is_directory | not) and .directory == "/tmp" and .name == "two"
file_unlink|.is_directory and .directory == "/tmp" and .name == "gone"
socket_bind|.type == "SOCK_STREAM" and .address == {family: "AF_INET", address: "127.0.0.1", port: 7777}
socket_bind|.type == "SOCK_SEQPACKET" and .address.family == "AF_UNIX" and .path == "/tmp/named.sock"
socket_listen|.type == "SOCK_STREAM" and .backlog == 3 and .address.port == 7777
socket_connect|.type == "SOCK_STREAM" and .address == {family: "AF_INET", address: "127.0.0.1", port: 7777}
socket_connect|.type == "SOCK_DGRAM" and .address.family == "AF_UNIX" and .path == "/tmp/nobody.sock"
socket_connect|.type == "SOCK_DGRAM" and .address == {family: "AF_INET", address: "127.0.0.1", port: 7778} and .path == ""
socket_accept|.type == "SOCK_STREAM" and .address == {family: "AF_INET", address: "127.0.0.1", port: 7777} and .peer.address == "127.0.0.1" and .peer.port > 1024
memory_protect|.was == ["PROT_READ", "PROT_WRITE"] and .protection == ["PROT_READ", "PROT_EXEC"] and .anonymous and .private_pages and .start < .end and .path == ""
memory_map|.protection == ["PROT_READ", "PROT_WRITE", "PROT_EXEC"] and .anonymous and (.shared | not) and .path == ""
ptrace_attach|.target.pid > .process.pid and .target.comm == "provoke" and .target.uid == 0 and .target.start_boottime > 0
ptrace_traceme|.tracer.pid < .process.pid and .tracer.comm == "provoke" and .tracer.uid == 0
process_clone|(.thread | not) and .child.pid > .process.pid and .child.comm == "provoke"
bpf_load|.program_type == "SOCKET_FILTER" and .instructions == 2 and .name == "provoked"
bpf_load|.program_type == "RAW_TRACEPOINT"
bpf|.command == "BPF_MAP_CREATE"
bpf|.command == "BPF_RAW_TRACEPOINT_OPEN"
kernel_load|.what == "MODULE" and (.from_file | not)
kernel_load|.what == "MODULE" and .from_file and .path == "/usr/bin/provoke"
kernel_load|.what == "KEXEC_IMAGE" and (.from_file | not)
kexec_start|true
mount|.device == "provoked" and .path == "/tmp/from" and .type == "tmpfs" and .flags == ["MS_NOSUID", "MS_NODEV"]
mount_move|.from == "/tmp/from" and .to == "/tmp/to"
pivot_root|.new_root == "/tmp/to" and .put_old == "/tmp"
unmount|.flags == ["MNT_DETACH"] and .path == "/to"
credentials|.cause == "SET_ID" and (.unexplained | not) and (.new_user_namespace | not) and [.uid, .euid, .suid, .fsuid] == [1000, 1000, 1000, 1000] and [.gid, .egid, .sgid, .fsgid] == [0, 0, 0, 0] and .gained == [] and .effective == [] and .permitted == []
credentials|.cause == "UNEXPLAINED" and .unexplained and (.new_user_namespace | not) and [.uid, .euid, .suid, .fsuid, .gid, .egid, .sgid, .fsgid] == [0, 0, 0, 0, 0, 0, 0, 0] and (.gained | length) == 41 and .gained == .effective and .effective == .permitted and .process.uid == 1000 and .process.comm == "provoke"
credentials|.cause == "NAMESPACE" and (.unexplained | not) and .new_user_namespace
namespace_create|.namespaces == ["CLONE_NEWUSER"]
namespace_create|.namespaces == ["CLONE_NEWUTS"]
namespace_enter|.namespaces == ["CLONE_NEWUTS"]
key_create|.type == "user" and .description == "provoked"
key_read|.serial > 0
sysctl_write|.name | endswith("/kernel/core_pattern")
sysctl_write|.name | endswith("/kernel/modprobe")
sysctl_string|.name == "modprobe" and .value == "/tmp/y"
sysctl_string|.name == "core_pattern" and .value == "|/tmp/x"
io_uring_sqpoll|true
io_uring_credentials|[.uid, .euid, .gid, .egid] == [0, 0, 0, 0]
'

# Once they are attached; shadowmon_tamper.ko is what makes a process root that may not be.
check_provoked()
{
	local event condition n
	guest_run web '[ -e /sys/module/shadowmon_tamper ] || insmod /shadowmon_tamper.ko; provoke' >/tmp/provoke.out
	ok $? "what the monitors look at is done" || sed 's/^/# /' /tmp/provoke.out
	vm_drain
	while IFS='|' read -r event condition; do
		[ -n "$event" ] || continue
		n=$(vm_count ".$event | objects | $condition")
		[ "$n" -ge 1 ]
		ok $? "$event: $condition" || grep -m 3 "\"$event\"" /tmp/events.json | cut -c1-600 | sed 's/^/# /'
	done <<<"$EXPECTED"
	check "process_vm_readv() is seen as ptrace is" test "$(vm_count '.ptrace_attach')" -ge 2
	check "all else has an explanation" test "$(vm_count '.credentials.unexplained')" -eq 1
	check "no text was unreadable" test "$(vm_count '.[] | objects | .unreadable')" -eq 0
	check "no monitor was aborted" test "$(vm_status aborts)" -eq 0
}
