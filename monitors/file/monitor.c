// SPDX-License-Identifier: GPL-2.0-or-later
/* Files opened for writing, and changes of directories, modes and owners. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

/* asm-generic/fcntl.h; what has several bits comes first. */
#define OPEN_FLAGS(N)           \
	N(O_SYNC, 0x101000)     \
	N(O_TMPFILE, 0x410000)  \
	N(O_WRONLY, 0x1)        \
	N(O_RDWR, 0x2)          \
	N(O_CREAT, 0x40)        \
	N(O_EXCL, 0x80)         \
	N(O_NOCTTY, 0x100)      \
	N(O_TRUNC, 0x200)       \
	N(O_APPEND, 0x400)      \
	N(O_NONBLOCK, 0x800)    \
	N(O_DSYNC, 0x1000)      \
	N(O_DIRECT, 0x4000)     \
	N(O_LARGEFILE, 0x8000)  \
	N(O_DIRECTORY, 0x10000) \
	N(O_NOFOLLOW, 0x20000)  \
	N(O_NOATIME, 0x40000)   \
	N(O_CLOEXEC, 0x80000)
#define MODE_WRITE     0x2    /* linux/fs.h: FMODE_WRITE */
#define MODE_DIRECTORY 040000 /* linux/stat.h: S_IFDIR */

#define FILE_OPEN(F)                   \
	F(SM_FLAGS(OPEN_FLAGS), flags) \
	F(SM_OCTAL, mode)              \
	F(SM_STRING(1024), path)
SM_EVENT(file_open, FILE_OPEN);

#define FILE_CREATE(F)                \
	F(SM_OCTAL, mode)             \
	F(SM_STRING(1024), directory) \
	F(SM_STRING(256), name)
SM_EVENT(file_create, FILE_CREATE);

#define FILE_UNLINK(F)                \
	F(SM_BOOL, is_directory)      \
	F(SM_STRING(1024), directory) \
	F(SM_STRING(256), name)
SM_EVENT(file_unlink, FILE_UNLINK);

#define FILE_RENAME(F)                    \
	F(SM_STRING(1024), old_directory) \
	F(SM_STRING(256), old_name)       \
	F(SM_STRING(1024), directory)     \
	F(SM_STRING(256), name)
SM_EVENT(file_rename, FILE_RENAME);

/* A hard link to a file, or a symbolic one to a name. */
#define FILE_LINK(F)                  \
	F(SM_BOOL, symbolic)          \
	F(SM_STRING(1024), target)    \
	F(SM_STRING(1024), directory) \
	F(SM_STRING(256), name)
SM_EVENT(file_link, FILE_LINK);

#define FILE_CHMOD(F)     \
	F(SM_OCTAL, was)  \
	F(SM_OCTAL, mode) \
	F(SM_STRING(1024), path)
SM_EVENT(file_chmod, FILE_CHMOD);

/* An id of -1 stays as it is. */
#define FILE_CHOWN(F)  \
	F(SM_S32, uid) \
	F(SM_S32, gid) \
	F(SM_STRING(1024), path)
SM_EVENT(file_chown, FILE_CHOWN);

#define FILE_TRUNCATE(F) F(SM_STRING(1024), path)
SM_EVENT(file_truncate, FILE_TRUNCATE);

static u64 name_of(u64 dentry)
{
	return SM_READ64(dentry, dentry, d_name.name);
}

static __attribute__((__noinline__)) int judge_open(u64 file, bool *ret_tell)
{
	struct sm_policy_object open = {.event = SM_POLICY_FILE_OPEN};

	sm_policy_set_name(&open, sm_path(sm_policy_name_buffer(), SM_POLICY_FACT_SIZE,
					  file + SM_OFFSET(file, f_path)));
	return sm_policy_judge(&open, ret_tell);
}

static void report_open(u64 file)
{
	struct sm_event_file_open *e = SM_RESERVE(file_open);

	if (!e)
		return;
	e->flags = SM_READ32(file, file, f_flags);
	e->mode = SM_READ16(SM_READ64(file, file, f_inode), inode, i_mode);
	SM_PUT_PATH(e, path, file + SM_OFFSET(file, f_path));
	SM_COMMIT(e);
}

