# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: floods, attacks, and ends without warning.
. /lab/lib.sh
. /root/tap.sh
. /root/check_workload.sh

status_of() # FIELD
{
	shadowmon status -o json web | jq ".attached[0].status.$1"
}

# Reads all that waits; the stream is added to /tmp/all.json.
drain()
{
	sleep 0.5
	shadowmon events -o json --no-follow web >/tmp/events.json 2>/tmp/events.err
	cat /tmp/events.json >>/tmp/all.json
}

count_events() # JQ-CONDITION
{
	jq -c "select($1)" /tmp/events.json | wc -l
}

attach()
{
	shadowmon attach --image /root/monitors.o "$@" web
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
guest_start web 1 256 || exit 1
guest_run web 'rmmod shadowmon_guest; insmod /shadowmon_guest.ko lab=1'
check "attach" attach --ring-size 32

provoke() # WHAT ARG
{
	guest_run web "echo $1 ${2:-0} >/sys/kernel/debug/shadowmon/provoke; cat /sys/kernel/debug/shadowmon/provoke"
}

# --- a flood ---------------------------------------------------------------------------------------------

drain
lost=$(status_of lost)
provoke 14 3000 >/dev/null
drain
flood_lost=$(($(status_of lost) - lost))
flood_seen=$(jq -c 'select(.record or .unknown or .user)' /tmp/events.json | wc -l)
told=$(jq -s '[.[] | .loss.count // empty] | add // 0' /tmp/events.json)
guest_run web true
drain
told=$((told + $(jq -s '[.[] | .loss.count // empty] | add // 0' /tmp/events.json)))
echo "# flood: $flood_seen seen, $flood_lost lost, $told told of"
[ $flood_lost -gt 0 ] && [ "$told" -eq "$flood_lost" ]
ok $? "what a flood loses is counted, and told in the stream"

# --- attacks ----------------------------------------------------------------------------------------------

violations=$(status_of violations)
guest_run web 'insmod /shadowmon_attack.ko; dmesg | grep attack:' >/tmp/attacks
sed -n 's/.*attack: //p' /tmp/attacks | sed '/^1\.\./d; s/^\(not \)\?ok [0-9]*/\1ok/'
check "the attacks were run" grep -q 'attack: 1\.\.' /tmp/attacks || tail -n 30 "$(guest_console web)"
check "... and reported" test $(($(status_of violations) - violations)) -gt 500
for index in 0 1 2 3 600; do
	guest_run web "vmfunc_user 0 $index" >/dev/null 2>&1
	echo "$index $?"
done >/tmp/user
check "VMFUNC from ring 3 ends the process by SIGILL" test "$(grep -c ' 132$' /tmp/user)" -ge 4
drain
jq -r 'select(.violation) | .violation.reason' /tmp/events.json | sort | uniq -c | sed 's/^/# violations by reason: /'
guest_run web 'uname -s' >/dev/null
drain
check "later events still arrive" test "$(count_events '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1

# --- coming and going ---------------------------------------------------------------------------------------

check "detach" shadowmon detach web
refuse 4 "detach twice" shadowmon detach web
guest_run web 'while :; do uname >/dev/null; done' &
load=$!
good=0
for _ in 1 2 3 4 5; do
	attach >/dev/null 2>&1 && shadowmon detach web >/dev/null 2>&1 && good=$((good + 1))
done
check "attach and detach under load, five times" test $good -eq 5
kill $load 2>/dev/null
guest_kill web
check "the VMM is gone" sh -c '! shadowmon list -o json | jq -e ".vms[] | select(.name == \"web\")"'

guest_start web 1 256 || exit 1
check "attach to the next VM" attach
guest_kill web
sleep 1
check "the VMM's death detaches" sh -c 'shadowmon list; ! shadowmon status web'
kill -TERM $daemon
wait $daemon
check "the daemon ends cleanly" test $? -eq 0
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
