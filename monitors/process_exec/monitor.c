// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Program executions.  When the guest calls security_bprm_committed_creds(), the new credentials,
 * name and address space are in place and nothing of the new program has run.  The strings have
 * been copied: the caller cannot change them any more.
 */
#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

/* "./a.out" or "bin/tool" becomes absolute, as it stands. */
static int name_from_directory(char *dst, u32 size, u64 filename)
{
	u64 fs = SM_READ64(sm_current(), task_struct, fs);
	int len = sm_path(dst, size - 1, fs + SM_OFFSET(fs_struct, pwd)), more;

	if (len < 0 || len >= (int)size - 2)
		return len < 0 ? len : (int)size;
	if (len > 1)
		dst[len++] = '/';
	more = sm_read_string(dst + len, filename, size - (u32)len);
	return more < 0 ? more : len + more;
}

/*
 * The absolute name of what the caller wanted to run: as the caller gave it, if it is absolute;
 * else that of the file, or, where an interpreter has taken the file's place, of the script.
 */
static int read_path(char *dst, u32 size, u64 bprm)
{
	u64 filename = SM_READ64(bprm, linux_binprm, filename);
	bool by_descriptor = SM_READ64(bprm, linux_binprm, fdpath) != 0; /* filename is /dev/fd/N */
	bool interpreted = SM_READ64(bprm, linux_binprm, interp) != filename;
	int len = sm_read_string(dst, filename, size);

	if (len > 0 && dst[0] == '/' && (!by_descriptor || interpreted))
		return len;
	if (interpreted)
		len = name_from_directory(dst, size, filename);
	else
		len = sm_path(dst, size,
			      SM_READ64(bprm, linux_binprm, file) + SM_OFFSET(file, f_path));
	return len < 0 ? sm_read_string(dst, filename, size) : len;
}

static void put_path(struct sm_record_exec *rec, char *text, u64 bprm)
{
	int len = read_path(text, SM_PATH_MAX, bprm);

	if (len >= SM_PATH_MAX) {
		rec->flags |= SM_EXEC_PATH_TRUNCATED;
		len = SM_PATH_MAX - 1;
	}
	rec->path_len = len < 0 ? 0 : (u16)len;
}

/* argc strings, one after the other, from bprm->p on in the new address space, which is current. */
static void put_arguments(struct sm_record_exec *rec, char *text, u64 bprm)
{
	u32 left = rec->argc, len;

	len = sm_read_user_strings(text, SM_READ64(bprm, linux_binprm, p), SM_ARGV_MAX, &left);
	if (left)
		rec->flags |= len == SM_ARGV_MAX ? SM_EXEC_ARGV_TRUNCATED : SM_EXEC_ARGV_UNREADABLE;
	rec->argv_len = (u16)len;
}

/* Asked before there is a record, or one that nobody wants could take another one's room. */
static __attribute__((__noinline__)) bool is_program_told(u64 bprm)
{
	struct sm_policy_object program = {.event = SM_POLICY_EXEC, .bprm = bprm};

	sm_policy_set_name(&program, read_path(sm_policy_name_buffer(), SM_POLICY_FACT_SIZE, bprm));
	return sm_policy_tells(&program);
}

SM_MONITOR(process_exec, "security_bprm_committed_creds", u64 bprm)
{
	struct sm_record_exec *rec;
	char *text;

	if (sm_policy_has(SM_POLICY_EXEC) && !is_program_told(bprm))
		return SM_ALLOW;
	rec = sm_reserve(SM_RECORD_EXEC, sizeof(*rec) + SM_PATH_MAX + SM_ARGV_MAX);
	if (!rec)
		return SM_ALLOW;
	text = (char *)(rec + 1);
	sm_task_describe(&rec->task, sm_current());
	rec->flags = 0;
	rec->argc = SM_READ32(bprm, linux_binprm, argc);
	put_path(rec, text, bprm);
	put_arguments(rec, text + rec->path_len, bprm);
	rec->ticks = (u32)(sm_tsc() - rec->h.tsc);
	sm_commit(rec, sizeof(*rec) + rec->path_len + rec->argv_len);
	return SM_ALLOW;
}
