// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory of processes that becomes executable, other than by mapping a file to run it. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>

/* asm-generic/mman-common.h; linux/mm.h has the same values for read, write and execute */
#define PROTECTION(N)    \
	N(PROT_READ, 1)  \
	N(PROT_WRITE, 2) \
	N(PROT_EXEC, 4)
SM_CONSTANTS(PROTECTION);

#define MEMORY_MAP(F)                       \
	F(SM_FLAGS(PROTECTION), protection) \
	F(SM_BOOL, anonymous)               \
	F(SM_BOOL, shared)                  \
	F(SM_STRING(1024), path)
SM_EVENT(memory_map, MEMORY_MAP);
#define MAP_SHARED 1 /* and MAP_SHARED_VALIDATE is 3 */

#define MEMORY_PROTECT(F)                   \
	F(SM_HEX, start)                    \
	F(SM_HEX, end)                      \
	F(SM_FLAGS(PROTECTION), was)        \
	F(SM_FLAGS(PROTECTION), protection) \
	F(SM_BOOL, anonymous)               \
	F(SM_BOOL, private_pages)           \
	F(SM_STRING(1024), path)
SM_EVENT(memory_protect, MEMORY_PROTECT);

SM_MONITOR(memory_map, "security_mmap_file", u64 file, u64 prot, u64 flags)
{
	struct sm_event_memory_map *e;

	if (!(prot & PROT_EXEC) || (file && !(prot & PROT_WRITE)))
		return SM_ALLOW;
	e = SM_RESERVE(memory_map);
	if (!e)
		return SM_ALLOW;
	e->protection = prot;
	e->anonymous = !file;
	e->shared = (flags & MAP_SHARED) != 0;
	if (file)
		SM_PUT_PATH(e, path, file + SM_OFFSET(file, f_path));
	SM_COMMIT(e);
	return SM_ALLOW;
}

SM_MONITOR(memory_protect, "security_file_mprotect", u64 vma, u64 requested, u64 prot)
{
	u64 was = SM_READ64(vma, vm_area_struct, vm_flags) & (PROT_READ | PROT_WRITE | PROT_EXEC);
	u64 file = SM_READ64(vma, vm_area_struct, vm_file);
	struct sm_event_memory_protect *e;

	(void)requested;
	/* What stays executable without being writable is not new. */
	if (!(prot & PROT_EXEC) || ((was & PROT_EXEC) && !(prot & ~was & PROT_WRITE)))
		return SM_ALLOW;
	e = SM_RESERVE(memory_protect);
	if (!e)
		return SM_ALLOW;
	e->start = SM_READ64(vma, vm_area_struct, vm_start);
	e->end = SM_READ64(vma, vm_area_struct, vm_end);
	e->was = was;
	e->protection = prot;
	e->anonymous = !file;
	e->private_pages = SM_READ64(vma, vm_area_struct, anon_vma) != 0;
	if (file)
		SM_PUT_PATH(e, path, file + SM_OFFSET(file, f_path));
	SM_COMMIT(e);
	return SM_ALLOW;
}
