// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel_files.h"

#define BTF_FILE_MAX     (64u << 20)
#define SYMBOLS_FILE_MAX (64u << 20)

/* Files of /proc and /sys do not tell their size.  A NUL follows what was read. */
static int read_all(int fd, size_t max, char **ret_data, size_t *ret_size)
{
	size_t size = 0, room = 0;
	char *data = NULL, *larger;
	ssize_t got;
	int code;

	for (;;) {
		if (size == room) {
			room = room ? 2 * room : 1 << 16;
			code = room <= max ? -ENOMEM : -EFBIG;
			larger = room <= max ? realloc(data, room + 1) : NULL;
			if (!larger)
				goto free;
			data = larger;
		}
		got = read(fd, data + size, room - size);
		code = -errno;
		if (got < 0)
			goto free;
		if (got == 0)
			break;
		size += (size_t)got;
	}
	data[size] = '\0';
	*ret_data = data;
	*ret_size = size;
	return 0;

free:
	free(data);
	return code;
}

static int read_file(const char *path, size_t max, char **ret_data, size_t *ret_size,
		     struct sm_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), code = fd < 0 ? -errno : 0;

	if (!code)
		code = read_all(fd, max, ret_data, ret_size);
	if (fd >= 0)
		close(fd);
	return code ? sm_error_set(err, code, "cannot read %s: %s", path, strerror(-code)) : 0;
}

/* --- BTF ------------------------------------------------------------------------------------------ */

static Elf_Data *btf_section(Elf *elf)
{
	size_t strings;
	Elf_Scn *scn = NULL;
	GElf_Shdr header;
	const char *name;

	if (elf_getshdrstrndx(elf, &strings))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		name = gelf_getshdr(scn, &header) ? elf_strptr(elf, strings, header.sh_name) : NULL;
		if (name && strcmp(name, ".BTF") == 0)
			return elf_rawdata(scn, NULL);
	}
	return NULL;
}

/* Large kernels with debugging information are not read as a whole. */
static int open_elf(const char *path, struct sm_btf **ret_btf, struct sm_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), code;
	Elf_Data *data = NULL;
	Elf *elf = NULL;

	if (fd < 0)
		return sm_error_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		data = btf_section(elf);
	if (data && data->d_buf)
		code = sm_btf_open(data->d_buf, data->d_size, ret_btf, err);
	else
		code = sm_error_set(err, -EINVAL, "%s has no section .BTF", path);
	elf_end(elf);
	close(fd);
	return code;
}

static bool is_elf(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[SELFMAG];
	bool is = fd >= 0 && read(fd, magic, SELFMAG) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG);

	if (fd >= 0)
		close(fd);
	return is;
}

int sm_btf_open_file(const char *path, struct sm_btf **ret_btf, struct sm_error *err)
{
	char text[sizeof(err->text)];
	struct sm_error why = {0};
	size_t size;
	char *data;
	int code;

	if (is_elf(path))
		return open_elf(path, ret_btf, err);
	code = read_file(path, BTF_FILE_MAX, &data, &size, err);
	if (code)
		return code;
	code = sm_btf_open(data, size, ret_btf, &why);
	free(data);
	snprintf(text, sizeof(text), "%s", why.text);
	return code ? sm_error_set(err, code, "%s is no kernel's BTF: %s", path, text) : 0;
}

/* --- symbols -------------------------------------------------------------------------------------- */

int sm_symbols_read(const char *path, char **ret_text, struct sm_error *err)
{
	size_t size;
	int code = read_file(path, SYMBOLS_FILE_MAX, ret_text, &size, err);
	uint64_t address;

	if (code)
		return code;
	/* Each kernel has it. */
	if (sm_symbols_find(*ret_text, "_stext", &address) == 0)
		return 0;
	free(*ret_text);
	return sm_error_set(err, -EINVAL, "%s is no System.map: it does not have _stext", path);
}

int sm_symbols_find(const char *text, const char *name, uint64_t *ret_address)
{
	size_t len = strlen(name);
	const char *line, *end, *at;

	for (line = text; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		/* "ADDRESS TYPE NAME", and in /proc/kallsyms perhaps a module's name. */
		at = memchr(line, ' ', (size_t)(end - line));
		if (!at || end - at < 3 || (size_t)(end - at - 3) < len ||
		    strncmp(at + 3, name, len) || !strchr("\n\t ", at[3 + len]))
			continue;
		*ret_address = strtoull(line, NULL, 16);
		return 0;
	}
	return -ENOENT;
}
