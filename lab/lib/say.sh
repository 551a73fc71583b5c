# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the user sees while waiting, and why something failed.

progress()
{
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

# All that lab/packages lists, if anything of it is missing.
install_packages()
{
	local missing
	missing=$(grep -v '^#' "$LAB/packages" | while read -r package; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -q '^installed$' || echo "$package"
	done)
	[ -n "$missing" ] || return 0
	progress "installing $(echo "$missing" | wc -w) packages"
	mkdir -p "$CACHE"
	# shellcheck disable=SC2086
	{ apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing; } \
		>"$CACHE/apt.log" 2>&1 </dev/null || die "apt-get failed: $(tail -1 "$CACHE/apt.log")"
}
