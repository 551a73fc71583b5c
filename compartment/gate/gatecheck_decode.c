// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the instruction at an offset does, as far as view 1 is concerned.
 *
 * Only what is listed here passes: capstone knows neither all instructions of today's CPUs nor
 * those of tomorrow's, so bytes it cannot decode and instructions not listed are refused, never
 * taken for a trap.  The list is as short as the page's bytes, read from each offset, demand.
 *
 * Reads are harmless: view 1 maps the gate page, the list, trusted tables and B.  They hold nothing
 * of the compartment, and no device; host-physical addresses of EPT tables are the most that can be
 * learnt there.  Any other read is an EPT violation or a fault.
 *
 * A fault ends the path: IDTR points at what view 1 does not map, so that it becomes a triple
 * fault. So do #UD and #BP.  A jump out of the page ends it too: view 1 has no other executable
 * page.
 */
#include <capstone/capstone.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gatecheck.h"

const unsigned int gc_mode_bits[GC_MODES] = {16, 32, 64};

#define LONGEST_INSN 15

enum form {
	NO_MEMORY, /* operands are registers and immediates */
	REG_DEST,  /* the first operand, a general register, is all that it writes */
};

static const struct {
	x86_insn id;
	enum form form;
} plain[] = {
	{X86_INS_MOV, REG_DEST},   {X86_INS_LEA, REG_DEST},    {X86_INS_ADD, REG_DEST},
	{X86_INS_ADC, REG_DEST},   {X86_INS_AND, REG_DEST},    {X86_INS_OR, REG_DEST},
	{X86_INS_XOR, REG_DEST},   {X86_INS_INC, REG_DEST},    {X86_INS_DEC, REG_DEST},
	{X86_INS_SHR, REG_DEST},   {X86_INS_SAR, REG_DEST},    {X86_INS_ROR, REG_DEST},
	{X86_INS_XCHG, NO_MEMORY}, {X86_INS_LAHF, NO_MEMORY},  {X86_INS_SAHF, NO_MEMORY},
	{X86_INS_AAM, NO_MEMORY},  {X86_INS_FSQRT, NO_MEMORY}, {X86_INS_TEST, NO_MEMORY},
};

static void refuse(struct gc_insn *insn, enum gc_rule rule, const char *reason)
{
	insn->kind = GC_REFUSED;
	insn->rule = rule;
	insn->reason = reason;
}

/* What the manuals define as #UD and the page needs as such. */
static bool is_undefined(const u8 *bytes, size_t left, enum gc_mode mode)
{
	if (left >= 2 && bytes[0] == 0x0f && bytes[1] == 0x0b)
		return true;                                            /* UD2 */
	return mode == GC_64 && (bytes[0] == 0x1e || bytes[0] == 0xd4); /* PUSH DS, AAM */
}

enum gc_reg gc_known_reg(unsigned int reg)
{
	if (reg == X86_REG_EAX || reg == X86_REG_RAX)
		return GC_EAX;
	if (reg == X86_REG_ECX || reg == X86_REG_RCX)
		return GC_ECX;
	return GC_NO_REG;
}

static bool is_system_reg(const cs_x86_op *op)
{
	if (op->type != X86_OP_REG)
		return false;
	return (op->reg >= X86_REG_CR0 && op->reg <= X86_REG_DR15) || op->reg == X86_REG_CS ||
	       op->reg == X86_REG_DS || op->reg == X86_REG_ES || op->reg == X86_REG_FS ||
	       op->reg == X86_REG_GS || op->reg == X86_REG_SS;
}

/*
 * An immediate byte store, whose only good address in 64-bit mode is list[2]'s low byte:
 * RIP-relative, no register, no segment.  (A prefix in front makes it another instruction, at the
 * offset before.)
 *
 * In 16 and 32-bit mode the same bytes store a constant byte where DS's base and, in 16-bit code,
 * DI say, which may be anywhere in the list.  With PAE paging the attacker may get there: the
 * PDPTEs sit in registers and can name a trusted table, which maps list and gate.  One byte of an
 * EPTP is enough to forge a view, so what follows must trap before it comes to a VMFUNC, be it that
 * of the exit path; the host rewrites the list at every exit other than an interrupt's.  Hence
 * GC_NARROW_STORE.
 */
