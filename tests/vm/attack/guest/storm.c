// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Storms: the second CPU sends NMIs, interrupts or SMIs to the first, which goes through the gate all the time.
 * None may be lost or come twice, and no monitor may fall victim to them.
 */

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/apicdef.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>
#include <asm/nmi.h>

#include "attack.h"
#include "gate_offsets.h"

#define TARGET   0
#define SENDER   1
#define ROUNDS   300
#define FLOOD    2000
#define PAUSE_US 50
#define WAIT_US  200000
#define SETTLED  5 /* passes */

struct storm {
	/* One that is counted; as the second of two at once. */
	void (*send)(const struct storm *storm, bool two);
	bool (*pass)(void); /* through the gate; true if it came back that way */
	u32 icr;            /* of the flood */
	u32 apic_id;
	unsigned int most; /* of two at once, how many are counted at most */
	unsigned long singles, pairs, flood, last, passes, broken;
	bool done;
};

static unsigned long (*ping)(unsigned long op);
static struct attack_page page;
static void __iomem *apic;
static bool counting;
static unsigned long seen;

/* No APIC mapped: it is an x2APIC. */
static void write_icr(u32 apic_id, u32 low)
{
	unsigned long flags;

	if (!apic) {
		wrmsrl(APIC_BASE_MSR + (APIC_ICR >> 4), (u64)apic_id << 32 | low);
		return;
	}
	local_irq_save(flags);
	writel(SET_XAPIC_DEST_FIELD(apic_id), apic + APIC_ICR2);
	writel(low, apic + APIC_ICR);
	local_irq_restore(flags);
}

static void write_apic(u32 reg, u32 value)
{
	if (apic)
		writel(value, apic + reg);
	else
		wrmsrl(APIC_BASE_MSR + (reg >> 4), value);
}

static u32 read_apic_id(void)
{
	u64 id;

	if (apic)
		return readl(apic + APIC_ID) >> 24;
	rdmsrl(APIC_BASE_MSR + (APIC_ID >> 4), id);
	return id;
}

static int count_nmi(unsigned int type, struct pt_regs *regs)
{
	if (!READ_ONCE(counting) || raw_smp_processor_id() != TARGET)
		return NMI_DONE;
	WRITE_ONCE(seen, seen + 1);
	return NMI_HANDLED;
}

static void count_call(void *unused)
{
	WRITE_ONCE(seen, seen + 1);
}

static void send_nmi(const struct storm *storm, bool two)
{
	write_icr(storm->apic_id, storm->icr);
	if (two)
		write_icr(storm->apic_id, storm->icr);
}

static void send_call(const struct storm *storm, bool two)
{
	if (two)
		write_icr(storm->apic_id, storm->icr);
	smp_call_function_single(TARGET, count_call, NULL, 0);
}

static bool pass_by_hook(void)
{
	ping(0);
	return true;
}

/*
 * An interrupt that was injected in view 1 or 2 may be lost with the attempt, and blocks those below it: that it has
 * ended is said for it, and those that the kernel waits for come anew.
 */
static void recover_interrupts(void)
{
	static const u8 vectors[] = {CALL_FUNCTION_SINGLE_VECTOR, CALL_FUNCTION_VECTOR,
				     RESCHEDULE_VECTOR, LOCAL_TIMER_VECTOR};
	unsigned int i;

	write_apic(APIC_EOI, 0);
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		write_icr(read_apic_id(), vectors[i]);
}

/* Behind the gate's first CLI, with interrupts on; a slot without a monitor. */
static bool pass_with_interrupts_on(void)
{
	struct jump jump = {
		.cr3 = tables_cr3(&page.tables),
		.rip = (u64)gate + GATE_ARM_OFFSET - 3,
		.rflags = X86_EFLAGS_IF,
		.slot = SM_SLOTS - 1,
	};

	if (run_jump(&jump) == LANDED_BACK)
		return true;
	recover_interrupts();
	return false;
}

static bool comes(unsigned long before)
{
	ktime_t end = ktime_add_us(ktime_get(), WAIT_US);

	while (READ_ONCE(seen) == before) {
		if (ktime_after(ktime_get(), end))
			return false;
		usleep_range(PAUSE_US, 2 * PAUSE_US);
	}
	return true;
}

/* What comes late, or twice, has come once the target, which may not have run for a while, has passed some more. */
static void settle(const struct storm *storm)
{
	unsigned long until = READ_ONCE(storm->passes) + SETTLED;

	do
		usleep_range(20 * PAUSE_US, 40 * PAUSE_US);
	while (READ_ONCE(storm->passes) < until);
}

/* How many of rounds came, each being waited for; the first that does not come is the last. */
static unsigned long send_and_wait(const struct storm *storm, unsigned int rounds, bool two)
{
	unsigned long start = READ_ONCE(seen), before;

	do {
		before = READ_ONCE(seen);
		storm->send(storm, two);
	} while (comes(before) && --rounds);
	settle(storm);
	return READ_ONCE(seen) - start;
}

static int send_all(void *data)
{
	struct storm *storm = data;
	unsigned long before;
	unsigned int i;

	storm->singles = send_and_wait(storm, ROUNDS, false);
	storm->pairs = send_and_wait(storm, ROUNDS, true);
	before = READ_ONCE(seen);
	for (i = 0; i < FLOOD; i++)
		write_icr(storm->apic_id, storm->icr);
	settle(storm);
	storm->flood = READ_ONCE(seen) - before;
	storm->last = send_and_wait(storm, 1, false);
	WRITE_ONCE(storm->done, true);
	return 0;
}

