// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The image loader: what a good image becomes; that each of the broken ones in images/ is refused
 * with a sentence that names the fault; that no damaged file is believed; and that the monitors of
 * this tree link for whatever real kernels lie about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <elf.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>
#include <cmocka.h>

#include <gate_offsets.h>

#include "../../host/lib/internal.h"

#define GATE 0xffffffffc0100000
#define BASE (GATE + SM_VA_IMAGE)
#define FAR  0x1122334455667788
/* Of good's read-only segment: .rodata is 394 bytes, and the table is on a 64-byte boundary. */
#define DISPATCH 448

static const struct {
	const char *name;
	uint64_t value;
} symbols[] = {
	{"sm_cpu_state", GATE + SM_VA_CPU + SM_CPU_STATE},
	{"sm_ring", GATE + SM_VA_CPU + SM_CPU_RING},
	{"sm_gate_exit", GATE + GATE_EXIT_OFFSET},
	{"sm_off.task_struct.pid", 0x998},
	{"sm_size.task_struct", 0x2440},
	{"sm_sym.far", FAR},
	{"sm_sym.near", GATE},
};

/* ctx counts the calls. */
static int resolve(void *ctx, const char *symbol, uint64_t *ret_value)
{
	unsigned int *calls = ctx;
	size_t i;

	if (calls)
		++*calls;
	if (strcmp(symbol, "sm_off.task_struct.bitfield") == 0)
		return -EINVAL;
	for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		if (strcmp(symbol, symbols[i].name))
			continue;
		*ret_value = symbols[i].value;
		return 0;
	}
	return -ENOENT;
}

struct file {
	char *data; /* exactly that long, for the address sanitiser */
	size_t size;
};

static struct file read_file(const char *name)
{
	struct file file;
	char path[512];
	FILE *stream;
	long size;

	snprintf(path, sizeof(path), "%s/%s.o", IMAGES, name);
	stream = fopen(path, "rb");
	assert_non_null(stream);
	fseek(stream, 0, SEEK_END);
	size = ftell(stream);
	rewind(stream);
	assert_in_range(size, 1, 1 << 20);
	file.size = (size_t)size;
	file.data = malloc(file.size);
	assert_int_equal(fread(file.data, 1, file.size, stream), file.size);
	fclose(stream);
	return file;
}

/* Opens and links. */
static int load(const void *data, size_t size, struct sm_image **ret_image, struct sm_error *err)
{
	struct sm_image *image;
	int code;

	code = sm_image_open(data, size, &image, err);
	if (code)
		return code;
	code = sm_image_link(image, BASE, resolve, NULL, err);
	if (code)
		sm_image_close(image);
	else
		*ret_image = image;
	return code;
}

static struct sm_image *load_good(struct sm_ioc_load_image *ret_arg)
{
	struct file file = read_file("good");
	struct sm_image *image = NULL;
	struct sm_error err = {0};

	if (load(file.data, file.size, &image, &err))
		fail_msg("%s", err.text);
	free(file.data);
	sm_image_describe(image, ret_arg);
	return image;
}

static const unsigned char *bytes_of(const struct sm_segment *segment)
{
	return (const unsigned char *)(uintptr_t)segment->data;
}

static uint64_t read64(const struct sm_segment *segment, size_t offset)
{
	uint64_t value;

	memcpy(&value, bytes_of(segment) + offset, sizeof(value));
	return value;
}

static uint64_t read_signed32(const struct sm_segment *segment, size_t offset)
{
	int32_t value;

	memcpy(&value, bytes_of(segment) + offset, sizeof(value));
	return (uint64_t)(int64_t)value;
}

/* --- a good image
 * ---------------------------------------------------------------------------------- */

static void lays_out_segments(void **state)
{
	struct sm_ioc_load_image arg;
	struct sm_image *image = load_good(&arg);
	uint32_t i, end = 0;

	(void)state;
	assert_int_equal(arg.size, sizeof(arg));
	assert_int_equal(arg.reserved, 0);
	assert_int_equal(arg.nr_segments, 3);
	assert_int_equal(arg.segments[0].flags, SM_SEGMENT_READ | SM_SEGMENT_EXEC);
	assert_int_equal(arg.segments[1].flags, SM_SEGMENT_READ);
	assert_int_equal(arg.segments[2].flags, SM_SEGMENT_READ | SM_SEGMENT_WRITE);
	assert_int_equal(arg.segments[0].offset, 0);
	assert_int_equal(arg.segments[2].mem_size, 64 + 8192);
	for (i = 0; i < arg.nr_segments; i++) {
		assert_int_equal(arg.segments[i].offset % SM_PAGE_SIZE, 0);
		assert_true(arg.segments[i].offset >= end);
		assert_true(arg.segments[i].file_size <= arg.segments[i].mem_size);
		end = arg.segments[i].offset + arg.segments[i].mem_size;
	}
	sm_image_close(image);
}

