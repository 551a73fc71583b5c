# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see machine.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/check_workload.sh
. /root/vm.sh

provoke() # FAULT
{
	guest_run web "echo $1 0 >/sys/kernel/debug/shadowmon/provoke"
}

unames() # COMMAND: what the guest runs; sets seen: its unames that the stream shows
{
	guest_run web "$1" >/dev/null
	vm_drain
	seen=$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')
}

# The guest's programs are each seen once, and nothing was found amiss.
workload_is_whole()
{
	vm_drain
	guest_run web 'WORKLOAD_ACCOUNT=/tmp/account . /workload.sh >/dev/null 2>&1; cat /tmp/account' >/tmp/account
	vm_drain
	account_matches /tmp/account /tmp/events.json && [ "$(vm_count '.violation or .abort or .loss')" -eq 0 ]
}

# QEMU's memory is that of a cgroup, from which it can be taken.
mkdir -p /sys/fs/cgroup
mount -t cgroup2 cgroup /sys/fs/cgroup 2>/dev/null
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/vm
modprobe zram
echo 256M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null
swapon /dev/zram0

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
echo $$ >/sys/fs/cgroup/vm/cgroup.procs
guest_start web 2 256 -action reboot=reset -device virtio-balloon-device || exit 1
echo $$ >/sys/fs/cgroup/cgroup.procs
check "attach" vm_attach --max-aborts 3
vm_follow
check "the workload is seen" workload_is_whole

# --- a CPU that boots after lock ------------------------------------------------------------------------

guest_run web 'echo 1 >/sys/devices/system/cpu/cpu1/online'
check "a CPU boots after lock" test "$(guest_run web nproc)" -eq 2
unames 'taskset -c 1 uname'
check "... its events arrive ($seen)" test "$seen" -eq 1
check "... by its own vCPU" test "$(vm_count '.vcpu == 1 and .process_exec.process.binary == "/usr/bin/uname"')" -eq 1
for what in again "once more"; do
	guest_run web 'echo 0 >/sys/devices/system/cpu/cpu1/online; echo 1 >/sys/devices/system/cpu/cpu1/online'
	check "a CPU is taken off, and boots $what" test "$(guest_run web nproc)" -eq 2
done
unames 'taskset -c 1 uname'
check "... its events arrive ($seen)" test "$seen" -eq 1
check "nothing of that is a violation" test "$(jq -c 'select(.violation)' /tmp/all.json | wc -l)" -eq 0
guest_run web 'insmod /shadowmon_attack.ko'
for attack in idtr cr0 cr4; do
	guest_run web "taskset -c 1 sh -c 'echo $attack >/sys/kernel/debug/shadowmon_attack'; cat /sys/kernel/debug/shadowmon_attack" >/tmp/outcome
	check "$attack on a CPU that booted after lock is refused" grep -q '^refused' /tmp/outcome
done
vm_drain
check "... and reported with its vCPU" test "$(vm_count '.violation.vcpu == 1')" -ge 3

# --- stop and cont --------------------------------------------------------------------------------------

guest_run web 'n=0; while [ $n -lt 150 ]; do uname; n=$((n + 1)); done' >/dev/null &
load=$!
for _ in {1..20}; do
	guest_monitor web stop >/dev/null
	guest_monitor web 'info registers' >/dev/null
	guest_monitor web cont >/dev/null
done
wait $load
unames true
# A vCPU whose registers are asked for in the compartment loses that activation, an exec's or an exit's.
aborted=$(vm_count '.abort.reason == "vmm"')
check "stopped and continued 20 times under load, with no event lost ($seen of 150, $aborted aborted)" \
	test $((seen <= 150 && seen + aborted >= 150)) -eq 1
check "... nor anything else aborted" \
	test "$(vm_count '(.abort and .abort.reason != "vmm") or .violation or .loss')" -eq 0

# --- a host that is busy --------------------------------------------------------------------------------

# The vCPU's thread waits for the CPU, now and then in the midst of a monitor.
check "another monitor is loaded" shadowmon load web syscall
aborts=$(vm_status aborts)
busy=
for _ in 1 2 3 4 5; do
	while :; do :; done &
	busy+=" $!"
done
guest_run web 'dd if=/dev/zero of=/dev/null bs=1 count=20000 2>/dev/null'
# shellcheck disable=SC2086
kill -KILL $busy
# shellcheck disable=SC2086
wait $busy 2>/dev/null
check "monitors are not aborted because their host is busy" test "$(vm_status aborts)" -eq "$aborts"
check "it is unloaded" shadowmon unload web syscall
# What got lost meanwhile is told by each vCPU's next event.
guest_run web 'for cpu in 0 1; do taskset -c $cpu uname; done' >/dev/null
vm_drain

# --- memory ---------------------------------------------------------------------------------------------

guest_run web 'modprobe virtio_balloon'
guest_monitor web 'balloon 160'
for _ in {1..150}; do
	guest_monitor web 'info balloon' | grep -q 'actual=160' && break
	sleep 0.2
done
check "the guest gives memory back" sh -c "[ $(guest_monitor web "info balloon" | tr -dc 0-9) -eq 160 ]"
check "... and its events are whole" workload_is_whole
guest_monitor web 'balloon 256'
sleep 1
check "... and when it has it again" workload_is_whole

echo 20000 >/sys/kernel/mm/ksm/pages_to_scan
echo 1 >/sys/kernel/mm/ksm/run
for _ in {1..50}; do
	[ "$(cat /sys/kernel/mm/ksm/pages_shared)" -gt 0 ] && break
	sleep 0.5
done
check "the host shares pages of the guest ($(cat /sys/kernel/mm/ksm/pages_sharing))" \
	test "$(cat /sys/kernel/mm/ksm/pages_shared)" -gt 0
check "... and its events are whole" workload_is_whole
echo 2 >/sys/kernel/mm/ksm/run

echo 200M >/sys/fs/cgroup/vm/memory.reclaim 2>/dev/null
swapped=$(sed -n 's/^VmSwap:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(guest_pid web)/status")
check "the host swaps the guest out ($swapped KiB)" test "$swapped" -gt 10000
check "... and its events are whole" workload_is_whole

# --- a monitor that goes wrong ------------------------------------------------------------------------

for _ in {1..6}; do
	provoke 6
done
vm_drain
check "a monitor is aborted as often as allowed" test "$(vm_count .abort)" -eq 3
check "... then disabled and reported" test "$(vm_count '.lifecycle.what == "monitor_disabled"')" -eq 1
check "... and the others go on" workload_is_whole

# --- reset ----------------------------------------------------------------------------------------------

for how in "by its VMM" "by itself"; do
	case $how in
	"by its VMM") guest_monitor web system_reset ;;
	*) GUEST_TIMEOUT=1 guest_run web 'echo b >/proc/sysrq-trigger' >/dev/null ;;
	esac
	check "a guest that is reset $how boots" guest_ready web
	for _ in {1..100}; do
		[ "$(shadowmon list -o json | jq -r '.vms[0].state')" = attached ] && break
		sleep 0.3
	done
	check "... and is attached again" test "$(vm_status state)" = '"locked"'
	check "... its reader goes on" workload_is_whole
	check "... and was told" test "$(jq -c 'select(.lifecycle.what == "reset")' /tmp/all.json | wc -l)" -ge 1
done
check "each reset is in the stream" test "$(jq -c 'select(.lifecycle.what == "reset")' /tmp/all.json | wc -l)" -eq 2

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