SM_MONITOR(file_open, "security_file_open", u64 file)
{
	int verdict = SM_ALLOW;
	bool tell = true;

	if (!(SM_READ32(file, file, f_mode) & MODE_WRITE))
		return SM_ALLOW;
	if (sm_policy_has(SM_POLICY_FILE_OPEN))
		verdict = judge_open(file, &tell);
	if (verdict == SM_ALLOW && tell)
		report_open(file);
	return verdict;
}

static void report_create(u64 directory, u64 dentry, u32 mode)
{
	struct sm_event_file_create *e = SM_RESERVE(file_create);

	if (!e)
		return;
	e->mode = mode;
	SM_PUT_PATH(e, directory, directory);
	SM_PUT_STRING(e, name, name_of(dentry));
	SM_COMMIT(e);
}

/* Of open() and mknod(): all but directories and links. */
SM_MONITOR(file_mknod, "security_path_mknod", u64 directory, u64 dentry, u16 mode, u32 device)
{
	(void)device;
	report_create(directory, dentry, mode);
	return SM_ALLOW;
}

SM_MONITOR(file_mkdir, "security_path_mkdir", u64 directory, u64 dentry, u16 mode)
{
	report_create(directory, dentry, mode | MODE_DIRECTORY);
	return SM_ALLOW;
}

static void report_unlink(u64 directory, u64 dentry, bool is_directory)
{
	struct sm_event_file_unlink *e = SM_RESERVE(file_unlink);

	if (!e)
		return;
	e->is_directory = is_directory;
	SM_PUT_PATH(e, directory, directory);
	SM_PUT_STRING(e, name, name_of(dentry));
	SM_COMMIT(e);
}

SM_MONITOR(file_unlink, "security_path_unlink", u64 directory, u64 dentry)
{
	report_unlink(directory, dentry, false);
	return SM_ALLOW;
}

SM_MONITOR(file_rmdir, "security_path_rmdir", u64 directory, u64 dentry)
{
	report_unlink(directory, dentry, true);
	return SM_ALLOW;
}

SM_MONITOR(file_rename, "security_path_rename", u64 old_directory, u64 old_dentry, u64 directory,
	   u64 dentry, u32 flags)
{
	struct sm_event_file_rename *e = SM_RESERVE(file_rename);

	(void)flags;
	if (!e)
		return SM_ALLOW;
	SM_PUT_PATH(e, old_directory, old_directory);
	SM_PUT_STRING(e, old_name, name_of(old_dentry));
	SM_PUT_PATH(e, directory, directory);
	SM_PUT_STRING(e, name, name_of(dentry));
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(file_link, "security_path_link", u64 old_dentry, u64 directory, u64 dentry)
{
	struct sm_event_file_link *e = SM_RESERVE(file_link);

	if (!e)
		return SM_ALLOW;
	SM_PUT_DENTRY(e, target, old_dentry);
	SM_PUT_PATH(e, directory, directory);
	SM_PUT_STRING(e, name, name_of(dentry));
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(file_symlink, "security_path_symlink", u64 directory, u64 dentry, u64 target)
{
	struct sm_event_file_link *e = SM_RESERVE(file_link);

	if (!e)
		return SM_ALLOW;
	e->symbolic = true;
	SM_PUT_STRING(e, target, target);
	SM_PUT_PATH(e, directory, directory);
	SM_PUT_STRING(e, name, name_of(dentry));
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(file_chmod, "security_path_chmod", u64 path, u16 mode)
{
	u64 inode = SM_READ64(SM_READ64(path, path, dentry), dentry, d_inode);
	struct sm_event_file_chmod *e = SM_RESERVE(file_chmod);

	if (!e)
		return SM_ALLOW;
	e->was = SM_READ16(inode, inode, i_mode);
	e->mode = mode;
	SM_PUT_PATH(e, path, path);
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(file_chown, "security_path_chown", u64 path, u32 uid, u32 gid)
{
	struct sm_event_file_chown *e = SM_RESERVE(file_chown);

	if (!e)
		return SM_ALLOW;
	e->uid = (s32)uid;
	e->gid = (s32)gid;
	SM_PUT_PATH(e, path, path);
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(file_truncate, "security_path_truncate", u64 path)
{
	struct sm_event_file_truncate *e = SM_RESERVE(file_truncate);

	if (!e)
		return SM_ALLOW;
	SM_PUT_PATH(e, path, path);
	SM_COMMIT(e);
	return SM_ALLOW;
}
