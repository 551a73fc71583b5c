# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see smi.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh

ATTACK=/sys/kernel/debug/shadowmon_attack

start()
{
	guest_start web 2 256 || exit 1
	guest_run web 'rmmod shadowmon_guest; insmod /shadowmon_guest.ko lab=1; insmod /shadowmon_attack.ko'
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!

# --- without protection: KVM takes the vCPU out of the compartment, and the guest dies of coming back to it -----

start
echo 32 >/sys/module/shadowmon/parameters/weaken
check "attach without protection" vm_attach
vm_follow
GUEST_TIMEOUT=20 guest_run web "echo smi-storm >$ATTACK; cat $ATTACK" >/tmp/outcome 2>&1
sleep 1
aborts=$(jq -c 'select(.abort.reason == "rip")' /tmp/all.json | wc -l)
[ "$aborts" -gt 0 ] && ! grep -q ^refused /tmp/outcome
ok $? "control: SMIs get at a vCPU in views 1 and 2 ($aborts times; the guest: $(head -n 1 /tmp/outcome))"
kill -INT $VM_READER 2>/dev/null
wait $VM_READER
VM_READER=
guest_kill web 2>/dev/null

# --- with it ------------------------------------------------------------------------------------------------

echo 0 >/sys/module/shadowmon/parameters/weaken
: >/tmp/all.json
start
check "attach" vm_attach
vm_follow
outcome=$(GUEST_TIMEOUT=120 guest_run web "echo smi-storm >$ATTACK && cat $ATTACK")
vm_drain
check "smi-storm: SMIs from another CPU during gate calls: $outcome" test "${outcome%% *}" = refused
check "... nothing was aborted, lost or amiss" test "$(vm_count '.abort or .loss or .violation')" -eq 0
guest_run web 'uname -s' >/dev/null
vm_drain
check "later events still arrive" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1
vm_unfollow
check "detach" vm_detach
check "the guest is well" guest_run web true
check "its kernel has nothing to say" vm_kernel_is_quiet
guest_stop web
kill -TERM $daemon
wait $daemon
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
