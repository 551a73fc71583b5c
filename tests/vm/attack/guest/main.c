// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * shadowmon_attack.ko: write the name of an attack to /sys/kernel/debug/shadowmon_attack; read there what
 * came of it.  Whether it was reported the host knows.
 */

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "attack.h"
#include "lookup.h"

u8 *gate;

static const struct attack *const attacks[] = {
	memory_attacks,  vmfunc_attacks, gate_attacks,   sweep_attacks,  register_attacks,
	control_attacks, remap_attacks,  dma_attacks,    flip_attacks,   mode_attacks,
	storm_attacks,   tlb_attacks,    forged_attacks, window_attacks, machine_check_attacks,
};

/* Guest-physical address of a page for the controls: full of RET. */
static unsigned long scratch;
module_param(scratch, ulong, 0444);
MODULE_PARM_DESC(scratch, "set by the module itself");
module_param_named(machine_checks, run_machine_checks, ulong, 0444);
MODULE_PARM_DESC(machine_checks, "how many came");

static struct dentry *file;
static char result[32] = "none";
static char note[160];

void attack_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(note, sizeof(note), format, args);
	va_end(args);
}

static const struct attack *find(const char *name)
{
	const struct attack *attack;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attacks); i++)
		for (attack = attacks[i]; attack->name; attack++)
			if (!strcmp(attack->name, name))
				return attack;
	return NULL;
}

static ssize_t attack_write(struct file *f, const char __user *buf, size_t len, loff_t *pos)
{
	static const char *const outcomes[] = {
		[ATTACK_SUCCEEDED] = "succeeded",
		[ATTACK_REFUSED] = "refused",
		[ATTACK_IMPOSSIBLE] = "impossible",
	};
	const struct attack *attack;
	char name[64];

	if (len >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, buf, len))
		return -EFAULT;
	name[len] = '\0';
	attack = find(strim(name));
	if (!attack)
		return -ENOENT;
	note[0] = '\0';
	strscpy(result, outcomes[attack->run()], sizeof(result));
	return len;
}

static int attack_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%s %s\n", result, note);
	return 0;
}

static int attack_open(struct inode *inode, struct file *f)
{
	return single_open(f, attack_show, NULL);
}

static const struct file_operations attack_fops = {
	.owner = THIS_MODULE,
	.open = attack_open,
	.read = seq_read,
	.write = attack_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* /dev/shadowmon_attack: any guest-physical address, for ring 3. */
static int physical_mmap(struct file *f, struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, vma->vm_end - vma->vm_start,
			       vma->vm_page_prot);
}

static const struct file_operations physical_fops = {
	.owner = THIS_MODULE,
	.mmap = physical_mmap,
};

static struct miscdevice physical = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "shadowmon_attack",
	.fops = &physical_fops,
	.mode = 0666,
};

void *attack_symbol(const char *name)
{
	return (void *)lookup(name);
}

static int __init attack_init(void)
{
	void *page, *idt_table;
	int err = find_lookup();

	if (err)
		return err;
	idt_table = attack_symbol("idt_table");
	gate = attack_symbol("smg_gate");
	if (!gate || !idt_table) {
		pr_err("attack: shadowmon_guest is not loaded\n");
		return -ENOENT;
	}
	page = (void *)__get_free_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	memset(page, 0xc3, PAGE_SIZE);
	scratch = virt_to_phys(page);
	err = recover_init(idt_table);
	if (err)
		goto err_free;
	err = misc_register(&physical);
	if (err)
		goto err_recover;
	file = debugfs_create_file("shadowmon_attack", 0600, NULL, NULL, &attack_fops);
	return 0;

err_recover:
	recover_exit();
err_free:
	free_page((unsigned long)page);
	return err;
}

static void __exit attack_exit(void)
{
	debugfs_remove(file);
	misc_deregister(&physical);
	recover_exit();
	free_page((unsigned long)phys_to_virt(scratch));
}

module_init(attack_init);
module_exit(attack_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Attacks on ShadowMonitor from ring 0 of a guest");
