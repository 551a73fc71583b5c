// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For tests and benchmarks, with lab=1: a function to hook, and files in /sys/kernel/debug/shadowmon that
 * call them.
 *
 *   ping      write N: call shadowmon_ping() N times; read: TSC of the last run, and of the same loop
 *             with a function that nobody hooks
 *   provoke   write "WHAT ARG": call shadowmon_provoke(WHAT, ARG); read: what it returned
 */

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "guest.h"

static struct {
	struct dentry *dir;
	u64 calls, ticks, baseline;
	unsigned long provoked;
} lab;

unsigned long shadowmon_provoke(unsigned long what, unsigned long arg);

noinline __noclone unsigned long shadowmon_provoke(unsigned long what, unsigned long arg)
{
	asm volatile("");
	return what + arg;
}

static ssize_t ping_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	int err = kstrtou64_from_user(buf, len, 0, &lab.calls);

	if (err)
		return err;
	smg_ping(lab.calls, &lab.ticks, &lab.baseline);
	return len;
}

static int ping_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "calls %llu ticks %llu baseline %llu\n", lab.calls, lab.ticks, lab.baseline);
	return 0;
}

static int ping_open(struct inode *inode, struct file *file)
{
	return single_open(file, ping_show, NULL);
}

static const struct file_operations ping_fops = {
	.owner = THIS_MODULE,
	.open = ping_open,
	.read = seq_read,
	.write = ping_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static ssize_t provoke_write(struct file *file, const char __user *user, size_t len, loff_t *pos)
{
	char buf[64] = {0};
	unsigned long what, arg = 0;

	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, user, len))
		return -EFAULT;
	if (sscanf(buf, "%lu %li", &what, &arg) < 1)
		return -EINVAL;
	lab.provoked = shadowmon_provoke(what, arg);
	return len;
}

static int provoke_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%ld\n", (long)lab.provoked);
	return 0;
}

static int provoke_open(struct inode *inode, struct file *file)
{
	return single_open(file, provoke_show, NULL);
}

static const struct file_operations provoke_fops = {
	.owner = THIS_MODULE,
	.open = provoke_open,
	.read = seq_read,
	.write = provoke_write,
	.llseek = seq_lseek,
	.release = single_release,
};

void smg_lab_create(void)
{
	lab.dir = debugfs_create_dir("shadowmon", NULL);
	debugfs_create_file("ping", 0600, lab.dir, NULL, &ping_fops);
	debugfs_create_file("provoke", 0600, lab.dir, NULL, &provoke_fops);
}

void smg_lab_destroy(void)
{
	debugfs_remove_recursive(lab.dir);
}
