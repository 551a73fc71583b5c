# SPDX-License-Identifier: GPL-2.0-or-later
# A guest or a host with the other supported kernel: events are right, faults are survived, some attacks
# refused.
. /lab/lib.sh
. /root/tap.sh
. /root/check_policy.sh
. /root/check_workload.sh
. /root/vm.sh

check "module loads" insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
sleep 0.5
check "doctor finds nothing missing" shadowmon doctor
guest_start web 1 256 || exit 1
vm_boots_as_stock
guest_run web 'rmmod shadowmon_guest; insmod /shadowmon_guest.ko lab=1; insmod /shadowmon_attack.ko'
policy_prepare
outcome "control: without a policy all of it happens" "$ALL_DONE"
monitors=default,file,socket
if [ -e /root/check_monitors.sh ]; then
	. /root/check_monitors.sh
	monitors=default,$MONITORS_ON_REQUEST
fi
check "attach" vm_attach --monitors=$monitors
guest_run web "WORKLOAD_ACCOUNT=/tmp/account . /workload.sh >/dev/null 2>&1; cat /tmp/account" >/tmp/account
vm_drain
check "each program of the guest's own account is seen once" account_matches /tmp/account /tmp/events.json
check "module load and unload are seen" test "$(vm_count '.module_load or .module_unload')" -eq 2
check "sequence numbers have no gap" sequence_is_whole /tmp/all.json
guest_run web 'echo 10000 >/sys/kernel/debug/shadowmon/ping'
check "gate round trips cause no VM exit" test "$(vm_status exits_event)" -eq 0
vm_is_left_alone_in_user_mode
[ ! -e /root/check_monitors.sh ] || check_provoked

check "a policy is added" shadowmon policy add web /root/policy.yaml
vm_follow
for what in 1 3 5 8 10; do
	guest_run web "echo $what 0 >/sys/kernel/debug/shadowmon/provoke" >/dev/null
	vm_drain
	check "fault $what of a monitor is an abort, and reported" test "$(vm_count .abort)" -eq 1
done
for attack in memory-read vmfunc-index gate-cr3 gate-single-step sweep-cr3-ram-rsp-list idtr hypercall-register; do
	outcome=$(guest_run web "echo $attack >/sys/kernel/debug/shadowmon_attack && cat /sys/kernel/debug/shadowmon_attack")
	vm_drain
	read -r count seen whole <<<"$(vm_violations)"
	[ "${outcome%% *}" = refused ] && [ "$whole" = true ] && [ "$count" -gt 0 ]
	ok $? "$attack: $outcome; $count reported: $seen"
done
vm_unfollow
guest_run web uname >/dev/null
vm_drain
check "later events still arrive" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1
outcome "after all attacks root gets the policy's errno for each, and what is next to it happens" "$REFUSED"
check "detach" vm_detach

# --- ioctls at random, where the suite asks for it ------------------------------------------------------

if [ -e /root/ioctl_fuzz ]; then
	guest_run web 'rmmod shadowmon_attack shadowmon_guest; insmod /shadowmon_guest.ko lab=1 poll_ms=10'
	guest_run web 'while [ ! -e /tmp/stop ]; do echo 10 >/sys/kernel/debug/shadowmon/ping; done >/dev/null 2>&1 &'
	/root/ioctl_fuzz "$(guest_pid web)" 20000 1 | sed 's/^\(not \)\?ok [0-9]*/\1ok/; /^1\.\./d'
	TAP_FAILED=$((TAP_FAILED + (PIPESTATUS[0] != 0)))
	check "the guest answers" guest_run web 'touch /tmp/stop'
fi

check "the guest is well" guest_run web true
check "its kernel has nothing to say" vm_kernel_is_quiet
guest_stop web
kill -TERM $daemon
wait $daemon
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
