// SPDX-License-Identifier: GPL-2.0-or-later
/* What the processor must offer, by its MSRs; without those, by what /proc/cpuinfo says of them. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor_internal.h"

/* Intel SDM vol. 3, appendix A; the upper half of a control MSR tells what may be 1. */
#define MSR_PROCBASED_CTLS  0x482
#define MSR_PROCBASED_CTLS2 0x48b
#define MSR_EPT_VPID_CAP    0x48c
#define MSR_VMFUNC          0x491

#define ALLOWED_1(bit)        (1ull << (32 + (bit)))
#define CTLS_SECONDARY        ALLOWED_1(31)
#define CTLS2_EPT             ALLOWED_1(1)
#define CTLS2_DESCRIPTOR      ALLOWED_1(2)
#define CTLS2_VPID            ALLOWED_1(5)
#define CTLS2_VMFUNC          ALLOWED_1(13)
#define EPT_1GB               (1ull << 17)
#define VMFUNC_EPTP_SWITCHING (1ull << 0)

struct capabilities {
	bool known; /* the rest could be found out */
	const char *source;
	bool ept, vpid, descriptor, vmfunc, eptp_switching, ept_1gb;
	bool descriptor_known;
};

static bool read_msr(int fd, off_t msr, u64 *ret_value)
{
	return pread(fd, ret_value, sizeof(*ret_value), msr) == sizeof(*ret_value);
}

static bool capabilities_by_msr(const struct sm_examination *x, struct capabilities *c)
{
	u64 primary, secondary = 0, ept = 0, vmfunc = 0;
	int fd = sm_sysroot_open(x, "/dev/cpu/0/msr", O_RDONLY);

	if (fd < 0)
		return false;
	if (!read_msr(fd, MSR_PROCBASED_CTLS, &primary)) {
		close(fd);
		return false;
	}
	/* Each of these exists only if the one before says so: a failed read means that it does not. */
	if (primary & CTLS_SECONDARY && !read_msr(fd, MSR_PROCBASED_CTLS2, &secondary))
		secondary = 0;
	if (secondary & (CTLS2_EPT | CTLS2_VPID) && !read_msr(fd, MSR_EPT_VPID_CAP, &ept))
		ept = 0;
	if (secondary & CTLS2_VMFUNC && !read_msr(fd, MSR_VMFUNC, &vmfunc))
		vmfunc = 0;
	close(fd);
	*c = (struct capabilities){
		.known = true,
		.source = "the processor's MSRs",
		.ept = secondary & CTLS2_EPT,
		.vpid = secondary & CTLS2_VPID,
		.descriptor = secondary & CTLS2_DESCRIPTOR,
		.descriptor_known = true,
		.vmfunc = secondary & CTLS2_VMFUNC,
		.eptp_switching = vmfunc & VMFUNC_EPTP_SWITCHING,
		.ept_1gb = ept & EPT_1GB,
	};
	return true;
}

static bool has_word(const char *line, const char *word)
{
	size_t len = strlen(word);
	const char *at = line;

	while ((at = strstr(at, word))) {
		if ((at == line || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

static void capabilities_by_cpuinfo(const struct sm_examination *x, struct capabilities *c)
{
	char flags[4096];

	*c = (struct capabilities){.source = "/proc/cpuinfo"};
	if (sm_sysroot_line(x, "/proc/cpuinfo", "vmx flags", flags, sizeof(flags)) != 1)
		return;
	/* eptp_switching is shown only where VM functions are. */
	c->known = true;
	c->eptp_switching = has_word(flags, "eptp_switching");
	c->vmfunc = c->eptp_switching;
	c->ept = has_word(flags, "ept");
	c->vpid = has_word(flags, "vpid");
	c->ept_1gb = has_word(flags, "ept_1gb");
}

static void examine_flags(struct sm_examination *x)
{
	char flags[4096];
	int found = sm_sysroot_line(x, "/proc/cpuinfo", "flags", flags, sizeof(flags));
	bool vmx = found == 1 && has_word(flags, "vmx");
	bool ibt = found == 1 && has_word(flags, "ibt");

	sm_check_add(x, "cpu-vmx", vmx ? SM_CHECK_OK : SM_CHECK_MISSING,
		     "Use an Intel processor with VT-x and enable it in the firmware's setup; on a "
		     "virtual host, enable nested virtualisation for it.",
		     vmx ? "The processor has VMX." : "The processor shows no VMX.");
	/* A kernel that does not use it does not show it. */
	sm_check_add(x, "kernel-ibt", ibt ? SM_CHECK_MISSING : SM_CHECK_OK,
		     "Boot the host with ibt=off: the host module does not load otherwise.",
		     "The kernel enforces %sindirect branch tracking.", ibt ? "" : "no ");
}

static void examine_capability(struct sm_examination *x, const struct capabilities *c,
			       const char *name, bool has, const char *what, const char *remedy)
{
	if (!c->known)
		sm_check_add(x, name, SM_CHECK_WARNING,
			     "Run as root with the msr module loaded (modprobe msr) to find out.",
			     "It is not known whether the processor has %s.", what);
	else
		sm_check_add(x, name, has ? SM_CHECK_OK : SM_CHECK_MISSING, remedy,
			     "By %s the processor has %s%s.", c->source, has ? "" : "no ", what);
}

void sm_examine_cpu(struct sm_examination *x)
{
	struct capabilities c;

	examine_flags(x);
	if (!capabilities_by_msr(x, &c))
		capabilities_by_cpuinfo(x, &c);
	examine_capability(x, &c, "cpu-ept", c.ept, "EPT",
			   "Use a processor with extended page tables (Nehalem or newer).");
	examine_capability(
		x, &c, "cpu-vmfunc", c.vmfunc && c.eptp_switching, "VMFUNC with EPTP switching",
		"Use a processor with VM functions (Haswell or newer); on a virtual host, the "
		"outer hypervisor must offer EPTP switching.");
	if (c.descriptor_known)
		examine_capability(
			x, &c, "cpu-descriptor", c.descriptor, "descriptor-table exiting",
			"Use a processor (or an outer hypervisor) with descriptor-table exiting: "
			"it pins the guest's IDTR and GDTR.");
	if (!c.known)
		return;
	sm_check_add(x, "cpu-vpid", c.vpid ? SM_CHECK_OK : SM_CHECK_WARNING,
		     "It works without, but each VM exit flushes the TLB: expect slower guests.",
		     "The processor has %sVPID.", c.vpid ? "" : "no ");
	sm_check_add(x, "cpu-ept-1gb", c.ept_1gb ? SM_CHECK_OK : SM_CHECK_WARNING,
		     "It works without, at the price of more page-table memory for large guests.",
		     "The processor has %s1 GiB EPT pages.", c.ept_1gb ? "" : "no ");
}
