// SPDX-License-Identifier: GPL-2.0-or-later
/* File systems that are mounted, moved and unmounted, and roots that are exchanged. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

/* linux/mount.h: MS_*, those that mount(2) leaves in place */
#define MOUNT_FLAGS(N)               \
	N(MS_RDONLY, 0x1)            \
	N(MS_NOSUID, 0x2)            \
	N(MS_NODEV, 0x4)             \
	N(MS_NOEXEC, 0x8)            \
	N(MS_SYNCHRONOUS, 0x10)      \
	N(MS_REMOUNT, 0x20)          \
	N(MS_MANDLOCK, 0x40)         \
	N(MS_DIRSYNC, 0x80)          \
	N(MS_NOSYMFOLLOW, 0x100)     \
	N(MS_NOATIME, 0x400)         \
	N(MS_NODIRATIME, 0x800)      \
	N(MS_BIND, 0x1000)           \
	N(MS_MOVE, 0x2000)           \
	N(MS_REC, 0x4000)            \
	N(MS_SILENT, 0x8000)         \
	N(MS_POSIXACL, 0x10000)      \
	N(MS_UNBINDABLE, 0x20000)    \
	N(MS_PRIVATE, 0x40000)       \
	N(MS_SLAVE, 0x80000)         \
	N(MS_SHARED, 0x100000)       \
	N(MS_RELATIME, 0x200000)     \
	N(MS_STRICTATIME, 0x1000000) \
	N(MS_LAZYTIME, 0x2000000)

#define MOUNT(F)                   \
	F(SM_STRING(1024), device) \
	F(SM_STRING(1024), path)   \
	F(SM_STRING(64), type)     \
	F(SM_FLAGS(MOUNT_FLAGS), flags)
SM_EVENT(mount, MOUNT);

#define MOUNT_MOVE(F)            \
	F(SM_STRING(1024), from) \
	F(SM_STRING(1024), to)
SM_EVENT(mount_move, MOUNT_MOVE);

#define PIVOT_ROOT(F)                \
	F(SM_STRING(1024), new_root) \
	F(SM_STRING(1024), put_old)
SM_EVENT(pivot_root, PIVOT_ROOT);

/* linux/fs.h: MNT_*, UMOUNT_* */
#define UNMOUNT_FLAGS(N)   \
	N(MNT_FORCE, 0x1)  \
	N(MNT_DETACH, 0x2) \
	N(MNT_EXPIRE, 0x4) \
	N(UMOUNT_NOFOLLOW, 0x8)

#define UNMOUNT(F)                        \
	F(SM_FLAGS(UNMOUNT_FLAGS), flags) \
	F(SM_STRING(1024), path)
SM_EVENT(unmount, UNMOUNT);

SM_MONITOR(mount, "security_sb_mount", u64 device, u64 path, u64 type, u64 flags, u64 data)
{
	struct sm_event_mount *e = SM_RESERVE(mount);

	(void)data;
	if (!e)
		return SM_ALLOW;
	e->flags = flags;
	if (device)
		SM_PUT_STRING(e, device, device);
	SM_PUT_PATH(e, path, path);
	if (type)
		SM_PUT_STRING(e, type, type);
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(mount_move, "security_move_mount", u64 from, u64 to)
{
	struct sm_event_mount_move *e = SM_RESERVE(mount_move);

	if (!e)
		return SM_ALLOW;
	SM_PUT_PATH(e, from, from);
	SM_PUT_PATH(e, to, to);
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(pivot_root, "security_sb_pivotroot", u64 put_old, u64 new_root)
{
	struct sm_event_pivot_root *e = SM_RESERVE(pivot_root);

	if (!e)
		return SM_ALLOW;
	SM_PUT_PATH(e, new_root, new_root);
	SM_PUT_PATH(e, put_old, put_old);
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(unmount, "security_sb_umount", u64 mount, u32 flags)
{
	struct sm_event_unmount *e = SM_RESERVE(unmount);

	if (!e)
		return SM_ALLOW;
	e->flags = flags;
	/* Where it is mounted: the place in the parent's tree, from the root of that file system. */
	SM_PUT_DENTRY(e, path, SM_READ64(mount - SM_OFFSET(mount, mnt), mount, mnt_mountpoint));
	SM_COMMIT(e);
	return SM_ALLOW;
}
