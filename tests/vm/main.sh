# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see main.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/check_workload.sh
. /root/vm.sh

# --- the host's side ------------------------------------------------------------------------------

check "module loads" insmod /root/shadowmon.ko
refuse 5 "the command says that the daemon is missing" shadowmon status
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
sleep 0.5
check "doctor finds nothing missing" shadowmon doctor
guest_start web 1 256 || exit 1
/root/ioctl_test "$(guest_pid web)" | sed 's/^\(not \)\?ok [0-9]*/\1ok/; /^1\.\./d'
check "list names the VM" sh -c 'shadowmon list -o json | jq -e ".vms[] | select(.name == \"web\")"'

# --- bad input --------------------------------------------------------------------------------------

refuse 3 "attach to a name that no VM has" shadowmon attach --image /root/monitors.o nobody
refuse 3 "attach to a process that has no VM" shadowmon attach --image /root/monitors.o $$
head -c 5000 /root/monitors.o >/tmp/short.o
refuse 1 "a truncated image" shadowmon attach --image /tmp/short.o web
refuse 1 "an image that is no object" shadowmon attach --image /bin/ls web
refuse 1 "an image that is not there" shadowmon attach --image /nowhere web
refuse 2 "no verb" shadowmon
refuse 2 "a verb that there is not" shadowmon frobnicate
guest_run web 'rmmod shadowmon_guest'
refuse 7 "a guest without the guest module" vm_attach --timeout 1
guest_run web 'insmod /shadowmon_guest.ko lab=1'

# --- events -----------------------------------------------------------------------------------------

check "attach" vm_attach
refuse 6 "attach twice" vm_attach
guest_run web "WORKLOAD_ACCOUNT=/tmp/account . /workload.sh >/dev/null 2>&1; cat /tmp/account" >/tmp/account
vm_drain
check "each program of the guest's own account is seen once" account_matches /tmp/account /tmp/events.json
check "module load and unload are seen" test "$(vm_count '.module_load or .module_unload')" -eq 2
check "an exit status of 7 is seen" test "$(vm_count '.process_exit.status == 7')" -ge 1
check "the end by SIGTERM is seen" test "$(vm_count '.process_exit.signal == "SIGTERM"')" -ge 1

before=$(vm_status entries)
guest_run web 'echo 100000 >/sys/kernel/debug/shadowmon/ping'
after=$(vm_status entries)
[ $((after - before)) -ge 100000 ] && [ $((after - before)) -lt 100100 ]
ok $? "100,000 gate round trips: none lost ($((after - before)) entries with those of the commands)"
check "... and no VM exit but interrupts" test "$(vm_status exits_event)" -eq 0
for _ in 1 2 3 4 5 6 7 8 9; do
	guest_run web 'echo 100 >/sys/kernel/debug/shadowmon/ping; cat /sys/kernel/debug/shadowmon/ping'
done | awk '{ if (NR == 1 || $4 < with) with = $4; if (NR == 1 || $6 < without) without = $6 }
	END { print (with - without) / $2 }' >/tmp/ping # an interrupt makes either loop longer, never shorter
echo "# instructions of an empty round trip, stub included: $(cat /tmp/ping)"
check "an empty round trip takes at most 60 instructions" awk '{ exit $1 > 60 }' /tmp/ping
check "bench" sh -c 'shadowmon bench -o json web >/tmp/bench.json'
check "bench says the same of an empty event, and that none made an exit" jq -e '.results | map(.event) == ["ping", "syscall", "open", "exec"] and
	(.[0] | .vcpus == 1 and .median > 0 and .median <= 60 and .added == .median and .events >= 20000 and .exits == 0)' /tmp/bench.json
check "... of system calls and files that there is no event, of programs that each has three" jq -e '.results | all(.median >= .least and .p99 >= .median and .most >= .p99) and
	.[1].events < 100 and .[2].events < 100 and (.[3] | .events >= 600 and .events < 700 and .exits == 0)' /tmp/bench.json
