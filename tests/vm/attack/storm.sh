# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see storm.suite.
VCPUS=2
# In QEMU this library makes machine checks.
export MACHINE_CHECKS=/run/machine_checks
QEMU_PRELOAD=/root/machine_check.so
. /root/attack.sh
