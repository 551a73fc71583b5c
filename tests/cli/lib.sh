# SPDX-License-Identifier: GPL-2.0-or-later
# TAP, and what all tests of this folder need.  $work is theirs; what they start ends with them.
failures=0
count=0
started=()

check() # NAME STATUS
{
	count=$((count + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		failures=$((failures + 1))
		echo "# status: ${status-}"
		sed 's/^/# stdout: /' "$work/out"
		sed 's/^/# stderr: /' "$work/err"
	fi
}

# Runs a command: its output goes to $work/out and $work/err, its status to $status.
run() # COMMAND...
{
	status=0
	timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

# A command must end with a status, and without a word from the sanitizers.
ends() # STATUS NAME COMMAND...
{
	run "${@:3}"
	[ "$status" -eq "$1" ] && ! grep -qE 'Sanitizer|runtime error' "$work/err"
	check "$2: exit status $1" $?
}

says() # NAME REGEX: what ran last, on stdout
{
	grep -qE -- "$2" "$work/out"
	check "$1" $?
}

complains() # NAME REGEX: the same on stderr
{
	grep -qE -- "$2" "$work/err"
	check "$1" $?
}

is_json() # NAME FILTER: stdout is one line of JSON for which the filter holds
{
	[ "$(wc -l <"$work/out")" -eq 1 ] && jq -e "$2" "$work/out" >/dev/null 2>"$work/jq"
	check "$1" $?
}

# Waits up to 20 s for a condition.
eventually() # COMMAND...
{
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}

# Starts something in the background; its PID is in $!.
start() # LOG COMMAND...
{
	"${@:2}" >"$1" 2>&1 </dev/null &
	started+=($!)
}

stop() # PID: with SIGTERM; its status is in $status
{
	status=0
	kill "$1" 2>/dev/null
	wait "$1" || status=$?
}

end_started()
{
	local pid
	for pid in "${started[@]}"; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	started=()
}
