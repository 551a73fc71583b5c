# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see smp.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh

# Sets outcome, note, entries: what the compartment was entered for meanwhile, and events.json.
run_attack() # NAME
{
	local before
	vm_drain
	before=$(vm_status entries)
	outcome=$(guest_run web "echo $1 >/sys/kernel/debug/shadowmon_attack && cat /sys/kernel/debug/shadowmon_attack")
	entries=$(($(vm_status entries) - before))
	vm_drain
	echo "# $1: $outcome; $entries entries; reported: $(jq -r '.violation.reason // .abort.reason // empty' /tmp/events.json | sort | uniq -c | tr '\n' ' ')"
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
guest_start web 2 256 || exit 1
guest_run web 'rmmod shadowmon_guest; insmod /shadowmon_guest.ko lab=1; insmod /shadowmon_attack.ko'
check "attach" vm_attach
vm_follow

# --- page tables that change under the gate -----------------------------------------------------------------

GUEST_TIMEOUT=300 run_attack flip-entries
check "entries of gate, stub and list flip during a million calls, and nothing is written beside" test "${outcome%% *}" = refused
[ $entries -ge 1000000 ] && [ $entries -lt 1000100 ]
ok $? "... each call is one entry ($entries with those of the commands)"
check "... nothing was aborted or lost" test "$(vm_count '.abort or .loss')" -eq 0
check "... what was found is that pages were mapped elsewhere" test "$(vm_count '.violation.reason == "hook_mapped"')" -ge 1
check "... and nothing else" test "$(vm_count '.violation and .violation.reason != "hook_mapped"')" -eq 0

# --- the end ------------------------------------------------------------------------------------------------

guest_run web 'uname -s' >/dev/null
vm_drain
check "later events still arrive" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1
check "... and nothing is amiss any more" test "$(vm_count '.violation')" -eq 0
vm_unfollow
check "detach" vm_detach
check "the guest is well" guest_run web true
check "its kernel has nothing to say" vm_kernel_is_quiet
guest_stop web
kill -TERM $daemon
wait $daemon
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
