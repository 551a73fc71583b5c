# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see monitors.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh
. /root/check_monitors.sh
. /root/check_integrity.sh

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
guest_start web 1 256 || exit 1
guest_run web event_cost >/tmp/cost.without || echo "# event_cost: $(cat /tmp/cost.without)"
SPAWN_WITHOUT=$(spawn 200)

! shadowmon attach --image /root/monitors.o --monitors=file,nosuch web >/tmp/refused 2>&1 &&
	grep -q 'no monitor "nosuch".*process_exec.*clone' /tmp/refused
ok $? "a monitor that is not there is refused, and those that are named" || sed 's/^/# /' /tmp/refused
check "all monitors are hooked" vm_attach --monitors=process_exec,process_exit,module,$MONITORS_ON_REQUEST
check_provoked
check_tamper_unseen

# What one costs: the same system calls with and without their monitors.
guest_run web event_cost >/tmp/cost.with
vm_drain
while read -r -u 3 name with && read -r -u 4 _ without; do
	echo "# $name: $((with - without)) instructions more than $without"
	check "... which is less than 4,000" test "$((with - without))" -lt 4000
done 3</tmp/cost.with 4</tmp/cost.without

check "detach" vm_detach
check "the default ones do not see files, that of system calls sees these" vm_attach --ring-size 1024 --monitors=default,syscall
guest_run web 'echo x >/tmp/again'
guest_run web event_cost | sed -n 's/^syscall:/# with its monitor: /p'
vm_drain
check "a system call is seen, with number and arguments" test "$(vm_count '.syscall | objects | .number == 124 and (.compat | not) and .argument_1 == "0x0"')" -ge 25
check "... all of them" test "$(vm_count '.syscall | objects | .number == 105 or .number == 117')" -ge 50
check "none was lost" test "$(vm_count .loss)" -eq 0
check "... and see programs" test "$(vm_count '.process_exec')" -ge 1
check "... but not files" test "$(vm_count '.file_open')" -eq 0
vm_detach >/dev/null
check "attach to see changes of the kernel" vm_attach --monitors=process_exec,integrity
check_integrity
shadowmon detach web >/dev/null
guest_stop web
check "the guest's kernel has nothing to say" vm_kernel_is_quiet
kill -TERM $daemon
wait $daemon
ok $? "the daemon ends cleanly"
check "module unloads" rmmod shadowmon
tap_end
