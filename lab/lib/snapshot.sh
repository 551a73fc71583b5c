# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The host is booted once for each set of kernels, CPUs, memory and parameters, up to the point where
# it reads its mailbox (host/init), and its state is saved.  A run restores that state with a mailbox of
# its own.

SNAPSHOTS_KEPT=6

# What start_bochs preloads.
preload_library()
{
	local out=$CACHE/preload.so
	[ "$out" -nt "$LAB/boot/save_state.c" ] && [ "$out" -nt "$LAB/boot/no_screen.c" ] && return
	gcc -O2 -Wall -shared -fPIC -o "$out.new" "$LAB/boot/save_state.c" "$LAB/boot/no_screen.c" -ldl
	mv "$out.new" "$out"
}

# Sets SNAPSHOT, its directory; makes it if there is none.
snapshot_get()
{
	local key tmp
	key=$({
		bochs_configuration /
		echo "$HOST_CMDLINE $HOST_WORDS $HOST $GUEST"
		stat -c '%Y %s' "$CACHE/host-$HOST-$GUEST.cpio" "$CACHE/kernel/$HOST/vmlinux"
		cat "$LAB"/boot/* "$LAB/lib/boot.sh"
	} | sha256sum | cut -c1-16)
	SNAPSHOT=$CACHE/snapshot/$key
	mkdir -p "$CACHE/snapshot"
	exec 8>"$SNAPSHOT.lock"
	flock 8
	if [ ! -e "$SNAPSHOT/config" ]; then
		# shellcheck disable=SC2012
		ls -td "$CACHE"/snapshot/*/ 2>/dev/null | tail -n +$SNAPSHOTS_KEPT | xargs -r rm -rf
		tmp=$(mktemp -d "$CACHE/run.XXXXXX")
		progress "booting the host, once ($HOST, $HOST_VCPUS CPU, $HOST_MEMORY MB)"
		build_machine "$tmp" /dev/null
		bochs_configuration "$tmp" >"$tmp/bochsrc"
		echo "magic_break: enabled=1" >>"$tmp/bochsrc"
		mkdir "$tmp/state"
		printf 'c\nsource "save-state:%s"\nq\n' "$tmp/state" >"$tmp/debugger"
		start_bochs "$tmp" bochs-bin -q -f "$tmp/bochsrc"
		SNAPSHOT_TMP=$tmp
		timeout "$TIMEOUT" tail -f --pid="$BOCHS" /dev/null &
		wait $! || true
		end_bochs
		if [ ! -e "$tmp/state/config" ] || ! grep -q '^=lab host up' "$tmp/serial"; then
			RUN=$tmp
			failed "the host did not boot"
		fi
		cp "$tmp/mailbox-at" "$tmp/state/"
		cp "$tmp/serial" "$tmp/state/serial.boot"
		mv "$tmp/state" "$SNAPSHOT"
		rm -rf "$tmp"
		SNAPSHOT_TMP=
	fi
	touch "$SNAPSHOT"
	flock -u 8
}

# $run/state: the snapshot with the serial port and the log of this run.
snapshot_restore() # RUN
{
	local run=$1 file
	mkdir "$run/state"
	for file in "$SNAPSHOT"/*; do
		[ "${file##*/}" = config ] || ln -s "$file" "$run/state/"
	done
	sed -e '/^optr[oa]mimage/d' -e '/^magic_break/d' -e "s|^com1:.*|$(com1 "$run")|" \
		-e "s|^log:.*|log: $run/bochs.log|" "$SNAPSHOT/config" >"$run/state/config"
	truncate -s "$MAILBOX_SIZE" "$run/mailbox"
	echo c >"$run/debugger"
	start_bochs "$run" LAB_MEMORY="$SNAPSHOT/memory.ram" \
		LAB_MAILBOX="$run/mailbox" LAB_MAILBOX_AT="$(cat "$SNAPSHOT/mailbox-at")" bochs-bin -q -r "$run/state"
}
