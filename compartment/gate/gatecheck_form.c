// SPDX-License-Identifier: GPL-2.0-or-later
/* What the gate must contain, and that the rest of the page is fill; the report; the listing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatecheck.h"

#define FILL 0xcc

void gc_violate(struct gc_report *report, const struct gc_page *page, enum gc_rule rule,
		enum gc_mode mode, unsigned int offset, const char *reason, const char *path)
{
	static const char *const rules[] = {
		[GC_RULE_FORM] = "the gate's form",
		[GC_RULE_WRITE] = "rule 1, view 1 writes nothing but the armed byte",
		[GC_RULE_ARM] = "rule 2, from arm to VMFUNC by the mode trap and the CR3 test",
		[GC_RULE_FILL] = "rule 3, fill traps and nothing falls off the page",
	};
	struct gc_violation *violation;
	unsigned int i;

	for (i = 0; i < report->nr_violations && i < GC_VIOLATIONS_MAX; i++) {
		violation = &report->violations[i];
		if (violation->rule == rule && violation->mode == mode &&
		    violation->offset == offset)
			return;
	}
	report->nr_violations++;
	if (i == GC_VIOLATIONS_MAX)
		return;

	violation = &report->violations[i];
	violation->rule = rule;
	violation->mode = mode;
	violation->offset = offset;
	snprintf(violation->sentence, sizeof(violation->sentence),
		 "offset 0x%03x in %u-bit mode breaks %s: `%s' %s%s%s%s.", offset,
		 gc_mode_bits[mode], rules[rule], page->code[mode][offset].text, reason,
		 path[0] ? " (path: " : "", path, path[0] ? ")" : "");
}

static bool ends_block(const struct gc_insn *insn)
{
	return insn->kind == GC_TRAP || insn->kind == GC_JUMP;
}

/* Straight on through 64-bit code, from the first byte that is not fill to the end of the block. */
static unsigned int block_end(const struct gc_insn *code, unsigned int offset)
{
	while (offset < SM_PAGE_SIZE) {
		const struct gc_insn *insn = &code[offset];

		offset += insn->size ? insn->size : 1;
		if (ends_block(insn))
			break;
	}
	return offset;
}

static unsigned int skip_fill(const u8 *bytes, unsigned int offset)
{
	while (offset < SM_PAGE_SIZE && bytes[offset] == FILL)
		offset++;
	return offset;
}

static bool is_branch(const struct gc_insn *insn)
{
	return insn->kind == GC_JUMP || insn->kind == GC_BRANCH || insn->kind == GC_BRANCH_ZERO ||
	       insn->kind == GC_BRANCH_NONZERO;
}

static void count_block(const struct gc_insn *code, unsigned int offset, unsigned int end,
			bool *targets, struct gc_report *report)
{
	for (; offset < end; offset += code[offset].size ? code[offset].size : 1) {
		const struct gc_insn *insn = &code[offset];

		report->arms += insn->kind == GC_ARM;
		report->disarms += insn->kind == GC_DISARM;
		if (is_branch(insn) && insn->target >= 0 && insn->target < SM_PAGE_SIZE)
			targets[insn->target] = true;
	}
}

static bool holds_vmfunc(const struct gc_insn *code, unsigned int offset, unsigned int end)
{
	for (; offset < end; offset += code[offset].size ? code[offset].size : 1) {
		if (code[offset].kind == GC_VMFUNC)
			return true;
	}
	return false;
}

/* A block is code if the gate starts with it, jumps to it, or if it switches views.  Else it is bad
 * fill. */
static void check_fill(const u8 *bytes, const struct gc_page *page, struct gc_report *report)
{
	const struct gc_insn *code = page->code[GC_64];
	bool targets[SM_PAGE_SIZE] = {[0] = true};
	unsigned int offset, end;

	for (offset = skip_fill(bytes, 0); offset < SM_PAGE_SIZE; offset = skip_fill(bytes, end)) {
		end = block_end(code, offset);
		count_block(code, offset, end, targets, report);
	}
	for (offset = skip_fill(bytes, 0); offset < SM_PAGE_SIZE; offset = skip_fill(bytes, end)) {
		end = block_end(code, offset);
		if (!targets[offset] && !holds_vmfunc(code, offset, end))
			gc_violate(report, page, GC_RULE_FILL, GC_64, offset,
				   "is neither the gate's code nor 0xcc", "");
	}
}

static void violate_whole(struct gc_report *report, const struct gc_page *page, const char *reason)
{
	gc_violate(report, page, GC_RULE_FORM, GC_64, 0, reason, "");
}

void gc_form(const u8 *bytes, const struct gc_page *page, struct gc_report *report)
{
	unsigned int offset;

	check_fill(bytes, page, report);
	for (offset = 0; offset < SM_PAGE_SIZE; offset++)
		report->vmfuncs += page->code[GC_64][offset].kind == GC_VMFUNC;

	/* What else is wrong explains why a part is not found. */
	if (report->nr_violations)
		return;
	if (!report->arms)
		violate_whole(report, page, "starts a gate that never arms the list");
	else if (!report->disarms)
		violate_whole(report, page, "starts a gate that never disarms the list");
	else if (!report->ways_in)
		violate_whole(report, page, "starts a gate that never enters the gate view to arm");
	else if (!report->ways_back)
		violate_whole(report, page,
			      "starts a gate that never enters the gate view to disarm");
	else if (!report->entries)
		violate_whole(report, page, "starts a gate that never enters the monitor view");
	else if (!report->exits)
		violate_whole(report, page, "starts a gate that never returns to the guest");
}

int gatecheck_page(const u8 *bytes, struct gc_report *report)
{
	struct gc_page *page;
	int err = -ENOMEM;

	memset(report, 0, sizeof(*report));
	page = calloc(1, sizeof(*page));
	if (!page)
		return err;
	err = gc_decode(bytes, page);
	if (err)
		goto free;
	err = gc_walk(page, report);
	if (err)
		goto free;
	gc_form(bytes, page, report);
free:
	free(page);
	return err;
}

static void list_insn(const u8 *bytes, const struct gc_insn *insn, unsigned int offset)
{
	char hex[3 * 15 + 1] = "";
	unsigned int i;

	for (i = 0; i < insn->size && i < 15; i++)
		snprintf(hex + 3 * i, 4, "%02x ", bytes[offset + i]);
	printf("  0x%03x  %-31s %s\n", offset, hex, insn->text);
}

int gatecheck_list(const u8 *bytes)
{
	struct gc_page *page;
	unsigned int offset, end;
	int err = -ENOMEM;

	page = calloc(1, sizeof(*page));
	if (!page)
		return err;
	err = gc_decode(bytes, page);
	if (err)
		goto free;
	for (offset = skip_fill(bytes, 0); offset < SM_PAGE_SIZE; offset = skip_fill(bytes, end)) {
		end = block_end(page->code[GC_64], offset);
		while (offset < end) {
			list_insn(bytes, &page->code[GC_64][offset], offset);
			offset +=
				page->code[GC_64][offset].size ? page->code[GC_64][offset].size : 1;
		}
		putchar('\n');
	}
free:
	free(page);
	return err;
}
