// SPDX-License-Identifier: GPL-2.0-or-later
/* Absolute path of a guest's struct path, by its dentries and mounts, from the end to the root. */

#include <shadowmon/monitor.h>

#include "arch.h"

#define COMPONENTS_MAX 64

struct place {
	u64 dentry;
	u64 mount; /* struct mount */
};

/* At the root of a mounted file system: on to where it is mounted.  False: at the root of all. */
static bool leave_mount(struct place *at)
{
	u64 parent = SM_READ64(at->mount, mount, mnt_parent);

	if (!parent || parent == at->mount)
		return false;
	at->dentry = SM_READ64(at->mount, mount, mnt_mountpoint);
	at->mount = parent;
	return true;
}

static u64 mount_root(u64 mount)
{
	return sm_read64(mount + SM_OFFSET(mount, mnt) + SM_OFFSET(vfsmount, mnt_root));
}

int sm_path(char *dst, u32 size, u64 path)
{
	struct place at = {
		.dentry = SM_READ64(path, path, dentry),
		.mount = SM_READ64(path, path, mnt) - SM_OFFSET(mount, mnt),
	};
	u32 start = size, i, len;

	for (i = 0; i < COMPONENTS_MAX; i++) {
		u64 parent = SM_READ64(at.dentry, dentry, d_parent);

		if (at.dentry == mount_root(at.mount) || parent == at.dentry) {
			if (!leave_mount(&at))
				break;
			continue;
		}
		len = SM_READ32(at.dentry, dentry, d_name.len);
		if (len == 0 || len + 1 > start)
			return -EFAULT;
		start -= len;
		if (sm_read(dst + start, SM_READ64(at.dentry, dentry, d_name.name), len))
			return -EFAULT;
		dst[--start] = '/';
		at.dentry = parent;
	}
	if (start == size)
		return -EFAULT;
	/* Written from the end: move it to the front. */
	len = size - start;
	for (i = 0; i < len; i++)
		dst[i] = dst[start + i];
	return (int)len;
}