/* .text.entry is not the first section of the object; .text follows it at once. */
static void puts_the_entry_first(void **state)
{
	struct sm_ioc_load_image arg;
	struct sm_image *image = load_good(&arg);

	(void)state;
	assert_memory_equal(bytes_of(&arg.segments[0]), "\xe9\x00\x00\x00\x00\x48\x8d\x05", 8);
	sm_image_close(image);
}

static void relocates(void **state)
{
	struct sm_ioc_load_image arg;
	struct sm_image *image = load_good(&arg);
	const struct sm_segment *text = &arg.segments[0], *data = &arg.segments[2];
	uint64_t first = BASE + 5, data_base = BASE + data->offset;

	(void)state;
	assert_int_equal(read64(data, 0), FAR);
	assert_int_equal(read64(data, 8), first);
	assert_int_equal(read64(data, 16), first + 0x1d - (data_base + 16));
	assert_int_equal(read64(data, 24), 0);
	assert_int_equal(read_signed32(data, 32), 0x998);
	assert_int_equal(read_signed32(data, 36),
			 GATE + SM_VA_CPU + SM_CPU_RING - (data_base + 36));
	/* leaq sm_cpu_state(%rip); movq $sm_off; movl $sm_size; call second; jmp sm_gate_exit */
	assert_int_equal(first + 7 + read_signed32(text, 5 + 3), GATE + SM_VA_CPU + SM_CPU_STATE);
	assert_int_equal(read_signed32(text, 5 + 10), 0x998);
	assert_int_equal(read_signed32(text, 5 + 15), 0x2440);
	assert_int_equal(read_signed32(text, 5 + 20), 0x1d - 24);
	assert_int_equal(first + 29 + read_signed32(text, 5 + 25), GATE + GATE_EXIT_OFFSET);
	sm_image_close(image);
}

/* A reload: security_two is hooked already, in slot 5, and slot 0 has a function that is not in this image. */
static void kept_hooks_keep_their_slots(void **state)
{
	const struct sm_image_hook kept[] = {
		{.function = "security_two", .nargs = 6, .slot = 5},
		{.function = "security_gone", .slot = 0},
	};
	const struct sm_image_hook *hooks;
	struct sm_ioc_load_image arg;
	struct sm_image *image;
	char *chosen;

	(void)state;
	assert_int_equal(sm_image_open_file(IMAGES "/good.o", &image, NULL), 0);
	sm_image_keep(image, kept, 2);
	assert_int_equal(sm_image_link(image, BASE, resolve, NULL, NULL), 0);
	sm_image_describe(image, &arg);
	assert_int_equal(sm_image_hooks(image, &hooks), 2);
	assert_string_equal(hooks[0].function, "security_one");
	assert_int_equal(hooks[0].slot, 1);
	assert_string_equal(hooks[1].function, "security_two");
	assert_int_equal(hooks[1].slot, 5);
	assert_int_equal(arg.abort_errno[1], 0);
	assert_int_equal(arg.abort_errno[5], 13);
	chosen = sm_image_chosen(image);
	assert_string_equal(chosen, "one");
	free(chosen);
	sm_image_close(image);
}

static void lists_hooks(void **state)
{
	const struct sm_image_hook *hooks;
	struct sm_ioc_load_image arg;
	struct sm_image *image = load_good(&arg);

	(void)state;
	assert_int_equal(sm_image_hooks(image, &hooks), 2);
	assert_string_equal(hooks[0].function, "security_one");
	assert_int_equal(hooks[0].nargs, 2);
	assert_int_equal(arg.abort_errno[0], 0);
	assert_string_equal(hooks[1].function, "security_two");
	assert_int_equal(hooks[1].nargs, 6);
	assert_int_equal(arg.abort_errno[1], 13);
	assert_int_equal(arg.abort_errno[2], 0);
	sm_image_close(image);
}

