# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in the guest: a few programs, each of which first writes down who it is.  The shell that writes
# the line becomes the program by exec, so pid and parent are the program's.
#   WORKLOAD_ACCOUNT: the file to write to
run() # UID BINARY ARG...
{
	uid=$1
	shift
	if [ "$uid" = 0 ]; then
		sh -c 'echo "$$ $PPID 0 /usr/bin/$1 $*" >>"$0"; exec "$@"' "$WORKLOAD_ACCOUNT" "$@"
	else
		setpriv --reuid="$uid" --clear-groups \
			sh -c 'echo "$$ $PPID '"$uid"' /usr/bin/$1 $*" >>"$0"; exec "$@"' "$WORKLOAD_ACCOUNT" "$@"
	fi
}
: >"$WORKLOAD_ACCOUNT"
chmod 666 "$WORKLOAD_ACCOUNT"
run 0 ls -l /
run 0 uname -r
run 1000 id -u
run 0 echo 'two words' "and 'quotes'" '' end
run 0 seq 3 | run 0 sort -r | run 0 wc -l
run 0 modprobe dummy
run 0 rmmod dummy
run 0 false
run 0 sh -c 'exit 7'
run 0 sh -c 'kill -TERM $$'
cat "$WORKLOAD_ACCOUNT"
