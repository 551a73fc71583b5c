// SPDX-License-Identifier: GPL-2.0-or-later
/* What the host's kernel must offer. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor_internal.h"

static bool is_yes(const char *value)
{
	return value[0] == 'Y' || value[0] == 'y' || value[0] == '1';
}

static void examine_kvm(struct sm_examination *x)
{
	char value[16];
	int err = sm_sysroot_read(x, "/sys/module/kvm_intel/parameters/ept", value, sizeof(value));

	if (err) {
		sm_check_add(
			x, "kvm-intel", SM_CHECK_MISSING,
			"Load it: modprobe kvm_intel.  If that fails, dmesg says why (VT-x off in the "
			"firmware, or another hypervisor at work).",
			"The module kvm_intel is not loaded.");
		return;
	}
	sm_check_add(x, "kvm-intel", is_yes(value) ? SM_CHECK_OK : SM_CHECK_MISSING,
		     "Stop all VMs, then: modprobe -r kvm_intel && modprobe kvm_intel ept=1.",
		     "kvm_intel is loaded with EPT %s.", is_yes(value) ? "on" : "off");
}

/* 1: set to y, 0: not, negative: the configuration cannot be read. */
static int kernel_config(const struct sm_examination *x, const char *option)
{
	char path[128], prefix[80], value[16];
	int found;

	snprintf(path, sizeof(path), "/boot/config-%s", x->release);
	snprintf(prefix, sizeof(prefix), "%s=", option);
	found = sm_sysroot_line(x, path, prefix, value, sizeof(value));
	return found <= 0 ? found : strcmp(value, "y") == 0;
}

static void examine_ftrace(struct sm_examination *x)
{
	int config = kernel_config(x, "CONFIG_DYNAMIC_FTRACE_WITH_REGS");
	char value[16];

	if (config == 0) {
		sm_check_add(
			x, "ftrace", SM_CHECK_MISSING,
			"Boot a kernel with CONFIG_DYNAMIC_FTRACE_WITH_REGS=y: distributions' kernels "
			"have it.",
			"The kernel %s has no ftrace with registers.", x->release);
		return;
	}
	if (sm_sysroot_read(x, "/proc/sys/kernel/ftrace_enabled", value, sizeof(value))) {
		sm_check_add(x, "ftrace", SM_CHECK_MISSING,
			     "Boot a kernel with CONFIG_FUNCTION_TRACER=y and "
			     "CONFIG_DYNAMIC_FTRACE_WITH_REGS=y.",
			     "The kernel has no function tracer.");
		return;
	}
	if (!is_yes(value))
		sm_check_add(x, "ftrace", SM_CHECK_MISSING,
			     "Turn it on: sysctl kernel.ftrace_enabled=1.",
			     "ftrace is turned off.");
	else if (config < 0)
		sm_check_add(x, "ftrace", SM_CHECK_WARNING,
			     "Should the shadowmon module refuse to load, check the kernel for "
			     "CONFIG_DYNAMIC_FTRACE_WITH_REGS.",
			     "ftrace is on, but /boot/config-%s cannot be read.", x->release);
	else
		sm_check_add(x, "ftrace", SM_CHECK_OK, "", "ftrace is on, with registers.");
}

/* "none [integrity] confidentiality": the brackets tell. */
static bool is_locked_down(const struct sm_examination *x)
{
	char modes[128];

	return sm_sysroot_read(x, "/sys/kernel/security/lockdown", modes, sizeof(modes)) == 0 &&
	       !strstr(modes, "[none]");
}

static bool is_secure_boot(const struct sm_examination *x)
{
	static const char path[] = "/sys/firmware/efi/efivars/"
				   "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	unsigned char variable[5]; /* attributes, then one byte */
	int fd = sm_sysroot_open(x, path, O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, variable, sizeof(variable));
	close(fd);
	return got == sizeof(variable) && variable[4] == 1;
}

static void examine_signatures(struct sm_examination *x, bool loaded)
{
	char value[16];
	const char *why = NULL;

	if (is_locked_down(x))
		why = "The kernel is locked down: unsigned modules do not load.";
	else if (sm_sysroot_read(x, "/sys/module/module/parameters/sig_enforce", value,
				 sizeof(value)) == 0 &&
		 is_yes(value))
		why = "The kernel demands signed modules.";
	if (why && !loaded)
		sm_check_add(
			x, "module-signature", SM_CHECK_WARNING,
			"Sign shadowmon.ko with a key that the firmware trusts (mokutil --import, as "
			"for other DKMS modules), or turn Secure Boot off.",
			"%s", why);
	else
		sm_check_add(x, "module-signature", SM_CHECK_OK, "", "%s%s",
			     is_secure_boot(x) ? "Secure Boot is on. " : "",
			     loaded ? "The shadowmon module was accepted."
				    : "The kernel loads unsigned modules.");
}

static void examine_nested(struct sm_examination *x)
{
	char value[16];

	if (sm_sysroot_read(x, "/sys/module/kvm_intel/parameters/nested", value, sizeof(value)))
		return;
	sm_check_add(x, "nested", SM_CHECK_OK, "",
		     is_yes(value)
			     ? "Nested VMs are allowed: they run, but are not themselves watched."
			     : "Nested VMs are turned off.");
}

void sm_examine_kernel(struct sm_examination *x)
{
	int fd = sm_sysroot_open(x, "/sys/module/shadowmon", O_PATH | O_DIRECTORY);

	examine_kvm(x);
	examine_nested(x);
	examine_ftrace(x);
	examine_signatures(x, fd >= 0);
	if (fd >= 0)
		close(fd);
}
