// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel is given by files here, which may be anybody's; names in them end up in sentences. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "internal.h"
#include "kernel_files.h"

/* Any kernel's will do: nothing of the linked image is run. */
#define GATE_VA 0xffffffffc0000000

static const struct sm_ioc_agent any_agent = {
	.gate_va = GATE_VA,
	.page_offset = 0xffff888000000000,
	.direct_map_size = 0x40000000,
	.kernel_va = 0xffffffff80000000,
	.kernel_size = 0x40000000,
};

struct fit {
	struct sm_fit *fit;
	struct sm_resolve resolve;
	const struct sm_btf *btf;
	char *symbols; /* text; NULL: not given */
	bool failed;   /* no memory */
};

/* --- findings ------------------------------------------------------------------------------------ */

/* The one of that name, perhaps a new one; NULL without memory. */
static struct sm_finding *finding_of(struct fit *f, const char *what, const char *name)
{
	struct sm_finding *finding;
	size_t i;

	for (i = 0; i < f->fit->count; i++) {
		finding = &f->fit->findings[i];
		if (strcmp(finding->what, what) == 0 && strcmp(finding->name, name) == 0)
			return finding;
	}
	finding = reallocarray(f->fit->findings, f->fit->count + 1, sizeof(*finding));
	if (!finding) {
		f->failed = true;
		return NULL;
	}
	f->fit->findings = finding;
	finding += f->fit->count++;
	*finding = (struct sm_finding){.what = what};
	snprintf(finding->name, sizeof(finding->name), "%s", name);
	return finding;
}

static void add_place(struct fit *f, struct sm_finding *finding, const char *section,
		      uint64_t offset)
{
	struct sm_place *place =
		reallocarray(finding->places, finding->nr_places + 1, sizeof(*place));

	if (!place) {
		f->failed = true;
		return;
	}
	finding->places = place;
	place += finding->nr_places++;
	*place = (struct sm_place){.offset = offset};
	snprintf(place->section, sizeof(place->section), "%s", section);
}

__attribute__((format(printf, 4, 5))) static void say(struct fit *f, struct sm_finding *finding,
						      bool missing, const char *fmt, ...)
{
	struct sm_error text;
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding->text, sizeof(finding->text), fmt, args);
	va_end(args);
	/* Printable, as all that is told of a file. */
	sm_error_set(&text, 0, "%s", finding->text);
	snprintf(finding->text, sizeof(finding->text), "%.300s", text.text);
	finding->missing = missing;
	f->fit->missing += missing;
}

/* --- undefined symbols --------------------------------------------------------------------------- */

/* "STRUCT.MEMBER": whether it is the structure itself that is not there. */
static bool lacks_type(const struct fit *f, const char *spec)
{
	char type[128];
	uint64_t size;

	snprintf(type, sizeof(type), "%.*s", (int)strcspn(spec, "."), spec);
	return sm_btf_size(f->btf, type, &size) != 0;
}

static void describe(struct fit *f, struct sm_finding *finding, const struct sm_missing *missing)
{
	const char *name = finding->name, *member = strchr(name, '.');
	int len = (int)strcspn(name, ".");

	if (missing->code == -ENODATA)
		say(f, finding, false, "whether there is a kernel symbol %s, a System.map tells",
		    name);
	else if (missing->code == -EINVAL)
		say(f, finding, true, "%s is a bit-field; the image reads it as bytes", name);
	else if (member && strcmp(finding->what, "structure member") == 0 && !lacks_type(f, name))
		say(f, finding, true, "structure %.*s has no member %s", len, name, member + 1);
	else if (member && strcmp(finding->what, "structure member") == 0)
		say(f, finding, true, "there is no structure %.*s, of which the image wants %s",
		    len, name, member + 1);
	else
		say(f, finding, true, "there is no %s %s", finding->what, name);
}

static void on_missing(void *ctx, const struct sm_missing *missing)
{
	struct fit *f = ctx;
	const char *name, *what = sm_symbol_kind(missing->symbol, &name);
	struct sm_finding *finding = finding_of(f, what ? what : "symbol", name);

	if (!finding)
		return;
	if (!finding->text[0])
		describe(f, finding, missing);
	add_place(f, finding, missing->section, missing->offset);
}

