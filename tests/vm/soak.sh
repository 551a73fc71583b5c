# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see soak.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh

BURST=10000       # records of one activation
MEMORY_BOUND=8192 # KiB that the host may have less in the end; a million lost records are 32,000
DAEMON_BOUND=2048 # KiB that the daemon may have more than with both VMs attached

start() # NAME
{
	guest_start "$1" 2 256 || exit 1
	guest_run "$1" 'insmod /shadowmon_attack.ko'
}

attach() # NAME MODE
{
	check "$1: attach, to $2" shadowmon attach --image /root/monitors.o --full-ring="$2" --ring-size=64 "$1"
	rm -f "/tmp/$1.state"
	read_events "$1"
}

# One vCPU attacks for as long as the other one makes records.
flood() # NAME RECORDS
{
	GUEST_TIMEOUT=900 guest_run "$1" "cd /sys/kernel/debug; taskset -c 1 sh -c 'while [ ! -e /tmp/done ]; do \
		echo vmfunc-monitor >shadowmon_attack; echo vmfunc-gate >shadowmon_attack; done' & \
		taskset -c 0 sh -c 'n=0; while [ \$n -lt $2 ]; do echo 14 $BURST >shadowmon/provoke; n=\$((n + $BURST)); done'; \
		touch /tmp/done; wait; rm /tmp/done"
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

# Waits until the reader has seen all; sets what is in its state file, and what the module counts.
counted() # NAME
{
	local valid
	# The next record on each vCPU tells of what was lost before it, if the ring has room for it.
	sleep 3
	guest_run "$1" 'for cpu in 0 1; do taskset -c $cpu true; done'
	sleep 2
	read -r seen lost attacks < <(shadowmon status -o json "$1" |
		jq -r '.attached[0].status | "\(.records) \(.lost) \(.violations)"')
	read -r valid < <(od -An -v -tu8 -w8 -N8 "/tmp/$1.state")
	read -r bursts records told reports gaps corrupt < <(od -An -v -tu8 -w48 -j$((8 + valid * 88)) -N48 "/tmp/$1.state")
	echo "# $1: $bursts records of the flood, of all $records read and $told told of as lost; counted: $seen, $lost lost;" \
		"attacks: $reports told of, $attacks counted; missing $gaps, corrupt $corrupt"
}

kib() # FIELD FILE-OF-PROC
{
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "$2"
}

# Available, and what each CPU keeps of free pages (4 KiB), which the kernel does not count as such.
memory()
{
	awk -v available="$(kib MemAvailable /proc/meminfo)" '$1 == "count:" { pages += $2 } END { print available + 4 * pages }' /proc/zoneinfo
}

daemon_memory()
{
	kib VmRSS /proc/$daemon/status
}

slab()
{
	kib SUnreclaim /proc/meminfo
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
pages=$(/root/info)
available=$(memory) unreclaimable=$(slab)
start web
start db
attach web block
attach db block
resident=$(daemon_memory)

# --- block: nothing is lost -------------------------------------------------------------------------------

flood web 600000 &
first=$!
flood db 200000 &
second=$!
for _ in {1..5}; do
	sleep 0.5
	for vm in web db; do
		kill_reader $vm
		read_events $vm
	done
done
wait $second
counted db
[ "$bursts $told $lost $gaps $corrupt" = "200000 0 0 0 0" ] && [ "$records" -eq "$seen" ]
ok $? "db: under attack, with readers that are killed, each record is read once"
[ "$attacks" -gt 100 ] && [ "$reports" -eq "$attacks" ]
ok $? "db: ... and each of $attacks attacks is told of"

# --- drop: what is lost is counted ------------------------------------------------------------------------

guest_kill db
wait "$reader_db"
start db
attach db drop
flood db 200000 &
second=$!
sleep 1
kill_reader db
read_events db
wait $second
counted db
[ "$lost" -gt 0 ] && [ "$told" -eq "$lost" ] && [ $((bursts + lost)) -ge 200000 ] && [ "$gaps $corrupt" = "0 0" ]
ok $? "db: what a ring that drops has lost is told of"
[ $((records + told)) -eq "$seen" ]
ok $? "db: ... to the last record"
[ "$attacks" -gt 100 ] && [ "$reports" -eq "$attacks" ]
ok $? "db: ... and each of $attacks attacks"

wait $first
counted web
[ "$bursts $told $lost $gaps $corrupt" = "600000 0 0 0 0" ] && [ "$records" -eq "$seen" ]
ok $? "web: each record is read once while the other VM comes and goes"
[ "$attacks" -gt 100 ] && [ "$reports" -eq "$attacks" ]
ok $? "web: ... and each of $attacks attacks is told of"

# --- nothing is left ----------------------------------------------------------------------------------------

for vm in web db; do
	check "$vm: detach" shadowmon detach --timeout=60 $vm
	eval "wait \$reader_$vm"
	check "$vm: its kernel has nothing to say" vm_kernel_is_quiet $vm
	guest_stop $vm
done
sleep 1
check "no page is left" test "$(/root/info)" = "$pages"
daemon_grown=$(($(daemon_memory) - resident))
echo "# the daemon has $daemon_grown KiB more than the $resident KiB when both VMs were attached first"
check "the daemon's memory is as it was, within $DAEMON_BOUND KiB" test $daemon_grown -lt $DAEMON_BOUND
kill -TERM $daemon
wait $daemon
grown=$((available - $(memory))) slab_grown=$(($(slab) - unreclaimable))
echo "# the host has $grown KiB less available, of that $slab_grown KiB of slab"
[ $grown -lt $MEMORY_BOUND ] && [ $slab_grown -lt $MEMORY_BOUND ]
ok $? "the host's memory is as it was, within $MEMORY_BOUND KiB"
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
