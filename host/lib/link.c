// SPDX-License-Identifier: GPL-2.0-or-later
/* Linking an image for one guest: layout and relocation. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shadowmon/layout.h>

#include "link_internal.h"

#define TRAP 0xcc /* int3 */

static uint32_t align_up(uint32_t value, uint32_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* --- layout -------------------------------------------------------------------------------------- */

static bool is_entry(const struct section *s)
{
	return strcmp(s->name, ".text.entry") == 0;
}

static int check_entry(struct link *l)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < l->image->nr_sections; i++)
		if (l->image->sections[i].placement == PLACE_TEXT)
			count += is_entry(&l->image->sections[i]);
	if (count != 1)
		return sm_error_set(l->err, -EINVAL,
				    "the monitor image has %u sections .text.entry instead of one: "
				    "link it with the runtime",
				    count);
	return 0;
}

/* Gives the sections of one kind their place; the entry point comes first. */
static int lay_out_kind(struct link *l, enum placement kind, uint32_t *offset)
{
	struct sm_image *image = l->image;
	uint32_t start = align_up(*offset, SM_PAGE_SIZE), at = start;
	size_t i;
	int pass;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < image->nr_sections; i++) {
			struct section *s = &image->sections[i];

			if (s->placement != kind || is_entry(s) != (pass == 0))
				continue;
			at = align_up(at, s->align);
			if (s->size > SM_IMAGE_MAX_SIZE - at)
				return sm_error_set(l->err, -E2BIG,
						    "the monitor image is larger than %d MiB",
						    SM_IMAGE_MAX_SIZE >> 20);
			s->address = l->base + at;
			at += (uint32_t)s->size;
		}
	}
	image->segments[kind].offset = start;
	image->segments[kind].size = at - start;
	image->segments[kind].file_size = at - start;
	*offset = at;
	return 0;
}

static int copy_kind(struct link *l, enum placement kind)
{
	struct sm_image *image = l->image;
	size_t i;

	image->segments[kind].data = malloc(image->segments[kind].size + 1);
	if (!image->segments[kind].data)
		return sm_error_set(l->err, -ENOMEM, "no memory for the image");
	memset(image->segments[kind].data, kind == PLACE_TEXT ? TRAP : 0,
	       image->segments[kind].size);
	for (i = 0; i < image->nr_sections; i++) {
		struct section *s = &image->sections[i];

		if (s->placement != kind)
			continue;
		s->image = image->segments[kind].data +
			   (s->address - l->base - image->segments[kind].offset);
		if (s->bytes)
			memcpy(s->image, s->bytes, s->size);
	}
	return 0;
}

/* Fix-ups are self-relative, so they need an address; it is behind the image. */
static int lay_out_fixups(struct link *l)
{
	struct sm_image *image = l->image;
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < image->nr_sections; i++) {
		if (image->sections[i].placement != PLACE_FIXUP)
			continue;
		if (size)
			return sm_error_set(l->err, -EINVAL,
					    "the monitor image has two .sm.fixup sections");
		size = image->sections[i].size;
		image->fixup_bytes = calloc(1, size + 1);
		if (!image->fixup_bytes)
			return sm_error_set(l->err, -ENOMEM, "no memory for the image");
		if (image->sections[i].bytes)
			memcpy(image->fixup_bytes, image->sections[i].bytes, size);
		image->sections[i].image = image->fixup_bytes;
		image->sections[i].address = l->base + SM_IMAGE_MAX_SIZE;
	}
	return 0;
}

static int lay_out(struct link *l)
{
	uint32_t offset = 0;
	int kind, code;

	code = check_entry(l);
	if (code)
		return code;
	for (kind = PLACE_TEXT; kind <= PLACE_DATA; kind++) {
		code = lay_out_kind(l, kind, &offset);
		if (!code)
			code = copy_kind(l, kind);
		if (code)
			return code;
	}
	l->image->size = offset;
	return lay_out_fixups(l);
}

/* --- symbols and relocations --------------------------------------------------------------------- */

const char *sm_symbol_kind(const char *symbol, const char **ret_name)
{
	static const struct {
		const char *prefix, *what;
	} kinds[] = {
		{"sm_off.", "structure member"}, {"sm_fsize.", "structure member"},
		{"sm_size.", "structure"},       {"sm_enum.", "enumerator"},
		{"sm_sym.", "kernel symbol"},
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(symbol, kinds[i].prefix, strlen(kinds[i].prefix)))
			continue;
		*ret_name = symbol + strlen(kinds[i].prefix);
		return kinds[i].what;
	}
	*ret_name = symbol;
	return NULL;
}

