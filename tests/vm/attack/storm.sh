# SPDX-License-Identifier: GPL-2.0-or-later
# On the emulated host: see storm.suite.
VCPUS=2
. /root/attack.sh
