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

# Within about a second of the guest's running, and it does little.
change_is_found()
{
	local try

	for ((try = 0; try < 10; try++)); do
		[ "$(vm_count '.violation.reason == "hook_changed"')" -ge 1 ] && return
		guest_run web 'sleep 1'
		vm_drain
	done
	return 1
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
	row "a kprobe in a stub, in the gate" "${shown[kprobe]:-failed}" "${shown[kprobe refused]:-REGISTERED}" -
	row "a livepatch of a hooked function" "${shown[livepatch]:-failed}" "${shown[livepatch refused]:-SILENCED}" -
	row "the same, the kernel made to allow it" "${shown[livepatch]:-failed}" "${shown[shared]:-SILENCED}" -
	row "unregister_ftrace_direct" "${shown[unmark]:-failed}" "${shown[unregister]:-SILENCED}" -
	row "unregister_ftrace_direct, its mark undone" "${shown[unmark]:-failed}" "${shown[unmark refused]:-SILENCED}" hook_write
	row "the same without write tracking" "${shown[unmark]:-failed}" "${shown[unmark]:-failed}" hook_changed
}

# A function of the kernel proper, and one on the same page that a new program calls, too.
hooked=security_bprm_committed_creds near=security_bprm_committing_creds
declare -A table shown
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

start_host() # WEAKEN: bits of host/kmod/lab.h
{
	insmod /root/shadowmon.ko weaken="$1"
	shadowmond 2>/tmp/shadowmond.log &
	daemon=$!
}

stop_host()
{
	kill -TERM $daemon
	wait $daemon
	rmmod shadowmon
}

# A livepatch of a hooked function.
patch() # on|off
{
	local sys=/sys/kernel/livepatch/shadowmon_livepatch
	case $1 in
	on) guest_run web "insmod /shadowmon_livepatch.ko && while [ \$(cat $sys/transition) = 1 ]; do sleep 0.2; done" ;;
	off) guest_run web "echo 0 >$sys/enabled && while [ -e $sys ]; do sleep 0.2; done; rmmod shadowmon_livepatch" ;;
	esac
}

patched_calls()
{
	guest_run web 'ls / >/dev/null; cat /sys/module/shadowmon_livepatch/parameters/calls'
}

start_host 0
check "doctor tells" sh -c 'shadowmon doctor | grep -q "hook protection: on"'
guest_start web 1 256 || exit 1

# --- nothing is protected ---------------------------------------------------------------------------

attacks written
guest_run web 'echo 0 >/proc/sys/kernel/ftrace_enabled && echo 1 >/proc/sys/kernel/ftrace_enabled' && ftrace_without=switched
check "control: ftrace_enabled = 0 works" test $ftrace_without = switched
guest_run web 'rmmod shadowmon_guest && insmod /shadowmon_guest.ko lab=1' && rmmod_without=unloaded
check "control: rmmod of the guest module works" test $rmmod_without = unloaded

# Its replacement runs in place of the function, and nothing can be hooked there.
patch on && [ "$(patched_calls)" -gt 0 ] && shown[livepatch]=replaced
check "control: a livepatch replaces a function that is to be hooked" test "${shown[livepatch]}" = replaced
vm_attach >/tmp/busy 2>&1
status=$?
[ $status -ne 0 ] && grep -q $hooked /tmp/busy
ok $? "... and attach says that it cannot be hooked ($(tail -n 1 /tmp/busy))"
check "... the livepatch goes" patch off

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

tracing=/sys/kernel/tracing
guest_run web "mount -t tracefs tracefs $tracing; cd $tracing && echo p:at $hooked >kprobe_events && echo p:near $near >>kprobe_events && cat /sys/kernel/debug/kprobes/list" >/tmp/kprobes
page=$(sed -n "s/^\([0-9a-f]*\)...  k  $hooked+.*/\1/p" /tmp/kprobes)
check "$near is in the page of $hooked" grep "^${page:-none}...  k  $near+" /tmp/kprobes
quiet "a kprobe there" "cd $tracing && echo 1 >events/kprobes/near/enable && echo >trace && ls / >/dev/null && grep -q near: trace"
quiet "one at the hooked function" "cd $tracing && echo 1 >events/kprobes/at/enable && echo >trace && ls / >/dev/null && ! grep at: trace"
events_arrive "with both"
quiet "one in the body of the hooked function" "cd $tracing && echo 0 >events/kprobes/enable && echo p:body $hooked+5 >kprobe_events && echo 1 >events/kprobes/body/enable && echo >trace && ls / >/dev/null && grep -q body: trace"
events_arrive "with that kprobe"
quiet "tracing of functions, with a pattern that matches hooked ones" "cd $tracing && echo 0 >events/kprobes/enable && echo 'security_bprm_*' >set_ftrace_filter && echo function >current_tracer && ls / >/dev/null && grep -q $near trace && ! grep $hooked trace && echo nop >current_tracer && echo >set_ftrace_filter"
quiet "a BPF program at another function of the page" "fentry $near"
quiet "refusing one at the hooked function" "fentry $hooked 2>&1 | grep busy"
# A tracepoint is one: its jump is a few bytes behind the call of the stub.
quiet "a static key in the body of a hooked function" "cd $tracing && echo 1 >events/module/module_free/enable && echo >trace && modprobe dummy && rmmod dummy && grep -q 'module_free: dummy' trace && echo 0 >events/module/module_free/enable"
events_arrive "after all that"

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

