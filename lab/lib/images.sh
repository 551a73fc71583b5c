# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# initramfs images.  Uncompressed: unpacking compressed ones is slow in emulation.

# Copies a file with the shared libraries that it needs.
copy_binary() # ROOT FILE [DESTINATION [IMAGE]]: not what IMAGE already has
{
	local root=$1 file=$2 dest=${3:-$2} image=${4:-$1} library
	[ -e "$file" ] || die "$file is missing; install the package that has it"
	mkdir -p "$root/$(dirname "$dest")"
	cp -L --preserve=mode "$file" "$root/$dest"
	ldd "$file" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
		[ -e "$root/$library" ] || [ -e "$image/$library" ] && continue
		mkdir -p "$root/$(dirname "$library")"
		cp -L "$library" "$root/$library"
	done
}

copy_binaries() # ROOT NAME...
{
	local root=$1 name
	shift
	for name; do
		copy_binary "$root" "$(type -P "$name" || echo "/usr/bin/$name")" "/usr/bin/$name"
	done
}

# A usr-merged root, as Debian's.
make_root() # ROOT
{
	local dir
	mkdir -p "$1"/{usr/bin,usr/lib,usr/lib64,dev,proc,sys,run,tmp,etc,root,lab}
	for dir in bin lib lib64; do
		[ -e "$1/$dir" ] || ln -s "usr/$dir" "$1/$dir"
	done
	ln -sf bin "$1/usr/sbin"
	ln -sf usr/bin "$1/sbin"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
	echo 'root:x:0:' >"$1/etc/group"
}

# Modules by name with what they depend on.  Uncompressed: to unpack them is slow in emulation.
copy_modules() # ROOT RELEASE NAME...
{
	local root=$1 release=$2 kernel=$CACHE/kernel/$2 path to
	shift 2
	for name; do
		modprobe -d "$kernel" -S "$release" --show-depends "$name" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | sort -u | while read -r path; do
		to=$root/usr${path#"$kernel"}
		mkdir -p "${to%/*}"
		case $path in
		*.xz) xz -dc "$path" >"${to%.xz}" ;;
		*) cp "$path" "$to" ;;
		esac
	done
	for path in order builtin builtin.modinfo; do
		sed 's/\.ko\.xz$/.ko/' "$kernel/lib/modules/$release/modules.$path" >"$root/usr/lib/modules/$release/modules.$path"
	done
	depmod -b "$root" "$release"
}

# Cuts a module's signature off: the kernel takes a second of emulation to check one.
strip_signature() # MODULE...
{
	local file length
	for file; do
		tail -c 28 "$file" | grep -q '^~Module signature appended~$' || continue
		length=$(tail -c 32 "$file" | head -c 4 | od -An -tu4 --endian=big)
		truncate -s -$((length + 12 + 28)) "$file"
	done
}

pack() # ROOT CPIO
{
	(cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >"$2"
}

GUEST_MODULES="virtio_mmio virtio_pci virtio_console virtio_blk virtio_balloon dummy nbd loop"
HOST_MODULES="kvm kvm-intel msr zram"
TOOLS="dash cat cp ls ln mkdir mv rm rmdir touch sleep echo env id head tail sort uniq wc tr cut tee seq \
	true false stat dd date uname sync grep sed awk ps kill pgrep mount umount dmesg insmod rmmod \
	modprobe lsmod mkfifo od chmod setpriv mktemp timeout find basename dirname expr printf test nproc xargs free \
	taskset"

# $CACHE/guest-RELEASE.cpio
guest_image() # RELEASE
{
	local root=$CACHE/guest-$1 out=$CACHE/guest-$1.cpio
	[ "$out" -nt "$LAB/guest/init" ] && [ "$out" -nt "$LAB/lib/images.sh" ] && return
	progress "building the guest's image ($1)"
	rm -rf "$root"
	make_root "$root"
	# shellcheck disable=SC2086
	copy_binaries "$root" $TOOLS
	ln -s dash "$root/usr/bin/sh"
	# shellcheck disable=SC2086
	copy_modules "$root" "$1" $GUEST_MODULES
	# shellcheck disable=SC2046
	strip_signature $(find "$root/usr/lib/modules" -name 'virtio*.ko')
	cp "$LAB/guest/init" "$root/init"
	pack "$root" "$out"
}

# $CACHE/host-HOST-GUEST.cpio: QEMU, the guest's kernel and image, tools.
host_image() # HOST_RELEASE GUEST_RELEASE
{
	local root=$CACHE/host-$1-$2 out=$CACHE/host-$1-$2.cpio file
	[ "$out" -nt "$LAB/host/init" ] && [ "$out" -nt "$LAB/host/lib.sh" ] && [ "$out" -nt "$LAB/boot/freeze.S" ] &&
		[ "$out" -nt "$CACHE/guest-$2.cpio" ] && [ "$out" -nt "$LAB/lib/images.sh" ] && return
	progress "building the host's image ($1)"
	rm -rf "$root"
	make_root "$root"
	# shellcheck disable=SC2086
	copy_binaries "$root" $TOOLS bash setsid strace stty cpio mkswap swapon
	# jq's own start is 170 million instructions.
	copy_binary "$root" /usr/bin/gojq /usr/bin/jq
	ln -s dash "$root/usr/bin/sh"
	copy_binary "$root" /usr/bin/qemu-system-x86_64-microvm
	copy_binary "$root" /usr/bin/qemu-system-x86_64
	for file in bios-microvm.bin linuxboot_dma.bin pvh.bin kvmvapic.bin; do
		mkdir -p "$root/usr/share/qemu"
		cp -L "/usr/share/qemu/$file" "$root/usr/share/qemu/"
	done
	cp -L /usr/share/seabios/bios-256k.bin "$root/usr/share/qemu/"
	# shellcheck disable=SC2086
	copy_modules "$root" "$1" $HOST_MODULES
	cp "$CACHE/kernel/$2/vmlinux" "$root/lab/guest-kernel"
	cp "$CACHE/guest-$2.cpio" "$root/lab/guest.cpio"
	cp "$LAB/host/init" "$root/init"
	cp "$LAB/host/lib.sh" "$root/lab/lib.sh"
	gcc -nostdlib -static -s -o "$root/lab/freeze" "$LAB/boot/freeze.S"
	pack "$root" "$out"
}
