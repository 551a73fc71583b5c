# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For benchmarks on the emulated host.  Results are JSON lines that have "bench": they are picked out of
# the run's output.

# The guest "web" with its RAM in shared memory, as the transport "user" wants it.
bench_start() # VCPUS MEMORY_MB
{
	BENCH_VCPUS=$1
	if [ ! -e /dev/shadowmon ]; then
		insmod /root/shadowmon.ko
		shadowmond 2>/tmp/shadowmond.log &
		sleep 0.5
	fi
	guest_start web "$1" "$2" -object "memory-backend-memfd,id=ram,size=$2M,share=on" -machine memory-backend=ram
}

# The monitors of each set: the others would be passed, too.
declare -A BENCH_MONITORS=([events]='ping,process_exec,bench_open' [syscall]='ping,bench_syscall' [one]='ping,bench_getppid')

bench_attach() # TRANSPORT SET
{
	local image=/usr/lib/shadowmon/bench.o
	[ "$1" != user ] || image=/usr/lib/shadowmon/bench-user.o
	shadowmon attach --transport "$1" --ring-size 1024 --image $image --monitors="${BENCH_MONITORS[$2]}" web >/tmp/attach.out 2>&1 && return
	echo "cannot attach by $1: $(tail -n 1 /tmp/attach.out)"
	return 1
}

# What the guest module measures when the host asks it to, by each transport.
bench_on_demand()
{
	shadowmon bench --transport all -o json web | jq -M -c --arg of "$BENCH_VCPUS" '.results[] |
		{bench: "demand", what: .event, vcpus: ($of | tonumber), at_once: .vcpus} + (. | del(.event, .vcpus))'
}

# What waits in the rings.  Nobody reads while something is measured: there is one CPU, and it would be measured, too.
bench_drain()
{
	shadowmon events -o json --no-follow web 2>/tmp/events.err
}

bench_detach()
{
	bench_drain >/dev/null
	shadowmon detach web >/dev/null
}

# Counters of all vCPUs: "entries records lost exits exits_event window_faults"
bench_counters()
{
	shadowmon status -o json web | jq -r '.attached[0].status |
		"\(.entries) \(.records) \(.lost) \(.exits) \(.exits_event) \(.window_faults)"'
}

# One line of bench_events, with the counters' change over it.
bench_event() # TRANSPORT WHAT COUNT [VCPUS]
{
	local before after line
	before='0 0 0 0 0 0'
	after=$before
	case $1 in
	none | ebpf*) line=$(guest_run web "bench_events $2 $3 ${4:-1}") ;;
	*)
		bench_drain >/dev/null
		before=$(bench_counters)
		line=$(guest_run web "bench_events $2 $3 ${4:-1}")
		after=$(bench_counters)
		;;
	esac
	echo "$1 $line $before $after" | awk -v of="$BENCH_VCPUS" -v at_once="${4:-1}" '{
		printf "{\"bench\": \"event\", \"transport\": \"%s\", \"what\": \"%s\", \"vcpus\": %d, \"at_once\": %d, \"count\": %d, \"median\": %s, \"p99\": %s, ", $1, $2, of, at_once, $3, $4, $5
		printf "\"least\": %s, \"most\": %s, \"entries\": %d, \"records\": %d, \"lost\": %d, \"exits\": %d, \"exits_event\": %d, ",
			$6, $7, $14 - $8, $15 - $9, $16 - $10, $17 - $11, $18 - $12
		printf "\"fills\": %d}\n", $19 - $13 }'
}

# eBPF programs of the guest, hung on by "fentry" or "kprobe"; STATS: the guest's kernel measures them.
bench_ebpf_load() # HOW PROGRAMS [STATS]
{
	guest_run web "bench_ebpf ${3:+--stats} /events-$1.bpf.o $2 >/tmp/ebpf.out 2>&1 & for i in \$(seq 100); do grep -q ready /tmp/ebpf.out && exit; sleep 0.1; done; tail -n 5 /tmp/ebpf.out; exit 1"
}

bench_ebpf_unload()
{
	guest_run web 'pkill -TERM bench_ebpf; while pgrep bench_ebpf >/dev/null; do sleep 0.1; done; tail -n 1 /tmp/ebpf.out'
}

# What the programs themselves took, by their kernel's reading of its clock, in ticks; "nothing" is what that costs.
bench_ebpf_stats() # HOW PROGRAM WHAT COUNT
{
	local mhz
	bench_ebpf_load "$1" "nothing $2" stats || return
	guest_run web "bench_events $3 $4" >/dev/null
	bench_ebpf_unload >/dev/null
	mhz=$(guest_run web 'sed -n "s/^cpu MHz.*: *//p" /proc/cpuinfo | head -n 1')
	guest_run web 'cat /tmp/ebpf.out' | awk -v how="$1" -v mhz="$mhz" '
		$1 == "program" && $4 > 0 { mean[$2] = $6 / $4 * mhz / 1000; runs[$2] = $4 }
		END { for (name in mean) if (name != "nothing")
			printf "{\"bench\": \"ebpf-program\", \"how\": \"%s\", \"program\": \"%s\", \"runs\": %d, \"mean\": %.1f, \"measuring\": %.1f}\n",
				how, name, runs[name], mean[name], mean["nothing"] }'
}