# --- what ring 0 can ask its kernel for --------------------------------------------------------------------

# Another function of the module is the control.
guest_run web "cd $tracing && echo p:in shadowmon_guest:smg_lookup >kprobe_events" && shown[kprobe]=registered
check "control: a kprobe in the guest module" test "${shown[kprobe]}" = registered
guest_run web "cd $tracing; for at in smg_stubs smg_stubs+64 verdict_0 smg_gate smg_gate+64 smg_gate_absent; do ! echo p:in shadowmon_guest:\$at >kprobe_events || exit 1; done" &&
	shown[kprobe refused]=refused
check "... is refused in stubs and gate" test "${shown[kprobe refused]}" = refused
patch on >/tmp/livepatch 2>&1 || shown[livepatch refused]=refused
check "a livepatch of a hooked function is refused" test "${shown[livepatch refused]}" = refused
guest_run web 'insmod /shadowmon_unhook.ko how=share'
check "a kernel made to allow it allows it" patch on
events_arrive "with a livepatch of a hooked function" && [ "$(patched_calls)" -eq 0 ] && shown[shared]='no effect'
check "... which has no effect" test "${shown[shared]}" = 'no effect'
patch off
guest_run web 'rmmod shadowmon_unhook'
check "unregister_ftrace_direct() of a hook" guest_run web 'insmod /shadowmon_unhook.ko how=unregister'
events_arrive "... has no effect" && shown[unregister]='no effect'
check "... it is undone" guest_run web 'rmmod shadowmon_unhook'
vm_drain
writes=$(grep -c '"reason": *"hook_write"' /tmp/all.json)
check "no write but those of the attacks was reported ($writes)" test "$writes" -eq "$reported"

# --- the end ------------------------------------------------------------------------------------------

guest_run web "cd $tracing && echo p:at $hooked >kprobe_events && echo 1 >events/kprobes/at/enable"
check "detach with a kprobe at a hooked function" vm_detach
check "... which hits from then on" guest_run web "cd $tracing && echo >trace && ls / >/dev/null && grep -q at: trace"
check "... and can be taken out" guest_run web "cd $tracing && echo 0 >events/kprobes/at/enable && echo >kprobe_events"
attacks written
check "attach again" vm_attach
events_arrive "attached again"
check "protected again" test "$(vm_status hook_protection)" = '"on"'
check "detach again" vm_detach
check "the guest module can be unloaded" guest_run web 'rmmod shadowmon_guest'
guest_run web 'dmesg' >/tmp/dmesg
check "the guest's kernel has nothing to complain of" sh -c '! grep -E "BUG|WARNING|Oops|ftrace bug|general protection" /tmp/dmesg'
grep -E "BUG|WARNING|Oops|ftrace bug" -A12 /tmp/dmesg | head -40

# --- without write tracking ------------------------------------------------------------------------------

check "module unloads" stop_host
start_host 256
guest_run web 'insmod /shadowmon_guest.ko lab=1'
check "without write tracking: doctor tells" sh -c 'shadowmon doctor | grep -q "hook protection: verification only"'
check "attach" vm_attach
check "status says that hooks are verified only" sh -c 'shadowmon status web | grep -q "verification only"'
events_arrive "verified"
attacks written
vm_drain
guest_run web 'insmod /shadowmon_unhook.ko how=unmark; uname'
vm_drain
[ "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 0 ] && shown[unmark]=silenced
check "control: unregister_ftrace_direct(), its mark undone, silences" test "${shown[unmark]}" = silenced
check "... which verification finds" change_is_found
check "... it is undone" guest_run web 'rmmod shadowmon_unhook'
events_arrive "put back"
check "detach" vm_detach

# --- with it, what the guest's kernel does not survive whole -----------------------------------------------

echo 0 >/sys/module/shadowmon/parameters/weaken
check "attach for the last time" vm_attach
check "protected" test "$(vm_status hook_protection)" = '"on"'
guest_run web 'insmod /shadowmon_unhook.ko how=unmark'
check "unregister_ftrace_direct(), its mark undone, is refused and reported" test "$(reports)" -ge 1
events_arrive "... the guest goes on" && shown[unmark refused]=refused
guest_kill web
sleep 1
check "the VMM's death detaches" sh -c '! shadowmon status web'
check "module unloads" stop_host
print_table
[ $TAP_FAILED -eq 0 ]
