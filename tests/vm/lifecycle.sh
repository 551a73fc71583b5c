# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see lifecycle.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/check_workload.sh
. /root/vm.sh

lab_guest() # NAME VCPUS
{
	guest_start "$1" "$2" 256 || exit 1
	guest_run "$1" 'rmmod shadowmon_guest; insmod /shadowmon_guest.ko lab=1'
}

flood() # RECORDS
{
	guest_run web "echo 14 $1 >/sys/kernel/debug/shadowmon/provoke"
}

floods_seen() # EVENTS
{
	jq -c 'select(.user)' "$1" | wc -l
}

# A reader that is killed may leave a line without an end: of an event that the next one shows again.
drop_cut_line() # EVENTS
{
	[ -z "$(tail -c 1 "$1")" ] || sed -i '$d' "$1"
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
lab_guest web 2
pages=$(/root/info)

# --- a full ring ---------------------------------------------------------------------------------------

check "attach, to drop what does not fit" vm_attach --ring-size 32 --full-ring drop
vm_drain
before=$(vm_status lost)
flood 3000
vm_drain
lost=$(($(vm_status lost) - before))
seen=$(floods_seen /tmp/events.json)
# A loss is told of by the next record of the vCPU that had it.
guest_run web 'for cpu in 0 1; do taskset -c $cpu true; done'
vm_drain
told=$(jq -s '[.[] | .loss.count // empty] | add // 0' /tmp/all.json)
echo "# 3000 records: $seen seen, $lost lost, $told told of"
[ $lost -gt 0 ] && [ $((seen + lost)) -ge 3000 ] && [ "$told" -eq $lost ]
ok $? "what a flood loses is counted, and told in the stream"
check "detach" shadowmon detach web

check "attach, to block" vm_attach --ring-size 32 --full-ring block
vm_drain
shadowmon events -o json web >/tmp/first.json 2>/dev/null &
reader=$!
flood 1500 &
flooder=$!
sleep 1
kill -KILL $reader
wait $reader 2>/dev/null
sleep 1
shadowmon events -o json web >/tmp/second.json 2>/dev/null &
reader=$!
wait $flooder
guest_run web true
sleep 2
kill -INT $reader
wait $reader
drop_cut_line /tmp/first.json
seen=$(($(floods_seen /tmp/first.json) + $(floods_seen /tmp/second.json)))
echo "# 1500 records in block mode, reader killed and restarted: $seen seen, $(vm_status waits) waits"
[ "$seen" -ge 1500 ] && [ "$(vm_status lost)" -eq 0 ]
ok $? "a blocking ring loses nothing while its reader is killed and restarted"
check "... and the guest waited" test "$(vm_status waits)" -gt 0
check "detach" shadowmon detach web

# --- two VMs, two vCPUs each ----------------------------------------------------------------------------

lab_guest db 2
check "attach to one VM" vm_attach
check "attach to another" shadowmon attach --image /root/monitors.o db
workloads=
for vm in web db; do
	guest_run $vm "WORKLOAD_ACCOUNT=/tmp/account . /workload.sh >/dev/null 2>&1; cat /tmp/account" >/tmp/account.$vm &
	workloads="$workloads $!"
done
wait $workloads
sleep 1
for vm in web db; do
	shadowmon events -o json --no-follow $vm >/tmp/$vm.json 2>/dev/null
	check "$vm: each program of its own account is seen once" account_matches /tmp/account.$vm /tmp/$vm.json
	check "$vm: sequence numbers have no gap" sequence_is_whole /tmp/$vm.json
	check "$vm: events are its own" sh -c "jq -e -n '[inputs | .vm] | unique == [\"$vm\"]' /tmp/$vm.json"
done
guest_run web 'for cpu in 0 1; do taskset -c $cpu uname >/dev/null; done'
vm_drain
vcpus=$(jq -r 'select(.process_exec.process.binary == "/usr/bin/uname") | .vcpu' /tmp/events.json | sort -u | wc -l)
[ "$vcpus" -eq 2 ]
ok $? "events come from both vCPUs"
check "detach from one VM" shadowmon detach db
guest_run web uname >/dev/null
vm_drain
check "the other's events still arrive" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1

# --- sudden ends ------------------------------------------------------------------------------------------

check "attach again" shadowmon attach --image /root/monitors.o db
guest_kill db
sleep 1
check "a VMM's death detaches" sh -c '! shadowmon status db'
guest_run web uname >/dev/null
vm_drain
check "... and leaves others alone" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1
kill -KILL $daemon
wait $daemon 2>/dev/null
sleep 1
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
sleep 0.5
check "a daemon's death detaches" test "$(/root/info)" = "$pages"
check "the guest is well" guest_run web true
check "a new daemon attaches" vm_attach
guest_run web uname >/dev/null
vm_drain
check "... and has events" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1
check "detach" shadowmon detach web
refuse 4 "detach twice" shadowmon detach web

# --- the end ------------------------------------------------------------------------------------------------

check "no page and no attachment is left" test "$(/root/info)" = "$pages"
guest_stop web
check "the guest's kernel has nothing to say" vm_kernel_is_quiet
kill -TERM $daemon
wait $daemon
ok $? "the daemon ends cleanly"
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
