# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: every attack of the table, first without the protection that stops it.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh

# Prints succeeded, refused, impossible or dead, and a note.
run_attack() # NAME
{
	case $1 in
	user-read.control) try_user read 0x1000000 ;;
	user-write.control) try_user write "$scratch" ;;
	user-execute.control) try_user execute "$scratch" ;;
	user-read) try_user read 0x7f01000000 ;;
	user-write) try_user write 0x7f01000000 ;;
	user-execute) try_user execute 0x7f01000000 ;;
	user-vmfunc.control) try_user vmfunc 0 0 ;;
	user-vmfunc-gate) try_user vmfunc 0 1 ;;
	user-vmfunc-monitor) try_user vmfunc 0 2 ;;
	user-vmfunc-index) try_user vmfunc 0 600 ;;
	user-hypercall) guest_run web 'for n in 1 2 3 4 5 32 33 34; do ! attack_user vmcall $((0x534d0000 + n)) || exit 1; done' >/dev/null &&
		echo refused || echo succeeded ;;
	dma-* | remap-*) silence "$1" ;;
	machine-checks) machine_checks ;;
	*) guest_run web "echo $1 >$ATTACK && cat $ATTACK" || dead $? ;;
	esac
}

dead() # STATUS
{
	echo "dead: status $1"
	tail -n 40 "$(guest_console web)" | grep -E 'RIP:|BUG|Oops|unable' | head -3
}

# The attacker says how often it called a function while its hook was to be silent: no call made an event.
silence() # NAME
{
	local before outcome calls events
	before=$(vm_status entries)
	outcome=$(guest_run web "echo $1 >$ATTACK && cat $ATTACK") || { dead $?; return; }
	events=$(($(vm_status entries) - before))
	calls=${outcome#* }
	calls=${calls% calls*}
	case $outcome in
	succeeded*) [ "$calls" -gt 1000 ] && [ "$events" -lt $((calls / 10)) ] || outcome=refused ;;
	esac
	echo "${outcome%% *} $events of $calls seen"
}

# All that the VMM makes have to come, and some of them while the vCPU is in view 1 or 2.
machine_checks()
{
	local count='cat /sys/module/shadowmon_attack/parameters/machine_checks' before outcome status deferred made seen try
	before=$(guest_run web "$count")
	deferred=$(vm_status deferred)
	rm -f "$MACHINE_CHECKS"
	touch "$MACHINE_CHECKS.on"
	outcome=$(guest_run web "echo machine-checks >$ATTACK && cat $ATTACK")
	status=$?
	rm "$MACHINE_CHECKS.on"
	[ $status = 0 ] || { dead $status; return; }
	for try in {1..50}; do
		[ ! -s "$MACHINE_CHECKS" ] || break
		sleep 0.1
	done
	made=$(cat "$MACHINE_CHECKS") || return
	seen=$(($(guest_run web "$count") - before))
	deferred=$(($(vm_status deferred) - deferred))
	case $outcome in
	refused*) [ "$seen" -eq "$made" ] && [ "$deferred" -gt 0 ] || outcome=succeeded ;;
	esac
	echo "${outcome%% *} $seen of $made seen, $deferred injections deferred"
}

ATTACK=/sys/kernel/debug/shadowmon_attack

try_user() # ATTACK-USER ARGUMENTS...
{
	guest_run web "attack_user $*" >/dev/null 2>&1
	case $? in
	0) echo succeeded ;;
	132) echo "refused SIGILL" ;;
	*) echo "impossible, status $?" ;;
	esac
}

# 0 if the gate is not passed any more while the attack runs; then the protection is there again
gets_stuck() # NAME
{
	local attack before status
	run_attack "$1" >/dev/null &
	attack=$!
	sleep 3
	before=$(vm_status entries)
	sleep 0.5
	[ "$(vm_status entries)" = "$before" ] && kill -0 $attack
	status=$?
	without="stuck after $before entries"
	echo 0 >/sys/module/shadowmon/parameters/weaken
	wait $attack
	return $status
}

# 0 if the control shows that the attack works; the result is in $without
control_works() # NAME CONTROL
{
	case $2 in
	weaken=*)
		without=$(run_attack "$1")
		[ "${without%% *}" = succeeded ]
		;;
	passed=*)
		vm_drain
		run_attack "$1" >/dev/null
		vm_drain
		without=$(jq -r '.violation // empty | select(.reason != "hook_mapped") | "\(.view) \(.reason) \(.rip[-3:])"' /tmp/events.json | head -n 1)
		[ "$without" = "target shadow_access $GATE_LEAVE" ]
		;;
	unseen=*)
		vm_drain
		without=$(run_attack "$1")
		vm_drain
		[ "${without%% *}" = succeeded ] && [ "$(vm_count .violation)" -eq 0 ]
		;;
	aborted=*)
		vm_drain
		run_attack "$1" >/dev/null
		vm_drain
		without=$(jq -r '.abort // empty | "\(.view) \(.reason)"' /tmp/events.json | head -n 1)
		[ "${without%% *}" = monitor ]
		;;
	let-in=*)
		without=$(run_attack "$1-let-in")
		[ "${without%% *}" = succeeded ]
		;;
	refused=*)
		vm_drain
		without=$(run_attack "$1")
		vm_drain
		read -r _ seen _ <<<"$(vm_violations)"
		without="${without%% *} $seen"
		[ "${without%% *}" = refused ] && [ "$seen" != nothing ]
		;;
	stuck=*) gets_stuck "$1" ;;
	\?*)
		without=$(run_attack "${2#\?}")
		case $without in
		succeeded*) ;;
		impossible*) without="not to be shown: ${without#* }" ;;
		*) return 1 ;;
		esac
		;;
	*)
		without=$(run_attack "$2")
		[ "${without%% *}" = succeeded ]
		;;
	esac
}