refuse 6 "bench by a transport of its own while the VM is attached" shadowmon bench --transport exit --image /root/monitors.o web
echo "# instructions of an exec event in the monitor, median: $(jq -s '[.[] | .process_exec.process.ticks // empty] | sort | .[length / 2 | floor]' /tmp/events.json)"

# --- the reader dies ----------------------------------------------------------------------------------

vm_drain
shadowmon events -o json web >>/tmp/all.json 2>/dev/null &
reader=$!
sleep 0.5
kill -KILL $reader
wait $reader 2>/dev/null
guest_run web 'uname; id >/dev/null'
vm_drain
check "events wait while nobody reads" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1
check "sequence numbers have no gap" sequence_is_whole /tmp/all.json

# --- a monitor that fails -------------------------------------------------------------------------------

provoke() # WHAT ARG
{
	guest_run web "echo $1 ${2:-0} >/sys/kernel/debug/shadowmon/provoke; cat /sys/kernel/debug/shadowmon/provoke"
}

abort_is_reported() # WHAT
{
	vm_drain
	provoke "$1" >/dev/null || return 1
	vm_drain
	jq -c 'select(.abort)' /tmp/events.json >/tmp/abort && [ -s /tmp/abort ]
}

check "control: a monitor that does nothing is not aborted" test "$(provoke 0 5)" -eq 5
check "a monitor's refusal becomes the function's result" test "$(provoke 15 13)" -eq -13
provoke_in_child() # WHAT ARG: the status of who called, then the result
{
	guest_run web "exec 2>/dev/null; (echo $1 $2 >/sys/kernel/debug/shadowmon/provoke); echo \$? \$(cat /sys/kernel/debug/shadowmon/provoke)"
}

check "a monitor's order to kill is SIGKILL, besides the refusal" test "$(provoke_in_child 16 13)" = "137 -13"
check "... or besides the function's own result" test "$(provoke_in_child 16 0)" = "137 16"
check "hostile addresses are refused to the monitor" test "$(provoke 13)" -eq 13
while read -r what name; do
	check "a monitor that $name is aborted and reported" abort_is_reported "$what"
done <<END
1 writes to an unmapped address
2 reads beyond guest RAM
3 writes guest RAM
4 executes guest RAM
5 executes ud2
6 executes int3
7 loops for ever
8 overflows its stack
9 gives up
10 writes the EPTP list
11 executes data
12 writes its own code
END
guest_run web 'uname -s' >/dev/null
vm_drain
check "the guest goes on, and its events arrive" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1

# --- a monitor that kills -------------------------------------------------------------------------------

check "detach, for other monitors" shadowmon detach web
check "attach with one that kills who executes a certain file" vm_attach --monitors=process_exit,lab_kill
guest_run web 'exec 2>/dev/null; cp /bin/uname /tmp/allowed; cp /bin/uname /tmp/forbidden; /tmp/allowed; echo $?; /tmp/forbidden; echo $?' >/tmp/killed
mapfile -t killed </tmp/killed
check "the file is not executed, its task killed; another one is" test "${killed[*]}" = "Linux 0 137"
vm_drain
check "... by SIGKILL, says its exit" test "$(vm_count '.process_exit.signal == "SIGKILL"')" -eq 1

# --- a monitor made from the template -------------------------------------------------------------------

check "detach, for another image" shadowmon detach web
check "attach with what \"new\" and \"build\" made" shadowmon attach --image /root/mode_change.o web
guest_run web 'f=/tmp/mode; : >$f; chmod 600 $f; chmod 4755 $f' >/dev/null
vm_drain
check "its events tell file and modes" test "$(vm_count '.mode_change | .path == "/tmp/mode" and .was == "0100600" and .mode == "04755"')" -eq 1
check "... and nothing that other monitors tell" test "$(vm_count '.process_exec or .process_exit')" -eq 0

# --- the end ------------------------------------------------------------------------------------------

check "detach" shadowmon detach web
check "the guest is well" guest_run web true
guest_stop web
kill -TERM $daemon
wait $daemon
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
