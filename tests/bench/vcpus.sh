# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host, which has two CPUs: guests with two and with four vCPUs.  See vcpus.suite.
. /lab/lib.sh
. /root/lib.sh

for vcpus in 2 4; do
	bench_start $vcpus 256 || exit 1
	guest_run web 'mkdir -p /tmp/bench/one/two; echo text >/tmp/bench/one/two/file'
	for transport in none gate; do
		for what in "syscall 500" "open 100"; do
			set=events
			[ "${what% *}" != syscall ] || set=syscall
			[ $transport = none ] || bench_attach $transport $set || continue
			for ((at_once = 1; at_once <= vcpus; at_once *= 2)); do
				# shellcheck disable=SC2086
				bench_event $transport $what $at_once
			done
			[ $transport = none ] || bench_detach
		done
	done
	bench_on_demand
	guest_stop web
	sleep 2 # the last attachment's hooks are in KVM for a second after it
done
