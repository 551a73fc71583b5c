// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading the compartment's image: a relocatable ELF object, as `ld -r` makes it.  The file may be
 * anybody's: every index, size and offset is checked before it is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"

#define SCHEMA_SECTION ".sm.schema"

static int bad(struct sm_error *err, const char *what)
{
	return sm_error_set(err, -EINVAL, "not a usable monitor image: %s", what);
}

static enum placement place(const GElf_Shdr *header, const char *name)
{
	if (header->sh_size == 0)
		return PLACE_NONE;
	if (strcmp(name, ".sm.fixup") == 0)
		return PLACE_FIXUP;
	if (!(header->sh_flags & SHF_ALLOC))
		return PLACE_NONE;
	if (header->sh_flags & SHF_EXECINSTR)
		return PLACE_TEXT;
	return header->sh_flags & SHF_WRITE ? PLACE_DATA : PLACE_RODATA;
}

/* Constructors, thread-local data and the like would load, and then not do what they promise. */
static bool is_loadable(const GElf_Shdr *header)
{
	switch (header->sh_type) {
	case SHT_PROGBITS:
	case SHT_NOBITS:
	case SHT_NOTE:
	case SHT_X86_64_UNWIND:
		return !(header->sh_flags & (SHF_TLS | SHF_COMPRESSED));
	default:
		return false;
	}
}

static int read_schema(struct sm_image *image, Elf_Scn *scn, const GElf_Shdr *header,
		       struct sm_error *err)
{
	Elf_Data *data = elf_rawdata(scn, NULL);

	if (header->sh_type != SHT_PROGBITS || (header->sh_flags & SHF_COMPRESSED) || !data ||
	    !data->d_buf || data->d_size != header->sh_size)
		return bad(err, "its section .sm.schema cannot be read");
	return sm_schema_add(image->schema, data->d_buf, data->d_size, err);
}

static int read_section(struct sm_image *image, Elf_Scn *scn, size_t strings, struct sm_error *err)
{
	size_t index = elf_ndxscn(scn);
	struct section *s = &image->sections[index];
	GElf_Shdr header;
	Elf_Data *data;

	if (!gelf_getshdr(scn, &header))
		return bad(err, "a section header cannot be read");
	s->name = elf_strptr(image->elf, strings, header.sh_name);
	if (!s->name)
		return bad(err, "a section has no name");
	if (header.sh_type == SHT_SYMTAB) {
		if (image->symbols_index)
			return bad(err, "it has two symbol tables");
		image->symbols_index = index;
		image->strings_index = header.sh_link;
	}
	if (header.sh_size && strcmp(s->name, SCHEMA_SECTION) == 0)
		return read_schema(image, scn, &header, err);
	s->placement = place(&header, s->name);
	if (s->placement == PLACE_NONE)
		return 0;
	if (!is_loadable(&header))
		return sm_error_set(
			err, -EINVAL,
			"section %s of the image is of a kind that the compartment has no "
			"use for (constructors, thread-local or compressed data)",
			s->name);
	if ((header.sh_flags & SHF_WRITE) && (header.sh_flags & SHF_EXECINSTR))
		return sm_error_set(err, -EINVAL,
				    "section %s of the image is writable and executable", s->name);
	if (header.sh_size > SM_IMAGE_MAX_SIZE)
		return sm_error_set(err, -E2BIG,
				    "section %s of the image is larger than the compartment",
				    s->name);
	if (header.sh_addralign > SM_PAGE_SIZE || (header.sh_addralign & (header.sh_addralign - 1)))
		return sm_error_set(err, -EINVAL,
				    "section %s of the image has an alignment of %llu", s->name,
				    (unsigned long long)header.sh_addralign);
	s->size = header.sh_size;
	s->align = header.sh_addralign ? (uint32_t)header.sh_addralign : 1;
	if (header.sh_type == SHT_NOBITS) {
		if (s->placement != PLACE_DATA)
			return sm_error_set(err, -EINVAL, "section %s of the image has no bytes",
					    s->name);
		return 0;
	}
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf || data->d_size != header.sh_size)
		return sm_error_set(err, -EINVAL, "section %s lies outside of the image's file",
				    s->name);
	s->bytes = data->d_buf;
	return 0;
}

