# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The emulated machine: what is in its memory before it starts, its configuration, Bochs itself.

# Boot parameters of stock kernels that save time here and that a guest does not miss:
#   initcall_blacklist  trace_eval_init rewrites enum names in trace event formats,
#                       ftrace_check_for_weak_functions looks every traceable function up by address
#   rodata=off          without it the kernel walks all its page tables for W+X mappings; the last rodata= counts
#   init_on_alloc=0     clearing a page takes 512 instructions
#   115200              at 9600 baud a character takes 50,000
#   idle=halt           (host) with two CPUs, idling in MWAIT made the boot several times slower
#   tsc_early_khz       the CPU model says 3.5 GHz, but Bochs counts an instruction as a cycle, IPS a second
IPS=50000000
COMMON_CMDLINE="console=ttyS0,115200 quiet nokaslr mitigations=off audit=0 cryptomgr.notests tsc=reliable \
no_timer_check random.trust_cpu=on rcupdate.rcu_expedited=1 nowatchdog rodata=off \
init_on_alloc=0 initcall_blacklist=trace_eval_init,ftrace_check_for_weak_functions"
HOST_CMDLINE="$COMMON_CMDLINE idle=halt tsc_early_khz=$((IPS / 1000)) loglevel=4 panic=0"
GUEST_CMDLINE="$COMMON_CMDLINE loglevel=5 panic=-1 reboot=t"
STOCK_GUEST_CMDLINE="console=ttyS0,115200 quiet panic=-1"

# What Bochs puts into memory before the machine starts: see boot/rom.S.
BLOCK=$((128 << 10))
PAYLOAD=0xf00000 # start info, in the last MB below the kernel
KERNEL_BASE=0x1000000
THROW_AWAY=64 # blocks; the BIOS touches six
MARK=MOWM
MAILBOX_SIZE=$((64 << 20)) # the run's files: see host/init

# $dir/preload: start info, kernel, initramfs, mailbox; $dir/rom; $dir/mailbox-at
build_machine() # DIR MAILBOX
{
	local dir=$1 flat=$CACHE/kernel/$HOST/flat cpio=$CACHE/host-$HOST-$GUEST.cpio kernel entry initrd size sum
	kernel=$CACHE/kernel/$HOST/vmlinux
	if [ ! -e "$flat" ]; then
		objcopy -O binary "$kernel" "$flat.$$"
		truncate -s %$BLOCK "$flat.$$"
		mv "$flat.$$" "$flat"
	fi
	entry=$(kernel_pvh_entry "$kernel")
	initrd=$((KERNEL_BASE + $(stat -c %s "$flat")))
	size=$(stat -c %s "$cpio")
	local mailbox=$((initrd + (size + BLOCK - 1) / BLOCK * BLOCK))
	[ $((mailbox + MAILBOX_SIZE)) -lt $(((HOST_MEMORY - 64) << 20)) ] || die "--host-memory $HOST_MEMORY is too little"
	echo $mailbox >"$dir/mailbox-at"
	printf '%s lab_mailbox=%d' "$HOST_CMDLINE $HOST_WORDS" $mailbox >"$dir/cmdline"

	gcc -c -DENTRY="$entry" -DPAYLOAD=$PAYLOAD -DPAYLOAD_END=$((mailbox + MAILBOX_SIZE)) \
		-DMARK="0x$(printf %s $MARK | od -An -tx4 | tr -d ' ')" -o "$dir/rom.o" "$LAB/boot/rom.S"
	ld -m elf_x86_64 -Ttext=0xd0000 --oformat binary -e _start -o "$dir/rom" "$dir/rom.o"
	sum=$(od -An -v -tu1 "$dir/rom" | awk '{ for (i = 1; i <= NF; i++) s += $i } END { print (2560000 - s) % 256 }')
	# shellcheck disable=SC2059
	printf "\\x$(printf %x "$sum")" | dd of="$dir/rom" bs=1 seek=511 conv=notrunc status=none

	gcc -c -DSTART_INFO=$PAYLOAD -DMEMORY="$((HOST_MEMORY << 20))" -DINITRD=$initrd -DINITRD_SIZE="$size" \
		-DMAILBOX=$mailbox -DMAILBOX_SIZE=$MAILBOX_SIZE -Wa,-I"$dir" -o "$dir/info.o" "$LAB/boot/start_info.S"
	objcopy -O binary -j .data "$dir/info.o" "$dir/start_info"
	truncate -s $((KERNEL_BASE - PAYLOAD)) "$dir/start_info"

	truncate -s $(((THROW_AWAY - 1) * BLOCK)) "$dir/preload"
	printf %s $MARK >>"$dir/preload"
	truncate -s $((THROW_AWAY * BLOCK)) "$dir/preload"
	cat "$dir/start_info" "$flat" "$cpio" >>"$dir/preload"
	truncate -s %$BLOCK "$dir/preload"
	cat "$2" >>"$dir/preload"
	truncate -s $((THROW_AWAY * BLOCK + mailbox + MAILBOX_SIZE - PAYLOAD)) "$dir/preload"
}

# No device that the lab does without.  Their order is part of a saved state (timers are numbered).
bochs_configuration() # DIR
{
	cat <<END
plugin_ctrl: usb_uhci=0, parallel=0, gameport=0, speaker=0, biosdev=1, iodebug=0, extfpuirq=1, serial=1, unmapped=1
cpu: model=corei7_skylake_x, count=$HOST_VCPUS, ips=$IPS, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=$HOST_MEMORY, host=$HOST_MEMORY
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
optromimage1: file=$1/rom, address=0xd0000
optramimage1: file=$1/preload, address=0
ata0: enabled=0
ata1: enabled=0
boot: disk
sound: driver=dummy
clock: sync=none, time0=local
com1: enabled=1, mode=file, dev=$1/serial
display_library: term
log: $1/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
END
}

# Debian's Bochs starts in its debugger.  It wants to know a terminal, but draws on none: boot/no_screen.c.
start_bochs() # DIR ARGUMENT...
{
	local dir=$1
	shift
	: >"$dir/serial"
	setsid env LD_PRELOAD="$CACHE/preload.so" TERM=linux LINES=25 COLUMNS=80 \
		GLIBC_TUNABLES=glibc.malloc.hugetlb=1 "$@" -rc "$dir/debugger" >/dev/null 2>"$dir/bochs.out" </dev/null &
	BOCHS=$!
}

end_bochs()
{
	if [ -n "$BOCHS" ]; then
		kill -KILL "$BOCHS" 2>/dev/null || true
		wait "$BOCHS" 2>/dev/null || true
		BOCHS=
	fi
}
