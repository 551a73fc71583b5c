# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon on a socket of its own: life, requests of all kinds, clients that misbehave.
log=$work/shadowmond.log
rm -rf "$work/run"

daemon_start()
{
	start "$log" "$shadowmond" "$@"
	daemon=$!
	eventually "$peer" ask "$SHADOWMON_SOCKET" '{"op":"list"}'
}

daemon_stop()
{
	stop "$daemon"
	cp "$log" "$work/err"
	[ "$status" -eq 0 ]
	check "$1: the daemon ends with status 0" $?
	[ ! -e "$SHADOWMON_SOCKET" ]
	check "$1: the socket is removed" $?
	! grep -qE 'Sanitizer|runtime error' "$log"
	check "$1: no word from the sanitizers" $?
}

# One connection, which must get exactly these replies; and the daemon answers on.
answers() # NAME CODE MESSAGE...
{
	run "$peer" ask "$SHADOWMON_SOCKET" "${@:3}" '{"op":"list"}'
	[ "$(jq -r '.code // empty' "$work/out" | sort -u)" = "$2" ] &&
		[ "$(jq -s 'map(select(has("ok"))) | length' "$work/out")" -eq $(($# - 1)) ] &&
		tail -n 1 "$work/out" | grep -q '^{"ok":true}$'
	check "$1" $?
}

ends 0 'daemon --help' "$shadowmond" --help
ends 0 'daemon --version' "$shadowmond" --version
ends 2 'daemon with an argument' "$shadowmond" argument
ends 2 'daemon with a relative socket' "$shadowmond" --socket control.sock
ends 1 'daemon where it cannot listen' "$shadowmond" --socket "$work/no/such/folder/control.sock"
complains 'daemon where it cannot listen: told' 'cannot listen on .*No such file'
ends 1 'daemon with too long a path' "$shadowmond" --socket "/$(printf '%0200d' 0)"

# Start and stop, and what the service manager is told.
start "$work/notices" "$peer" notices "$work/notify"
eventually test -S "$work/notify"
NOTIFY_SOCKET=$work/notify daemon_start
check 'daemon starts, and makes the folder of its socket' $?
[ "$(stat -c '%a %F' "$SHADOWMON_SOCKET")" = '600 socket' ] && [ "$(stat -c %a "$work/run")" = 700 ]
check 'socket and folder are for root alone' $?
eventually grep -q '^READY=1$' "$work/notices"
check 'READY=1 is notified' $?
ends 1 'second daemon on the same socket' "$shadowmond"
complains 'second daemon: told' 'another shadowmond does'
ends 0 'the first daemon goes on' "$shadowmon" status
daemon_stop 'SIGTERM'
eventually grep -q '^STOPPING=1$' "$work/notices"
check 'STOPPING=1 is notified' $?

daemon_start
kill -INT "$daemon"
wait "$daemon"
check 'SIGINT stops it too' $?

# What a killed daemon leaves behind, and what is not its own.
daemon_start --socket "$SHADOWMON_SOCKET"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
[ -S "$SHADOWMON_SOCKET" ]
check 'SIGKILL leaves the socket behind' $?
ends 5 'command with a stale socket' "$shadowmon" status
rm -f "$log"
daemon_start
check 'stale socket is replaced' $?
echo mine >"$work/file"
ends 1 'daemon on a file that is no socket' "$shadowmond" --socket "$work/file"
[ "$(cat "$work/file")" = mine ]
check 'the file stays' $?

# The command with the real daemon, which has no VM.
ends 0 'list' "$shadowmon" list -o json
is_json 'list: JSON' '.vms | all(.attached == false and .state == "none")'
ends 0 'status' "$shadowmon" status -o json
is_json 'status: JSON' '. == {attached: []}'
touch "$work/image.o"
for verb in events status detach "attach --image $work/image.o"; do
	# shellcheck disable=SC2086
	ends 3 "${verb%% *} of no VM" "$shadowmon" $verb 'no such VM'
	complains "${verb%% *} of no VM: told" 'no VM is called "no such VM"'
done
ends 3 'a PID that has no VM' "$shadowmon" status $$
ends 1 'an empty name' "$shadowmon" status ''
ends 1 'a long name' "$shadowmon" status "$(printf '%0300d' 0)"
run "$shadowmon" doctor -o json
is_json 'doctor sees the daemon' '.checks[] | select(.name == "daemon").result == "ok"'

# Requests.
answers 'garbage' bad-request $'\x01\xff\xfe' 'list' '"list"' '7' 'null'
answers 'half an object' bad-request '{"op":"li' '{' '{"op"'
answers 'text behind the object' bad-request '{"op":"list"} {"op":"list"}' '{"op":"list"}x'
answers 'a member twice' bad-request '{"op":"list","op":"status"}'
answers 'no UTF-8' bad-request $'{"op":"\xc3("}'
answers 'a NUL' bad-request '{"op":"status","vm":"a\u0000b"}' '{"op":"\u0000"}'
answers 'arrays' bad-request '[]' '[{"op":"list"}]'
answers 'deep nesting' bad-request "$(printf '%05000d' 0 | tr 0 '[')" \
	"$(printf '%02000d' 0 | sed 's/0/{"op":/g')"
answers 'no op' bad-request '{}' '{"vm":"web"}'
answers 'an op that is none' bad-request '{"op":"destroy"}' '{"op":""}' '{"op":7}' '{"op":null}' '{"op":["list"]}'
answers 'unknown members' bad-request '{"op":"list","vm":"web"}' '{"op":"status","verbose":true}' \
	'{"op":"attach","vm":"web","no_lock":true}'
answers 'missing members' bad-request '{"op":"attach"}' '{"op":"detach"}' '{"op":"events"}'
answers 'members of a wrong type' bad-request '{"op":"status","vm":7}' '{"op":"attach","vm":"web","ring_size":"64"}' \
	'{"op":"detach","vm":"web","timeout_ms":1.5}'
answers 'empty and long names' bad-request '{"op":"status","vm":""}' "{\"op\":\"events\",\"vm\":\"$(printf '%0256d' 0)\"}"
answers 'timeouts out of range' bad-request '{"op":"attach","vm":"web","timeout_ms":0}' \
	'{"op":"attach","vm":"web","timeout_ms":600001}' '{"op":"detach","vm":"web","timeout_ms":-1}' \
	'{"op":"detach","vm":"web","timeout_ms":9223372036854775807}'
answers 'integers that overflow' bad-request '{"op":"detach","vm":"web","timeout_ms":9223372036854775808}' \
	'{"op":"detach","vm":"web","timeout_ms":1e999}'
answers 'rings of a wrong size' bad-request '{"op":"attach","vm":"web","ring_size":8192}' \
	'{"op":"attach","vm":"web","ring_size":20000}' '{"op":"attach","vm":"web","ring_size":-16384}' \
	'{"op":"attach","vm":"web","ring_size":4294983680}'
answers 'budgets out of range' bad-request '{"op":"attach","vm":"web","budget_us":99}' \
	'{"op":"attach","vm":"web","budget_us":1000001}'
answers 'limits of aborts out of range' bad-request '{"op":"attach","vm":"web","max_aborts":-2}' \
	'{"op":"attach","vm":"web","max_aborts":1000001}'
answers 'an image without a path' bad-request '{"op":"attach","vm":"web","image":"monitors.o"}' \
	'{"op":"attach","vm":"web","image":""}'
answers 'monitors that are no list' bad-request '{"op":"attach","vm":"web","monitors":["file"]}'
answers 'a reload of what is no list' bad-request '{"op":"reload","vm":"web","monitors":""}' \
	'{"op":"reload","vm":"web","change":""}' '{"op":"reload","vm":"web","monitors":"a","change":"b"}' \
	'{"op":"reload","vm":"web","image":"monitors.o"}' '{"op":"reload"}'
answers 'policies that are none' bad-request '{"op":"policy-add","vm":"web","file":"f"}' '{"op":"policy-list"}' \
	'{"op":"policy-mode","vm":"web","name":"n","enforce":"yes"}' '{"op":"policy-delete","vm":"web","name":7}'
answers 'policies of no VM' not-found '{"op":"policy-add","vm":"web","file":"f","text":""}' '{"op":"policy-list","vm":"web"}' \
	'{"op":"policy-delete","vm":"web","name":"n"}' '{"op":"policy-mode","vm":"web","name":"n","enforce":true}'
answers 'full_ring that is none' bad-request '{"op":"attach","vm":"web","full_ring":"overwrite"}'
answers 'a well-formed request for no VM' not-found '{"op":"attach","vm":"web"}' '{"op":"detach","vm":"web"}' \
	'{"op":"events","vm":"web"}' '{"op":"status","vm":"web"}' '{"op":"reload","vm":"web"}'
answers 'the longest request' bad-request '@65536'
answers 'an oversize request' bad-request '@65537' '@150000'
mapfile -t many < <(yes '{"op":"list"}' | head -n 50)
answers 'many requests in a row' '' "${many[@]}"

# Clients.
run "$peer" leave "$SHADOWMON_SOCKET" 100 '{"op":"list"}'
ends 0 '100 clients that vanish' "$shadowmon" status
run "$peer" leave "$SHADOWMON_SOCKET" 50 ''
ends 0 '50 that say nothing' "$shadowmon" status
run "$peer" crowd "$SHADOWMON_SOCKET" 80
says '80 clients at once: 64 are served' '^64$'
eventually "$shadowmon" status
check 'and others when they have gone' $?
run "$peer" greedy "$SHADOWMON_SOCKET" '{}'
says 'a client that reads nothing is stopped' '^[0-9]{1,5}$'
ends 0 'a client that reads nothing does not hold up others' "$shadowmon" status
if [ "$(id -u nobody 2>/dev/null)" ] && chmod 755 "$work" "$work/run" && chmod 666 "$SHADOWMON_SOCKET" &&
	setpriv --reuid=nobody --clear-groups true 2>/dev/null; then
	cp "$peer" "$work/peer" && chmod 644 "$work/peer"
	run setpriv --reuid=nobody --clear-groups sh -c "perl '$work/peer' ask '$SHADOWMON_SOCKET' '{\"op\":\"list\"}'"
	! grep -q '"ok":true' "$work/out" && grep -q 'not root' "$log"
	check 'a client that is not root is turned away' $?
fi
daemon_stop 'after all of this'
