# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see hotplug.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/check_workload.sh
. /root/vm.sh

guest_memory() # MiB
{
	guest_run web "sed -n 's/^MemTotal:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/meminfo"
}

# The guest's programs are each seen once, and nothing was found amiss.
workload_is_whole()
{
	vm_drain
	guest_run web 'WORKLOAD_ACCOUNT=/tmp/account . /workload.sh >/dev/null 2>&1; cat /tmp/account' >/tmp/account
	vm_drain
	account_matches /tmp/account /tmp/events.json && [ "$(vm_count '.violation or .abort or .loss')" -eq 0 ]
}

# Until the guest shows what was plugged in, or has let it go.
guest_has() # WHAT IT IS COMMAND
{
	local try
	for try in {1..50}; do
		[ "$(guest_run web "$2")" = "$1" ] && return
		sleep 0.2
	done
	echo "the guest has $(guest_run web "$2")"
	return 1
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
GUEST_MACHINE=pc,smm=off,vmport=off,usb=off,hpet=off
guest_start web 1,maxcpus=2 192,slots=2,maxmem=1G || exit 1
check "attach" vm_attach
vm_follow

# --- memory -----------------------------------------------------------------------------------------------

before=$(guest_memory)
guest_monitor web 'object_add memory-backend-ram,id=more,size=128M'
guest_monitor web 'device_add pc-dimm,id=dimm,memdev=more'
check "memory is plugged in" guest_has online 'cat /sys/devices/system/memory/memory32/state 2>/dev/null'
grown=$(($(guest_memory) - before))
check "... and used ($grown KiB)" test $grown -gt 120000
check "events are whole" workload_is_whole
# Nothing of what a program needs lies elsewhere now.
guest_run web "dd if=/dev/zero of=/tmp/fill bs=1M count=$((before / 1024 - 90)) 2>/dev/null"
check "... with the old memory full" workload_is_whole

# --- a vCPU -----------------------------------------------------------------------------------------------

cpu='cat /sys/devices/system/cpu/online'
for what in in again; do
	guest_monitor web 'device_add host-x86_64-cpu,id=cpu1,socket-id=0,core-id=1,thread-id=0'
	check "a vCPU is plugged in" guest_has 0-1 "[ ! -e /sys/devices/system/cpu/cpu1 ] || echo 1 >/sys/devices/system/cpu/cpu1/online; $cpu"
	guest_run web 'taskset -c 1 uname >/dev/null'
	sleep 1.5 # the reader takes up a new vCPU's ring within a second
	vm_drain
	check "... its events arrive" test "$(vm_count '.vcpu == 1 and .process_exec.process.binary == "/usr/bin/uname"')" -eq 1
	guest_monitor web 'device_del cpu1'
	check "... and unplugged" guest_has 0 "$cpu"
	check "events are whole" workload_is_whole
done
check "nothing of all that is a violation" test "$(jq -c 'select(.violation)' /tmp/all.json | wc -l)" -eq 0

vm_unfollow
check "detach" vm_detach
check "the guest is well" guest_run web true
check "its kernel has nothing to say" vm_kernel_is_quiet
guest_stop web
kill -TERM $daemon
wait $daemon
ok $? "the daemon ends cleanly"
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
