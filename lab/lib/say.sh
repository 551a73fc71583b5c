# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the user sees while waiting, and why something failed.

progress()
{
	STAGE=$*
	[ -z "${QUIET:-}" ] || return 0
	if [ -t 2 ]; then
		printf '\r\033[K[%3d s] %s' "$SECONDS" "$*" >&2
	else
		printf '[%3d s] %s\n' "$SECONDS" "$*" >&2
	fi
}

progress_end()
{
	if [ -t 2 ]; then
		printf '\r\033[K' >&2
	fi
}

die()
{
	progress_end
	echo "lab: $*" >&2
	exit 1
}
