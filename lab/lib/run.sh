# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One run: its files, the machine, what the script prints, how it ended.

# $run/mailbox: a page with the length, then an archive of this run's files.
build_mailbox() # RUN [SCRIPT ARG...]
{
	local run=$1 spec root=$1/overlay guest=$1/guest-overlay size
	shift
	mkdir -p "$root/lab" "$guest"
	if [ $# -gt 0 ]; then
		cp "$1" "$root/lab/script"
		shift
		{ printf 'exec bash /lab/script' && [ $# = 0 ] || printf ' %q' "$@"; } >"$root/lab/start"
	fi
	if [ -n "$STOCK_GUEST" ]; then
		cp "$CACHE/kernel/$GUEST/boot/vmlinuz-$GUEST" "$root/lab/guest-bzimage"
		GUEST_CMDLINE=$STOCK_GUEST_CMDLINE
	fi
	echo "$GUEST_CMDLINE $GUEST_WORDS" >"$root/lab/guest-cmdline"
	for spec in "${HOST_FILES[@]}"; do
		copy_binary "$root" "${spec%%:*}" "${spec#*:}" "$CACHE/host-$HOST-$GUEST"
	done
	merge_usr "$root"
	if [ ${#GUEST_FILES[@]} -gt 0 ]; then
		for spec in "${GUEST_FILES[@]}"; do
			copy_binary "$guest" "${spec%%:*}" "${spec#*:}" "$CACHE/guest-$GUEST"
		done
		merge_usr "$guest"
		pack "$guest" "$root/lab/guest-overlay.cpio"
	fi
	pack "$root" "$run/overlay.cpio"
	size=$(stat -c %s "$run/overlay.cpio")
	[ $((size + 4096)) -le "$MAILBOX_SIZE" ] || die "the run's files are more than $((MAILBOX_SIZE >> 20)) MB"
	echo "$size" >"$run/mailbox"
	truncate -s 4096 "$run/mailbox"
	cat "$run/overlay.cpio" >>"$run/mailbox"
}

# Archives unpack over /lib -> usr/lib and the like: spell those paths out.
merge_usr() # ROOT
{
	local dir
	for dir in bin sbin lib lib64; do
		[ -d "$1/$dir" ] || continue
		mkdir -p "$1/usr/$dir"
		cp -a "$1/$dir/." "$1/usr/$dir/"
		rm -r "${1:?}/$dir"
	done
}

run_begin()
{
	RUN=$(mktemp -d "$CACHE/run.XXXXXX")
	BOCHS=
	FOLLOWER=
	SNAPSHOT_TMP=
	trap run_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

run_end()
{
	[ -z "$FOLLOWER" ] || kill "$FOLLOWER" 2>/dev/null || true
	end_bochs
	if [ -n "$KEEP" ]; then
		echo "lab: kept $RUN" >&2
	else
		rm -rf "$RUN"
	fi
	[ -z "$SNAPSHOT_TMP" ] || rm -rf "$SNAPSHOT_TMP"
}

com1() # RUN
{
	if [ -n "$CONSOLE" ]; then
		echo "com1: enabled=1, mode=term, dev=$CONSOLE"
	else
		echo "com1: enabled=1, mode=file, dev=$1/serial"
	fi
}

start_machine() # RUN
{
	local run=$1
	if [ -n "$NO_SNAPSHOT" ]; then
		progress "booting the emulated host ($HOST)"
		build_machine "$run" "$run/mailbox"
		bochs_configuration "$run" | sed "s|^com1:.*|$(com1 "$run")|" >"$run/bochsrc"
		echo c >"$run/debugger"
		start_bochs "$run" bochs-bin -q -f "$run/bochsrc"
	else
		snapshot_get
		progress "restoring the emulated host ($HOST)"
		snapshot_restore "$run"
	fi
}

# Shows what the script prints; lines of the lab's own become progress.
follow() # RUN
{
	local line started=0 status=
	while IFS= read -r line; do
		line=${line%$'\r'}
		case $line in
		'=lab host up'*) progress "host is up" ;;
		'=lab script'*) started=1 && progress "host runs the script" ;;
		'=lab guest '*) progress "${line#=lab }" ;;
		'=lab failed '*) progress "${line#=lab failed }" ;;
		'=lab dmesg') progress_end && echo "--- kernel log of the host" >"$1/dmesg" && started=2 ;;
		'=lab status '*) status=${line#=lab status } && break ;;
		*)
			if [ $started = 1 ]; then
				progress_end
				printf '%s\n' "$line"
			elif [ $started = 2 ]; then
				printf '%s\n' "$line" >>"$1/dmesg"
			fi
			;;
		esac
	done
	echo "$status" >"$1/status"
}

run_host() # SCRIPT ARG...
{
	local status deadline=$((SECONDS + TIMEOUT))
	run_begin
	build_mailbox "$RUN" "$@"
	start_machine "$RUN"
	follow "$RUN" < <(exec tail -f -n +1 --pid="$BOCHS" -s 0.1 "$RUN/serial") &
	FOLLOWER=$!
	while [ ! -s "$RUN/status" ]; do
		if ! kill -0 "$FOLLOWER" 2>/dev/null && [ ! -s "$RUN/status" ]; then
			failed "the emulated host stopped without finishing"
		fi
		[ $SECONDS -lt $deadline ] || failed "no end after $TIMEOUT seconds (--timeout)"
		# The script may show a guest's panic; after the host's there is nothing more.
		if [ $((SECONDS % 10)) -eq 0 ] && tail -n 1 "$RUN/serial" | grep -q 'end Kernel panic'; then
			sleep 3
			tail -n 1 "$RUN/serial" | grep -q 'end Kernel panic' && failed "the host's kernel panicked"
		fi
		sleep 0.5
	done
	progress_end
	status=$(cat "$RUN/status")
	[ -n "$status" ] || failed "the emulated host stopped without finishing"
	if grep -E -q 'BUG:|WARNING:|Oops|Call Trace' "$RUN/dmesg"; then
		cat "$RUN/dmesg" >&2
		echo "lab: the host's kernel complained (above)" >&2
		[ "$status" != 0 ] || status=3
	elif [ -n "$VERBOSE" ]; then
		cat "$RUN/dmesg" >&2
	fi
	cp "$RUN/dmesg" "$CACHE/last-dmesg" 2>/dev/null || true
	exit "$status"
}

failed() # WHY
{
	progress_end
	echo "lab: $1, last seen: ${STAGE:-nothing}; the host's console ends:" >&2
	tail -n 20 "$RUN/serial" | sed 's/^/| /' >&2
	grep -h -i panic "$RUN/bochs.log" | tail -n 3 >&2
	exit 1
}

run_console()
{
	CONSOLE=$(tty) || die "console wants a terminal"
	run_begin
	build_mailbox "$RUN"
	echo "lab: 'exit' ends it" >&2
	start_machine "$RUN"
	local modes
	modes=$(stty -g)
	tail -f --pid="$BOCHS" /dev/null
	stty "$modes"
}