static void fills_the_dispatch_table(void **state)
{
	struct sm_ioc_load_image arg;
	struct sm_image *image = load_good(&arg);

	(void)state;
	assert_int_equal(read64(&arg.segments[1], DISPATCH), BASE + 5);
	assert_int_equal(read64(&arg.segments[1], DISPATCH + 8), BASE + 5 + 0x1d);
	assert_int_equal(read64(&arg.segments[1], DISPATCH + 16), 0);
	sm_image_close(image);
}

static void sorts_fixups(void **state)
{
	const struct sm_fixup *fixups;
	struct sm_ioc_load_image arg;
	struct sm_image *image = load_good(&arg);

	(void)state;
	fixups = (const void *)(uintptr_t)arg.fixups;
	assert_int_equal(arg.nr_fixups, 2);
	assert_int_equal(fixups[0].fault, 5 + 0x1d);
	assert_int_equal(fixups[0].fixup, 5 + 0x21);
	assert_int_equal(fixups[1].fault, 5 + 0x28);
	assert_int_equal(fixups[1].fixup, 5 + 0x21);
	sm_image_close(image);
}

/* The guest may have to be asked for each. */
static void resolves_each_symbol_once(void **state)
{
	struct file file = read_file("good");
	struct sm_image *image;
	unsigned int calls = 0;

	(void)state;
	assert_int_equal(sm_image_open(file.data, file.size, &image, NULL), 0);
	free(file.data);
	assert_int_equal(sm_image_link(image, BASE, resolve, &calls, NULL), 0);
	assert_int_equal(calls, 7); /* six symbols and weak_one */
	sm_image_close(image);
}

static void refuses_a_wild_gate_address(void **state)
{
	static const uint64_t gates[] = {0, SM_GATE_VA_MIN - SM_PAGE_SIZE,
					 SM_GATE_VA_MAX + SM_PAGE_SIZE, GATE + 8};
	struct file file = read_file("good");
	struct sm_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
		struct sm_image *image;

		assert_int_equal(sm_image_open(file.data, file.size, &image, NULL), 0);
		assert_int_equal(sm_image_link(image, gates[i] + SM_VA_IMAGE, resolve, NULL, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "gate"));
		sm_image_close(image);
	}
	free(file.data);
}

static int link_with(const char *monitors, struct sm_image **ret_image, struct sm_error *err)
{
	struct file file = read_file("good");

	assert_int_equal(sm_image_open(file.data, file.size, ret_image, NULL), 0);
	free(file.data);
	assert_int_equal(sm_image_choose(*ret_image, monitors, NULL), 0);
	return sm_image_link(*ret_image, BASE, resolve, NULL, err);
}

/* Slots are for what is chosen alone. */
static void chooses_monitors(void **state)
{
	static const struct {
		const char *list, *functions[3];
	} cases[] = {
		{NULL, {"security_one", "security_two"}},
		{"default", {"security_one", "security_two"}},
		{"one,one", {"security_one", "security_two"}},
		{"extra", {"security_three"}},
		{"extra,default", {"security_one", "security_two", "security_three"}},
		{"all", {"security_one", "security_two", "security_three"}},
		{"all,-extra", {"security_one", "security_two"}},
		{"all,-one", {"security_three"}},
		{"one,-one,one", {"security_one", "security_two"}},
	};
	const struct sm_image_hook *hooks;
	struct sm_ioc_load_image arg;
	struct sm_image *image;
	unsigned int i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(link_with(cases[i].list, &image, NULL), 0);
		n = sm_image_hooks(image, &hooks);
		while (n-- > 0)
			assert_string_equal(hooks[n].function, cases[i].functions[n]);
		n = sm_image_hooks(image, &hooks);
		assert_true(n == 3 || !cases[i].functions[n]);
		sm_image_describe(image, &arg);
		assert_int_equal(read64(&arg.segments[1], DISPATCH + (n - 1) * 8), BASE + 5 + 0x1d);
		assert_int_equal(read64(&arg.segments[1], DISPATCH + n * 8), 0);
		sm_image_close(image);
	}
}

static void refuses_monitors_that_are_not_there(void **state)
{
	static const char *const lists[] = {
		"",           "two",    "on",       "ones", "one,", ",one",           "one,,extra",
		"one, extra", "defaul", "defaults", "ALL",  "-one", "default,-extra", "all,-",
		"all,--one"};
	struct sm_image *image;
	struct sm_error err;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		assert_int_equal(link_with(lists[i], &image, &err), -ENOENT);
		assert_non_null(strstr(err.text, "it has one, extra"));
		sm_image_close(image);
	}
	assert_int_equal(link_with("one,two", &image, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no monitor \"two\""));
	sm_image_close(image);
}

