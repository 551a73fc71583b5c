# SPDX-License-Identifier: GPL-2.0-or-later
# What bash offers for half a command line; the VMs are those of a daemon that this test plays.
vms=$work/vms
mkdir -p "$vms" "$work/run"
vm='"pid":7,"fd":9,"address":"7","vmm":"kvm","vcpus":2,"memory":0,"memory_source":"unknown"'
cat >"$vms/list" <<END
{"item":{"name":"web",$vm,"attached":true,"state":"attached"}}
{"item":{"name":"web:2",$vm,"attached":true,"state":"attached"}}
{"item":{"name":"my db",$vm,"attached":false,"state":"none"}}
{"item":{"name":"\$(touch $work/executed)",$vm,"attached":false,"state":"none"}}
{"item":{"name":"quo\"te",$vm,"attached":false,"state":"none"}}
{"ok":true}
END
start "$work/serve.log" "$peer" serve "$work/run/vms.sock" "$vms"
eventually test -S "$work/run/vms.sock"

# The words are those of readline: it splits at =.
complete_words() # WORD...: the last one is at the cursor
{
	run env PATH="$PWD/$B/tests/cli:$PATH" SHADOWMON_SOCKET="${socket-$work/run/vms.sock}" bash -c '
		load() { . packaging/completion/shadowmon; }
		load
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_$1" "$1" "${!#}" ""
		[ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

offers() # NAME EXPECTED WORD...: expected is sorted
{
	complete_words "${@:3}"
	[ "$(sort "$work/out" | paste -sd ' ')" = "$2" ] && [ ! -s "$work/err" ]
	check "completion: $1" $?
}

run bash -n packaging/completion/shadowmon
[ "$status" -eq 0 ]
check 'completion: syntax' $?
run bash -c '. packaging/completion/shadowmon; complete -p shadowmon shadowmond'
says 'completion: registered' '^complete -F _shadowmond shadowmond$'

offers 'verbs' '--help --usage --version attach bench build check detach doctor events list load new policy reload status unload' shadowmon ''
offers 'a verb' 'detach' shadowmon de
offers 'VMs to attach' '\$\(touch\ '"$work"'/executed\) my\ db' shadowmon attach ''
offers 'attached VMs' 'web web:2' shadowmon events w
offers 'no second VM' '' shadowmon detach web ''
offers 'a VM behind options' 'web web:2' shadowmon status --output = json -s "$work/run/vms.sock" ''
offers 'formats' 'json' shadowmon list -o j
offers 'formats behind =' 'json pretty text' shadowmon list --output =
offers 'a format behind =' 'json' shadowmon list --output = j
offers 'policies' 'block drop' shadowmon attach --full-ring =
offers 'files' "$vms" shadowmon attach --image "$work/vm"
offers 'a folder to build' "$vms" shadowmon build "$work/vm"
offers 'an image to check' "$vms/list" shadowmon check --btf = /none "$vms/l"
offers 'an image to make' "$vms/list" shadowmon build -i "$vms/l"
offers 'nothing for a number' '' shadowmon events --count ''
offers 'nothing for an unknown verb' '' shadowmon frobnicate ''
offers 'no VM for doctor' '' shadowmon doctor ''
offers 'the daemon'"'"'s options' '--help --socket= --usage --version' shadowmond ''
socket=$work/none offers 'the socket given on the line' 'web web:2' shadowmon events --socket = "$work/run/vms.sock" ''
socket=$work/none offers 'nothing without a daemon' '' shadowmon events ''
[ ! -e "$work/executed" ]
check 'completion: a name is not executed' $?

# Each long option that the help shows is offered.
for verb in doctor list attach events status load unload reload detach bench new build check; do
	"$shadowmon" "$verb" --help | grep -oE -- '--[a-z-]+=?' | grep -vx -- '--' | sort -u >"$work/options"
	complete_words shadowmon "$verb" --
	sort "$work/out" | diff "$work/options" - >"$work/err"
	check "completion: all options of $verb" $?
done
offers 'actions of policy' 'add delete list set-mode validate' shadowmon policy ''
offers 'a VM that has policies' 'web web:2' shadowmon policy add ''
offers 'a policy to add' "$vms/list" shadowmon policy add web "$vms/l"
offers 'a mode' 'enforce' shadowmon policy set-mode web name e
