// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the guest's files: from the file up through its dentries and mounts, written from the
 * end. */
#include <shadowmon/monitor.h>

#include <libc.h>

#define STEPS_MAX 128
#define NAME_MAX  255

/* len bytes of the direct map, to where they end; up to 7 bytes before them are overwritten. */
static bool copy_backwards(char *end, u64 address, u32 len)
{
	struct sm_object text = sm_object(address - 8, len + 8);
	u32 left;
	u64 word;

	if (!text.window)
		return false;
	for (left = len; (s32)left > 0; left -= 8) {
		if (!sm_window_get64(text.window + left, &word))
			return false;
		end -= sizeof(word);
		__builtin_memcpy(end, &word, sizeof(word));
	}
	return true;
}

/* Puts "/name" before *start.  False: no room, or unreadable. */
static bool put_name(char *dst, u32 *start, struct sm_object dentry)
{
	u32 len = SM_GET32(dentry, dentry, d_name.len);
	u64 name = SM_GET64(dentry, dentry, d_name.name);
	char *end = dst + *start;

	if (len == 0 || len > NAME_MAX || len + 1 > *start)
		return false;
	/* Room for whole words is nearly always there. */
	if ((*start < len + 8 || !copy_backwards(end, name, len)) && sm_read(end - len, name, len))
		return false;
	*start -= len + 1;
	dst[*start] = '/';
	return true;
}

/*
 * Writes what it finds before *start.  False: that is not all of it.  Without a mount it ends at the file
 * system's root.
 */
static bool climb(char *dst, u32 *start, u64 address, u64 mount_address)
{
	struct sm_object mount = SM_OBJECT(mount_address, mount), dentry;
	u64 root = SM_GET64(mount, mount, mnt.mnt_root), parent;
	u32 end = *start, step;

	for (step = 0; step < STEPS_MAX && address; step++) {
		if (address == root) {
			parent = SM_GET64(mount, mount, mnt_parent);
			if (parent == mount.address)
				return true;
			address = SM_GET64(mount, mount, mnt_mountpoint);
			mount = SM_OBJECT(parent, mount);
			root = SM_GET64(mount, mount, mnt.mnt_root);
			continue;
		}
		dentry = SM_OBJECT(address, dentry);
		parent = SM_GET64(dentry, dentry, d_parent);
		/* A root that is mounted nowhere: of what was unmounted, or a nameless file's own.
		 */
		if (parent == address && (*start < end || !mount_address))
			return true;
		if (!put_name(dst, start, dentry))
			return false;
		if (parent == address)
			return true;
		address = parent;
	}
	return false;
}

static int write_path(char *dst, u32 size, u64 dentry, u64 mount)
{
	u32 end = size - 1, start = end;
	bool whole = climb(dst, &start, dentry, mount);

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

int sm_path(char *dst, u32 size, u64 address)
{
	return write_path(dst, size, SM_READ64(address, path, dentry),
			  SM_READ64(address, path, mnt) - SM_OFFSET(mount, mnt));
}

int sm_dentry_path(char *dst, u32 size, u64 address)
{
	return write_path(dst, size, address, 0);
}