static int unresolved(struct link *l, const char *symbol)
{
	const char *name, *kind = sm_symbol_kind(symbol, &name);

	if (kind)
		return sm_error_set(l->err, -ENOENT,
				    "the guest's kernel has no %s %s, which the image needs", kind,
				    name);
	return sm_error_set(l->err, -ENOENT,
			    "the image needs the symbol %s, which nothing provides", name);
}

/* The number of a declared event's records; other symbols are the resolver's. */
static int undefined_value(struct link *l, const char *name, uint64_t *ret_value)
{
	static const char prefix[] = "sm_event.";
	const struct sm_schema_event *event;

	if (strncmp(name, prefix, strlen(prefix)))
		return l->resolve(l->ctx, name, ret_value);
	event = sm_schema_find(l->image->schema, name + strlen(prefix));
	if (!event)
		return -ENOENT;
	*ret_value = event->type;
	return 0;
}

static int compute_value(struct link *l, size_t index, uint64_t *ret_value)
{
	GElf_Sym symbol;
	const char *name;
	int code;

	if (image_symbol(l->image, index, &symbol, &name))
		return sm_error_set(l->err, -EINVAL,
				    "the image names symbol %zu, which it does not have", index);
	if (symbol.st_shndx == SHN_ABS) {
		*ret_value = symbol.st_value;
		return 0;
	}
	if (symbol.st_shndx != SHN_UNDEF) {
		const struct section *s;

		if (symbol.st_shndx >= l->image->nr_sections)
			return sm_error_set(l->err, -EINVAL,
					    "symbol %s of the image lies in no section", name);
		s = &l->image->sections[symbol.st_shndx];
		if (s->placement == PLACE_NONE || s->placement == PLACE_FIXUP ||
		    symbol.st_value > s->size)
			return sm_error_set(l->err, -EINVAL,
					    "symbol %s of the image lies outside of it", name);
		*ret_value = s->address + symbol.st_value;
		return 0;
	}
	code = undefined_value(l, name, ret_value);
	if ((code == -ENOENT || code == -ENODATA) && GELF_ST_BIND(symbol.st_info) == STB_WEAK) {
		*ret_value = 0;
		return 0;
	}
	if (code && l->missing) {
		l->values[index].missing = code;
		*ret_value = 0;
		return 0;
	}
	if (code == -ENOENT)
		return unresolved(l, name);
	if (code == -EINVAL)
		return sm_error_set(
			l->err, code,
			"%s is a bit-field in the guest's kernel; the image reads it as bytes",
			name);
	/* Whoever failed may have said more about it. */
	if (code && (!l->err || l->err->code != code))
		return sm_error_set(l->err, code, "cannot find out %s of the guest's kernel: %s",
				    name, strerror(-code));
	return code;
}

static int symbol_value(struct link *l, size_t index, uint64_t *ret_value)
{
	struct value *value = index < l->nr_values ? &l->values[index] : NULL;
	int code;

	if (!value)
		return sm_error_set(l->err, -EINVAL,
				    "the image names symbol %zu, which it does not have", index);
	if (!value->known) {
		code = compute_value(l, index, &value->value);
		if (code)
			return code;
		value->known = true;
	}
	*ret_value = value->value;
	return 0;
}

static int allocate_values(struct link *l)
{
	Elf_Scn *scn = elf_getscn(l->image->elf, l->image->symbols_index);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;

	l->nr_values = data ? data->d_size / sizeof(Elf64_Sym) : 0;
	l->values = calloc(l->nr_values + 1, sizeof(*l->values));
	if (!l->values)
		return sm_error_set(l->err, -ENOMEM, "no memory for the image's symbols");
	return 0;
}

static bool fits_signed(uint64_t value)
{
	return (int64_t)value == (int32_t)value;
}

/* Bytes that a relocation changes; 0: not one that static kernel code needs. */
static size_t width_of(uint32_t type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		return 4;
	default:
		return 0;
	}
}

static void tell_missing(const struct link *l, const struct section *target, const GElf_Rela *rela)
{
	size_t index = GELF_R_SYM(rela->r_info);
	struct sm_missing missing = {
		.code = l->values[index].missing,
		.section = target->name,
		.offset = rela->r_offset,
	};
	GElf_Sym symbol;

	if (image_symbol(l->image, index, &symbol, &missing.symbol) == 0)
		l->missing(l->ctx, &missing);
}

