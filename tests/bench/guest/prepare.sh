# SPDX-License-Identifier: GPL-2.0-or-later
# In a guest: what the applications of apps.sh work on.
ip link set lo up 2>/dev/null || busybox ifconfig lo 127.0.0.1 up
mkdir -p /tmp/bench/one/two
echo text >/tmp/bench/one/two/file
cd /tmp/bench || exit
n=0
while [ $n -lt 20 ]; do
	mkdir -p "tree/$n"
	m=0
	while [ $m -lt 10 ]; do
		seq $((n * m)) 300 >"tree/$n/file$m"
		m=$((m + 1))
	done
	n=$((n + 1))
done
head -c 8192 tree/0/file0 >page
n=0
while [ $n -lt 5 ]; do
	echo "int f$n(int x); int f$n(int x) { int i, s = 0; for (i = 0; i < x; i++) s += i * $n; return s; }" >"f$n.c"
	n=$((n + 1))
done
echo 'int f0(int), f1(int), f2(int), f3(int), f4(int); int main(void); int main(void) { return f0(1) + f1(1) + f2(1) + f3(1) + f4(1); }' >main.c