/* --- broken images
 * --------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int code;
	const char *word; /* in the sentence */
} broken[] = {
	{"no_entry", -EINVAL, ".text.entry"},
	{"two_entries", -EINVAL, ".text.entry"},
	{"unresolved", -ENOENT, "structure member task_struct.absent"},
	{"unknown_symbol", -ENOENT, "memmove"},
	{"bitfield", -EINVAL, "bit-field"},
	{"reloc_range", -ERANGE, ".text+0x"},
	{"reloc_range_32", -ERANGE, ".text+0x"},
	{"reloc_type", -EINVAL, "type"},
	{"reloc_16", -EINVAL, "type 12 at .text+0x"},
	{"debug_reference", -EINVAL, "outside"},
	{"common", -EINVAL, "common"},
	{"event_undeclared", -ENOENT, "sm_event.opened"},
	{"schema_partial", -EINVAL, ".sm.schema"},
	{"schema_name", -EINVAL, "process_exec"},
	{"schema_size", -EINVAL, "third_event"},
	{"schema_different", -EINVAL, "second_event"},
	{"no_dispatch", -EINVAL, "dispatch"},
	{"dispatch_writable", -EINVAL, "dispatch"},
	{"dispatch_short", -EINVAL, "dispatch"},
	{"no_hooks", -EINVAL, "no monitors"},
	{"hooks_writable", -EINVAL, ".sm.hooks"},
	{"hooks_partial", -EINVAL, ".sm.hooks"},
	{"hooks_many", -E2BIG, "64 hooks"},
	{"hook_same", -EINVAL, "security_one"},
	{"hook_handler", -EINVAL, "handler"},
	{"hook_handler_null", -EINVAL, "handler"},
	{"hook_name_empty", -EINVAL, "names no function"},
	{"hook_name_control", -EINVAL, "names no function"},
	{"hook_name_long", -EINVAL, "names no function"},
	{"hook_name_unterminated", -EINVAL, "names no function"},
	{"hook_name_wild", -EINVAL, "names no function"},
	{"hook_nargs", -EINVAL, "7 arguments"},
	{"hook_errno", -EINVAL, "errno 4096"},
	{"hook_flags", -EINVAL, "flags 0x2"},
	{"monitor_none", -EINVAL, "names no monitor"},
	{"monitor_all", -EINVAL, "\"all\""},
	{"monitor_comma", -EINVAL, "\"one,two\""},
	{"monitor_long", -EINVAL, "names no monitor"},
	{"monitors_many", -E2BIG, "256 monitors"},
	{"fixup_double", -EINVAL, "two fix-ups"},
	{"fixup_data", -EINVAL, "fix-up"},
	{"fixup_target", -EINVAL, "fix-up"},
	{"fixup_wild", -EINVAL, "fix-up"},
	{"fixup_entry", -EINVAL, "fix-up"},
	{"fixup_partial", -EINVAL, ".sm.fixup"},
	{"fixups_many", -E2BIG, "4096 fix-ups"},
	{"write_exec", -EINVAL, ".both"},
	{"too_big", -E2BIG, "larger"},
	{"too_big_section", -E2BIG, ".bss.big"},
	{"huge_section", -E2BIG, ".bss.big"},
	{"alignment", -EINVAL, "8192"},
	{"constructor", -EINVAL, ".init_array"},
	{"tls", -EINVAL, ".tdata"},
	{"exec_without_bytes", -EINVAL, ".code.bss"},
};

static void refuses_broken_images(void **state)
{
	unsigned int failures = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct file file = read_file(broken[i].name);
		struct sm_image *image = NULL;
		struct sm_error err = {0};
		int code = load(file.data, file.size, &image, &err);

		free(file.data);
		sm_image_close(image);
		if (code == broken[i].code && err.code == code && strstr(err.text, broken[i].word))
			continue;
		failures++;
		print_message("# %s: %d, \"%s\"\n", broken[i].name, code, err.text);
	}
	assert_int_equal(failures, 0);
}

/* --- damaged files
 * --------------------------------------------------------------------------------- */

