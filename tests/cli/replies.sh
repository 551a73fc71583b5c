# SPDX-License-Identifier: GPL-2.0-or-later
# The command against a daemon that this test plays: replies, exit codes, output.
replies=$work/replies
mkdir -p "$replies" "$work/run"
touch "$work/image.o"
start "$work/serve.log" "$peer" serve "$SHADOWMON_SOCKET" "$replies"
fake=$!
eventually test -S "$SHADOWMON_SOCKET"

reply() # OP LINE...
{
	printf '%s\n' "${@:2}" >"$replies/$1"
}

# Exit codes.
while read -r code expected; do
	reply status "{\"ok\":false,\"code\":\"$code\",\"error\":\"no luck\"}"
	ends "$expected" "code $code" "$shadowmon" status web
	complains "code $code: the sentence is shown" '^shadowmon: no luck$'
	[ ! -s "$work/out" ]
	check "code $code: nothing on stdout" $?
	ends "$expected" "code $code with JSON" "$shadowmon" status -o json web
	is_json "code $code: JSON" ".ok == false and .code == \"$code\" and .error == \"no luck\""
done <<'END'
not-found 3
ambiguous 3
not-attached 4
already-attached 6
busy 6
timeout 7
failed 1
bad-request 1
invented 1
END

# Daemons that go wrong.
rm "$replies/status"
ends 5 'a daemon that hangs up' "$shadowmon" status
complains 'a daemon that hangs up: where to look' 'journalctl -u shadowmond'
reply status 'no JSON'
ends 5 'a reply that is no JSON' "$shadowmon" status
reply status '[]'
ends 1 'a reply that is no object' "$shadowmon" status
reply status '{"ok":false}'
ends 1 'a failure without a reason' "$shadowmon" status
reply status '{"item":{"vcpu":0}}' '{"ok":true}'
ends 0 'a vCPU without a VM' "$shadowmon" status web
reply status '{"item":7}' '{"ok":true}'
ends 0 'an item that is no object' "$shadowmon" status
reply events '{"ok":true,"vm":"web","pid":1}'
ends 1 'events without a descriptor' "$shadowmon" events web
complains 'events without a descriptor: told' 'sent no file descriptor'

# What monitors declare.
reply schema '{"item":{"event":{"entries":[["opened",1,136,0],["size",18,0,0]]}}}' '{"item":{"event":7}}' '{"ok":true}'
ends 0 'schema' "$shadowmon" events --schema web
is_json 'schema: JSON' '.properties.opened.properties.size.type == "integer" and (.anyOf | length) == 1'
complains 'schema: what makes no sense is told' "description has 0 entries"

# Policies.
reply policy-list '{"item":{"name":"quiet","mode":"monitor","rules":2}}' '{"ok":true}'
ends 0 'policies as text' "$shadowmon" policy list web
says 'policies as text: a line each' '^quiet +monitor +2 rules$'
ends 0 'policies as JSON' "$shadowmon" policy list -o json web
is_json 'policies as JSON: whole' '. == {policies: [{name: "quiet", mode: "monitor", rules: 2}]}'
reply policy-add '{"ok":false,"code":"failed","error":"no luck"}'
ends 1 'a policy that is refused' "$shadowmon" policy add web docs/policies/quiet.yaml
complains 'a policy that is refused: why' '^shadowmon: no luck$'

# list
vm='"pid":7,"fd":9,"address":"7","vmm":"kvm","vcpus":2,"memory":268435456'
reply list "{\"item\":{\"name\":\"web\",$vm,\"memory_source\":\"configured\",\"attached\":true,\"state\":\"attached\"}}" \
	"{\"item\":{\"name\":\"my db\",$vm,\"memory_source\":\"resident\",\"attached\":false,\"state\":\"none\"}}" '{"ok":true}'
ends 0 'list' "$shadowmon" list
says 'list: attached' '^web +7 +kvm +2 +256 MiB attached$'
says 'list: not attached, resident memory' '^my db +7 +kvm +2 +~ *256 MiB -$'
ends 0 'list as JSON' "$shadowmon" list -o json
is_json 'list: JSON' '[.vms[].name] == ["web", "my db"] and .vms[0].attached and .vms[1].state == "none"'
reply list '{"ok":true}'
ends 0 'list of none' "$shadowmon" list
says 'list of none: told' '^no VM runs on this host$'

