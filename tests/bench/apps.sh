# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see apps.suite.
. /lab/lib.sh
. /root/lib.sh

# NAME COUNT COMMAND
apps()
{
	cat <<'END'
stat 3 find /tmp/bench/tree -size +100k
open 3 cat /tmp/bench/tree/*/*
tar 3 tar c -C /tmp/bench tree | gzip -1
build 3 sh /build.sh
sqlite 3 sqlite3 :memory: "create table t (a integer primary key, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) insert into t select i, i * 7 % 101 from n; select b, count(*) from t group by b;"
web 3 bench_web /tmp/bench/page 50
END
}

run_apps() # TRANSPORT MONITORS
{
	local name count command line before='0 0 0 0 0 0' after='0 0 0 0 0 0'
	while read -r name count command; do
		case $1 in
		none | ebpf*) ;;
		*) bench_drain >/dev/null && before=$(bench_counters) ;;
		esac
		line=$(GUEST_TIMEOUT=300 guest_run web "bench_app $count '$command'") || { echo "$name: $line"; continue; }
		case $1 in
		none | ebpf*) ;;
		*) after=$(bench_counters) ;;
		esac
		echo "$1 $2 $name $((count + 1)) $line $before $after" | awk '{
			printf "{\"bench\": \"app\", \"transport\": \"%s\", \"monitors\": \"%s\", \"what\": \"%s\", \"runs\": %d, ", $1, $2, $3, $4
			printf "\"median\": %s, \"least\": %s, \"most\": %s, ", $5, $6, $7
			printf "\"records\": %d, \"lost\": %d, \"exits\": %d, \"exits_event\": %d, \"fills\": %d}\n",
				$15 - $9, $16 - $10, $17 - $11, $18 - $12, $19 - $13 }'
	done < <(apps)
}

run_latency() # TRANSPORT MONITORS WHAT...
{
	case $1 in none | ebpf*) ;; *) bench_drain >/dev/null ;; esac
	GUEST_TIMEOUT=300 guest_run web "bench_latency ${*:3}" | awk -v transport="$1" -v monitors="$2" '{
		printf "{\"bench\": \"latency\", \"transport\": \"%s\", \"monitors\": \"%s\", \"what\": \"%s\", ", transport, monitors, $1
		printf "\"turns\": %d, \"median\": %d, \"p99\": %d, \"least\": %d, \"most\": %d}\n", $2, $3, $4, $5, $6 }'
}

# What is recorded by the monitors: applications, and small operations as far as they are.
run_all() # TRANSPORT MONITORS
{
	run_apps "$1" "$2"
	case $2 in
	events) run_latency "$1" "$2" open exec ;;
	*) run_latency "$1" "$2" ;;
	esac
}

run_by_ebpf() # HOW MONITORS PROGRAM...
{
	bench_ebpf_load "$1" "${*:3}" && run_all "ebpf-$1" "$2"
	bench_ebpf_unload
}

run_by_transport() # MONITORS
{
	bench_attach "$by" "$1" && run_all "$by" "$1"
	bench_detach
}

bench_start 1 256 || exit 1
guest_run web 'sh /prepare.sh'
# The suite writes what "by" is before all this.
run_all none "$by"
if [ "$by" = ebpf ]; then
	run_by_ebpf fentry events exec open
	run_by_ebpf fentry syscall syscall
	run_by_ebpf kprobe syscall syscall
else
	run_by_transport events
	run_by_transport syscall
fi
guest_stop web
