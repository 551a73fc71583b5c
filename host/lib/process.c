// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Monitors in processes of the host, one a vCPU: the linked image, guest RAM and what is the vCPU's lie
 * there as in the compartment.  After fork() they call nothing but the kernel: the caller may have threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <shadowmon/request.h>
#include <shadowmon/ring.h>

#include "gate_offsets.h"
#include "internal.h"
#include "status.h"

#define RAMS_MAX 16

/* Guest RAM that the VMM has in a file, as of memfd_create(). */
struct ram {
	uint64_t gpa, bytes, offset;
	int fd;
};

struct sm_process {
	int fd;
	const struct sm_image *image;
	struct sm_ioc_load_image layout;
	void *segments
		[SM_SEGMENTS_MAX]; /* what every process is to have, the written ones shared */
	struct ram rams[RAMS_MAX];
	unsigned int nr_rams;
	uint32_t ring_size, vcpu;
	pid_t *pids;
	unsigned int nr_pids;
};

/* --- guest RAM ----------------------------------------------------------------------------------- */

static int open_mapped_file(pid_t pid, uint64_t start, uint64_t end)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, start,
		 end);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The file behind a slot, if the VMM shares it; -1: it does not. */
static int find_file(pid_t pid, const struct sm_memslot *slot, uint64_t *ret_offset)
{
	char path[64], line[512], mode[5];
	uint64_t start, end, offset;
	int fd = -1;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	while (maps && fd < 0 && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64, &start, &end, mode,
			   &offset) != 4 ||
		    mode[3] != 's' || slot->hva < start || slot->hva >= end ||
		    slot->bytes > end - slot->hva)
			continue;
		*ret_offset = offset + (slot->hva - start);
		fd = open_mapped_file(pid, start, end);
		break;
	}
	if (maps)
		fclose(maps);
	return fd;
}

static int find_rams(struct sm_process *p, uint64_t needed_gpa, struct sm_error *err)
{
	struct sm_guest_memory memory;
	bool found = false;
	uint32_t i;
	int code = sm_guest_memory_open(p->fd, &memory, err);

	if (code)
		return code;
	for (i = 0; i < memory.count && p->nr_rams < RAMS_MAX; i++) {
		const struct sm_memslot *slot = &memory.slots[i];
		struct ram *ram = &p->rams[p->nr_rams];

		if (slot->gpa >= SM_RAM_LIMIT || slot->bytes > SM_RAM_LIMIT - slot->gpa)
			continue;
		ram->fd = find_file(memory.vmm_pid, slot, &ram->offset);
		if (ram->fd < 0)
			continue;
		ram->gpa = slot->gpa;
		ram->bytes = slot->bytes;
		found |= needed_gpa - ram->gpa < ram->bytes;
		p->nr_rams++;
	}
	sm_guest_memory_close(&memory);
	return found ? 0
		     : sm_error_set(
			       err, -EOPNOTSUPP,
			       "the VMM keeps the guest's RAM to itself: for this transport start it "
			       "with shared memory (QEMU: memory-backend-memfd,share=on)");
}

/* --- the process ------------------------------------------------------------------------------------ */

static struct sm_process *self; /* this process's, once it is one */

static void on_fault(int signal, siginfo_t *info, void *context)
{
	greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	uint64_t base = SM_PROCESS_GATE_VA + SM_VA_IMAGE, offset = (uint64_t)*rip - base;
	uint32_t fixup = 0;

	(void)signal;
	(void)info;
	if (offset < SM_IMAGE_MAX_SIZE)
		fixup = sm_image_fixup(self->image, (uint32_t)offset);
	if (!fixup)
		_exit(1);
	*rip = (greg_t)(base + fixup);
}

static bool map(uint64_t at, uint64_t bytes, int protection, int flags, int fd, uint64_t offset)
{
	return mmap((void *)at, bytes, protection, flags | MAP_FIXED_NOREPLACE, fd,
		    (off_t)offset) != MAP_FAILED;
}

static bool map_image(const struct sm_process *p)
{
	uint32_t i;

	for (i = 0; i < p->layout.nr_segments; i++) {
		const struct sm_segment *s = &p->layout.segments[i];
		uint64_t at = SM_PROCESS_GATE_VA + SM_VA_IMAGE + s->offset;
		int protection = PROT_READ;

		if (s->flags & SM_SEGMENT_WRITE)
			protection |= PROT_WRITE;
		if (s->flags & SM_SEGMENT_EXEC)
			protection |= PROT_EXEC;
		if (mremap(p->segments[i], s->mem_size, s->mem_size, MREMAP_MAYMOVE | MREMAP_FIXED,
			   (void *)at) == MAP_FAILED ||
		    mprotect((void *)at, s->mem_size, protection))
			return false;
	}
	return true;
}

