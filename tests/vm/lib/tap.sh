# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Test Anything Protocol for scripts on the emulated host.
TAP_COUNT=0 TAP_FAILED=0

# Fails if STATUS says so: `ok $? "..." || explain`.
ok() # STATUS DESCRIPTION
{
	TAP_COUNT=$((TAP_COUNT + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $TAP_COUNT - $2"
	else
		echo "not ok $TAP_COUNT - $2"
		TAP_FAILED=$((TAP_FAILED + 1))
		return 1
	fi
}

# check DESCRIPTION COMMAND...: ok if COMMAND succeeds
check()
{
	local description=$1
	shift
	if "$@" >/tmp/check.out 2>&1; then
		ok 0 "$description"
	else
		ok 1 "$description"
		sed 's/^/# /' /tmp/check.out | tail -5
	fi
}

# refuse STATUS DESCRIPTION COMMAND...: ok if COMMAND fails with that status
refuse()
{
	local want=$1 description=$2 got
	shift 2
	"$@" >/tmp/check.out 2>&1
	got=$?
	[ $got -eq "$want" ]
	ok $? "$description: $(tail -n 1 /tmp/check.out | cut -c1-150) ($got)"
}

tap_end()
{
	echo "1..$TAP_COUNT"
	[ $TAP_FAILED -eq 0 ]
}