static int read_sections(struct sm_image *image, struct sm_error *err)
{
	size_t strings;
	Elf_Scn *scn = NULL;
	int code;

	if (elf_getshdrnum(image->elf, &image->nr_sections) ||
	    elf_getshdrstrndx(image->elf, &strings))
		return bad(err, "its section headers cannot be read");
	if (image->nr_sections > IMAGE_SECTIONS_MAX)
		return bad(err, "it has too many sections");
	image->sections = calloc(image->nr_sections + 1, sizeof(*image->sections));
	if (!image->sections)
		return sm_error_set(err, -ENOMEM, "no memory for the image");
	while ((scn = elf_nextscn(image->elf, scn))) {
		code = read_section(image, scn, strings, err);
		if (code)
			return code;
	}
	if (!image->symbols_index)
		return bad(err, "it has no symbol table");
	return 0;
}

static int check_header(Elf *elf, struct sm_error *err)
{
	GElf_Ehdr header;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return bad(err, "it is no ELF file");
	if (gelf_getclass(elf) != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_machine != EM_X86_64 || header.e_type != ET_REL)
		return bad(err, "it is no relocatable x86-64 object (ld -r)");
	return 0;
}

static int open_after(const void *data, size_t size, const struct sm_schema *base,
		      struct sm_image **ret_image, struct sm_error *err)
{
	struct sm_image *image;
	int code;

	if (size > IMAGE_FILE_MAX)
		return bad(err, "it is larger than 16 MiB");
	image = calloc(1, sizeof(*image));
	if (!image)
		return sm_error_set(err, -ENOMEM, "no memory for the image");
	image->schema = base ? sm_schema_copy(base) : sm_schema_create();
	image->file = malloc(size ? size : 1);
	if (!image->file || !image->schema) {
		code = sm_error_set(err, -ENOMEM, "no memory for the image");
		goto close;
	}
	memcpy(image->file, data, size);
	elf_version(EV_CURRENT);
	image->elf = elf_memory(image->file, size);
	if (!image->elf) {
		code = bad(err, elf_errmsg(-1));
		goto close;
	}
	code = check_header(image->elf, err);
	if (!code)
		code = read_sections(image, err);
	if (code)
		goto close;
	*ret_image = image;
	return 0;

close:
	sm_image_close(image);
	return code;
}

int sm_image_open(const void *data, size_t size, struct sm_image **ret_image, struct sm_error *err)
{
	return open_after(data, size, NULL, ret_image, err);
}

int sm_image_open_file(const char *path, struct sm_image **ret_image, struct sm_error *err)
{
	return sm_image_open_file_after(path, NULL, ret_image, err);
}

int sm_image_open_file_after(const char *path, const struct sm_schema *base,
			     struct sm_image **ret_image, struct sm_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), code;
	struct stat st;
	char *data = NULL;
	ssize_t got;

	if (fd < 0)
		return sm_error_set(err, -errno, "cannot open the monitor image %s: %s", path,
				    strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > IMAGE_FILE_MAX) {
		code = sm_error_set(err, -EINVAL, "%s is no monitor image: no file of up to 16 MiB",
				    path);
		goto close;
	}
	data = malloc((size_t)st.st_size + 1);
	if (!data) {
		code = sm_error_set(err, -ENOMEM, "no memory for the image");
		goto close;
	}
	got = read(fd, data, (size_t)st.st_size);
	if (got != st.st_size)
		code = sm_error_set(err, -EIO, "cannot read %s", path);
	else
		code = open_after(data, (size_t)got, base, ret_image, err);
