# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see events.suite.
. /lab/lib.sh
. /root/lib.sh

bench_start 1 256 || exit 1
guest_run web 'mkdir -p /tmp/bench/one/two; echo text >/tmp/bench/one/two/file'
for what in "syscall 2000" "other 2000" "cpuid 500" "open 200" "exec 30"; do
	# shellcheck disable=SC2086
	bench_event none $what
done
for transport in gate exit user; do
	bench_attach $transport events || continue
	for what in "ping 50" "cpuid 500" "open 200" "exec 30"; do
		# shellcheck disable=SC2086
		bench_event $transport $what
	done
	bench_drain | jq -r --arg transport $transport -s '[.[] | .process_exec.process.ticks // empty] | sort | select(length > 0) |
		{bench: "exec-ticks", transport: $transport, count: length, mean: (add / length | round), median: .[length / 2 | floor], p99: .[length * 99 / 100 | floor],
		least: .[0], most: .[-1]}' -c -M
	shadowmon status -o json web | jq -M -c --arg transport $transport '{bench: "memory", transport: $transport, vcpus: 1,
		pages: .attached[0].status.pages, ring_bytes: .attached[0].status.ring_size}'
	bench_detach
	bench_attach $transport syscall || continue
	bench_event $transport syscall 2000
	bench_event $transport other 2000
	bench_detach
done
bench_on_demand
bench_attach gate one && bench_event gate-one syscall 2000 && bench_event gate-one other 2000
bench_detach
while read -r how program what count; do
	bench_ebpf_load "$how" "$program" || continue
	bench_event "ebpf-$how" "$what" "$count"
	bench_ebpf_unload
done <<END
kprobe ping ping 50
kprobe exec exec 30
kprobe syscall syscall 2000
fentry exec exec 30
fentry syscall syscall 2000
fentry open open 200
END
for how in kprobe fentry; do
	bench_ebpf_stats $how exec exec 30
	bench_ebpf_stats $how syscall syscall 2000
done
bench_ebpf_stats fentry open open 200
guest_stop web
