# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Events and counters of the attached VM "web", for scripts on the emulated host.
: >/tmp/all.json
VM_READER=

vm_attach() # OPTION...
{
	shadowmon attach --image /root/monitors.o "$@" web
}

vm_status() # FIELD
{
	shadowmon status -o json web | jq ".attached[0].status.$1"
}

# From here on one reader follows the stream: cheaper than one a drain, each of which takes a second.
vm_follow()
{
	shadowmon events -o json web >>/tmp/all.json 2>/tmp/events.err &
	VM_READER=$!
	VM_SEEN=$(wc -l </tmp/all.json)
}

vm_unfollow()
{
	kill -INT "$VM_READER"
	wait "$VM_READER"
	VM_READER=
}

# Reads all that waits into /tmp/events.json; the whole stream is in /tmp/all.json.
vm_drain()
{
	local lines before=-1
	sleep 0.3
	if [ -n "$VM_READER" ]; then
		while lines=$(wc -l </tmp/all.json) && [ "$lines" != $before ]; do
			before=$lines
			sleep 0.4
		done
		tail -n +$((VM_SEEN + 1)) /tmp/all.json | head -n $((lines - VM_SEEN)) >/tmp/events.json
		VM_SEEN=$lines
		return
	fi
	shadowmon events -o json --no-follow web >/tmp/events.json 2>/tmp/events.err
	cat /tmp/events.json >>/tmp/all.json
}

vm_count() # JQ-CONDITION
{
	jq -c "select($1)" /tmp/events.json | wc -l
}

# Of the violations that the last drain found: how many, their reasons with commas between them, and whether
# each says where it happened.
vm_violations()
{
	jq -s -r '[.[] | .violation // empty] | "\(length) \(map(.reason) | unique | join(",") | if . == "" then "nothing" else . end) \(
		all(.vcpu >= 0 and .view != null and .reason != "none" and .cr3 != null and (.rip | test("^0x[0-9a-f]+$"))
		and (.reason != "shadow_access" or (.gpa | test("^0x7f")))))"' /tmp/events.json
}
