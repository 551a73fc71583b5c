// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the start of a program takes, until it has ended.  No program is in all guests, and what one does at its start
 * is its own affair: so this module has one that ends at once, in a file of memory alone, and starts it as the
 * kernel starts modprobe.
 */

#include <linux/cred.h>
#include <linux/elf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/shmem_fs.h>
#include <linux/umh.h>
#include <asm/msr.h>

#include "guest.h"

#define PROGRAM_VA 0x400000

static const struct {
	struct elf64_hdr head;
	struct elf64_phdr segment;
	u8 code[9];
} __packed program = {
	.head.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT, ELFOSABI_NONE},
	.head.e_type = ET_EXEC,
	.head.e_machine = EM_X86_64,
	.head.e_version = EV_CURRENT,
	.head.e_entry = PROGRAM_VA + offsetof(typeof(program), code),
	.head.e_phoff = offsetof(typeof(program), segment),
	.head.e_ehsize = sizeof(program.head),
	.head.e_phentsize = sizeof(program.segment),
	.head.e_phnum = 1,
	.segment.p_type = PT_LOAD,
	.segment.p_flags = PF_R | PF_X,
	.segment.p_vaddr = PROGRAM_VA,
	.segment.p_paddr = PROGRAM_VA,
	.segment.p_filesz = sizeof(program),
	.segment.p_memsz = sizeof(program),
	.segment.p_align = PAGE_SIZE,
	.code = "\xb8\x3c\0\0\0" /* mov $60, %eax: exit */
		"\x31\xff"       /* xor %edi, %edi */
		"\x0f\x05",      /* syscall */
};

static struct file *program_file;

static int prepare_exec(void)
{
	struct file *file = shmem_file_setup("shadowmon_bench", sizeof(program), 0);
	loff_t pos = 0;
	ssize_t written;

	if (IS_ERR(file))
		return PTR_ERR(file);
	written = kernel_write(file, &program, sizeof(program), &pos);
	if (written != sizeof(program)) {
		fput(file);
		return written < 0 ? written : -EIO;
	}
	program_file = file;
	return 0;
}

static void finish_exec(void)
{
	fput(program_file);
	program_file = NULL;
}

/* In the process that is to become the program, which has files of its own: data is the path to execute. */
static int give_program(struct subprocess_info *info, struct cred *new)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	fd_install(fd, get_file(program_file));
	sprintf(info->data, "/proc/self/fd/%d", fd);
	return 0;
}

static int read_exec(u64 *ret_ticks)
{
	static char *argv[] = {"/usr/bin/bench_nothing", "-u", "--groups", "/tmp/file1", NULL};
	static char *envp[] = {"PATH=/usr/bin", NULL};
	char path[32] = "/proc/self/fd";
	struct subprocess_info *info;
	u64 start = rdtsc();
	int ret;

	info = call_usermodehelper_setup(path, argv, envp, GFP_KERNEL, give_program, NULL, path);
	if (!info)
		return -ENOMEM;
	ret = call_usermodehelper_exec(info, UMH_WAIT_PROC);
	*ret_ticks = rdtsc() - start;
	return ret > 0 ? -ENOEXEC : ret; /* it ended otherwise than it should */
}

const struct smg_bench_event smg_bench_exec = {
	.prepare = prepare_exec,
	.read = read_exec,
	.finish = finish_exec,
};