static void decode_store(const u8 *bytes, unsigned int offset, enum gc_mode mode,
			 struct gc_insn *insn)
{
	s32 distance;

	if (offset + 7 > SM_PAGE_SIZE) {
		refuse(insn, GC_RULE_WRITE, "stores to another place than the armed byte");
		return;
	}
	memcpy(&distance, bytes + 2, sizeof(distance));
	if ((s64)offset + 7 + distance != (s64)SM_VA_LIST + SM_LIST_MONITOR_BYTE)
		refuse(insn, GC_RULE_WRITE, "stores to another place than the armed byte");
	else if (bytes[6] != SM_EPTP_ARMED && bytes[6] != SM_EPTP_DISARMED)
		refuse(insn, GC_RULE_WRITE, "stores neither the armed nor the disarmed value");
	else if (mode != GC_64)
		insn->kind = GC_NARROW_STORE;
	else
		insn->kind = bytes[6] == SM_EPTP_ARMED ? GC_ARM : GC_DISARM;
}

/* Distances wrap as the instruction pointer does. */
static s64 jump_target(const cs_x86_op *op, enum gc_mode mode)
{
	if (mode == GC_16)
		return (int16_t)op->imm;
	return mode == GC_32 ? (s32)op->imm : op->imm;
}

/* JMP, Jcc and JRCXZ; LOOP would change ECX, XBEGIN is no mere branch. */
static bool is_direct(const cs_x86 *x86)
{
	const u8 *opcode = x86->opcode;

	if (x86->op_count != 1 || x86->operands[0].type != X86_OP_IMM)
		return false;
	return opcode[0] == 0xeb || opcode[0] == 0xe9 || opcode[0] == 0xe3 ||
	       (opcode[0] & 0xf0) == 0x70 || (opcode[0] == 0x0f && (opcode[1] & 0xf0) == 0x80);
}

static void decode_jump(const cs_insn *raw, enum gc_mode mode, struct gc_insn *insn)
{
	const cs_x86 *x86 = &raw->detail->x86;

	if (!is_direct(x86)) {
		refuse(insn, GC_RULE_FORM, "is not a direct near branch");
		return;
	}
	insn->target = jump_target(&x86->operands[0], mode);
	switch (raw->id) {
	case X86_INS_JMP:
		insn->kind = GC_JUMP;
		break;
	case X86_INS_JE:
		insn->kind = GC_BRANCH_ZERO;
		break;
	case X86_INS_JNE:
		insn->kind = GC_BRANCH_NONZERO;
		break;
	default:
		insn->kind = GC_BRANCH;
	}
}

/* MOV, MOVABS, XOR and LEA whose result can be told. */
static bool decode_load(const cs_insn *raw, struct gc_insn *insn)
{
	const cs_x86_op *dest = &raw->detail->x86.operands[0];
	const cs_x86_op *source = &raw->detail->x86.operands[1];

	/* A 32-bit result clears the upper half; a smaller one keeps what was there. */
	if (raw->detail->x86.op_count != 2 || dest->type != X86_OP_REG || dest->size < 4)
		return false;
	insn->reg = gc_known_reg(dest->reg);
	insn->base = GC_NO_REG;

	if (raw->id == X86_INS_LEA) {
		if (source->mem.index != X86_REG_INVALID)
			return false;
		insn->base = gc_known_reg(source->mem.base);
		insn->value = (u32)source->mem.disp;
		if (insn->base == GC_NO_REG)
			return false;
	} else if ((raw->id == X86_INS_MOV || raw->id == X86_INS_MOVABS) &&
		   source->type == X86_OP_IMM) {
		insn->value = (u32)source->imm;
	} else if (raw->id == X86_INS_XOR && source->type == X86_OP_REG &&
		   source->reg == dest->reg) {
		insn->value = 0;
	} else {
		return false;
	}
	if (insn->reg == GC_NO_REG)
		return false;
	insn->kind = GC_LOAD;
	return true;
}

