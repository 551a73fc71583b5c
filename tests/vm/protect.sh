# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see protect.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh

reports()
{
	vm_drain
	vm_count '.violation.reason == "hook_write"'
}

# Runs all attacks of the module; their TAP lines become ours, and go into the table.
attacks() # EXPECT
{
	guest_run web "dmesg -C; insmod /shadowmon_hooks.ko expect=$1; rmmod shadowmon_hooks; dmesg | grep attack:" >/tmp/attacks
	while read -r line; do
		case $line in
		*attack:\ not\ ok*) ok 1 "$1: ${line#* - }" ;;
		*attack:\ ok*) ok 0 "$1: ${line#* - }" && table[$1 ${line#* - }]=$1 ;;
		*attack:\ \#*) echo "#${line#*attack: \#}" ;;
		esac
	done </tmp/attacks
	check "$1: all attacks were run" grep -q 'attack: 1\.\.' /tmp/attacks || tail -n 40 "$(guest_console web)"
}

# Attack, without protection, with it, how it is told: as tests/vm/attack/attack.sh prints it.
row()
{
	printf '# %-80s %-18s %-18s %s\n' "$@"
}

print_table()
{
	local key name
	row attack 'without protection' 'with it' 'reported as'
	for key in "${!table[@]}"; do
		case $key in
		*'can be written') continue ;;
		written\ *) name=${key#written } ;;
		*) continue ;;
		esac
		row "$name" "${table[$key]}" "${table[refused $name]:-WRITTEN}" hook_write
	done | sort
	row "ftrace_enabled = 0" "$ftrace_without" refused -
	row "rmmod of the guest module" "$rmmod_without" refused -
}

declare -A table
ftrace_without=failed rmmod_without=failed