/* 0 and its address, or any; -ENOENT: the kernel has no such symbol; -ENODATA: the files do not tell. */
static int has_symbol(const struct fit *f, const char *name, uint64_t *ret_value)
{
	*ret_value = GATE_VA;
	if (f->symbols)
		return sm_symbols_find(f->symbols, name, ret_value);
	return sm_btf_has_variable(f->btf, name) || sm_btf_function_args(f->btf, name) != -ENOENT
		       ? 0
		       : -ENODATA;
}

static int resolve(void *ctx, const char *symbol, uint64_t *ret_value)
{
	static const char address[] = "sm_sym.", test[] = "sm_hassym.";
	struct fit *f = ctx;
	uint64_t ignored;

	if (strncmp(symbol, address, strlen(address)) == 0)
		return has_symbol(f, symbol + strlen(address), ret_value);
	if (strncmp(symbol, test, strlen(test)) == 0) {
		*ret_value = has_symbol(f, symbol + strlen(test), &ignored) == 0;
		return 0;
	}
	return sm_resolve_symbol(&f->resolve, symbol, ret_value);
}

/* --- hooks --------------------------------------------------------------------------------------- */

/* Functions of the guest module, which comes along: no kernel's files know them. */
static bool is_of_guest_module(const char *function)
{
	return strncmp(function, "shadowmon_", strlen("shadowmon_")) == 0;
}

static void check_hook(struct fit *f, const struct sm_image *image,
		       const struct sm_image_hook *hook)
{
	int args = sm_btf_function_args(f->btf, hook->function);
	struct sm_finding *finding;
	const char *section;
	uint64_t at;

	if (args == (int)hook->nargs || is_of_guest_module(hook->function))
		return;
	finding = finding_of(f, "function", hook->function);
	if (!finding)
		return;
	if (args >= 0)
		say(f, finding, true, "%s has %d arguments, the image expects %u", hook->function,
		    args, hook->nargs);
	else if (args != -ENOENT)
		say(f, finding, true, "%s has arguments that are not in integer registers",
		    hook->function);
	else if (f->symbols && sm_symbols_find(f->symbols, hook->function, &at))
		say(f, finding, true, "there is no function %s", hook->function);
	else
		say(f, finding, false,
		    "the BTF does not know %s: a module's function, or one without types",
		    hook->function);
	if (sm_image_locate(image, hook->handler, &section, &at))
		add_place(f, finding, section, at);
}

static int check_image(struct fit *f, struct sm_image *image, struct sm_error *err)
{
	const struct sm_image_hook *hooks;
	unsigned int count, i;
	int code;

	code = sm_image_choose(image, "all", err);
	if (code)
		return code;
	code = sm_image_link_all(image, GATE_VA + SM_VA_IMAGE, resolve, on_missing, f, err);
	if (code)
		return code;
	count = sm_image_hooks(image, &hooks);
	for (i = 0; i < count; i++)
		check_hook(f, image, &hooks[i]);
	return f->failed ? sm_error_set(err, -ENOMEM, "no memory for what the kernel lacks") : 0;
}

int sm_fit_check(const char *image_path, const char *btf_path, const char *symbols_path,
		 struct sm_fit *ret_fit, struct sm_error *err)
{
	struct sm_fit fit = {0};
	struct fit f = {.fit = &fit};
	struct sm_image *image;
	struct sm_btf *btf;
	int code;

	code = sm_image_open_file(image_path, &image, err);
	if (code)
		return code;
	code = sm_btf_open_file(btf_path, &btf, err);
	if (code)
		goto close_image;
	if (symbols_path) {
		code = sm_symbols_read(symbols_path, &f.symbols, err);
		if (code)
			goto close_btf;
	}
	f.btf = btf;
	f.resolve = (struct sm_resolve){.fd = -1, .btf = btf, .agent = &any_agent, .process = true};
	code = check_image(&f, image, err);
	free(f.symbols);
	if (code)
		sm_fit_free(&fit);
	else
		*ret_fit = fit;
close_btf:
	sm_btf_close(btf);
close_image:
	sm_image_close(image);
	return code;
}

void sm_fit_free(struct sm_fit *fit)
{
	size_t i;

	for (i = 0; i < fit->count; i++)
		free(fit->findings[i].places);
	free(fit->findings);
	*fit = (struct sm_fit){0};
}