static bool is_plausible(const struct storm *storm)
{
	return !storm->broken && storm->singles == ROUNDS && storm->pairs >= ROUNDS &&
	       storm->pairs <= ROUNDS * storm->most && storm->flood <= FLOOD && storm->last == 1;
}

static enum outcome pass_in_storm(struct storm *storm)
{
	struct task_struct *sender = kthread_create(send_all, storm, "attack_storm");

	if (IS_ERR(sender))
		return ATTACK_IMPOSSIBLE;
	kthread_bind(sender, SENDER);
	storm->apic_id = read_apic_id();
	WRITE_ONCE(counting, true);
	storm->pass();
	wake_up_process(sender);
	while (!READ_ONCE(storm->done)) {
		storm->broken += !storm->pass();
		WRITE_ONCE(storm->passes, storm->passes + 1);
	}
	WRITE_ONCE(counting, false);
	attack_note(
		"%lu of %u single, %lu of %u twice, %lu of %u at once, %lu of 1 seen in %lu passes, %lu broken",
		storm->singles, ROUNDS, storm->pairs, ROUNDS, storm->flood, FLOOD, storm->last,
		storm->passes, storm->broken);
	return is_plausible(storm) ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum outcome run_storm(struct storm *storm)
{
	cpumask_t allowed;
	enum outcome outcome;
	u64 base;

	ping = attack_symbol("shadowmon_ping");
	rdmsrl(MSR_IA32_APICBASE, base);
	if (!(base & X2APIC_ENABLE))
		apic = ioremap(base & PAGE_MASK, PAGE_SIZE);
	if (!ping || !cpu_online(SENDER) || page_create(&page))
		return ATTACK_IMPOSSIBLE;
	page_aim(&page, GATE_ARM_OFFSET, false);
	cpumask_copy(&allowed, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(TARGET));
	outcome = pass_in_storm(storm);
	set_cpus_allowed_ptr(current, &allowed);
	page_destroy(&page);
	if (apic)
		iounmap(apic);
	return outcome;
}

static enum outcome nmi_storm(void)
{
	struct storm storm = {
		.send = send_nmi, .pass = pass_by_hook, .icr = APIC_DM_NMI, .most = 2};
	enum outcome outcome;

	if (register_nmi_handler(NMI_LOCAL, count_nmi, 0, "attack"))
		return ATTACK_IMPOSSIBLE;
	outcome = run_storm(&storm);
	unregister_nmi_handler(NMI_LOCAL, "attack");
	return outcome;
}

static enum outcome interrupt_storm(void)
{
	struct storm storm = {
		.send = send_call, .pass = pass_by_hook, .icr = RESCHEDULE_VECTOR, .most = 1};

	return run_storm(&storm);
}

static enum outcome interrupt_storm_let_in(void)
{
	struct storm storm = {.send = send_call,
			      .pass = pass_with_interrupts_on,
			      .icr = RESCHEDULE_VECTOR,
			      .most = 1};

	return run_storm(&storm);
}

/* --- SMIs: KVM puts the CPU's registers into SMRAM, which without a firmware's care is the guest's RAM ------- */

#define SMRAM          (0x30000 + 0x8000) /* SMBASE as at reset, and where the handler starts */
#define SMRAM_SIZE     0x8000
#define SMRAM_RIP      0x7f78 /* AMD64 APM vol. 2, "SMRAM State-Save Area" */
#define PASSES_A_COUNT 200    /* reading the count exits; in between is the gate */

static u8 *smram;
static unsigned long leaks;

static bool pass_and_count_smis(void)
{
	unsigned int i;
	u64 count;

	for (i = 0; i < PASSES_A_COUNT; i++)
		ping(0);
	rdmsrl(MSR_SMI_COUNT, count);
	WRITE_ONCE(seen, count);
	return true;
}

static void send_smi(const struct storm *storm, bool two)
{
	u64 offset = READ_ONCE(*(u64 *)(smram + SMRAM_RIP)) - (u64)gate;

	leaks += offset >= SM_VA_IMAGE && offset < SM_VA_END;
	send_nmi(storm, two);
}

static enum outcome smi_storm(void)
{
	static const u8 rsm[] = {0x0f, 0xaa};
	struct storm storm = {
		.send = send_smi, .pass = pass_and_count_smis, .icr = APIC_DM_SMI, .most = 2};
	enum outcome outcome = ATTACK_IMPOSSIBLE;
	u8 *before = kmalloc(SMRAM_SIZE, GFP_KERNEL);
	u64 count;

	smram = memremap(SMRAM, SMRAM_SIZE, MEMREMAP_WB);
	if (!before || !smram || rdmsrl_safe(MSR_SMI_COUNT, &count))
		goto out;
	memcpy(before, smram, SMRAM_SIZE);
	memset(smram, 0, SMRAM_SIZE);
	memcpy(smram, rsm, sizeof(rsm));
	leaks = 0;
	outcome = run_storm(&storm);
	if (leaks)
		outcome = ATTACK_SUCCEEDED;
	memcpy(smram, before, SMRAM_SIZE);
out:
	if (smram)
		memunmap(smram);
	kfree(before);
	return outcome;
}

const struct attack storm_attacks[] = {{"nmi-storm", nmi_storm},
				       {"ipi-storm", interrupt_storm},
				       {"ipi-storm-let-in", interrupt_storm_let_in},
				       {"smi-storm", smi_storm},
				       {}};