events_arrive() # WHEN
{
	local before after
	before=$(vm_status entries)
	guest_run web 'echo 1000 >/sys/kernel/debug/shadowmon/ping; uname -s' >/dev/null
	after=$(vm_status entries)
	vm_drain
	[ $((after - before)) -ge 1000 ] &&
		[ "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1 ]
	ok $? "$1: each call of a hooked function makes its event ($((after - before)))"
}

quiet() # DESCRIPTION COMMAND: works in the guest, and nothing is reported
{
	local n status
	reports >/dev/null
	guest_run web "$2" >/tmp/quiet.out 2>&1
	status=$?
	n=$(reports)
	[ $status -eq 0 ] && [ "$n" -eq 0 ]
	ok $? "$1 works and is not reported ($status, $n reports)" || return
	[ $status -eq 0 ] || sed 's/^/# /' /tmp/quiet.out | tail -n 5
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
check "doctor tells" sh -c 'shadowmon doctor | grep -q "hook protection: on"'
guest_start web 1 256 || exit 1

# --- nothing is protected ---------------------------------------------------------------------------

attacks written
guest_run web 'echo 0 >/proc/sys/kernel/ftrace_enabled && echo 1 >/proc/sys/kernel/ftrace_enabled' && ftrace_without=switched
check "control: ftrace_enabled = 0 works" test $ftrace_without = switched
guest_run web 'rmmod shadowmon_guest && insmod /shadowmon_guest.ko lab=1' && rmmod_without=unloaded
check "control: rmmod of the guest module works" test $rmmod_without = unloaded

# --- locked -----------------------------------------------------------------------------------------

check "attach" vm_attach
check "status says that the hooks are protected" test "$(vm_status hook_protection)" = '"on"'
events_arrive "after lock"
check "nothing was reported" test "$(reports)" -eq 0
attacks refused
reported=$(reports)
echo "# $reported writes reported"
check "... and reported" test "$reported" -ge 30
jq -r 'select(.violation.reason == "hook_write") | .violation.gpa' /tmp/events.json | sort | uniq -c | sed 's/^/# at /'
jq -c 'select(.violation.reason == "hook_write") | .violation' /tmp/events.json | head -n 1 | sed 's/^/# /'
check "... each with the address" sh -c '! jq -e "select(.violation.reason == \"hook_write\") | select((.violation.gpa | tostring) == \"0\" or (.violation.rip | tostring) == \"0\")" /tmp/events.json'
events_arrive "after the attacks"

# --- what must go on working ---------------------------------------------------------------------------

guest_run web 'mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; ls /sys/kernel/tracing | head -3'
site=$(guest_run web 'grep -w security_bprm_committed_creds /proc/kallsyms' | cut -d' ' -f1)
neighbours=$(guest_run web "grep -i ' t security_' /proc/kallsyms" | grep "^${site%???}" | grep -v "^$site" | awk '{ print $3 }' | head -n 3 | tr '\n' ' ')
echo "# in the page of security_bprm_committed_creds: $neighbours"
tracing=/sys/kernel/tracing
quiet "a kprobe in the page of a hooked function" "cd $tracing; for f in $neighbours; do echo p:near \$f >kprobe_events && break; done; echo 1 >events/kprobes/near/enable && echo 0 >events/kprobes/near/enable && echo >kprobe_events"
quiet "tracing of functions, with a pattern that matches hooked ones" "cd $tracing && echo 'security_*' >set_ftrace_filter && echo function >current_tracer && ls / >/dev/null && grep -q security_ trace && echo nop >current_tracer && echo >set_ftrace_filter"
events_arrive "after tracing"
quiet "a kprobe at a hooked function" "cd $tracing && echo p:at security_bprm_committed_creds >kprobe_events && echo 1 >events/kprobes/at/enable && echo 0 >events/kprobes/at/enable && echo >kprobe_events"
quiet "a static key" "cd /proc/sys/kernel && old=\$(cat sched_schedstats) && echo 1 >sched_schedstats && echo 0 >sched_schedstats && echo \$old >sched_schedstats"
quiet "loading and unloading a module" "modprobe dummy && rmmod dummy"

# --- the hooks by the front door -----------------------------------------------------------------------

guest_run web 'echo 0 >/proc/sys/kernel/ftrace_enabled' >/tmp/disable 2>&1
status=$?
[ $status -ne 0 ] && [ "$(guest_run web 'cat /proc/sys/kernel/ftrace_enabled')" = 1 ]
ok $? "ftrace_enabled = 0 is refused ($status: $(tail -n 1 /tmp/disable))"
guest_run web 'rmmod shadowmon_guest' >/tmp/rmmod 2>&1
status=$?
[ $status -ne 0 ]
ok $? "rmmod of the guest module is refused ($status: $(tail -n 1 /tmp/rmmod))"
events_arrive "after both"

# --- the end ------------------------------------------------------------------------------------------

guest_run web "cd $tracing && echo p:at security_bprm_committed_creds >kprobe_events && echo 1 >events/kprobes/at/enable"
check "detach with a kprobe at a hooked function" shadowmon detach web
check "... which hits from then on" guest_run web "cd $tracing && echo >trace && ls / >/dev/null && grep -q at: trace"
check "... and can be taken out" guest_run web "cd $tracing && echo 0 >events/kprobes/at/enable && echo >kprobe_events"
attacks written
check "attach again" vm_attach
events_arrive "attached again"
check "protected again" test "$(vm_status hook_protection)" = '"on"'
check "detach again" shadowmon detach web
check "the guest module can be unloaded" guest_run web 'rmmod shadowmon_guest'
guest_run web 'dmesg' >/tmp/dmesg
check "the guest's kernel has nothing to complain of" sh -c '! grep -E "BUG|WARNING|Oops|ftrace bug|general protection" /tmp/dmesg'
grep -E "BUG|WARNING|Oops|ftrace bug" -A12 /tmp/dmesg | head -40
guest_run web 'insmod /shadowmon_guest.ko lab=1'
check "attach for the last time" vm_attach
guest_kill web
sleep 1
check "the VMM's death detaches" sh -c '! shadowmon status web'
kill -TERM $daemon
wait $daemon
check "module unloads" rmmod shadowmon
print_table
[ $TAP_FAILED -eq 0 ]
