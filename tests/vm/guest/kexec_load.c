// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kexec(8) without what makes it slow in emulation, a digest of all that is loaded:
 *   kexec_load KERNEL INITRD COMMAND-LINE
 *   kexec_load -e                              starts it
 *
 * KERNEL is a vmlinux, INITRD an initramfs; both may be block devices.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE     4096UL
#define SEGMENTS 16
#define LOW      0x10000UL /* boot parameters, command line and start are three pages from here */

struct mapped {
	char *bytes;
	size_t size;
};

static struct kexec_segment segments[SEGMENTS];
static unsigned int nr_segments;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct mapped map(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct mapped file = {0};
	struct stat st;
	uint64_t size;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	size = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, &size))
		die(path);
	file.size = size;
	file.bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file.bytes == MAP_FAILED)
		die(path);
	close(fd);
	return file;
}

static void add(const void *bytes, size_t size, uint64_t to, size_t room)
{
	segments[nr_segments++] =
		(struct kexec_segment){bytes, size, (void *)to, (room + PAGE - 1) & ~(PAGE - 1)};
}

/* Its entry point; *ret_end: first address behind it. */
static uint64_t add_kernel(const struct mapped *file, uint64_t *ret_end)
{
	const Elf64_Ehdr *elf = (void *)file->bytes;
	const Elf64_Phdr *header = (void *)(file->bytes + elf->e_phoff);
	unsigned int i;

	for (i = 0; i < elf->e_phnum; i++, header++) {
		if (header->p_type != PT_LOAD)
			continue;
		add(file->bytes + header->p_offset, header->p_filesz, header->p_paddr,
		    header->p_memsz);
		*ret_end = header->p_paddr + header->p_memsz;
	}
	return elf->e_entry;
}

static uint64_t read_number(const char *dir, const char *name)
{
	char path[128], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die(path);
	close(fd);
	if (!strcmp(name, "type"))
		return strncmp(text, "System RAM", 10) ? 2 : 1;
	return strtoull(text, NULL, 0);
}

static void fill_memory_map(struct boot_params *params)
{
	char dir[64];
	unsigned int i;

	for (i = 0; i < 64; i++) {
		struct boot_e820_entry *entry = &params->e820_table[i];
		uint64_t start;

		snprintf(dir, sizeof(dir), "/sys/firmware/memmap/%u", i);
		if (access(dir, F_OK))
			break;
		start = read_number(dir, "start");
		entry->addr = start;
		entry->size = read_number(dir, "end") + 1 - start;
		entry->type = (uint32_t)read_number(dir, "type");
	}
	params->e820_entries = (uint8_t)i;
}

/* The kernel is entered with all registers 0: mov $LOW, %esi; mov $entry, %eax; jmp *%rax */
static void write_start(uint8_t *code, uint64_t entry)
{
	uint32_t low = LOW, to = (uint32_t)entry;

	*code++ = 0xbe;
	memcpy(code, &low, 4);
	code += 4;
	*code++ = 0xb8;
	memcpy(code, &to, 4);
	code += 4;
	*code++ = 0xff;
	*code = 0xe0;
}

int main(int argc, char **argv)
{
	static char low[3 * PAGE] __attribute__((aligned(4096)));
	struct boot_params *params = (void *)low;
	uint64_t entry, end = 0;
	struct mapped kernel, initrd;

	if (argc == 2 && !strcmp(argv[1], "-e")) {
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, NULL);
		die("reboot");
	}
	if (argc != 4) {
		fputs("usage: kexec_load KERNEL INITRD COMMAND-LINE\n", stderr);
		return 2;
	}
	kernel = map(argv[1]);
	initrd = map(argv[2]);
	strncpy(low + PAGE, argv[3], PAGE - 1);
	entry = add_kernel(&kernel, &end);
	end = (end + 0x1fffff) & ~0x1fffffUL;
	add(initrd.bytes, initrd.size, end, initrd.size);

	params->hdr.boot_flag = 0xaa55;
	memcpy(&params->hdr.header, "HdrS", 4);
	params->hdr.version = 0x020f;
	params->hdr.type_of_loader = 0xff;
	params->hdr.cmd_line_ptr = LOW + PAGE;
	params->hdr.cmdline_size = PAGE - 1;
	params->hdr.ramdisk_image = (uint32_t)end;
	params->hdr.ramdisk_size = (uint32_t)initrd.size;
	fill_memory_map(params);
	write_start((uint8_t *)low + 2 * PAGE, entry);
	add(low, sizeof(low), LOW, sizeof(low));

	if (syscall(SYS_kexec_load, LOW + 2 * PAGE, nr_segments, segments, KEXEC_ARCH_X86_64))
		die("kexec_load");
	return 0;
}