attacks() # [CONTROL-PATTERN]: name, control, reasons, title; tab-separated
{
	sed -e '/^#/d' -e 's/ | /\t/g' /root/attacks | awk -F '\t' -v p="${1:-.}" '$2 ~ p'
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
head -c 65536 /dev/zero >/tmp/disk
LD_PRELOAD=${QEMU_PRELOAD:-} guest_start web "${VCPUS:-1}" 256 -drive if=none,id=disk,format=raw,file=/tmp/disk -device virtio-blk-device,drive=disk || exit 1
guest_run web 'rmmod shadowmon_guest; insmod /shadowmon_guest.ko lab=1; insmod /shadowmon_attack.ko; modprobe virtio_blk'
scratch=$(guest_run web 'cat /sys/module/shadowmon_attack/parameters/scratch')

# --- without protection ------------------------------------------------------------------------------

GATE_LEAVE=$(sed -n 's/#define GATE_LEAVE_OFFSET .*\(...\)$/\1/p' /root/gate_offsets.h)
declare -A control result
for bits in $(attacks '=' | cut -f 2 | sed 's/.*=//' | sort -un); do
	echo "$bits" >/sys/module/shadowmon/parameters/weaken
	check "attach without protection $bits" vm_attach
	while IFS=$'\t' read -r name how _; do
		control_works "$name" "$how"
		ok $? "$name works without protection ($without)"
		control[$name]=$without
	done < <(attacks "=$bits\$")
	shadowmon detach web
done
echo 0 >/sys/module/shadowmon/parameters/weaken

# --- with it ---------------------------------------------------------------------------------------------

check "attach" vm_attach
while IFS=$'\t' read -r name how _; do
	control_works "$name" "$how"
	ok $? "$name: the control works ($without)"
	control[$name]=$without
done < <(attacks '^[^=]*$')

vm_follow
vm_drain
while IFS=$'\t' read -r name how reasons title; do
	outcome=$(run_attack "$name")
	expected=refused
	[ "${how%=*}" != unseen ] || expected=succeeded
	vm_drain
	read -r count seen whole <<<"$(vm_violations)"
	missing=
	for reason in ${reasons//,/ }; do
		case ,$seen, in *,"$reason",*) ;; *) missing="$missing $reason" ;; esac
	done
	# Page tables that an attacker has only to get to the gate may be found or not.
	[ "$reasons" != none ] || [[ $seen != nothing && $seen != hook_mapped ]] || missing=
	[ "${outcome%% *}" = $expected ] && [ -z "$missing" ] && [ "$whole" = true ]
	ok $? "$name: $title: $outcome; $count reported: $seen${missing:+, missing:$missing}"
	result[$name]="$outcome|$seen"
done < <(attacks)

guest_run web 'uname -s' >/dev/null
vm_drain
check "later events still arrive" test "$(vm_count '.process_exec.process.binary == "/usr/bin/uname"')" -eq 1

# Nothing that the looks have not seen yet is left out at the end.
echo 16 >/sys/module/shadowmon/parameters/weaken
guest_run web "echo dma-gate-left >$ATTACK" >/dev/null
vm_drain
check "a change that no look has seen is not told" test "$(vm_count .violation)" -eq 0
check "detach" vm_detach
wait "$VM_READER"
tail -n +$((VM_SEEN + 1)) /tmp/all.json >/tmp/events.json
check "... tells of it" test "$(vm_count '.violation.reason == "hook_changed"')" -eq 1
check "the guest is well" guest_run web true
check "its kernel has nothing to say" vm_kernel_is_quiet
guest_stop web
kill -TERM $daemon
wait $daemon
check "module unloads" rmmod shadowmon

printf '# %-30s %-28s %-40s %s\n' attack 'without protection' 'with it' 'reported as'
while IFS=$'\t' read -r name _; do
	printf '# %-30s %-28s %-40s %s\n' "$name" "${control[$name]}" "${result[$name]%|*}" "${result[$name]#*|}"
done < <(attacks)
[ $TAP_FAILED -eq 0 ]
