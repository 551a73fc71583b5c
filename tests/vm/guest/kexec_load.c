// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kexec(8) without what makes it slow in emulation, a digest of all that is loaded:
 *   kexec_load KERNEL INITRD COMMAND-LINE
 *   kexec_load -e                              starts it
 *   kexec_load -p KERNEL INITRD COMMAND-LINE   one that a panic starts, where crashkernel= has kept room for it
 *
 * KERNEL is a vmlinux, INITRD an initramfs; both may be block devices.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#define LOW      0x10000UL  /* boot parameters, command line and start are three pages from here */
#define HUGE     0x200000UL /* what a kernel is moved by */

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

/* To address 'to', or if that is 0 where it was linked for.  Its entry point; *ret_end: first address behind it. */
static uint64_t add_kernel(const struct mapped *file, uint64_t to, uint64_t *ret_end)
{
	const Elf64_Ehdr *elf = (void *)file->bytes;
	const Elf64_Phdr *header = (void *)(file->bytes + elf->e_phoff);
	uint64_t moved = to ? to - header->p_paddr : 0;
	unsigned int i;

	for (i = 0; i < elf->e_phnum; i++, header++) {
		if (header->p_type != PT_LOAD)
			continue;
		add(file->bytes + header->p_offset, header->p_filesz, header->p_paddr + moved,
		    header->p_memsz);
		*ret_end = header->p_paddr + moved + header->p_memsz;
	}
	return elf->e_entry + moved;
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

/* What the panicking kernel never used, and what is below 640 KiB, for the start of CPUs. */
static void fill_crash_map(struct boot_params *params, uint64_t start, uint64_t size)
{
	params->e820_table[0] = (struct boot_e820_entry){0, 0x9f000, 1};
	params->e820_table[1] = (struct boot_e820_entry){start, size, 1};
	params->e820_entries = 2;
}

/* Where crashkernel= has kept room. */
static uint64_t find_crash_region(uint64_t *ret_size)
{
	FILE *iomem = fopen("/proc/iomem", "r");
	uint64_t start, end;
	char line[256];

	while (iomem && fgets(line, sizeof(line), iomem)) {
		if (!strstr(line, "Crash kernel") ||
		    sscanf(line, " %" SCNx64 "-%" SCNx64, &start, &end) != 2)
			continue;
		fclose(iomem);
		*ret_size = end + 1 - start;
		return start;
	}
	fputs("there is no room for a crash kernel: boot with crashkernel=\n", stderr);
	exit(1);
}

/* The kernel is entered with all registers 0: mov $low, %esi; mov $entry, %eax; jmp *%rax */
static void write_start(uint8_t *code, uint64_t low_address, uint64_t entry)
{
	uint32_t low = (uint32_t)low_address, to = (uint32_t)entry;

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
	uint64_t entry, end = 0, at = LOW, crash = 0, crash_size;
	struct mapped kernel, initrd;

	if (argc == 2 && !strcmp(argv[1], "-e")) {
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, NULL);
		die("reboot");
	}
	if (argc == 5 && !strcmp(argv[1], "-p")) {
		crash = at = find_crash_region(&crash_size);
		argv++;
		argc--;
	}
	if (argc != 4) {
		fputs("usage: kexec_load [-p] KERNEL INITRD COMMAND-LINE\n", stderr);
		return 2;
	}
	kernel = map(argv[1]);
	initrd = map(argv[2]);
	strncpy(low + PAGE, argv[3], PAGE - 1);
	entry = add_kernel(&kernel, crash ? (crash + 2 * HUGE - 1) & ~(HUGE - 1) : 0, &end);
	end = (end + HUGE - 1) & ~(HUGE - 1);
	add(initrd.bytes, initrd.size, end, initrd.size);

	params->hdr.boot_flag = 0xaa55;
	memcpy(&params->hdr.header, "HdrS", 4);
	params->hdr.version = 0x020f;
	params->hdr.type_of_loader = 0xff;
	params->hdr.cmd_line_ptr = (uint32_t)(at + PAGE);
	params->hdr.cmdline_size = PAGE - 1;
	params->hdr.ramdisk_image = (uint32_t)end;
	params->hdr.ramdisk_size = (uint32_t)initrd.size;
	if (crash)
		fill_crash_map(params, crash, crash_size);
	else
		fill_memory_map(params);
	write_start((uint8_t *)low + 2 * PAGE, at, entry);
	add(low, sizeof(low), at, sizeof(low));

	if (syscall(SYS_kexec_load, at + 2 * PAGE, nr_segments, segments,
		    KEXEC_ARCH_X86_64 | (crash ? KEXEC_ON_CRASH : 0)))
		die("kexec_load");
	return 0;
}