static bool decode_cr3(const cs_insn *raw, enum gc_mode mode, struct gc_insn *insn)
{
	const cs_x86_op *dest = &raw->detail->x86.operands[0];
	const cs_x86_op *source = &raw->detail->x86.operands[1];

	if (raw->detail->x86.op_count != 2 || dest->type != X86_OP_REG)
		return false;
	if (raw->id == X86_INS_MOV && source->type == X86_OP_REG && source->reg == X86_REG_CR3)
		insn->kind = mode == GC_64 ? GC_CR3_LOAD : GC_PLAIN;
	else if (raw->id == X86_INS_SHR && dest->size == 8 && source->type == X86_OP_IMM &&
		 source->imm == SM_ALIAS_SHIFT)
		insn->kind = GC_CR3_SHIFT;
	else
		return false;
	insn->cr3_reg = dest->reg;
	return true;
}

/* Segment loads are not plain: they mark descriptors as accessed, in memory. */
static bool is_plain(const cs_insn *raw)
{
	const cs_x86 *x86 = &raw->detail->x86;
	size_t i;
	int k;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]) && plain[i].id != raw->id; i++)
		;
	if (i == sizeof(plain) / sizeof(plain[0]))
		return false;

	for (k = 0; k < x86->op_count; k++) {
		if (is_system_reg(&x86->operands[k]))
			return false;
		if (x86->operands[k].type == X86_OP_MEM && (plain[i].form == NO_MEMORY || k == 0))
			return false;
	}
	return true;
}

static void refuse_by_kind(const cs_insn *raw, struct gc_insn *insn)
{
	const cs_x86 *x86 = &raw->detail->x86;
	int k;

	for (k = 0; k < x86->op_count; k++) {
		if (x86->operands[k].type == X86_OP_MEM &&
		    (x86->operands[k].access & CS_AC_WRITE)) {
			refuse(insn, GC_RULE_WRITE, "writes memory");
			return;
		}
	}
	if (x86->op_count && x86->operands[0].type == X86_OP_REG &&
	    x86->operands[0].reg >= X86_REG_CR0 && x86->operands[0].reg <= X86_REG_CR15)
		refuse(insn, GC_RULE_ARM, "writes a control register");
	else
		refuse(insn, GC_RULE_WRITE, "is not one of those known to write no memory");
}

static bool is_branch(csh handle, const cs_insn *raw)
{
	return cs_insn_group(handle, raw, CS_GRP_JUMP) || cs_insn_group(handle, raw, CS_GRP_RET) ||
	       cs_insn_group(handle, raw, CS_GRP_IRET) || raw->id == X86_INS_LJMP;
}

static bool is_one_of(u8 byte, const char *set, size_t size)
{
	return memchr(set, byte, size) != NULL;
}

/*
 * CPUs and decoders differ over prefixes that mean nothing to an instruction, and over REX before
 * another prefix.  Segments alone are clear: of a read, or a hint before a conditional jump.
 */
static bool has_odd_prefix(const u8 *bytes, size_t size, enum gc_mode mode)
{
	static const char segments[] = "\x26\x2e\x36\x3e\x64\x65";
	static const char others[] = "\x66\x67\xf0\xf2\xf3";
	size_t i = 0;

	while (i < size && is_one_of(bytes[i], segments, 6))
		i++;
	if (mode == GC_64 && i + 1 < size && (bytes[i] & 0xf0) == 0x40) {
		i++;
		if ((bytes[i] & 0xf0) == 0x40 || is_one_of(bytes[i], segments, 6))
			return true;
	}
	return i < size && is_one_of(bytes[i], others, 5);
}

