// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Program executions.  security_bprm_committed_creds() runs when the new credentials, name and address
 * space are in place and nothing of the new program has run: the strings are copied already, so
 * user space cannot change them under us.
 */
#include <shadowmon/monitor.h>

/* Arguments lie at bprm->p, one string after the other, each with its NUL: argc of them. */
static u32 read_arguments(char *dst, u64 bprm, u32 *ret_flags)
{
	u64 address = SM_READ64(bprm, linux_binprm, p);
	u32 left = SM_READ32(bprm, linux_binprm, argc), len = 0, part, i;

	while (left && len < SM_ARGV_MAX) {
		part = SM_PAGE_SIZE - (address & (SM_PAGE_SIZE - 1));
		if (part > 256)
			part = 256;
		if (part > SM_ARGV_MAX - len)
			part = SM_ARGV_MAX - len;
		if (sm_read_user(dst + len, address, part)) {
			*ret_flags |= SM_EXEC_ARGV_UNREADABLE;
			return len;
		}
		for (i = 0; i < part && left; i++)
			left -= dst[len + i] == '\0';
		len += i;
		address += part;
	}
	if (left)
		*ret_flags |= SM_EXEC_ARGV_TRUNCATED;
	return len;
}

/* As the caller named it, if that is absolute; else what the file system calls it. */
static u32 read_path(char *dst, u64 bprm, u32 *ret_flags)
{
	int len = sm_read_string(dst, SM_READ64(bprm, linux_binprm, filename), SM_PATH_MAX);

	if (len <= 0 || dst[0] != '/')
		len = sm_path(dst, SM_PATH_MAX, SM_READ64(bprm, linux_binprm, file) + SM_OFFSET(file, f_path));
	if (len < 0)
		return 0;
	if (len == SM_PATH_MAX - 1)
		*ret_flags |= SM_EXEC_PATH_TRUNCATED;
	return (u32)len;
}

SM_MONITOR(process_exec, "security_bprm_committed_creds", 1, u64 bprm)
{
	struct sm_record_exec *rec = sm_reserve(SM_RECORD_EXEC, sizeof(*rec) + SM_PATH_MAX + SM_ARGV_MAX);
	char *text;
	u32 flags = 0;

	if (!rec)
		return SM_ALLOW;
	text = (char *)(rec + 1);
	sm_task_describe(&rec->task, sm_current());
	rec->argc = SM_READ32(bprm, linux_binprm, argc);
	rec->reserved = 0;
	rec->path_len = (u16)read_path(text, bprm, &flags);
	rec->argv_len = (u16)read_arguments(text + rec->path_len, bprm, &flags);
	rec->flags = flags;
	sm_commit(rec, sizeof(*rec) + rec->path_len + rec->argv_len);
	return SM_ALLOW;
}
