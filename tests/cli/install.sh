# SPDX-License-Identifier: GPL-2.0-or-later
# Documents, and what an installation consists of.
root=$work/root

for page in docs/man/*.[1-8]; do
	run mandoc -Tlint -Wwarning "$page"
	[ "$status" -eq 0 ] && [ ! -s "$work/out" ]
	check "$page: no warning" $?
	run sh -c "mandoc -Tutf8 '$page' | col -bx"
	says "$page: renders" '^ *NAME$'
done

# The page names every verb, option and exit code.
mandoc -Tascii docs/man/shadowmon.1 | col -bx >"$work/page"
mandoc -Tascii docs/man/shadowmond.8 | col -bx >"$work/daemon-page"
for verb in doctor list attach events status load unload reload detach policy bench new build check; do
	missing=$("$shadowmon" "$verb" --help | grep -oE -- '--[a-z-]+' | sort -u | while read -r option; do
		grep -q -- "$option" "$work/page" || echo "$option"
	done)
	grep -qE "^ +$verb( |\$)" "$work/page" && [ -z "$missing" ]
	check "shadowmon(1) names $verb and its options" $?
done
missing=$("$shadowmond" --help | grep -oE -- '--[a-z-]+' | while read -r option; do
	grep -q -- "$option" "$work/daemon-page" || echo "$option"
done)
[ -z "$missing" ]
check 'shadowmond(8) names all options' $?
documented=$(sed -n '/^EXIT STATUS/,/^EXAMPLES/s/^ *\([0-9]\) .*/\1/p' "$work/page" | paste -sd ' ')
[ "$documented" = "$(sed -n '/EXIT_OK/,/}/s/.*= \([0-9]*\),.*/\1/p' host/cli/cli.h | paste -sd ' ')" ]
check 'shadowmon(1) names all exit codes' $?

install() # VARIABLE...
{
	run make -s -o all install B="$B" "$@"
	[ "$status" -eq 0 ]
	check "make install $*" $?
}

install DESTDIR="$root"
while read -r mode path; do
	[ "$(stat -c %a "$root$path" 2>/dev/null)" = "$mode" ]
	check "installed: $path" $?
done <<END
755 /usr/bin/shadowmon
755 /usr/sbin/shadowmond
644 /usr/lib/shadowmon/monitors.o
644 /usr/lib/shadowmon/bench.o
644 /usr/lib/shadowmon/bench-user.o
644 /usr/lib/shadowmon/runtime.o
644 /usr/lib/shadowmon/monitor.flags
755 /usr/lib/shadowmon/check-image
644 /usr/lib/shadowmon/template/monitor.c.in
644 /usr/lib/pkgconfig/shadowmon-monitor.pc
644 /usr/include/shadowmon/monitor.h
644 /usr/include/shadowmon/layout.h
644 /usr/lib/libshadowmon.so.0
644 /usr/include/libshadowmon/shadowmon.h
644 /usr/include/shadowmon/ioctl.h
644 /usr/lib/pkgconfig/libshadowmon.pc
644 /usr/share/man/man1/shadowmon.1
644 /usr/share/man/man8/shadowmond.8
644 /usr/share/bash-completion/completions/shadowmon
644 /lib/systemd/system/shadowmond.service
END
for release in "$B"/kmod/*; do
	[ -s "$root/lib/modules/$(basename "$release")/extra/shadowmon.ko" ]
	check "installed: the module of $(basename "$release")" $?
done
! grep -rlE '@[A-Z]+@' "$root/usr/lib/pkgconfig" "$root/lib/systemd"
check 'installed: nothing is left to fill in' $?
ends 0 'the installed command' env LD_LIBRARY_PATH= "$root/usr/bin/shadowmon" --version
ends 0 'the installed daemon' "$root/usr/sbin/shadowmond" --version
[ "$(readlink "$root/usr/lib/libshadowmon.so")" = libshadowmon.so.0 ] &&
	[ "$(readlink "$root/usr/share/bash-completion/completions/shadowmond")" = shadowmon ]
check 'installed: links' $?

# A program that uses the library as a stranger does.
cat >"$work/user.c" <<'END'
#include <shadowmon.h>
#include <shadowmon/ioctl.h>

int main(void)
{
	return sm_check_result_name(SM_CHECK_OK)[0] != 'o' || SM_UAPI_REVISION < 1;
}
END
export PKG_CONFIG_PATH=$root/usr/lib/pkgconfig
run pkg-config --modversion libshadowmon
says 'pkg-config: version' "^$("$shadowmon" --version | cut -d ' ' -f 2)$"
run pkg-config --print-errors --define-variable=prefix="$root/usr" --cflags --libs libshadowmon
# shellcheck disable=SC2046
run gcc -Wall -Werror "$work/user.c" $(cat "$work/out") -o "$work/user"
[ "$status" -eq 0 ]
check 'pkg-config: a program builds' $?
ends 0 'the program runs with the library' env LD_LIBRARY_PATH="$root/usr/lib" "$work/user"
unset PKG_CONFIG_PATH

install DESTDIR="$work/local" PREFIX=/usr/local
grep -qx 'ExecStart=/usr/local/sbin/shadowmond' "$work/local/lib/systemd/system/shadowmond.service" &&
	grep -qx 'prefix=/usr/local' "$work/local/usr/local/lib/pkgconfig/libshadowmon.pc"
check 'PREFIX is filled in' $?

# Where systemd is installed.
if command -v systemd-analyze >/dev/null; then
	cp /lib/systemd/system/*.target /lib/systemd/system/*.slice "$root/lib/systemd/system/" 2>/dev/null
	run systemd-analyze verify --man=no --root="$root" shadowmond.service
	[ "$status" -eq 0 ] && [ ! -s "$work/err" ]
	check 'systemd-analyze verify' $?
fi