close:
	free(data);
	close(fd);
	return code;
}

void sm_image_close(struct sm_image *image)
{
	int i;

	if (!image)
		return;
	for (i = 0; i < 4; i++)
		free(image->segments[i].data);
	free(image->fixup_bytes);
	free(image->fixups);
	free(image->sections);
	free(image->choice);
	sm_schema_free(image->schema);
	if (image->elf)
		elf_end(image->elf);
	free(image->file);
	free(image);
}

struct sm_schema *sm_image_take_schema(struct sm_image *image)
{
	struct sm_schema *schema = image->schema;

	image->schema = NULL;
	return schema;
}

int sm_schema_from_image(const char *path, struct sm_schema **ret_schema, struct sm_error *err)
{
	struct sm_image *image;
	int code = sm_image_open_file(path, &image, err);

	if (code)
		return code;
	*ret_schema = sm_image_take_schema(image);
	sm_image_close(image);
	return 0;
}

int image_symbol(const struct sm_image *image, size_t index, GElf_Sym *ret_symbol,
		 const char **ret_name)
{
	Elf_Scn *scn = elf_getscn(image->elf, image->symbols_index);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

	if (!data || index > INT32_MAX || !gelf_getsym(data, (int)index, ret_symbol))
		return -EINVAL;
	*ret_name = elf_strptr(image->elf, image->strings_index, ret_symbol->st_name);
	return *ret_name ? 0 : -EINVAL;
}

unsigned char *image_at(const struct sm_image *image, uint64_t address, uint64_t len,
			enum placement *ret_placement)
{
	size_t i;

	for (i = 0; i < image->nr_sections; i++) {
		const struct section *s = &image->sections[i];
		uint64_t offset = address - s->address;

		if (s->placement == PLACE_NONE || s->placement == PLACE_FIXUP ||
		    address < s->address || offset > s->size || len > s->size - offset)
			continue;
		*ret_placement = s->placement;
		return s->image + offset;
	}
	return NULL;
}

unsigned int sm_image_hooks(const struct sm_image *image, const struct sm_image_hook **ret_hooks)
{
	*ret_hooks = image->hooks;
	return image->nr_hooks;
}

void sm_image_describe(const struct sm_image *image, struct sm_ioc_load_image *ret_arg)
{
	static const uint32_t flags[] = {
		[PLACE_TEXT] = SM_SEGMENT_READ | SM_SEGMENT_EXEC,
		[PLACE_RODATA] = SM_SEGMENT_READ,
		[PLACE_DATA] = SM_SEGMENT_READ | SM_SEGMENT_WRITE,
	};
	unsigned int i;

	*ret_arg = (struct sm_ioc_load_image){.size = sizeof(*ret_arg)};
	for (i = PLACE_TEXT; i <= PLACE_DATA; i++) {
		if (image->segments[i].size == 0)
			continue;
		ret_arg->segments[ret_arg->nr_segments++] = (struct sm_segment){
			.offset = image->segments[i].offset,
			.mem_size = image->segments[i].size,
			.file_size = image->segments[i].file_size,
			.flags = flags[i],
			.data = (uintptr_t)image->segments[i].data,
		};
	}
	ret_arg->fixups = (uintptr_t)image->fixups;
	ret_arg->nr_fixups = image->nr_fixups;
	ret_arg->dispatch = image->dispatch;
	ret_arg->unbound = image->unbound;
	ret_arg->policy = image->policy;
	for (i = 0; i < image->nr_hooks; i++)
		ret_arg->abort_errno[image->hooks[i].slot] = (uint16_t)image->hooks[i].abort_errno;
}

uint32_t sm_image_fixup(const struct sm_image *image, uint32_t offset)
{
	uint32_t low = 0, high = image->nr_fixups;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (image->fixups[middle].fault == offset)
			return image->fixups[middle].fixup;
		if (image->fixups[middle].fault < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}
