# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see attach.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh

ROUNDS=100
ALL_ROUNDS=5 # with all monitors, then with one

# KiB of the host's kernel that a leak would take.
kernel_memory()
{
	awk '/^(Slab|VmallocUsed|Percpu|PageTables|KernelStack):/ { n += $2 } END { print n }' /proc/meminfo
}

# A whole attachment: monitors linked and loaded, functions hooked, guest locked; each tenth has to see.
attach_and_detach() # ROUND IMAGE
{
	shadowmon attach --image "$2" web >/tmp/attach.log 2>&1 || return
	if [ $(($1 % 10)) -eq 0 ]; then
		guest_run web ": round-$1"
		sleep 0.1
		shadowmon events -o json --no-follow web 2>/dev/null | grep -q "round-$1\"" || return
		seen=$((seen + 1))
	fi
	shadowmon detach web >>/tmp/attach.log 2>&1
}

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
guest_start web 1 256 || exit 1
pages=$(/root/info)
guest_run web '(while [ ! -e /tmp/stop ]; do uname; sleep 0.2; done) >/dev/null 2>&1 &'

/root/ioctl_test "$(guest_pid web)" >/tmp/ioctl_test
check "attach and detach 100 times under load, without monitors" grep -q '^ok .*attach and detach 100 times' /tmp/ioctl_test
check "... and nothing of it is left" grep -q '^ok .*no page and no attachment is left' /tmp/ioctl_test

seen=0 round=1 image=/root/monitors.o
while [ $round -le $ROUNDS ] && attach_and_detach $round "$image"; do
	# In the lab each function takes half a second to hook and unhook.
	[ $round -ne $ALL_ROUNDS ] || image=/root/exec.o
	[ $round -ne 10 ] || before=$(kernel_memory)
	[ $((round % 10)) -ne 0 ] || echo "# $round times"
	round=$((round + 1))
done
[ $round -gt $ROUNDS ]
ok $? "attach, lock and detach under load, $ROUNDS times ($((round - 1)))" || cat /tmp/attach.log
check "... events arrived in between" test $seen -eq $((ROUNDS / 10))
check "no page and no attachment is left" test "$(/root/info)" = "$pages"
after=$(kernel_memory)
echo "# the host's kernel holds $before KiB after 10 rounds, $after KiB at the end"
check "the host's kernel has not grown by a page a round" test $((after - before)) -lt $((ROUNDS * 4))

guest_run web 'touch /tmp/stop'
check "the guest is well" guest_run web true
guest_stop web
check "its kernel has nothing to say" vm_kernel_is_quiet
kill -TERM $daemon
wait $daemon
ok $? "the daemon ends cleanly"
check "module unloads" rmmod shadowmon
[ $TAP_FAILED -eq 0 ]