# attach and detach
reply attach '{"progress":"hooking"}' '{"ok":true,"vm":"web","pid":7}'
ends 0 'attach' "$shadowmon" attach --full-ring=block --ring-size=64 --budget=500 --max-aborts=0 --timeout=9 --monitors=default,file --image "$work/image.o" web
says 'attach: progress' '^hooking$'
says 'attach: done' '^attached to web \(PID 7\)$'
jq -e --arg image "$work/image.o" '. == {op: "attach", vm: "web", image: $image, full_ring: "block",
	ring_size: 65536, budget_us: 500, max_aborts: 0, timeout_ms: 9000, monitors: "default,file"}' "$replies/request" >/dev/null
check 'attach: all options arrive' $?
ends 0 'attach with JSON' env SHADOWMON_IMAGE="$work/image.o" "$shadowmon" attach -o json web
is_json 'attach: JSON, without progress' '.ok and .vm == "web" and .pid == 7'
jq -e --arg image "$work/image.o" '. == {op: "attach", vm: "web", image: $image}' "$replies/request" >/dev/null
check 'attach: only what was asked for arrives' $?
reply reload '{"progress":"changing"}' '{"ok":true,"vm":"web","pid":7,"monitors":"exec,file,socket"}'
ends 0 'load' "$shadowmon" load web file socket
says 'load: progress' '^changing$'
says 'load: done' '^monitors of web \(PID 7\): exec,file,socket$'
jq -e '. == {op: "reload", vm: "web", change: "file,socket"}' "$replies/request" >/dev/null
check 'load: the names arrive' $?
ends 0 'unload as JSON' "$shadowmon" unload -o json web file
is_json 'unload: JSON' '.ok and .monitors == "exec,file,socket"'
jq -e '. == {op: "reload", vm: "web", change: "-file"}' "$replies/request" >/dev/null
check 'unload: the name arrives, to be taken out' $?
ends 0 'reload' "$shadowmon" reload web --image "$work/image.o" --monitors=all
jq -e --arg image "$work/image.o" '. == {op: "reload", vm: "web", image: $image, monitors: "all"}' "$replies/request" >/dev/null
check 'reload: all options arrive' $?
reply detach '{"ok":true,"vm":"web","pid":7}'
ends 0 'detach' "$shadowmon" detach web --timeout 3
says 'detach: done' '^detached from web \(PID 7\)$'
jq -e '. == {op: "detach", vm: "web", timeout_ms: 3000}' "$replies/request" >/dev/null
check 'detach: the timeout arrives' $?

# bench: what it attached it detaches, whatever happens.
reply attach '{"ok":true,"vm":"web","pid":7}'
reply events '{"ok":true}'
ends 1 'bench without a descriptor' "$shadowmon" bench web
complains 'bench without a descriptor: told' 'sent no file descriptor'
jq -e '. == {op: "events", vm: "web"}' "$replies/request" >/dev/null
check 'bench of an attached VM does not detach it' $?
ends 1 'bench by a transport, without a descriptor' "$shadowmon" bench --transport exit --image "$work/image.o" web
jq -e '. == {op: "detach", vm: "web"}' "$replies/request" >/dev/null
check 'bench detaches what it has attached' $?
reply attach '{"ok":false,"code":"already-attached","error":"no luck"}'
ends 6 'bench by a transport of a VM that is attached' "$shadowmon" bench --transport exit --image "$work/image.o" web
jq -e --arg image "$work/image.o" '. == {op: "attach", vm: "web", transport: "exit", image: $image, monitors: "ping", ring_size: 1048576}' \
	"$replies/request" >/dev/null
check 'bench: how it attaches' $?

# status
reply status "{\"item\":{\"name\":\"web\",$vm,\"consumer\":null,\"status\":{\"state\":\"locked\",\"lost\":3}}}" \
	'{"item":{"vcpu":0,"lost":1}}' '{"item":{"vcpu":1,"lost":2}}' '{"ok":true}'
ends 0 'status' "$shadowmon" status web
says 'status: reader' 'events read by +nobody$'
says 'status: counters of the VM' '^  lost +3$'
says 'status: counters of a vCPU' '^    lost +2$'
ends 0 'status as JSON' "$shadowmon" status -o json web
is_json 'status: JSON' '.attached | length == 1 and .[0].vcpu_status == [{vcpu: 0, lost: 1}, {vcpu: 1, lost: 2}]'
reply status '{"ok":true}'
ends 0 'status of none' "$shadowmon" status
says 'status of none: told' '^no VM is attached$'