/* A RET where the runtime goes to leave. */
static bool map_gate(void)
{
	unsigned char *gate = (void *)SM_PROCESS_GATE_VA;

	if (!map(SM_PROCESS_GATE_VA, SM_PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
		return false;
	gate[GATE_EXIT_OFFSET] = 0xc3;
	return mprotect(gate, SM_PAGE_SIZE, PROT_READ | PROT_EXEC) == 0;
}

static bool map_vcpu(const struct sm_process *p)
{
	uint64_t own = SM_PROCESS_GATE_VA + SM_VA_CPU;

	return map(own + SM_CPU_LIST, 2 * SM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd,
		   SM_MMAP_SERVER(p->vcpu)) &&
	       map(own + SM_CPU_STACK, SM_CPU_STACK_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) &&
	       map(own + SM_CPU_RING, SM_RING_DATA + p->ring_size, PROT_READ | PROT_WRITE,
		   MAP_SHARED, p->fd, SM_MMAP_RING(p->vcpu));
}

static bool map_rams(const struct sm_process *p)
{
	unsigned int i;

	for (i = 0; i < p->nr_rams; i++)
		if (!map(SM_PROCESS_WINDOW_VA + p->rams[i].gpa, p->rams[i].bytes, PROT_READ,
			 MAP_SHARED, p->rams[i].fd, p->rams[i].offset))
			return false;
	return true;
}

static bool catch_faults(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	static unsigned char stack[65536];
	stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	sigset_t none;

	sigemptyset(&none);
	return sigaltstack(&alternative, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0 &&
	       sigaction(SIGBUS, &action, NULL) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* Registers as the gate hands them over; abi/layout.h, entry.S. */
static uint32_t enter(const struct sm_request *request)
{
	const uint64_t *args = (const uint64_t *)request->args;
	uint64_t rdi = args[0], rsi = args[1], rdx = args[2];
	register uint64_t r8 __asm__("r8") = args[4];
	register uint64_t r9 __asm__("r9") = args[5];
	register uint64_t r10 __asm__("r10") = args[3];
	register uint64_t r11 __asm__("r11") = request->slot;

	__asm__ volatile("subq $128, %%rsp\n" /* the red zone */
			 "	call *%[entry]\n"
			 "	addq $128, %%rsp"
			 : "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11)
			 : [entry] "b"((uint64_t)(SM_PROCESS_GATE_VA + SM_VA_ENTRY))
			 : "rax", "rcx", "memory", "cc");
	return (uint32_t)rdx & SM_VERDICT_MASK;
}

static void serve(struct sm_process *p)
{
	struct sm_request *request =
		(void *)(uint64_t)(SM_PROCESS_GATE_VA + SM_VA_CPU + SM_CPU_LIST);

	self = p;
	if (!map_rams(p))
		_exit(1);
	/* All that was inherited but the attachment: whoever closes the rest wants it closed. */
	if (dup2(p->fd, 0) < 0 || close_range(1, ~0u, 0))
		_exit(1);
	p->fd = 0;
	if (!catch_faults() || !map_image(p) || !map_gate() || !map_vcpu(p))
		_exit(1);
	for (;;) {
		if (ioctl(p->fd, SM_IOC_SERVE, (unsigned long)p->vcpu) == 0)
			request->verdict = enter(request);
		else if (errno != EINTR)
			_exit(0);
	}
}

/* --- the caller's side -------------------------------------------------------------------------------- */

/* Once for all processes, because what a monitor has in static variables all vCPUs share. */
static int copy_segments(struct sm_process *p, struct sm_error *err)
{
	uint32_t i;

	sm_image_describe(p->image, &p->layout);
	for (i = 0; i < p->layout.nr_segments; i++) {
		const struct sm_segment *s = &p->layout.segments[i];
		void *at = mmap(NULL, s->mem_size, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED)
			return sm_error_set(err, -errno, "no memory for the image");
		p->segments[i] = at;
		memcpy(at, (const void *)(uintptr_t)s->data, s->file_size);
	}
	return 0;
}

static void release(struct sm_process *p)
{
	uint32_t i;

	for (i = 0; i < p->layout.nr_segments; i++)
		if (p->segments[i])
			munmap(p->segments[i], p->layout.segments[i].mem_size);
	while (p->nr_rams)
		close(p->rams[--p->nr_rams].fd);
}

static int start(struct sm_process *p, uint32_t vcpu, struct sm_error *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return sm_error_set(err, -errno, "cannot start a process for a vCPU: %s",
				    strerror(errno));
	if (pid == 0) {
		p->vcpu = vcpu;
		serve(p);
	}
	p->pids[p->nr_pids++] = pid;
	return 0;
}

static int start_all(struct sm_process *p, struct sm_error *err)
{
	struct sm_status status;
	int code = sm_status_read(p->fd, &status);
	uint32_t i;

	if (code)
		return sm_error_set(err, code, "cannot read the VM's vCPUs: %s", strerror(-code));
	p->ring_size = status.vm.ring_size;
	p->pids = calloc(status.vm.count + 1, sizeof(*p->pids));
	if (!p->pids)
		code = sm_error_set(err, -ENOMEM, "no memory for the attachment");
	for (i = 0; i < status.vm.count && !code; i++)
		code = start(p, status.vcpus[i].vcpu, err);
	sm_status_free(&status);
	return code;
}

int sm_process_start(int fd, const struct sm_image *image, uint64_t needed_gpa,
		     struct sm_process **ret_process, struct sm_error *err)
{
	struct sm_process *p = calloc(1, sizeof(*p));
	int code;

	if (!p)
		return sm_error_set(err, -ENOMEM, "no memory for the attachment");
	p->fd = fd;
	p->image = image;
	code = find_rams(p, needed_gpa, err);
	if (!code)
		code = copy_segments(p, err);
	if (!code)
		code = start_all(p, err);
	release(p);
	p->image = NULL;
	/* Those that run end with the attachment; the caller reaps them then, also after a failure. */
	*ret_process = p;
	return code;
}

void sm_process_reap(struct sm_process *process)
{
	if (!process)
		return;
	while (process->nr_pids)
		waitpid(process->pids[--process->nr_pids], NULL, 0);
	free(process->pids);
	free(process);
}
