# SPDX-License-Identifier: GPL-2.0-or-later
# In a guest: a build by shell, as make would run it: one compiler a file.
cd /tmp/bench || exit
for source in f0 f1 f2 f3 f4 main; do
	tcc -c -o "/tmp/bench/$source.o" "$source.c" || exit
done
rm -f /tmp/bench/*.o
