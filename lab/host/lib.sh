# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For scripts that `lab run` runs on the emulated host:  . /lab/lib.sh
#
#   guest_start NAME [VCPUS] [MEMORY_MB] [QEMU ARGUMENT...]   returns when the guest takes commands
#   guest_launch ...             the same, but returns at once: for one whose guest comes with -incoming
#   guest_run NAME 'COMMAND'     runs it as root in the guest by `sh -c`; output and status are its own
#                                (time limit: GUEST_TIMEOUT seconds, 60)
#   guest_ready NAME             waits until a guest that was reset takes commands again
#   guest_monitor NAME 'COMMAND'     has QEMU's monitor execute it, prints what that says
#   guest_pid NAME               pid of its QEMU
#   guest_console NAME           path of its console's log
#   guest_wait NAME              waits until its QEMU ends by itself; QEMU's exit status
#   guest_stop NAME              tells QEMU to quit; guest_kill NAME: SIGKILL; both wait for its end
#
# The machine is microvm, in Debian's build of QEMU for it, which starts faster; GUEST_MACHINE=pc or the like for
# another, that has PCI, which --stock-guest implies.  A guest boots with the stock kernel of --guest-kernel; its init
# loads /shadowmon_guest.ko if --guest-file put one there.  In the guest a command costs one fork and one exec of its own, of
# /usr/bin/sh with the arguments `sh -c COMMAND`; the init's shell reads and answers by built-ins.

GUEST_CMDLINE=$(cat /lab/guest-cmdline)
GUEST_IMAGE=/lab/guest-kernel
if [ -e /lab/guest-bzimage ]; then
	GUEST_IMAGE=/lab/guest-bzimage
	GUEST_MACHINE=${GUEST_MACHINE:-pc}
	GUEST_START_TIMEOUT=${GUEST_START_TIMEOUT:-400}
fi

guest_launch()
{
	local name=$1 vcpus=${2:-1} memory=${3:-256} dir=/run/guest/$1 qemu=qemu-system-x86_64-microvm
	local machine=microvm,x-option-roms=off,pit=off,pic=off,rtc=on,isa-serial=on,auto-kernel-cmdline=on
	local port_bus=virtio-serial-device
	if [ -n "${GUEST_MACHINE:-}" ]; then
		machine=$GUEST_MACHINE qemu=qemu-system-x86_64 port_bus=virtio-serial-pci
	fi
	shift
	[ $# -gt 0 ] && shift
	[ $# -gt 0 ] && shift
	rm -rf "$dir"
	mkdir -p "$dir"
	mkfifo "$dir/port.in" "$dir/port.out" "$dir/monitor.in" "$dir/monitor.out"
	echo "=lab guest $name starts"
	# Both ends open before QEMU: it waits for neither.
	exec {guest_in}<>"$dir/port.in" {guest_out}<>"$dir/port.out"
	exec {monitor_in}<>"$dir/monitor.in" {monitor_out}<>"$dir/monitor.out"
	echo "$guest_in $guest_out $monitor_in $monitor_out" >"$dir/fds"
	"$qemu" -name "$name" -accel kvm -cpu host -smp "$vcpus" -m "$memory" -M "$machine" -nodefaults \
		-no-user-config -display none -no-reboot \
		-chardev file,id=console,path="$dir/console" -serial chardev:console \
		-chardev pipe,id=monitor,path="$dir/monitor" -mon monitor \
		-chardev pipe,id=port,path="$dir/port" -device "$port_bus" \
		-device virtserialport,chardev=port,name=lab \
		-kernel $GUEST_IMAGE -initrd /lab/guest.cpio -append "$GUEST_CMDLINE" "$@" \
		>"$dir/qemu.log" 2>&1 {guest_in}<&- {guest_out}<&- {monitor_in}<&- {monitor_out}<&- &
	echo $! >"$dir/pid"
}

guest_start()
{
	local dir=/run/guest/$1 ready
	guest_launch "$@"
	if ! read -r -t "${GUEST_START_TIMEOUT:-120}" -u "$guest_out" ready; then
		echo "guest $1 did not come up; QEMU said: $(cat "$dir/qemu.log"); its console ends:"
		tail -20 "$dir/console"
		return 1
	fi
	echo "=lab guest $1 up ($ready)"
}

guest_run()
{
	local name=$1 line in out
	read -r in out _ <"/run/guest/$name/fds"
	echo "$2" >&"$in"
	while IFS= read -r -t "${GUEST_TIMEOUT:-60}" -u "$out" line; do
		case $line in
		'=end '*) return "${line#=end }" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	echo "guest $name: no answer in ${GUEST_TIMEOUT:-60} s: $2"
	return 124
}

guest_ready()
{
	local line out
	read -r _ out _ <"/run/guest/$1/fds"
	while IFS= read -r -t "${GUEST_START_TIMEOUT:-120}" -u "$out" line; do
		case $line in
		'ready '*) return ;;
		esac
	done
	echo "guest $1 did not come up again; its console ends:"
	tail -20 "/run/guest/$1/console"
	return 1
}

# The prompt has no newline behind it: what ends the answer is that to a second command.
guest_monitor()
{
	local line in out
	read -r _ _ in out <"/run/guest/$1/fds"
	printf '%s\nhelp quit\n' "$2" >&"$in"
	while IFS= read -r -t 30 -u "$out" line; do
		case $line in
		*'quit|q  -- '*) return ;;
		*'(qemu)'*) ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	echo "the monitor of guest $1 does not answer: $2"
	return 1
}

guest_pid()
{
	cat "/run/guest/$1/pid"
}

guest_console()
{
	echo "/run/guest/$1/console"
}

guest_wait()
{
	local status fd
	wait "$(guest_pid "$1")" 2>/dev/null
	status=$?
	# shellcheck disable=SC2013
	for fd in $(cat "/run/guest/$1/fds"); do
		exec {fd}>&-
	done
	rm -f "/run/guest/$1"/{fds,pid,port.*,monitor.*}
	return $status
}

guest_stop()
{
	kill -TERM "$(guest_pid "$1")"
	guest_wait "$1"
}

guest_kill()
{
	kill -KILL "$(guest_pid "$1")"
	guest_wait "$1"
	return 0
}
