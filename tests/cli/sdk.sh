# SPDX-License-Identifier: GPL-2.0-or-later
# From nothing to an image, and whether it fits a kernel.
sdk=$work/sdk
run make -s -o all install-sdk DESTDIR="$sdk" B="$B"
[ "$status" -eq 0 ]
check 'make install-sdk' $?
export SHADOWMON_SDK=$sdk/usr/lib/shadowmon
# That of the newest headers: those of 6.1 bring none.
kernel=$(find /usr/src/linux-headers-*/vmlinux | sort -V | tail -1)

# The command may be anywhere: the folder is the current one's.
mkdir -p "$work/author" && cd "$work/author" || exit 1
ends 0 'new' "$shadowmon" new mode_change
says 'new: what comes next' 'shadowmon build mode_change$'
[ "$(find mode_change -type f | sort | paste -sd ' ')" = 'mode_change/Makefile mode_change/README.md mode_change/monitor.c' ] &&
	! grep -r '@NAME@' mode_change
check 'new: the folder' $?
ends 1 'new: the folder exists' "$shadowmon" new mode_change
complains 'new: the folder is named' 'mode_change: File exists'
ends 1 'new: in a folder that is not there' "$shadowmon" new none/here
for name in Name 1name na-me '' a.b mode_change/ "$(printf 'a%.0s' {1..41})"; do
	ends 2 "new: \"$name\" is no name" "$shadowmon" new "$name"
done
ends 2 'new without a name' "$shadowmon" new
ends 2 'new with two' "$shadowmon" new one two
SHADOWMON_SDK=$work/none ends 1 'new without the SDK' "$shadowmon" new other
complains 'new without the SDK: what is missing' 'cannot read .*none/template/monitor\.c\.in'

ends 0 'build' "$shadowmon" build mode_change
says 'build: the image is named' '^mode_change/mode_change\.o$'
[ ! -s "$work/err" ]
check 'build: no warning' $?
ends 0 'the image is one' "$shadowmon" events --schema=mode_change/mode_change.o
says 'the image declares the event' '"mode_change"'
ends 0 'build in the folder itself' sh -c "cd mode_change && '$shadowmon' build ."
[ "$(find . -newer mode_change/README.md -name '*.o')" = ./mode_change/mode_change.o ]
check 'build: nothing but the image is left' $?
ends 0 'build with the built-in monitors' "$shadowmon" build --builtin --image both.o mode_change
nm both.o >"$work/out"
says 'build with the built-in monitors: they are there' 'process_exec_entry'
says 'build with the built-in monitors: the new one, too' 'on_mode_change_entry'
ends 0 'the template'"'"'s Makefile' env PKG_CONFIG_PATH="$sdk/usr/lib/pkgconfig" \
	PKG_CONFIG_SYSROOT_DIR="$sdk" make -s -B -C mode_change
[ -s mode_change/mode_change.o ] && [ ! -s "$work/err" ]
check 'the template'"'"'s Makefile makes the image, without a warning' $?
run env PKG_CONFIG_PATH="$sdk/usr/lib/pkgconfig" pkg-config --cflags shadowmon-monitor
[ "$(tr ' ' '\n' <"$work/out" | grep -v -e ^-I -e '^$' | paste -sd ' ')" = "$(cat "$SHADOWMON_SDK/monitor.flags")" ] &&
	grep -q -- '-ffixed-r15' "$work/out"
check 'pkg-config: the flags are those of build' $?

ends 0 'check' "$shadowmon" check --btf "$kernel" mode_change/mode_change.o
says 'check: it fits' '^fits: 0 missing, 0 not checked$'
ends 0 'check as JSON' "$shadowmon" check -o json --btf "$kernel" mode_change/mode_change.o
is_json 'check as JSON: it fits' '.fits and .missing == [] and .unchecked == []'

