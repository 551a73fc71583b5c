# SPDX-License-Identifier: GPL-2.0-or-later
# A guest with the other supported kernel: events are right, the first attacks are refused.
. /lab/lib.sh
. /root/tap.sh
. /root/check_workload.sh

insmod /root/shadowmon.ko
shadowmond 2>/tmp/shadowmond.log &
guest_start new 1 256 || exit 1
check "attach" shadowmon attach --image /root/monitors.o new
guest_run new "WORKLOAD_ACCOUNT=/tmp/account . /workload.sh >/dev/null 2>&1; cat /tmp/account" >/tmp/account
sleep 1
shadowmon events -o json --no-follow new >/tmp/events.json 2>/dev/null
check "each program of the guest's own account is seen once" account_matches /tmp/account /tmp/events.json
check "sequence numbers have no gap" sequence_is_whole /tmp/events.json
guest_run new 'insmod /shadowmon_attack.ko; dmesg | grep attack:' >/tmp/attacks
sed -n 's/.*attack: //p' /tmp/attacks | grep -v '^1\.\.' | sed 's/^\(not \)*ok [0-9]* - /\1ok - 6.12: /' | while read -r line; do
	case $line in
	ok*) echo "ok - ${line#ok - }" ;;
	not*) echo "not ok - ${line#not ok - }" ;;
	*) echo "$line" ;;
	esac
done
check "detach" shadowmon detach new
check "the guest is well" guest_run new true
guest_stop new
[ $TAP_FAILED -eq 0 ]
