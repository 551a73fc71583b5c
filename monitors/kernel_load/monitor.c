// SPDX-License-Identifier: GPL-2.0-or-later
/* What is loaded into the kernel: from files, from a process's memory; and kernels that are started by kexec. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

/* enum kernel_read_file_id and kernel_load_data_id, which have the same order */
#define KINDS(N)              \
	N(FIRMWARE, 1)        \
	N(MODULE, 2)          \
	N(KEXEC_IMAGE, 3)     \
	N(KEXEC_INITRAMFS, 4) \
	N(POLICY, 5)          \
	N(X509_CERTIFICATE, 6)

#define KERNEL_LOAD(F)           \
	F(SM_NAMED(KINDS), what) \
	F(SM_BOOL, from_file)    \
	F(SM_STRING(1024), path)
SM_EVENT(kernel_load, KERNEL_LOAD);

#define KEXEC_START(F)
SM_EVENT(kexec_start, KEXEC_START);

SM_MONITOR(kernel_load_data, "security_kernel_load_data", u32 what, u64 contents)
{
	struct sm_event_kernel_load *e = SM_RESERVE(kernel_load);

	(void)contents;
	if (!e)
		return SM_ALLOW;
	e->what = what;
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(kernel_read_file, "security_kernel_read_file", u64 file, u32 what, u64 contents)
{
	struct sm_event_kernel_load *e = SM_RESERVE(kernel_load);

	(void)contents;
	if (!e)
		return SM_ALLOW;
	e->what = what;
	e->from_file = true;
	if (file)
		SM_PUT_PATH(e, path, file + SM_OFFSET(file, f_path));
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(kexec_start, "kernel_kexec")
{
	struct sm_event_kexec_start *e = SM_RESERVE(kexec_start);

	if (e)
		SM_COMMIT(e);
	return SM_ALLOW;
}
