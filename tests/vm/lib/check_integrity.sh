# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The monitor of the kernel's integrity against shadowmon_tamper.ko, which is loaded: for scripts that have tap.sh and
# vm.sh.
TAMPER=/sys/module/shadowmon_tamper/parameters/run

# Makes processes, each of which is a check: how many instructions each takes.
spawn() # COUNT
{
	guest_run web "spawn $1"
}

alarms()
{
	grep '"integrity"' /tmp/all.json | grep -v -E '"kind":"(BASELINE|MODULE_GONE)"'
}

# How often the text of a module was read for the first time.
baselines() # MODULE
{
	grep -c "\"kind\":\"BASELINE\".*\"name\":\"$1\"" /tmp/all.json
}

told() # EXPRESSION
{
	grep -E -q "\"integrity\":[{]$1" /tmp/all.json
}

# Until it has told of all, or the guest has had time for some passes over its pages.
wait_told() # FILE
{
	local turn line missing
	for turn in {1..12}; do
		missing=
		while read -r line; do
			told "$line" || missing+="$line "
		done <"$1"
		[ -n "$missing" ] || return 0
		spawn 1000 >/dev/null
		vm_catch_up
	done
	return 1
}

# Of a check: those of the timer's ticks, three of four, are among the compartment's entries.
show_cost() # WHICH
{
	local before with after
	before=$(vm_status entries)
	with=$(spawn 300)
	after=$(vm_status entries)
	echo "# a check $1: $(((with - SPAWN_WITHOUT) * 300 / (300 + (after - before - 300) * 3 / 4))) instructions; a process takes $with in place of $SPAWN_WITHOUT"
}

# Its changes work, and without the monitor nobody is told.
check_tamper_unseen()
{
	guest_run web 'sleep 100000 >/dev/null 2>&1 & modprobe -a dummy loop'
	check "the kernel can be changed" guest_run web "echo tamper >$TAMPER"
	spawn 10 >/dev/null
	vm_drain
	check "... and without the monitor of integrity nobody is told" test "$(alarms | wc -l)" -eq 0
	check "... and changed back" guest_run web "echo undo >$TAMPER"
}

# Once the monitor is attached.
check_integrity()
{
	local line before turn

	vm_follow
	show_cost "of the first pass"
	echo '"kind":"BASELINE"' >/tmp/expected
	wait_told /tmp/expected
	ok $? "all is read once"
	show_cost "while modules are read"
	guest_run web "sed 's/ .*//' /proc/modules" | sed 's/.*/"kind":"BASELINE".*"name":"&"/' >/tmp/expected
	check "there are modules" grep -q '"dummy"' /tmp/expected
	wait_told /tmp/expected
	ok $? "... and their text is read, too"
	show_cost "later"
	check "probes, a tracer, static keys, modules are used" guest_run web \
		"echo use >$TAMPER && echo 1 >/proc/sys/kernel/sched_schedstats"
	check "... while another comes and goes" guest_run web \
		"while [ ! -e /tmp/enough ]; do rmmod dummy && modprobe dummy || exit; done & spawn 2500 && touch /tmp/enough && wait \$!"
	check "... and no more" guest_run web \
		"echo undo >$TAMPER && echo 0 >/proc/sys/kernel/sched_schedstats && rmmod dummy"
	spawn 1000 >/dev/null
	vm_catch_up
	alarms >/tmp/others
	[ ! -s /tmp/others ]
	ok $? "... and none of it is an alarm" || cut -c1-300 /tmp/others | sed 's/^/# /'
	check "that a module went is told" told '"kind":"MODULE_GONE"'

	before=$(baselines dummy)
	check "a module is loaded again" guest_run web 'modprobe dummy'
	for turn in {1..12}; do
		[ "$(baselines dummy)" -le "$before" ] || break
		spawn 200 >/dev/null
		vm_catch_up
	done
	check "... and read anew" test "$(baselines dummy)" -eq "$((before + 1))"
	echo "# its text was read $before times before"

	# The process that has no number runs on until it was seen so twice.
	guest_run web "echo /tmp/x >/proc/sys/kernel/modprobe && echo tamper >$TAMPER && echo hide_pid >$TAMPER && cat $TAMPER && exec spawn 3000" >/tmp/told
	ok $? "the kernel is changed"
	grep '^"kind"' /tmp/told >/tmp/expected
	echo '"kind":"MODPROBE_PATH","address":"0x[0-9a-f]+","expected":"0x0","found":"0x0","pid":0,"name":"/tmp/x"' >>/tmp/expected
	check "... in 17 ways" test "$(wc -l </tmp/expected)" -eq 17
	wait_told /tmp/expected
	while read -r -u 3 line; do
		told "$line"
		ok $? "told: ${line//\"/}"
	done 3</tmp/expected
	alarms | grep -v -E -f /tmp/expected >/tmp/others
	[ ! -s /tmp/others ]
	ok $? "nothing else is told" || cut -c1-300 /tmp/others | sed 's/^/# /'
	check "no monitor was aborted" test "$(vm_status aborts)" -eq 0
	check "the attacker's module unloads" guest_run web "echo undo >$TAMPER; rmmod shadowmon_tamper"
	vm_unfollow
}