static int relocate_one(struct link *l, struct section *target, const GElf_Rela *rela)
{
	uint32_t type = (uint32_t)GELF_R_TYPE(rela->r_info);
	size_t width = width_of(type);
	uint64_t value = 0;
	bool fits = true;
	int code;

	if (type == R_X86_64_NONE)
		return 0;
	if (!width)
		return sm_error_set(
			l->err, -EINVAL,
			"relocation of type %u at %s+0x%llx of the image; build it as the SDK does",
			type, target->name, (unsigned long long)rela->r_offset);
	if (rela->r_offset > target->size || width > target->size - rela->r_offset ||
	    !target->image)
		return sm_error_set(l->err, -EINVAL,
				    "a relocation of the image lies outside of section %s",
				    target->name);
	code = symbol_value(l, GELF_R_SYM(rela->r_info), &value);
	if (code)
		return code;
	if (l->values[GELF_R_SYM(rela->r_info)].missing) {
		tell_missing(l, target, rela);
		return 0;
	}
	value += (uint64_t)rela->r_addend;
	switch (type) {
	case R_X86_64_64:
		break;
	case R_X86_64_32:
		fits = value <= UINT32_MAX;
		break;
	case R_X86_64_32S:
		fits = fits_signed(value);
		break;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		value -= target->address + rela->r_offset;
		fits = fits_signed(value);
		break;
	case R_X86_64_PC64:
		value -= target->address + rela->r_offset;
		break;
	}
	if (!fits)
		return sm_error_set(l->err, -ERANGE,
				    "a relocation at %s+0x%llx of the image does not reach",
				    target->name, (unsigned long long)rela->r_offset);
	memcpy(target->image + rela->r_offset, &value, width);
	return 0;
}

static int relocate(struct link *l)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(l->image->elf, scn))) {
		struct section *target;
		GElf_Shdr header;
		GElf_Rela rela;
		Elf_Data *data;
		int i, code;

		if (!gelf_getshdr(scn, &header) ||
		    (header.sh_type != SHT_RELA && header.sh_type != SHT_REL))
			continue;
		if (header.sh_info >= l->image->nr_sections)
			return sm_error_set(l->err, -EINVAL,
					    "relocations of the image are for no section");
		target = &l->image->sections[header.sh_info];
		if (target->placement == PLACE_NONE)
			continue;
		data = elf_getdata(scn, NULL);
		if (!data || header.sh_type != SHT_RELA ||
		    header.sh_link != l->image->symbols_index)
			return sm_error_set(l->err, -EINVAL,
					    "relocations of section %s cannot be read",
					    target->name);
		for (i = 0; gelf_getrela(data, i, &rela); i++) {
			code = relocate_one(l, target, &rela);
			if (code)
				return code;
		}
	}
	return 0;
}

int sm_image_link_all(struct sm_image *image, uint64_t base, sm_resolver resolve,
		      sm_missing_fn *missing, void *ctx, struct sm_error *err)
{
	struct link l = {.image = image,
			 .base = base,
			 .resolve = resolve,
			 .missing = missing,
			 .ctx = ctx,
			 .err = err};
	uint64_t gate = base - SM_VA_IMAGE;
	int code;

	if (gate != SM_PROCESS_GATE_VA &&
	    (gate < SM_GATE_VA_MIN || gate > SM_GATE_VA_MAX || gate % SM_PAGE_SIZE))
		return sm_error_set(err, -EINVAL, "the guest's gate cannot be at 0x%llx",
				    (unsigned long long)gate);
	if (err)
		err->code = 0;
	code = lay_out(&l);
	if (!code)
		code = allocate_values(&l);
	if (!code)
		code = relocate(&l);
	free(l.values);
	if (!code)
		code = image_read_hooks(image, base, err);
	if (!code)
		code = link_read_fixups(&l);
	return code;
}

int sm_image_link(struct sm_image *image, uint64_t base, sm_resolver resolve, void *ctx,
		  struct sm_error *err)
{
	return sm_image_link_all(image, base, resolve, NULL, ctx, err);
}

bool sm_image_locate(const struct sm_image *image, uint64_t address, const char **ret_section,
		     uint64_t *ret_offset)
{
	size_t i;

	for (i = 0; i < image->nr_sections; i++) {
		const struct section *s = &image->sections[i];

		if (s->placement == PLACE_NONE || s->placement == PLACE_FIXUP ||
		    address < s->address || address - s->address >= s->size)
			continue;
		*ret_section = s->name;
		*ret_offset = address - s->address;
		return true;
	}
	return false;
}
