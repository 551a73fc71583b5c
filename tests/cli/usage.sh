# SPDX-License-Identifier: GPL-2.0-or-later
# What the command says of itself, what it refuses, and how it does without a daemon.
verbs='doctor list attach events status load unload reload detach policy bench new build check'

ends 0 'help' "$shadowmon" --help
for verb in $verbs; do
	says "help names $verb" "^  $verb "
done
ends 0 'version' "$shadowmon" --version
says 'version is told' '^shadowmon [0-9]+\.[0-9]+\.[0-9]+$'
ends 0 'usage' "$shadowmon" --usage
ends 2 'no verb' "$shadowmon"
complains 'no verb: usage' '^Usage: shadowmon '
ends 2 'unknown verb' "$shadowmon" frobnicate
complains 'unknown verb is named' 'unknown verb "frobnicate"'
ends 2 'empty verb' "$shadowmon" ''
ends 2 'unknown option' "$shadowmon" --frobnicate

for verb in $verbs; do
	ends 0 "$verb --help" "$shadowmon" "$verb" --help
	says "$verb --help shows its usage" "^Usage: shadowmon $verb "
	[ ! -s "$work/err" ]
	check "$verb --help says nothing on stderr" $?
	ends 0 "$verb --usage" "$shadowmon" "$verb" --usage
	ends 2 "$verb with an unknown option" "$shadowmon" "$verb" --frobnicate
done
for verb in doctor list attach events status reload detach policy bench check; do
	ends 2 "$verb with an unknown format" "$shadowmon" "$verb" -o xml
	complains "$verb: the format is named" 'unknown output format: xml'
	ends 2 "$verb with two VMs" "$shadowmon" "$verb" one two
done
for verb in attach events load unload reload detach bench; do
	ends 2 "$verb without a VM" "$shadowmon" "$verb"
	complains "$verb without a VM: usage" "^Usage: shadowmon $verb "
done

# Numbers that are none, or out of range.
while read -r verb option values; do
	for value in $values; do
		ends 2 "$verb --$option=$value" "$shadowmon" "$verb" "--$option=$value" web
	done
	ends 2 "$verb --$option=" "$shadowmon" "$verb" "--$option=" web
done <<'END'
attach ring-size 8 15 17 2048 -16 16k 99999999999999999999
attach budget 99 1000001 0 1e3
attach max-aborts -1 1000001 never
attach timeout 0 601 -1 x
attach full-ring full DROP
attach monitors
events count 0 -1 1.5
events timeout 0 1000000001
detach timeout 0 61
bench vcpus 0 64 x
bench transport gates GATE
bench pin x 1- -1 1,,2 2-1 1,1 1-2x 0-99999
bench image x
END

for verb in load unload; do
	ends 2 "$verb without a monitor" "$shadowmon" "$verb" web
	ends 2 "$verb of an empty name" "$shadowmon" "$verb" web ''
	ends 2 "$verb of a list" "$shadowmon" "$verb" web one,two
	complains "$verb of a list: why" 'is no name of a monitor'
done
ends 2 'reload of no monitors' "$shadowmon" reload web --monitors=
ends 1 'reload of a file that is not there' "$shadowmon" reload web --image=/nonexistent

# What an image declares needs no VM.
ends 0 'events --schema of an image' "$shadowmon" events --schema="$B/compartment/monitors.o"
says 'it is a JSON Schema' '"\$schema": ?"https://json-schema.org/'
ends 2 'events --schema of an image and a VM' "$shadowmon" events --schema="$B/compartment/monitors.o" web
ends 2 'events --schema of nothing' "$shadowmon" events --schema
ends 1 'events --schema of what is no image' "$shadowmon" events --schema=/etc/passwd
complains 'events --schema of what is no image: why' 'not a usable monitor image'

# Policies need no VM to be looked at.
for policy in docs/policies/*.yaml tests/vm/policy.yaml; do
	ends 0 "policy validate $policy" "$shadowmon" policy validate "$policy"
done
sed 's/action: deny/action: dny/' docs/policies/no-tunnels.yaml >"$work/wrong.yaml"
ends 1 'a wrong policy' "$shadowmon" policy validate docs/policies/quiet.yaml "$work/wrong.yaml"
complains 'a wrong policy: where, and what was expected' \
	'wrong\.yaml:13:13: "dny" is no action; expected allow, notify, deny, kill'
ends 1 'a policy that is not there' "$shadowmon" policy validate "$work/none.yaml"
ends 1 'attach with a wrong policy' "$shadowmon" attach --policy "$work/wrong.yaml" web
for words in '' frobnicate 'add web' 'list' 'list web web' 'delete web' 'set-mode web name'; do
	# shellcheck disable=SC2086
	ends 2 "policy $words" "$shadowmon" policy $words
done
ends 2 'a mode that is none' "$shadowmon" policy set-mode web name on

# Without a daemon.
touch "$work/image.o"
for verb in events status reload detach bench "attach --image $work/image.o"; do
	# shellcheck disable=SC2086
	ends 5 "${verb%% *} without a daemon" "$shadowmon" $verb web
	complains "${verb%% *} without a daemon: the remedy" 'systemctl start shadowmond'
done
ends 5 'policy without a daemon' "$shadowmon" policy list web
ends 5 'a socket with too long a path' "$shadowmon" status --socket "/$(printf '%0200d' 0)"
ends 1 'attach without monitors' "$shadowmon" attach --image "$work/none.o" web
complains 'attach without monitors: the file is named' 'none\.o: No such file'
ends 0 'list without a daemon' "$shadowmon" list -o json
is_json 'list without a daemon: JSON' '.vms | type == "array" and all(.attached == null)'
complains 'list without a daemon: what is unknown' 'which VMs are attached is not known'
ends 0 'list as text' "$shadowmon" list -o text
ends 0 'list as "pretty"' "$shadowmon" list --output=pretty

run "$shadowmon" doctor -o json
[ "$status" -le 1 ]
check 'doctor: exit status 0 or 1' $?
is_json 'doctor: JSON' '(.checks | length) > 5 and .ready == (.missing == 0)
	and .missing == ([.checks[] | select(.result == "missing")] | length)
	and .warnings == ([.checks[] | select(.result == "warning")] | length)
	and all(.checks[]; .result != "ok" and .remedy != "" or .remedy == "")'
jq -e --argjson status "$status" '.ready == ($status == 0)' "$work/out" >/dev/null
check 'doctor: exit status and JSON agree' $?
run "$shadowmon" doctor
says 'doctor as text' '^(not ready|ready): [0-9]+ missing, [0-9]+ to be aware of$'

ends 1 'output that cannot be written' sh -c "'$shadowmon' list -o json >/dev/full"
