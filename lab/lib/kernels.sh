# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Stock Debian kernels: which release a flavour means, its package, its uncompressed image.

# 6.1, 6.1-cloud, 6.12, 6.12-cloud or a full release -> release, e.g. 6.1.0-56-amd64
kernel_release() # FLAVOUR
{
	local meta release cached=$CACHE/release-$1
	case $1 in
	6.1) meta=linux-headers-amd64 ;;
	6.1-cloud) meta=linux-headers-cloud-amd64 ;;
	6.12) meta=linux-headers-6.12-amd64 ;;
	6.12-cloud) meta=linux-headers-6.12-cloud-amd64 ;;
	*) echo "$1" && return ;;
	esac
	# apt takes a second to tell.
	if [ ! "$cached" -nt /var/lib/apt/lists ]; then
		release=$(apt-cache depends "$meta" 2>/dev/null | sed -n 's/.*Depends: linux-headers-\(6[^ ]*amd64\)$/\1/p' | head -1)
		[ -n "$release" ] || die "cannot tell which release $1 is: run 'apt-get update' (package $meta not found)"
		mkdir -p "$CACHE"
		echo "$release" >"$cached.$$" && mv "$cached.$$" "$cached"
	fi
	cat "$cached"
}

# Installs a kernel's headers if they are missing; prints the directory for `make -C`.
kernel_headers() # RELEASE
{
	local build=/lib/modules/$1/build
	if [ ! -e "$build/Makefile" ]; then
		echo "linux-headers-$1" | "$LAB/../scripts/install-packages" /dev/stdin || die "no linux-headers-$1"
	fi
	echo "$build"
}

# Downloads and unpacks a kernel's package into the cache, once.
kernel_fetch() # RELEASE
{
	local dir=$CACHE/kernel/$1 package=linux-image-$1 tmp
	[ -e "$dir/vmlinux" ] && return
	progress "fetching $package"
	tmp=$(mktemp -d "$CACHE/tmp.XXXXXX")
	(cd "$tmp" && apt-get -q download "$package" >log 2>&1) ||
		die "cannot download $package: $(tail -1 "$tmp/log")"
	dpkg-deb -x "$tmp"/linux-image-*.deb "$tmp/root"
	progress "unpacking the kernel of $package"
	kernel_decompress "$tmp/root/boot/vmlinuz-$1" "$tmp/root/vmlinux"
	depmod -b "$tmp/root" "$1"
	mkdir -p "$CACHE/kernel"
	rm -rf "$dir"
	mv "$tmp/root" "$dir"
	rm -rf "$tmp"
}

# The ELF image inside a bzImage (Documentation/x86/boot.rst: setup_sects, payload_offset, _length).
# In emulation its decompression would cost 20 seconds a boot.
kernel_decompress() # BZIMAGE VMLINUX
{
	local sectors offset length
	sectors=$(od -An -tu1 -j497 -N1 "$1")
	offset=$(od -An -tu4 -j584 -N4 "$1")
	length=$(od -An -tu4 -j588 -N4 "$1")
	# The payload ends with four bytes that give its uncompressed size.
	tail -c +$(((sectors + 1) * 512 + offset + 1)) "$1" | head -c $((length - 4)) >"$2.payload"
	case $(od -An -tx1 -N4 "$2.payload" | tr -d ' ') in
	fd377a58) xz -dc <"$2.payload" >"$2" ;;
	28b52ffd) zstd -q -dc <"$2.payload" >"$2" ;;
	*) die "$1: neither xz nor zstd inside; this lab knows no other compression" ;;
	esac
	rm "$2.payload"
}

# Physical address of the PVH entry, from the ELF note XEN_ELFNOTE_PHYS32_ENTRY (18).
kernel_pvh_entry() # VMLINUX
{
	readelf -n "$1" 2>/dev/null | awk '/0x00000012/ { getline; print "0x" $6 $5 $4 $3; exit }'
}
