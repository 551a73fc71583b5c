# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see reload.suite.
. /lab/lib.sh
. /root/tap.sh
. /root/vm.sh

RUNS=120

monitors_are() # LIST
{
	[ "$(shadowmon status -o json web | jq -r '.attached[0].monitors')" = "$1" ]
}

# Each record has a number: a vCPU's follow one another, lost ones have theirs, too.
no_gap()
{
	jq -s -e '[.[] | select(.vcpu == 0 and .seq) | .seq] as $n | ($n | length) > 0 and
		all(range(1; $n | length); $n[.] == $n[. - 1] + 1)' /tmp/all.json >/dev/null
}

dmesg -C
insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
daemon=$!
guest_start web 2 256 || exit 1

check "attach with the default monitors" vm_attach
default=$(shadowmon status -o json web | jq -r '.attached[0].monitors')
vm_follow
guest_run web 'echo x >/tmp/unseen'
vm_drain
check "files are not watched" test "$(vm_count '.file_open')" -eq 0

pages=$(vm_status pages)
check "load file and sysctl" shadowmon load web file sysctl
check "status tells" monitors_are "$default,file,sysctl"
guest_run web 'echo x >/tmp/seen'
vm_drain
check "files are watched, and a reader of before knows what they are" \
	test "$(vm_count '.file_open.path == "/tmp/seen"')" -ge 1
check "it is told of" test "$(vm_count '.lifecycle.what == "reloaded"')" -eq 1
check "the hooks stay protected" test "$(vm_status hook_protection)" = '"on"'

check "unload file" shadowmon unload web file
check "status tells" monitors_are "$default,sysctl"
guest_run web 'echo x >/tmp/unseen'
vm_drain
check "files are not watched any more" test "$(vm_count '.file_open.path == "/tmp/unseen"')" -eq 0

! shadowmon load web nosuch >/tmp/refused 2>&1 && grep -q 'no monitor "nosuch"' /tmp/refused
ok $? "a monitor that is not there is refused" || sed 's/^/# /' /tmp/refused
! shadowmon unload web file >/tmp/refused 2>&1 && grep -q '"file" is not one of those' /tmp/refused
ok $? "one that is not loaded cannot be unloaded" || sed 's/^/# /' /tmp/refused
! shadowmon reload --image /etc/passwd web >/tmp/refused 2>&1 && grep -q 'no ELF file' /tmp/refused
ok $? "what is no image is refused" || sed 's/^/# /' /tmp/refused
check "... and the monitors of before go on" monitors_are "$default,sysctl"

# While programs are started one after another, monitors come and go.
guest_run web "(i=0; while [ \$i -lt $RUNS ]; do /bin/true run; i=\$((i + 1)); done; /bin/true all-done) >/dev/null 2>&1 &" >/dev/null
failed=0
for _ in 1 2 3; do
	shadowmon load web file >/tmp/load.out 2>&1 || failed=1
	shadowmon unload web file >>/tmp/load.out 2>&1 || failed=1
done
ok $failed "monitors come and go three times under load" || sed 's/^/# /' /tmp/load.out
for _ in {1..300}; do
	grep -q '"arguments":"all-done"' /tmp/all.json && break
	sleep 0.2
done
vm_drain
n=$(vm_count '.process_exec.process.arguments == "run"')
[ "$n" -eq $RUNS ]
ok $? "each of $RUNS programs meanwhile was told of once ($n)"

! shadowmon reload --image /root/exec.o web >/tmp/refused 2>&1 && grep -q 'no monitor "sysctl"\|no monitor "module"\|no monitor "process_exit"' /tmp/refused
ok $? "another image, without some of the monitors that run, is refused" || sed 's/^/# /' /tmp/refused
check "... and taken with its own" shadowmon reload --image /root/exec.o --monitors=default web
guest_run web '/bin/true other'
vm_drain
check "... whose monitors tell of programs" test "$(vm_count '.process_exec')" -ge 1
check "... and back, with all of them" shadowmon reload --image /root/monitors.o --monitors=default,file web
guest_run web 'echo x >/tmp/back'
vm_drain
check "... which watch files" test "$(vm_count '.file_open.path == "/tmp/back"')" -ge 1
vm_unfollow
check "no record is missing" no_gap
check "none was lost" test "$(vm_status lost)" -eq 0
[ "$(vm_status aborts) $(vm_status violations)" = "0 0" ]
ok $? "no monitor was aborted, and nothing violated" || jq -c 'select(.abort or .violation)' /tmp/all.json | sed 's/^/# /'
check "what was replaced is not held any more" test "$(vm_status pages)" -le $((pages + 20))

check "detach" vm_detach
guest_run web 'echo alive' | grep -q alive
ok $? "the guest goes on"
guest_stop web
check "the guest's kernel has nothing to say" vm_kernel_is_quiet
kill -TERM $daemon
wait $daemon
ok $? "the daemon ends cleanly"
check "module unloads" rmmod shadowmon
check "the host's kernel has nothing to say" sh -c "! dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace'"
tap_end