static void classify(csh handle, const cs_insn *raw, const u8 *bytes, enum gc_mode mode,
		     struct gc_insn *insn)
{
	if (has_odd_prefix(bytes, raw->size, mode))
		refuse(insn, GC_RULE_WRITE, "has a prefix that no instruction here needs");
	else if (bytes[0] == 0xc6 && bytes[1] == 0x05)
		decode_store(bytes, raw->address, mode, insn);
	else if (raw->id == X86_INS_VMFUNC)
		insn->kind = GC_VMFUNC;
	else if (raw->id == X86_INS_VMCALL)
		insn->kind = GC_VMCALL;
	else if (raw->id == X86_INS_CLI)
		insn->kind = GC_CLI;
	else if (raw->id == X86_INS_CLD)
		insn->kind = GC_CLD;
	else if (raw->id == X86_INS_NOP && raw->detail->x86.opcode[0] == 0x90)
		insn->kind = GC_NOP;
	else if (bytes[0] == 0x1e)
		/* PUSH DS: the armed value, read as 16 or 32-bit code; 64-bit code traps. */
		insn->kind = GC_NARROW_STORE;
	else if (is_branch(handle, raw))
		decode_jump(raw, mode, insn);
	else if (!decode_load(raw, insn) && !decode_cr3(raw, mode, insn)) {
		if (is_plain(raw))
			insn->kind = GC_PLAIN;
		else
			refuse_by_kind(raw, insn);
	}
}

static void decode_at(csh handle, cs_insn *raw, const u8 *page, unsigned int offset,
		      enum gc_mode mode, struct gc_insn *insn)
{
	const u8 *bytes = page + offset;
	size_t left = SM_PAGE_SIZE - offset;
	uint64_t address = offset;

	if (bytes[0] == 0xcc || is_undefined(bytes, left, mode)) {
		insn->kind = GC_TRAP;
		insn->size = bytes[0] == 0x0f ? 2 : 1;
		snprintf(insn->text, sizeof(insn->text), "%s", bytes[0] == 0xcc ? "int3" : "ud");
		return;
	}
	if (!cs_disasm_iter(handle, &bytes, &left, &address, raw)) {
		snprintf(insn->text, sizeof(insn->text), "(byte 0x%02x)", page[offset]);
		if (left < LONGEST_INSN)
			refuse(insn, GC_RULE_FILL, "runs over the page's end, or is unknown");
		else
			refuse(insn, GC_RULE_WRITE, "is unknown, and so may write memory");
		return;
	}
	insn->size = raw->size;
	snprintf(insn->text, sizeof(insn->text), "%.20s%s%.40s", raw->mnemonic,
		 raw->op_str[0] ? " " : "", raw->op_str);
	classify(handle, raw, page + offset, mode, insn);
}

/* Straight on from @offset, a trap within the @size bytes of the 64-bit instruction. */
static bool traps_within(const struct gc_insn *code, unsigned int offset, unsigned int size)
{
	unsigned int end = offset + size;

	while (offset < end) {
		const struct gc_insn *insn = &code[offset];

		if (insn->kind == GC_TRAP)
			return offset + insn->size <= end;
		if (insn->kind != GC_PLAIN && insn->kind != GC_LOAD && insn->kind != GC_NOP)
			return false;
		offset += insn->size;
	}
	return false;
}

static int decode_mode(const u8 *bytes, struct gc_insn *code, enum gc_mode mode)
{
	static const cs_mode modes[GC_MODES] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
	unsigned int offset;
	cs_insn *raw;
	csh handle;
	int err = -ENOTSUP;

	if (cs_open(CS_ARCH_X86, modes[mode], &handle) != CS_ERR_OK)
		return err;
	if (cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
		goto close;
	raw = cs_malloc(handle);
	if (!raw)
		goto close;
	for (offset = 0; offset < SM_PAGE_SIZE; offset++)
		decode_at(handle, raw, bytes, offset, mode, &code[offset]);
	err = 0;
	cs_free(raw, 1);
close:
	cs_close(&handle);
	return err;
}

int gc_decode(const u8 *bytes, struct gc_page *page)
{
	unsigned int offset;
	int mode, err;

	for (mode = 0; mode < GC_MODES; mode++) {
		err = decode_mode(bytes, page->code[mode], mode);
		if (err)
			return err;
	}
	for (offset = 0; offset < SM_PAGE_SIZE; offset++) {
		struct gc_insn *insn = &page->code[GC_64][offset];

		insn->mode_trap = insn->size == 10 &&
				  traps_within(page->code[GC_16], offset, insn->size) &&
				  traps_within(page->code[GC_32], offset, insn->size);
	}
	return 0;
}
