# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One boot of the emulated host.

KERNEL_BASE=0x1000000

# initcall_blacklist: trace_eval_init rewrites enum names in trace event formats,
# ftrace_check_for_weak_functions looks every traceable function up by address.  Nobody misses either,
# and each costs two seconds of emulation.  rodata=off (host only) saves the walk of all page tables
# for W+X mappings, another four.
COMMON_CMDLINE="console=ttyS0 quiet nokaslr mitigations=off audit=0 cryptomgr.notests tsc=reliable \
no_timer_check random.trust_cpu=on rcupdate.rcu_expedited=1 nowatchdog \
initcall_blacklist=trace_eval_init,ftrace_check_for_weak_functions"
HOST_CMDLINE="$COMMON_CMDLINE loglevel=4 panic=0 rodata=off"
GUEST_CMDLINE="$COMMON_CMDLINE loglevel=5 panic=-1 reboot=t"

# Files of this run, as cpio archives behind the images.
run_overlay() # RUN SCRIPT ARG...
{
	local run=$1 spec root=$1/overlay guest=$1/guest-overlay
	shift
	mkdir -p "$root/lab" "$guest"
	if [ $# -gt 0 ]; then
		cp "$1" "$root/lab/script"
		shift
		echo "$*" >"$root/lab/arguments"
	else
		: >"$root/lab/interactive"
	fi
	echo "$GUEST_CMDLINE $GUEST_WORDS" >"$root/lab/guest-cmdline"
	for spec in "${HOST_FILES[@]}"; do
		copy_binary "$root" "${spec%%:*}" "${spec#*:}"
	done
	# A later archive replaces what an earlier one made: symbolic links among it, so spell paths out.
	merge_usr "$root"
	if [ ${#GUEST_FILES[@]} -gt 0 ]; then
		for spec in "${GUEST_FILES[@]}"; do
			copy_binary "$guest" "${spec%%:*}" "${spec#*:}"
		done
		merge_usr "$guest"
		pack "$guest" "$run/guest-overlay.cpio"
		cat "$CACHE/guest-$GUEST.cpio" "$run/guest-overlay.cpio" >"$root/lab/guest.cpio"
	fi
	pack "$root" "$run/overlay.cpio"
	cat "$CACHE/host-$HOST-$GUEST.cpio" "$run/overlay.cpio" >"$run/initrd"
}

# /lib/x -> /usr/lib/x, and so on.
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

# What Bochs puts into memory before the machine starts: see boot/rom.S.
BLOCK=$((128 << 10))
PAYLOAD=0xf00000 # start info, in the last MB below the kernel
THROW_AWAY=64    # blocks; the BIOS touches six
MARK=0x4d574f4d

run_preload() # RUN
{
	local run=$1 kernel=$CACHE/kernel/$HOST/vmlinux flat=$CACHE/kernel/$HOST/flat entry size initrd sum
	if [ ! -e "$flat" ]; then
		objcopy -O binary "$kernel" "$flat.new"
		truncate -s %$BLOCK "$flat.new"
		mv "$flat.new" "$flat"
	fi
	entry=$(kernel_pvh_entry "$kernel")
	size=$(stat -c %s "$run/initrd")
	initrd=$((KERNEL_BASE + $(stat -c %s "$flat")))
	truncate -s %$BLOCK "$run/initrd"
	printf %s "$HOST_CMDLINE $HOST_WORDS" >"$run/cmdline"

	gcc -c -DENTRY="$entry" -DPAYLOAD=$PAYLOAD -DPAYLOAD_END=$((initrd + $(stat -c %s "$run/initrd"))) \
		-DMARK=$MARK -o "$run/rom.o" "$LAB/boot/rom.S"
	ld -m elf_x86_64 -Ttext=0xd0000 --oformat binary -e _start -o "$run/rom" "$run/rom.o"
	sum=$(od -An -v -tu1 "$run/rom" | awk '{ for (i = 1; i <= NF; i++) s += $i } END { print (2560000 - s) % 256 }')
	# shellcheck disable=SC2059
	printf "\\x$(printf %x "$sum")" | dd of="$run/rom" bs=1 seek=511 conv=notrunc status=none

	gcc -c -DSTART_INFO=$PAYLOAD -DMEMORY="$((HOST_MEMORY << 20))" -DINITRD=$initrd -DINITRD_SIZE="$size" \
		-Wa,-I"$run" -o "$run/info.o" "$LAB/boot/start_info.S"
	objcopy -O binary -j .data "$run/info.o" "$run/start_info"
	truncate -s $((KERNEL_BASE - PAYLOAD)) "$run/start_info"

	truncate -s $(((THROW_AWAY - 1) * BLOCK)) "$run/preload"
	printf MOWM >>"$run/preload"
	truncate -s $((THROW_AWAY * BLOCK)) "$run/preload"
	cat "$run/start_info" "$flat" "$run/initrd" >>"$run/preload"
	rm "$run/initrd"
}

run_configure() # RUN
{
	local run=$1
	cat >"$run/bochsrc" <<END
cpu: model=corei7_skylake_x, count=$HOST_VCPUS, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=$HOST_MEMORY, host=$HOST_MEMORY
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
optromimage1: file=$run/rom, address=0xd0000
optramimage1: file=$run/preload, address=0
ata0: enabled=0
ata1: enabled=0
boot: disk
sound: driver=dummy
clock: sync=none, time0=local
com1: enabled=1, mode=file, dev=$run/serial
display_library: term
log: $run/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
END
	echo c >"$run/debugger"
}

run_begin()
{
	RUN=$(mktemp -d "$CACHE/run.XXXXXX")
	BOCHS=
	trap run_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

run_end()
{
	if [ -n "$BOCHS" ]; then
		kill -KILL -- "-$BOCHS" 2>/dev/null || true
		wait "$BOCHS" 2>/dev/null || true
	fi
	if [ -n "$KEEP" ]; then
		echo "lab: kept $RUN" >&2
	else
		rm -rf "$RUN"
	fi
}

# Debian's Bochs starts in its debugger and draws on a terminal: script(1) gives it one.
start_bochs() # RUN
{
	: >"$1/serial"
	setsid script -qfc "stty cols 80 rows 25; exec bochs -q -f $1/bochsrc -rc $1/debugger" /dev/null \
		>/dev/null 2>&1 </dev/null &
	BOCHS=$!
}

# Shows what the script prints; lines of the lab's own become progress.
follow() # RUN
{
	local line started=0 status=
	while IFS= read -r line; do
		line=${line%$'\r'}
		case $line in
		'=lab host up'*) started=1 && progress "host is up" ;;
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
	local status deadline=$((SECONDS + TIMEOUT)) tail_pid
	run_begin
	progress "putting the run together"
	run_overlay "$RUN" "$@"
	run_preload "$RUN"
	run_configure "$RUN"
	progress "booting the emulated host ($HOST)"
	start_bochs "$RUN"
	follow "$RUN" < <(exec tail -f -n +1 --pid=$BOCHS -s 0.2 "$RUN/serial") &
	tail_pid=$!
	while [ ! -s "$RUN/status" ]; do
		if ! kill -0 "$tail_pid" 2>/dev/null && [ ! -s "$RUN/status" ]; then
			failed "the emulated host stopped without finishing"
		fi
		[ $SECONDS -lt $deadline ] || failed "no end after $TIMEOUT seconds (--timeout)"
		sleep 0.2
	done
	progress_end
	status=$(cat "$RUN/status")
	if grep -E -q 'BUG:|WARNING:|Oops|Call Trace' "$RUN/dmesg"; then
		cat "$RUN/dmesg" >&2
		echo "lab: the host's kernel complained (above)" >&2
		[ "$status" != 0 ] || status=3
	fi
	cp "$RUN/dmesg" "$CACHE/last-dmesg" 2>/dev/null || true
	exit "$status"
}

failed() # WHY
{
	progress_end
	echo "lab: $1; the host's console ends:" >&2
	tail -n 20 "$RUN/serial" >&2
	grep -h -i panic "$RUN/bochs.log" | tail -n 3 >&2
	exit 1
}

run_console()
{
	run_begin
	run_overlay "$RUN"
	run_preload "$RUN"
	run_configure "$RUN"
	sed -i "s|^com1:.*|com1: enabled=1, mode=socket-server, dev=localhost:$((20000 + $$ % 20000))|" "$RUN/bochsrc"
	echo "lab: connect with: nc localhost $((20000 + $$ % 20000))   (the boot waits for you; Ctrl-C here ends it)" >&2
	start_bochs "$RUN"
	wait "$BOCHS"
}
