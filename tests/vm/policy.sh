# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see policy.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh
. /root/check_policy.sh

cat >/tmp/quiet.yaml <<'END'
apiVersion: shadowmon/v1
kind: Policy
metadata:
  name: quiet
spec:
  rules:
  - event: process_exec
    match:
    - {field: path, operator: Suffix, values: [/uname]}
    action: allow
END

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
sleep 0.5
guest_start web 1 256 || exit 1
vm_boots_as_stock
policy_prepare
outcome "control: without a policy all of it happens" "$ALL_DONE"
refuse 1 "a policy whose monitors are not hooked is refused" vm_attach --policy /root/policy.yaml
check "attach with a policy" vm_attach --monitors=default,file,socket --policy /root/policy.yaml
vm_is_left_alone_in_user_mode
outcome "root gets the policy's errno for each, and what is next to it happens" "$REFUSED"
vm_drain
check "each refusal is told" test "$(vm_count '.policy | objects | .policy == "refuse" and .enforced')" -eq 14
check "... with address" test "$(vm_count '.policy | objects | .event == "socket_connect" and .error == "ENETUNREACH" and .rule == 4
	and (.address.address | endswith("127.66.6.6")) and .address.port == 7777 and .process.binary == "/usr/bin/attempt"')" -eq 6
check "... with path" test "$(vm_count '.policy | objects | .event == "file_open" and .name == "/tmp/closed/file"')" -eq 1
check "... with the module's name" test "$(vm_count '.policy | objects | .event == "module_load" and .name == "dummy" and .error == "EBUSY"')" -eq 1
check "... and who was killed" test "$(vm_count '.policy | objects | .action == "kill" and .error == "EACCES"')" -eq 2
check "what was refused did not happen" test "$(vm_count '.module_load or .process_exec.process.binary == "/tmp/forbidden"
	or ((.file_open.path // "") | test("^/tmp/(closed|deadly)/")) or .socket_bind.address.port == 666')" -eq 0
check "a connection by TCP Fast Open is told once" test "$(vm_count '.socket_connect | objects | .type == "SOCK_STREAM"
	and .address == {family: "AF_INET", address: "127.0.0.9", port: 7777}')" -eq 1
check "mode monitor, while the guest runs" shadowmon policy set-mode web refuse monitor
outcome "in mode monitor all of it happens" "$ALL_DONE"
vm_drain
# io_uring asks once more for a connection that was not there at once.
check "... and is told" test "$(jq -s '[.[].policy | objects | select(.enforced | not).rule] | (length >= 14) and (unique | length) == 8' \
	/tmp/events.json)" = true
check "... besides the events themselves" test "$(vm_count '.module_load or .process_exec.process.binary == "/tmp/forbidden"
	or .file_open.path == "/tmp/closed/file" or .socket_bind.address.port == 666')" -eq 4
check "a second policy, while the guest runs" shadowmon policy add web /tmp/quiet.yaml
check "both are listed" test "$(shadowmon policy list -o json web | jq -c '[.policies[] | [.name, .mode, .rules]]')" = \
	'[["refuse","monitor",8],["quiet","monitor",1]]'
guest_run web 'for i in 1 2 3; do /usr/bin/uname; done; /usr/bin/true' >/dev/null
vm_drain
check "what is allowed is not in the ring" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 0
check "... other things are" test "$(vm_count '.process_exec.process.binary == "/usr/bin/true"')" -eq 1
check "delete a policy, while the guest runs" shadowmon policy delete web quiet
guest_run web '/usr/bin/uname' >/dev/null
vm_drain
check "... and it is told again" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1
check "no record was lost" test "$(vm_status lost)" -eq 0
check "no abort" test "$(vm_status aborts)" -eq 0
check "enforce once more" shadowmon policy set-mode web refuse enforce
check "detach" vm_detach
check "the guest may do it again" guest_run web '/tmp/forbidden >/dev/null'
guest_stop web
check "the guest's kernel has nothing to say" vm_kernel_is_quiet
kill -TERM $daemon
wait $daemon
check "module unloads" rmmod shadowmon
tap_end
