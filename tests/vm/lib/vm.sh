# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Events and counters of the attached VM "web", for scripts on the emulated host.
: >/tmp/all.json
VM_READER=
VM_MARK=0

vm_attach() # OPTION...
{
	shadowmon attach --image /root/monitors.o "$@" web
}

# In the lab each function takes a moment to unhook.
vm_detach()
{
	shadowmon detach --timeout=60 web
}

vm_status() # FIELD
{
	shadowmon status -o json web | jq ".attached[0].status.$1"
}

# From here on one reader follows the stream: cheaper than one a drain, each of which takes a second.
vm_follow()
{
	VM_SEEN=$(wc -l </tmp/all.json)
	shadowmon events -o json web >>/tmp/all.json 2>/tmp/events.err &
	VM_READER=$!
}

vm_unfollow()
{
	kill -INT "$VM_READER"
	wait "$VM_READER"
	VM_READER=
}

# Waits until the reader has shown the event of a command that the guest runs now: those before it are out
# by then.  A guest that does not answer gets no such event.
vm_catch_up()
{
	local try
	VM_MARK=$((VM_MARK + 1))
	guest_run web ": mark-$VM_MARK" >/dev/null || return
	for try in {1..100}; do
		tail -n 50 /tmp/all.json | grep -q "mark-$VM_MARK\"" && return
		sleep 0.1
	done
}

# Reads all that waits into /tmp/events.json; the whole stream is in /tmp/all.json.
vm_drain()
{
	local lines
	if [ -n "$VM_READER" ]; then
		vm_catch_up
		lines=$(wc -l </tmp/all.json)
		tail -n +$((VM_SEEN + 1)) /tmp/all.json | head -n $((lines - VM_SEEN)) >/tmp/events.json
		VM_SEEN=$lines
		return
	fi
	sleep 0.3
	shadowmon events -o json --no-follow web >/tmp/events.json 2>/tmp/events.err
	cat /tmp/events.json >>/tmp/all.json
}

vm_count() # JQ-CONDITION
{
	jq -c "select($1)" /tmp/events.json | wc -l
}

# Of the violations and aborts that the last drain found: how many, their reasons with commas between them, and
# whether each says where it happened.
vm_violations()
{
	jq -s -r '[.[] | .violation // (.abort // empty | .reason = "abort:" + .reason)]
		| "\(length) \(map(.reason) | unique | join(",") | if . == "" then "nothing" else . end) \(
		all(.vcpu >= 0 and .view != null and .reason != "none" and .cr3 != null and (.rip | test("^0x[0-9a-f]+$"))
		and (.reason != "shadow_access" or (.gpa | test("^0x7f")))))"' /tmp/events.json
}

# With STOCK_GUEST: what makes its kernel differ from the lab's own guests.
vm_boots_as_stock()
{
	local flags
	[ -e /lab/guest-bzimage ] || return 0
	# The place that it chose may be the usual one: the flag is KASLR_FLAG of boot_params.hdr.loadflags.
	flags=$(guest_run web 'od -An -tu1 -j529 -N1 /sys/kernel/boot_params/data')
	check "KASLR has chosen where the guest's kernel is" test $((flags & 2)) -ne 0
	check "user mode has page tables of its own" test "$(guest_run web 'cat /sys/devices/system/cpu/vulnerabilities/meltdown')" = "Mitigation: PTI"
}

# With page tables of its own or without: looks at the hooks find nothing wrong by them.
vm_is_left_alone_in_user_mode()
{
	guest_run web 'i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done'
	check "hooks are looked at while it runs in user mode, and found as they were" test "$(vm_status violations)" -eq 0
}

# A guest with mitigations warns at its boot of what the CPU does to it.
vm_kernel_is_quiet() # [NAME]
{
	! grep -v 'RETBleed: WARNING' "$(guest_console "${1:-web}")" | grep -E 'BUG:|WARNING:|Oops|Call Trace'
}