# All of what is wrong, each with its line.
mkdir unfit
cat >unfit/monitor.c <<'END'
#include <shadowmon/monitor.h>
static u64 helper(u64 inode)
{
	return SM_READ32(inode, inode, i_colour);
}
SM_MONITOR(on_unfit, "security_path_chmod", u64 path)
{
	u64 task = SM_READ64(path, no_such_struct, field);

	if (SM_HAS(inode, i_smell))
		task += SM_READ64(path, inode, i_smell);
	if (helper(task) == SM_ENUM(pid_type, PIDTYPE_NONE))
		return SM_DENY(1);
	task += SM_SYMBOL(no_such_symbol);
	return SM_READ32(task, task_struct, sched_reset_on_fork) ==
	       SM_SIZE(no_size) + helper(2);
}
SM_MONITOR(on_none, "no_such_function")
{
	return SM_ALLOW;
}
END
ends 0 'build what does not fit' "$shadowmon" build unfit
ends 1 'check what does not fit' "$shadowmon" check --btf "$kernel" unfit/unfit.o
while read -r line text; do
	says "check: $text" "unfit/monitor.c:$line: $text"
done <<'END'
4 error: structure inode has no member i_colour
6 error: security_path_chmod has 2 arguments, the image expects 1
8 error: there is no structure no_such_struct, of which the image wants field
12 error: there is no enumerator pid_type.PIDTYPE_NONE
14 not checked: whether there is a kernel symbol no_such_symbol
15 error: task_struct.sched_reset_on_fork is a bit-field
16 error: there is no structure no_size
18 not checked: the BTF does not know no_such_function
END
says 'check: nothing else' '^does not fit: 6 missing, 2 not checked$'
cat >System.map <<'END'
ffffffff81000000 T _stext
ffffffff81000040 T no_such_symbol_2
ffffffff81000080 T security_path_chmod
END
ends 1 'check with a System.map' "$shadowmon" check -o json --symbols System.map --btf "$kernel" unfit/unfit.o
is_json 'check with a System.map: all is known' '(.fits | not) and .unchecked == [] and (.missing | length) == 8 and
	any(.missing[]; .what == "kernel symbol" and .name == "no_such_symbol" and .places[0].line == 14) and
	any(.missing[]; .what == "function" and .name == "no_such_function" and .places[0].line == 18)'
echo 'ffffffff810000c0 D no_such_symbol' >>System.map
ends 1 'check with another System.map' "$shadowmon" check -o json --symbols System.map --btf "$kernel" unfit/unfit.o
is_json 'check with another System.map: the symbol is there' 'all(.missing[]; .name != "no_such_symbol")'
strip -g unfit/unfit.o
ends 1 'check without debugging information' "$shadowmon" check --btf "$kernel" unfit/unfit.o
says 'check without debugging information: the place' '^\.text\+0x[0-9a-f]+: error: structure inode has no member i_colour'

ends 2 'check without a kernel' "$shadowmon" check unfit/unfit.o
ends 2 'check without an image' "$shadowmon" check --btf "$kernel"
ends 1 'check: no BTF' "$shadowmon" check --btf /etc/passwd unfit/unfit.o
complains 'check: no BTF: why' "/etc/passwd is no kernel's BTF"
ends 1 'check: an ELF file without BTF' "$shadowmon" check --btf /bin/true unfit/unfit.o
complains 'check: an ELF file without BTF: why' 'has no section .BTF'
ends 1 'check: no System.map' "$shadowmon" check --btf "$kernel" --symbols /etc/passwd unfit/unfit.o
complains 'check: no System.map: why' 'is no System.map'
ends 1 'check: no image' "$shadowmon" check --btf "$kernel" /etc/passwd
ends 1 'check: no such file' "$shadowmon" check --btf none unfit/unfit.o

# What cannot be built.
mkdir broken empty
echo 'int x = y;' >broken/monitor.c
ends 1 'build: the compiler refuses' "$shadowmon" build broken
complains 'build: the compiler says why' 'broken/monitor.c:1:9: error'
ends 1 'build: no sources' "$shadowmon" build empty
complains 'build: no sources: why' 'empty has no source files'
ends 1 'build: no folder' "$shadowmon" build none
ends 2 'build of nothing' "$shadowmon" build
echo 'extern int other; int f(void); int f(void) { return other; }' >broken/monitor.c
ends 1 'build: an undefined symbol' "$shadowmon" build broken
complains 'build: an undefined symbol is named' 'nothing will define other'
[ ! -e broken/broken.o ]
check 'build: no image is left that cannot be used' $?
CC=/none ends 1 'build without a compiler' "$shadowmon" build mode_change
complains 'build without a compiler: why' 'cannot run /none'
unset SHADOWMON_SDK
cd "$OLDPWD" || exit 1
