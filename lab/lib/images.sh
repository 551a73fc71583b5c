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

# Modules by name with what they depend on.
copy_modules() # ROOT RELEASE NAME...
{
	local root=$1 release=$2 name path
	shift 2
	for name; do
		modprobe -d "$CACHE/kernel/$release" -S "$release" --show-depends "$name" 2>/dev/null |
			sed -n 's/^insmod \([^ ]*\).*/\1/p' | while read -r path; do
			local relative=${path#"$CACHE/kernel/$release"}
			mkdir -p "$root/usr/$(dirname "$relative")"
			cp -u "$path" "$root/usr/$relative"
		done
	done
	cp "$CACHE/kernel/$release/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} \
		"$root/usr/lib/modules/$release/"
	depmod -b "$root" "$release"
}

pack() # ROOT CPIO
{
	(cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >"$2"
}

GUEST_MODULES="virtio_mmio virtio_console virtio_blk dummy nbd loop"
HOST_MODULES="kvm kvm-intel msr"
TOOLS="dash cat cp ls ln mkdir mv rm rmdir touch sleep echo env id head tail sort uniq wc tr cut tee seq \
	true false stat dd date uname sync grep sed awk ps kill pgrep mount umount dmesg insmod rmmod \
	modprobe lsmod mkfifo od chmod setpriv mktemp timeout find basename dirname expr printf test nproc xargs free"

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
	copy_modules "$root" "$1" $GUEST_MODULES
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
	copy_binaries "$root" $TOOLS bash setsid strace jq stty cpio
	ln -s dash "$root/usr/bin/sh"
	copy_binary "$root" /usr/bin/qemu-system-x86_64
	for file in bios-microvm.bin linuxboot_dma.bin pvh.bin kvmvapic.bin; do
		mkdir -p "$root/usr/share/qemu"
		cp -L "/usr/share/qemu/$file" "$root/usr/share/qemu/"
	done
	copy_modules "$root" "$1" $HOST_MODULES
	cp "$CACHE/kernel/$2/vmlinux" "$root/lab/guest-kernel"
	cp "$CACHE/guest-$2.cpio" "$root/lab/guest.cpio"
	cp "$LAB/host/init" "$root/init"
	cp "$LAB/host/lib.sh" "$root/lab/lib.sh"
	gcc -nostdlib -static -s -o "$root/lab/freeze" "$LAB/boot/freeze.S"
	pack "$root" "$out"
}
