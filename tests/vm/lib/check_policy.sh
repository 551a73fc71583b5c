# SPDX-License-Identifier: GPL-2.0-or-later
# What tests/vm/policy.yaml refuses, tried by the root of the attached VM "web", for scripts on the emulated host.

REFUSED='forbidden-program EACCES
forbidden-script EACCES
forbidden-argument ENOENT
other-argument done
forbidden-file EPERM
other-file done
forbidden-address ENETUNREACH
forbidden-address-mapped ENETUNREACH
forbidden-address-by-ring ENETUNREACH
forbidden-address-by-ring-thread ENETUNREACH
forbidden-address-by-fast-open ENETUNREACH
forbidden-address-by-fast-open-ring ENETUNREACH
other-address done
other-address-by-ring done
other-address-by-fast-open done
forbidden-port EACCES
module: Device or resource busy
deadly-program: 137
deadly-file: 137
still root'
ALL_DONE=$(sed -E 's/ E[A-Z]+$/ done/; s/^module: .*/module: loaded/; s/: 137$/: 0/' <<<"$REFUSED")

policy_prepare()
{
	guest_run web 'for f in forbidden victim; do cp /usr/bin/true /tmp/$f; done; printf "#!/bin/sh\n:\n" >/tmp/script; chmod 755 /tmp/script; mkdir /tmp/closed /tmp/deadly'
}

# Everything that the policy is about, by root, in one command.
attempt()
{
	local deadly='sh -c "exec /tmp/victim"; echo deadly-program: $?; sh -c "echo >/tmp/deadly/file"; echo deadly-file: $?'
	local module='modprobe dummy 2>/tmp/why && echo module: loaded || sed "s/.*: /module: /" /tmp/why; rmmod dummy 2>/dev/null'
	guest_run web "attempt; $module; { $deadly; } 2>/dev/null; [ \"\$(id -u)\" = 0 ] && echo still root"
}

# What attempt() prints must be that, line by line.
outcome() # NAME EXPECTED
{
	attempt >/tmp/outcome
	[ "$(cat /tmp/outcome)" = "$2" ]
	ok $? "$1"
	[ "$(cat /tmp/outcome)" = "$2" ] || sed 's/^/# /' /tmp/outcome
}