static void assert_refused(const struct file *file)
{
	struct sm_image *image = NULL;
	struct sm_error err = {0};

	assert_true(load(file->data, file->size, &image, &err) < 0);
	assert_true(err.code < 0);
	assert_true(err.text[0]);
}

/* The section headers are at the end. */
static void refuses_every_truncation(void **state)
{
	struct file file = read_file("good"), part;

	(void)state;
	for (part.size = 0; part.size < file.size; part.size += 1 + part.size / 64) {
		part.data = malloc(part.size ? part.size : 1);
		memcpy(part.data, file.data, part.size);
		assert_refused(&part);
		free(part.data);
	}
	free(file.data);
}

static void refuses_other_elf_files(void **state)
{
	struct file file = read_file("good");
	Elf64_Ehdr *header = (Elf64_Ehdr *)file.data, saved = *header;

	(void)state;
	header->e_type = ET_EXEC;
	assert_refused(&file);
	*header = saved;
	header->e_machine = EM_AARCH64;
	assert_refused(&file);
	*header = saved;
	header->e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused(&file);
	*header = saved;
	header->e_ident[EI_DATA] = ELFDATA2MSB;
	assert_refused(&file);
	*header = saved;
	header->e_shstrndx = 0x7fff;
	assert_refused(&file);
	*header = saved;
	header->e_shnum = 0xff00;
	assert_refused(&file);
	*header = saved;
	header->e_shoff = 0xfffffffffffffff0;
	assert_refused(&file);
	free(file.data);
}

static Elf64_Shdr *section(const struct file *file, const char *name)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)file->data;
	Elf64_Shdr *sections = (Elf64_Shdr *)(file->data + header->e_shoff);
	const char *names = file->data + sections[header->e_shstrndx].sh_offset;
	unsigned int i;

	for (i = 1; i < header->e_shnum; i++)
		if (strcmp(names + sections[i].sh_name, name) == 0)
			return &sections[i];
	fail_msg("no section %s", name);
	return NULL;
}

static void refuses_bad_section_headers(void **state)
{
	struct file file = read_file("good");
	Elf64_Shdr *rela = section(&file, ".rela.text"), *text = section(&file, ".text");
	Elf64_Shdr *symtab = section(&file, ".symtab"), saved;

	(void)state;
	saved = *text;
	text->sh_offset = 0xfffffffffffffff0;
	assert_refused(&file);
	*text = saved;
	text->sh_size = file.size;
	assert_refused(&file);
	*text = saved;
	text->sh_size = 4; /* relocations, and more, lie beyond */
	assert_refused(&file);
	*text = saved;
	text->sh_addralign = 3;
	assert_refused(&file);
	*text = saved;
	text->sh_name = 0xffffffff;
	assert_refused(&file);
	*text = saved;

	saved = *rela;
	rela->sh_info = 0xffff;
	assert_refused(&file);
	*rela = saved;
	rela->sh_link = 1;
	assert_refused(&file);
	*rela = saved;
	rela->sh_size = 0x7ffffffffffffff8;
	assert_refused(&file);
	*rela = saved;
	rela->sh_type = SHT_REL;
	rela->sh_entsize = sizeof(Elf64_Rel);
	assert_refused(&file);
	*rela = saved;

	saved = *symtab;
	symtab->sh_type = SHT_PROGBITS;
	assert_refused(&file);
	*symtab = saved;
	symtab->sh_size = sizeof(Elf64_Sym) * 2;
	assert_refused(&file);
	*symtab = saved;
	symtab->sh_link = 1;
	assert_refused(&file);
	free(file.data);
}

static void refuses_bad_relocations(void **state)
{
	struct file file = read_file("good");
	Elf64_Rela *rela = (Elf64_Rela *)(file.data + section(&file, ".rela.text")->sh_offset),
		   saved = *rela;

	(void)state;
	rela->r_offset = section(&file, ".text")->sh_size - 3;
	assert_refused(&file);
	rela->r_offset = 0xfffffffffffffffe;
	assert_refused(&file);
	*rela = saved;
	rela->r_info = ELF64_R_INFO(0xfffffffful, R_X86_64_PC32);
	assert_refused(&file);
	rela->r_info = ELF64_R_INFO(ELF64_R_SYM(saved.r_info), 0xffffffffu);
	assert_refused(&file);
	*rela = saved;
	rela->r_addend = 1L << 40;
	assert_refused(&file);
	free(file.data);
}

