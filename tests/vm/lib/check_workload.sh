# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Compares the guest's own account (workload.sh) with the events of its VM.

# "PID PPID UID BINARY ARGUMENTS" of each exec, in the order of the stream
exec_lines() # EVENTS
{
	jq -r 'select(.process_exec) | .process_exec | "\(.process.pid) \(.parent.pid) \(.process.uid) \(.process.binary) \(.process.argv | join(" "))"' "$1"
}

# 0 if each line of the account is in the events exactly once.  The stages of a pipeline run at once, so
# the order in which they wrote themselves down is not that of their execs.
account_matches() # ACCOUNT EVENTS
{
	exec_lines "$2" >/tmp/execs
	grep -x -F -f "$1" /tmp/execs >/tmp/found
	[ -s "$1" ] && [ "$(sort /tmp/found)" = "$(sort "$1")" ] && return 0
	sort "$1" /tmp/found | uniq -c | awk '$1 != 2' | head -5
	return 1
}

# Sequence numbers of every vCPU without a gap.
sequence_is_whole() # EVENTS
{
	jq -r 'select(.vcpu != null) | "\(.vcpu) \(.seq)"' "$1" | awk '
		($1 in last) && $2 != last[$1] + 1 { bad = 1 } { last[$1] = $2 } END { exit bad }'
}
