# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see monitors.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh

# One line a check: what has to be among the events of /usr/bin/provoke, and its condition.
EXPECTED='
file_open|.mode == "0100600" and .path == "/tmp/one" and (.flags | contains(["O_RDWR", "O_CREAT", "O_EXCL"]))
file_open|.path == "/tmp/by-ring" and (.flags | contains(["O_WRONLY", "O_CREAT"]))
file_chmod|.was == "0100600" and .mode == "04711" and .path == "/tmp/one"
file_chown|.uid == 7 and .gid == -1 and .path == "/tmp/one"
file_rename|.old_directory == "/tmp" and .old_name == "one" and .directory == "/tmp" and .name == "two"
file_link|(.symbolic | not) and (.target | endswith("/two")) and .directory == "/tmp" and .name == "hard"
file_link|.symbolic and .target == "/etc/shadow" and .directory == "/tmp" and .name == "soft"
file_truncate|.path == "/tmp/two"
file_unlink|(.is_directory | not) and .directory == "/tmp" and .name == "two"
file_unlink|.is_directory and .directory == "/tmp" and .name == "gone"
socket_bind|.type == "SOCK_STREAM" and .address == {family: "AF_INET", address: "127.0.0.1", port: 7777}
socket_listen|.backlog == 3 and .address.port == 7777
socket_connect|.type == "SOCK_STREAM" and .address == {family: "AF_INET", address: "127.0.0.1", port: 7777}
socket_connect|.type == "SOCK_DGRAM" and .address.family == "AF_UNIX" and .path == "/tmp/nobody.sock"
socket_accept|.address.port == 7777 and .peer.address == "127.0.0.1" and .peer.port > 1024
memory_protect|.was == ["PROT_READ", "PROT_WRITE"] and .protection == ["PROT_READ", "PROT_EXEC"] and .anonymous and .private_pages
memory_map|.protection == ["PROT_READ", "PROT_WRITE", "PROT_EXEC"] and .anonymous and (.shared | not)
ptrace_attach|.target.pid > .process.pid
ptrace_traceme|.tracer.pid < .process.pid
process_clone|(.thread | not) and .child.pid > .process.pid
bpf_load|.program_type == "SOCKET_FILTER" and .instructions == 2 and .name == "provoked"
bpf|.command == "BPF_MAP_CREATE"
kernel_load|.what == "MODULE" and (.from_file | not)
kernel_load|.what == "MODULE" and .from_file and .path == "/usr/bin/provoke"
kernel_load|.what == "KEXEC_IMAGE" and (.from_file | not)
kexec_start|true
mount|.device == "provoked" and .path == "/tmp/from" and .type == "tmpfs" and .flags == ["MS_NOSUID", "MS_NODEV"]
mount_move|.from == "/tmp/from" and .to == "/tmp/to"
pivot_root|.new_root == "/tmp/to" and .put_old == "/tmp"
unmount|.flags == ["MNT_DETACH"] and .path == "/to"
credentials|.cause == "SET_ID" and (.unexplained | not) and .uid == 1000 and .fsuid == 1000 and .effective == []
credentials|.cause == "NAMESPACE" and (.unexplained | not) and .new_user_namespace
namespace_create|.namespaces == ["CLONE_NEWUSER"]
namespace_create|.namespaces == ["CLONE_NEWUTS"]
namespace_enter|.namespaces == ["CLONE_NEWUTS"]
key_create|.type == "user" and .description == "provoked"
key_read|.serial > 0
sysctl_write|.name | endswith("/kernel/core_pattern")
sysctl_string|.name == "core_pattern" and .value == "|/tmp/x"
io_uring_sqpoll|true
'

all_names='process_exec,process_exit,module,credentials,file,socket,memory,ptrace,bpf,kernel_load,mount,namespace,keyring,sysctl,io_uring,clone'

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
guest_start web 1 256 || exit 1

! shadowmon attach --image /root/monitors.o --monitors=file,nosuch web >/tmp/refused 2>&1 &&
	grep -q 'no monitor "nosuch".*process_exec.*clone' /tmp/refused
ok $? "a monitor that is not there is refused, and those that are named" || sed 's/^/# /' /tmp/refused
check "all monitors are hooked" vm_attach --monitors="$all_names"
guest_run web provoke >/tmp/provoke.out
ok $? "what they look at is done" || sed 's/^/# /' /tmp/provoke.out
vm_drain
while IFS='|' read -r event condition; do
	[ -n "$event" ] || continue
	n=$(vm_count ".$event | objects | $condition")
	[ "$n" -ge 1 ]
	ok $? "$event: $condition" || grep -m 3 "\"$event\"" /tmp/events.json | cut -c1-600 | sed 's/^/# /'
done <<<"$EXPECTED"
check "nothing of it is without an explanation" test "$(vm_count '.credentials.unexplained')" -eq 0
check "no text was unreadable" test "$(vm_count '.[] | objects | .unreadable')" -eq 0
check "no monitor was aborted" test "$(vm_status aborts)" -eq 0

# In the lab each function takes a moment to unhook.
check "detach" shadowmon detach --timeout=60 web
check "the default ones do not see files" vm_attach
guest_run web 'echo x >/tmp/again'
vm_drain
check "... and see programs" test "$(vm_count '.process_exec')" -ge 1
check "... but not files" test "$(vm_count '.file_open')" -eq 0
shadowmon detach web >/dev/null
guest_stop web
check "the guest's kernel has nothing to say" sh -c "! grep -E 'BUG:|WARNING:|Oops|Call Trace' $(guest_console web)"
kill -TERM $daemon
wait $daemon
ok $? "the daemon ends cleanly"
check "module unloads" rmmod shadowmon
tap_end