static void refuses_bad_symbols(void **state)
{
	struct file file = read_file("good");
	Elf64_Rela *rela = (Elf64_Rela *)(file.data + section(&file, ".rela.data")->sh_offset) + 1;
	Elf64_Sym *first = (Elf64_Sym *)(file.data + section(&file, ".symtab")->sh_offset) +
			   ELF64_R_SYM(rela->r_info);
	Elf64_Sym saved = *first;

	(void)state;
	first->st_shndx = 0x7000;
	assert_refused(&file);
	first->st_shndx = SHN_COMMON;
	assert_refused(&file);
	first->st_shndx = SHN_XINDEX;
	assert_refused(&file);
	*first = saved;
	first->st_value = 0xffffffffffffff00;
	assert_refused(&file);
	*first = saved;
	first->st_name = 0xffffffff;
	assert_refused(&file);
	free(file.data);
}

/* --- the monitors of this tree
 * --------------------------------------------------------------------- */

/* Types are those of a real kernel; symbols all exist. */
static int resolve_for_kernel(void *ctx, const char *symbol, uint64_t *ret_value)
{
	*ret_value = 0;
	if (strncmp(symbol, "sm_sym.", 7) == 0)
		return 0;
	if (strncmp(symbol, "sm_hassym.", 10) == 0) {
		*ret_value = 1;
		return 0;
	}
	return sm_resolve_symbol(ctx, symbol, ret_value);
}

static void assert_links_for(const char *vmlinux)
{
	struct sm_ioc_agent agent = {.gate_va = GATE, .page_offset = 0xffff888000000000};
	struct sm_error err = {0};
	struct sm_resolve ctx = {.fd = -1, .agent = &agent, .err = &err};
	struct btf *parsed = btf__parse_elf(vmlinux, NULL);
	const struct sm_image_hook *hooks;
	struct sm_btf *btf;
	const void *data;
	uint32_t size;
	struct sm_image *image;
	unsigned int i, count;

	assert_non_null(parsed);
	data = btf__raw_data(parsed, &size);
	assert_int_equal(sm_btf_open(data, size, &btf, &err), 0);
	btf__free(parsed);
	ctx.btf = btf;
	if (sm_image_open_file(MONITORS, &image, &err) || sm_image_choose(image, "all", &err) ||
	    sm_image_link(image, BASE, resolve_for_kernel, &ctx, &err))
		fail_msg("%s: %s", vmlinux, err.text);
	count = sm_image_hooks(image, &hooks);
	for (i = 0; i < count; i++) {
		int args = sm_btf_function_args(btf, hooks[i].function);

		/* shadowmon_* are the guest module's. */
		if (strncmp(hooks[i].function, "shadowmon_", 10) && args != (int)hooks[i].nargs)
			fail_msg("%s: %s has %d arguments, not %u", vmlinux, hooks[i].function,
				 args, hooks[i].nargs);
	}
	sm_image_close(image);
	sm_btf_close(btf);
	print_message("# %u hooks link for %s\n", count, vmlinux);
}

static void links_the_monitors_for_real_kernels(void **state)
{
	glob_t found;
	size_t i;

	(void)state;
	glob(LAB "/kernel/*/vmlinux", 0, NULL, &found);
	glob("/usr/src/linux-headers-*/vmlinux", GLOB_APPEND, NULL, &found);
	for (i = 0; i < found.gl_pathc; i++)
		assert_links_for(found.gl_pathv[i]);
	globfree(&found);
	if (i == 0)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lays_out_segments),
		cmocka_unit_test(puts_the_entry_first),
		cmocka_unit_test(relocates),
		cmocka_unit_test(lists_hooks),
		cmocka_unit_test(kept_hooks_keep_their_slots),
		cmocka_unit_test(fills_the_dispatch_table),
		cmocka_unit_test(sorts_fixups),
		cmocka_unit_test(resolves_each_symbol_once),
		cmocka_unit_test(refuses_a_wild_gate_address),
		cmocka_unit_test(chooses_monitors),
		cmocka_unit_test(refuses_monitors_that_are_not_there),
		cmocka_unit_test(refuses_broken_images),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_other_elf_files),
		cmocka_unit_test(refuses_bad_section_headers),
		cmocka_unit_test(refuses_bad_relocations),
		cmocka_unit_test(refuses_bad_symbols),
		cmocka_unit_test(links_the_monitors_for_real_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
