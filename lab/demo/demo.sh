# SPDX-License-Identifier: GPL-2.0-or-later
# The demonstration, on the emulated host: a guest is attached to while it runs, does a little work, and
# its events arrive here, made inside its own VM and without a VM exit.
. /lab/lib.sh
. /root/check_workload.sh

insmod /root/shadowmon.ko || exit 1
shadowmond 2>/tmp/shadowmond.log &
guest_start demo 1 256 || exit 1
shadowmon attach --image /root/monitors.o demo || { cat /tmp/shadowmond.log; exit 1; }
shadowmon list
echo
echo "The guest runs a few commands, a pipeline and loads a module.  What its monitor says of it:"
echo
shadowmon events demo 2>/dev/null &
events=$!
guest_run demo "WORKLOAD_ACCOUNT=/tmp/account . /workload.sh" >/tmp/guest.out
sleep 2
kill -INT $events
wait $events

# Once more for the books: the same, as JSON, against what the guest itself wrote down.
guest_run demo "WORKLOAD_ACCOUNT=/tmp/account . /workload.sh >/dev/null 2>&1; cat /tmp/account" >/tmp/account
sleep 1
shadowmon events -o json --no-follow demo >/tmp/events.json 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9; do
	guest_run demo 'echo 200 >/sys/kernel/debug/shadowmon/ping; cat /sys/kernel/debug/shadowmon/ping'
done >/tmp/pings
guest_run demo 'echo 100000 >/sys/kernel/debug/shadowmon/ping'
shadowmon status -o json demo >/tmp/status.json
# An interrupt makes either of the two loops longer, never shorter.
per_ping=$(awk '{ if (NR == 1 || $4 < with) with = $4; if (NR == 1 || $6 < without) without = $6 }
	END { print (with - without) / $2 }' /tmp/pings)
exec_ticks=$(jq -s '[.[] | .process_exec.process.ticks // empty] | sort | .[length / 2 | floor] // 0' /tmp/events.json)
if account_matches /tmp/account /tmp/events.json >/tmp/differences; then verdict=yes; else verdict=NO; fi

echo
echo "Summary"
jq -r --arg ping "$per_ping" --arg exec "$exec_ticks" --arg verdict "$verdict" --arg n "$(wc -l </tmp/account)" '
	.attached[0].status |
	"  gate round trips                                  \(.entries)",
	"  events                                            \(.records)",
	"  lost                                              \(.lost)",
	"  VM exits caused by events, other than doorbells   \(.exits_event)",
	"  doorbells (the reader slept)                      \(.doorbells)",
	"  guest instructions an empty event, stub included  \($ping)",
	"  guest instructions an exec event, in the monitor  \($exec)",
	"  \($n) programs in the guest'"'"'s own account, all seen: \($verdict)"' /tmp/status.json
[ "$verdict" = yes ] || cat /tmp/differences
shadowmon detach demo
guest_stop demo
[ "$verdict" = yes ] && [ "$(jq -r '.attached[0].status | .lost + .exits_event' /tmp/status.json)" = 0 ]
