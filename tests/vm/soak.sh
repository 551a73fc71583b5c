# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see soak.suite.
. /lab/lib.sh
. /root/tap.sh

BURST=2000 # records of one activation: well within its budget

start() # NAME
{
	guest_start "$1" 2 256 || exit 1
	guest_run "$1" 'rmmod shadowmon_guest; insmod /shadowmon_guest.ko lab=1; insmod /shadowmon_attack.ko'
}

# One vCPU attacks for as long as the other one makes events, and what it is reported as takes no room from them.
flood() # NAME RECORDS
{
	guest_run "$1" "taskset -c 1 sh -c 'while [ ! -e /tmp/done ]; do echo vmfunc-monitor >/sys/kernel/debug/shadowmon_attack; done' &
		n=0; while [ \$n -lt $2 ]; do
			taskset -c 0 sh -c 'k=0; while [ \$k -lt 25 ]; do echo 14 $BURST >/sys/kernel/debug/shadowmon/provoke; k=\$((k + 1)); done'
			n=\$((n + 25 * $BURST)); done; touch /tmp/done; wait; rm /tmp/done"
}

read_events() # NAME
{
	/root/soak_reader "$1" "/tmp/$1.state" &
	eval "reader_$1=$!"
}

kill_reader() # NAME
{
	local pid
	eval "pid=\$reader_$1"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
}

# The counts of struct state, behind eight sequence numbers.
counted() # NAME: sets bursts lost gaps corrupt
{
	read -r bursts lost gaps corrupt < <(od -An -v -tu8 -w32 -j64 "/tmp/$1.state")
}

memory()
{
	sed -n 's/^MemAvailable:[^0-9]*\([0-9]*\).*/\1/p' /proc/meminfo
}

dropped() # NAME
{
	shadowmon status -o json "$1" | jq '.attached[0].status.lost'
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
start web
start db
pages=$(/root/info)
free=$(memory)

# --- block: nothing is lost -------------------------------------------------------------------------------

for vm in web db; do
	check "$vm: attach, to block" shadowmon attach --image /root/monitors.o --full-ring=block --ring-size=64 $vm
	read_events $vm
done
GUEST_TIMEOUT=600 flood web 400000 &
first=$!
GUEST_TIMEOUT=600 flood db 200000 &
second=$!
for _ in {1..5}; do
	sleep 1
	for vm in web db; do
		kill_reader $vm
		read_events $vm
	done
done
wait $second
sleep 1
counted db
echo "# db: 200000 records, $bursts read, $lost lost, $gaps missing, $corrupt corrupt"
[ "$bursts $lost $gaps $corrupt" = "200000 0 0 0" ]
ok $? "db: each record of its first life is read once"
guest_kill db
rm -f /tmp/db.state
start db
check "db: attach after its VM ended, to block" shadowmon attach --image /root/monitors.o --full-ring=block --ring-size=64 db
read_events db
GUEST_TIMEOUT=600 flood db 200000 &
second=$!
wait $first $second
sleep 1
for vm in web db; do
	expected=200000
	[ $vm = db ] || expected=400000
	counted $vm
	echo "# $vm: $expected records, $bursts read, $lost lost, $gaps missing, $corrupt corrupt"
	[ "$bursts $lost $gaps $corrupt" = "$expected 0 0 0" ]
	ok $? "$vm: a blocking ring loses nothing while it is attacked and readers are killed"
	kill_reader $vm
	check "$vm: detach" shadowmon detach $vm
	rm -f /tmp/$vm.state
done

# --- drop: what is lost is counted ------------------------------------------------------------------------

for vm in web db; do
	check "$vm: attach, to drop" shadowmon attach --image /root/monitors.o --full-ring=drop --ring-size=64 $vm
	read_events $vm
done
GUEST_TIMEOUT=600 flood web 100000 &
first=$!
GUEST_TIMEOUT=600 flood db 100000 &
wait $first $!
for vm in web db; do
	guest_run $vm true
	sleep 1
	counted $vm
	echo "# $vm: 100000 records, $bursts read, $lost lost as told, $(dropped $vm) lost as counted, $gaps missing, $corrupt corrupt"
	[ $gaps -eq 0 ] && [ $corrupt -eq 0 ] && [ "$lost" -eq "$(dropped $vm)" ] && [ $((bursts + lost)) -ge 100000 ]
	ok $? "$vm: what a ring that drops has lost is told of, to the last record"
	kill_reader $vm
	check "$vm: detach" shadowmon detach $vm
done

check "no page is left" test "$(/root/info)" = "$pages"
grown=$((free - $(memory)))
echo "# the host's available memory shrank by $grown KiB"
[ $grown -lt 20000 ]
ok $? "the host's memory does not grow"
for vm in web db; do
	check "$vm: its kernel has nothing to say" sh -c "! grep -E 'BUG:|WARNING:|Oops|Call Trace' $(guest_console $vm)"
	guest_stop $vm
done
kill -TERM $daemon
wait $daemon
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
