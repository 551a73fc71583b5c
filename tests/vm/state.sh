# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see state.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh

# The disks are kernel and initramfs for kexec.  What is written to the first goes to a file of QEMU's own, in which
# it also keeps snapshots.
export TMPDIR=/run
launch() # START-FUNCTION ARGUMENT...
{
	local start=$1
	shift
	$start web 2 512 -drive if=none,id=k,file=/lab/guest-kernel,format=raw,snapshot=on -device virtio-blk-device,drive=k \
		-drive if=none,id=i,file=/lab/guest.cpio,format=raw,readonly=on -device virtio-blk-device,drive=i "$@"
}

# Returns while the vCPU waits in the compartment, because there is no room and nobody reads.
fill_ring()
{
	local before try
	before=$(vm_status waits)
	GUEST_TIMEOUT=200 guest_run web 'taskset -c 0 sh -c "echo 14 2000 >/sys/kernel/debug/shadowmon/provoke"' >/tmp/flood &
	flooder=$!
	for try in {1..50}; do
		[ "$(vm_status waits)" -gt "$before" ] && return
		sleep 0.1
	done
	echo "the ring does not get full"
	return 1
}

attached_again() # AFTER WHAT [TIMES SO FAR]
{
	local try
	for try in {1..100}; do
		[ "$(lifecycle "$1")" -gt "${2:-0}" ] && [ "$(vm_status state)" = '"locked"' ] && return
		sleep 0.3
	done
	return 1
}

# An event of a program that the guest starts now.
event_arrives()
{
	guest_run web 'uname >/dev/null' && vm_drain &&
		[ "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1 ]
}

lifecycle() # WHAT
{
	jq -c "select(.lifecycle.what == \"$1\")" /tmp/all.json | wc -l
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
launch guest_start || exit 1
check "attach" vm_attach --full-ring=block --ring-size=16
vm_drain

# --- a vCPU that is looked at ---------------------------------------------------------------------------

check "a vCPU waits in the compartment" fill_ring
guest_monitor web stop >/dev/null
guest_monitor web cont >/dev/null
vm_follow
wait $flooder
vm_drain
check "stopped there and continued, it loses nothing" test "$(vm_count .user) $(vm_count .abort)" = "2000 0"
vm_unfollow

check "a vCPU waits in the compartment" fill_ring
guest_monitor web stop >/dev/null
guest_monitor web 'info registers' >/tmp/registers
guest_monitor web cont >/dev/null
vm_follow
wait $flooder
vm_drain
check "its registers are asked for there: the activation is aborted" test "$(vm_count '.abort.reason == "vmm"')" -eq 1
returned=$(jq -r 'select(.abort.reason == "vmm") | .abort.rip' /tmp/events.json)
seen=$(sed -n 's/^RIP=\([0-9a-f]*\).*/0x\1/p' /tmp/registers)
echo "# the vCPU was at $returned; its VMM saw $seen, in $(vm_count .user) records of 2000"
check "... and what its VMM sees is the guest's" test $((seen < returned && returned - seen > 0x1000)) -eq 1
check "... and the guest goes on" event_arrives
vm_unfollow

# --- migration to a file --------------------------------------------------------------------------------

check "a vCPU waits in the compartment" fill_ring
guest_monitor web 'migrate "exec:cat >/tmp/state"'
check "the guest is saved" sh -c "[ $(stat -c %s /tmp/state) -gt 50000000 ]"
vm_drain
check "... its activation is aborted" test "$(vm_count '.abort.reason == "vmm"')" -eq 1
kill $flooder 2>/dev/null
wait $flooder 2>/dev/null
guest_kill web
launch guest_launch -incoming 'exec:cat /tmp/state'
read -r _ out _ </run/guest/web/fds
read -r -t 60 -u "$out" line
check "it goes on elsewhere, where no host is attached" test "$line" = "=end 0"
rm /tmp/state
check "... hooked functions too" guest_run web 'uname'
check "attach to the copy" vm_attach
vm_follow
check "... its events arrive" event_arrives

# --- a snapshot -------------------------------------------------------------------------------------------

guest_monitor web 'savevm one'
guest_monitor web 'info snapshots' >/tmp/snapshots
check "an attached guest is saved" grep -q ' one ' /tmp/snapshots
check "... and goes on" event_arrives
guest_monitor web 'loadvm one'
check "another state is loaded: attached again" attached_again restored
check "... and told" test "$(lifecycle restored)" -eq 1
check "... its events arrive" event_arrives

# --- kexec --------------------------------------------------------------------------------------------------

GUEST_TIMEOUT=200 check "another kernel is loaded" guest_run web 'modprobe virtio_blk && kexec_load /dev/vda /dev/vdb "$(cat /proc/cmdline)"'
GUEST_TIMEOUT=1 guest_run web 'kexec_load -e' >/dev/null
check "another kernel starts by kexec" guest_ready web
check "... and is attached again" attached_again kexec
check "... and told" test "$(lifecycle kexec)" -eq 1
check "... its events arrive" event_arrives
check "nothing of all that is a violation" test "$(jq -c 'select(.violation)' /tmp/all.json | wc -l)" -eq 0
check "its kernels had nothing to say" vm_kernel_is_quiet

# --- kdump --------------------------------------------------------------------------------------------------

# The other vCPU stays where the panic has put it, in the kernel that is dead.
GUEST_TIMEOUT=200 check "a kernel is loaded for after a panic" guest_run web \
	'modprobe virtio_blk && kexec_load -p /dev/vda /dev/vdb "$(sed s/crashkernel=[^\ ]*// /proc/cmdline) maxcpus=1"'
GUEST_TIMEOUT=1 guest_run web 'echo c >/proc/sysrq-trigger' >/dev/null
check "a panic starts it" guest_ready web
check "... it is attached again" attached_again kexec 1
check "... and told" test "$(lifecycle kexec)" -eq 2
check "... its events arrive" event_arrives
guest_run web 'sleep 2'
vm_drain
check "nothing of that is a violation" test "$(jq -c 'select(.violation)' /tmp/all.json | wc -l)" -eq 0
guest_run web 'insmod /shadowmon_attack.ko'
for attack in idtr cr0; do
	guest_run web "echo $attack >/sys/kernel/debug/shadowmon_attack; cat /sys/kernel/debug/shadowmon_attack" >/tmp/outcome
	check "$attack is refused there" grep -q '^refused' /tmp/outcome
done

vm_unfollow
check "detach" vm_detach
check "the guest is well" guest_run web true
guest_stop web
kill -TERM $daemon
wait $daemon
ok $? "the daemon ends cleanly"
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
