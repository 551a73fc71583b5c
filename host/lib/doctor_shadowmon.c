// SPDX-License-Identifier: GPL-2.0-or-later
/* What of ShadowMonitor itself is there: the module, its device, the daemon. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <shadowmon/hypercall.h>
#include <shadowmon/ioctl.h>

#include "doctor_internal.h"

/* 1: KVM can, 0: it cannot, negative: unknown. */
static int write_tracking_by_config(const struct sm_examination *x)
{
	char path[128], value[16];

	snprintf(path, sizeof(path), "/boot/config-%s", x->release);
	return sm_sysroot_line(x, path, "CONFIG_KVM_EXTERNAL_WRITE_TRACKING=y", value,
			       sizeof(value));
}

static void examine_write_tracking(struct sm_examination *x, int has)
{
	static const char remedy[] =
		"Changes to hooks are found within about a second, but not refused.  For refusal, "
		"boot a kernel with CONFIG_KVM_EXTERNAL_WRITE_TRACKING=y: distributions' generic kernels "
		"have it, their cloud kernels do not.";

	if (has < 0)
		sm_check_add(x, "write-tracking", SM_CHECK_WARNING, remedy,
			     "It is not known whether KVM can write-protect guest pages for us.");
	else
		sm_check_add(
			x, "write-tracking", has ? SM_CHECK_OK : SM_CHECK_WARNING, remedy,
			has ? "hook protection: on (KVM can write-protect guest pages for us)"
			    : "hook protection: verification only (host kernel has no external write tracking)");
}

static void examine_revision(struct sm_examination *x, const struct sm_ioc_info *info)
{
	bool same = info->revision == SM_UAPI_REVISION && info->abi_revision == SM_ABI_REVISION;

	sm_check_add(
		x, "module-revision", same ? SM_CHECK_OK : SM_CHECK_MISSING,
		"Install module and tools of one release, then reload the module: modprobe -r "
		"shadowmon && modprobe shadowmon.",
		"The module speaks revision %u of its interface and %u of the guest's; these tools "
		"speak %d and %d.",
		info->revision, info->abi_revision, SM_UAPI_REVISION, SM_ABI_REVISION);
}

static void examine_device(struct sm_examination *x)
{
	struct sm_ioc_info info = {.size = sizeof(info)};
	int fd = sm_sysroot_open(x, "/dev/shadowmon", O_RDWR);

	if (fd == -EACCES || fd == -EPERM) {
		sm_check_add(x, "module", SM_CHECK_MISSING, "Run as root.",
			     "/dev/shadowmon exists, but may not be opened.");
	} else if (fd < 0) {
		sm_check_add(
			x, "module", SM_CHECK_MISSING,
			"Load it: modprobe shadowmon.  If there is none for this kernel, install "
			"its headers and the module's DKMS package.",
			"The module shadowmon is not loaded: there is no /dev/shadowmon.");
	} else if (ioctl(fd, SM_IOC_INFO, &info) < 0) {
		sm_check_add(
			x, "module", SM_CHECK_MISSING,
			"Install module and tools of one release, and load the module: modprobe "
			"shadowmon.",
			"/dev/shadowmon does not answer as it should: %s.", strerror(errno));
		close(fd);
	} else {
		sm_check_add(x, "module", SM_CHECK_OK, "",
			     "The module shadowmon is loaded; %u VM(s) are attached.",
			     info.attached);
		examine_revision(x, &info);
		examine_write_tracking(x, !!(info.features & SM_FEATURE_WRITE_TRACKING));
		close(fd);
		return;
	}
	examine_write_tracking(x, write_tracking_by_config(x));
}

static void examine_daemon(struct sm_examination *x)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, len, err = 0;

	len = snprintf(address.sun_path, sizeof(address.sun_path), "%s%s", x->sysroot,
		       x->control_socket);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (len >= (int)sizeof(address.sun_path))
		err = ENAMETOOLONG;
	else if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	/* A warning: without it nothing is attached, but the host lacks nothing. */
	if (err == EACCES || err == EPERM)
		sm_check_add(x, "daemon", SM_CHECK_WARNING, "Run as root.", "%s may not be opened.",
			     x->control_socket);
	else if (err)
		sm_check_add(x, "daemon", SM_CHECK_WARNING, "Start it: systemctl start shadowmond.",
			     "shadowmond does not run: %s: %s.", x->control_socket, strerror(err));
	else
		sm_check_add(x, "daemon", SM_CHECK_OK, "", "shadowmond runs.");
}

void sm_examine_shadowmon(struct sm_examination *x)
{
	examine_device(x);
	examine_daemon(x);
}
