// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the guest's files: from the file up through its dentries and mounts, written from the
 * end. */
#include <shadowmon/monitor.h>

#include "libc.h"

#define STEPS_MAX 128
#define NAME_MAX  255

/* Puts "/name" before *start.  False: no room, or unreadable. */
static bool put_name(char *dst, u32 *start, u64 dentry)
{
	u32 len = SM_READ32(dentry, dentry, d_name.len);

	if (len == 0 || len > NAME_MAX || len + 1 > *start)
		return false;
	if (sm_read(dst + *start - len, SM_READ64(dentry, dentry, d_name.name), len))
		return false;
	*start -= len + 1;
	dst[*start] = '/';
	return true;
}

/* Writes what it finds before *start.  False: that is not all of it. */
static bool climb(char *dst, u32 *start, u64 dentry, u64 mount)
{
	u32 end = *start, step;
	u64 parent;

	for (step = 0; step < STEPS_MAX && dentry; step++) {
		if (dentry == SM_READ64(mount, mount, mnt.mnt_root)) {
			parent = SM_READ64(mount, mount, mnt_parent);
			if (parent == mount)
				return true;
			dentry = SM_READ64(mount, mount, mnt_mountpoint);
			mount = parent;
			continue;
		}
		parent = SM_READ64(dentry, dentry, d_parent);
		/* A root that is mounted nowhere: of what was unmounted, or a nameless file's own.
		 */
		if (parent == dentry && *start < end)
			return true;
		if (!put_name(dst, start, dentry))
			return false;
		if (parent == dentry)
			return true;
		dentry = parent;
	}
	return false;
}

int sm_path(char *dst, u32 size, u64 address)
{
	u64 mount = SM_READ64(address, path, mnt) - SM_OFFSET(mount, mnt);
	u32 end = size - 1, start = end;
	bool whole = climb(dst, &start, SM_READ64(address, path, dentry), mount);

	if (start == end && !whole) {
		dst[0] = '\0';
		return -SM_EFAULT;
	}
	if (start == end)
		dst[--start] = '/';
	dst[end] = '\0';
	memmove(dst, dst + start, size - start);
	return whole ? (int)(end - start) : (int)size;
}
