// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls /dev/shadowmon at random, in two processes that share descriptors:  ioctl_fuzz VMM-PID CALLS SEED
 *
 * Half of the arguments make sense, so that attachments come far; the others are changed in some field, in
 * size or in all bytes, or are no memory.  The guest runs meanwhile, its guest module answers, and with lab=1
 * its hooked functions can be called.  What is wrong shows in the kernel's log and in what is left over.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gate_offsets.h>
#include <shadowmon/hypercall.h>
#include <shadowmon/ioctl.h>
#include <shadowmon/layout.h>
#include <shadowmon/policy_table.h>

#include "tap.h"
#include "vm_fd.h"

#define FILES        6
#define ROUNDS       10 /* at most; more than one if something was never accepted */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

union argument {
	__u32 size;
	struct sm_ioc_info info;
	struct sm_ioc_attach attach;
	struct sm_ioc_agent agent;
	struct sm_ioc_command command;
	struct sm_ioc_memslots memslots;
	struct sm_ioc_load_image load_image;
	struct sm_ioc_value value;
	struct sm_ioc_outside outside;
	struct sm_ioc_lock lock;
	struct sm_ioc_status status;
	struct sm_ioc_detach detach;
	struct sm_ioc_policy policy;
	__u64 words[64];
	char bytes[2 * 4096];
};

static const struct {
	unsigned long request;
	const char *name;
	unsigned int weight;
	bool must; /* be accepted once at least: what needs no rare state or transport */
} calls[] = {
	{SM_IOC_INFO, "info", 2, true},         {SM_IOC_ATTACH, "attach", 6, true},
	{SM_IOC_AGENT, "agent", 4, true},       {SM_IOC_COMMAND, "command", 12, true},
	{SM_IOC_MEMSLOTS, "memslots", 6, true}, {SM_IOC_LOAD_IMAGE, "load image", 10, true},
	{SM_IOC_LOCK, "lock", 2, false},        {SM_IOC_STATUS, "status", 8, true},
	{SM_IOC_WAKE, "wake", 2, true},         {SM_IOC_DETACH, "detach", 1, true},
	{SM_IOC_VALUE, "value", 6, false},      {SM_IOC_OUTSIDE, "outside", 3, false},
	{SM_IOC_SERVE, "serve", 2, false},      {SM_IOC_POLICY, "policy", 4, true},
};

/* What the two processes count. */
static struct shared {
	unsigned long done, accepted[COUNT(calls)], mapped;
} * shared;

static int files[FILES], kvm_fd;
static __u64 state;

static unsigned int below(unsigned int limit)
{
	/* Knuth's MMIX generator; its high bits are the good ones. */
	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned int)((state >> 33) % limit);
}

/* At the compartment's one entry: back with the verdict to go on, or a trap. */
static const char *image(void)
{
	static char page[4096];
	unsigned char *code = (unsigned char *)page + SM_IMAGE_ENTRY;
	int distance = GATE_EXIT_OFFSET - (SM_VA_ENTRY + 7);

	memset(page, 0xcc, sizeof(page));
	if (below(2)) {
		*code++ = 0x31; /* xor %edx, %edx; jmp gate_exit */
		*code++ = 0xd2;
		*code++ = 0xe9;
		memcpy(code, &distance, sizeof(distance));
	}
	return page;
}

static void make_command(struct sm_ioc_command *arg)
{
	static const char *const names[] = {"shadowmon_ping", "shadowmon_provoke", "init_task",
					    "no_such_name"};

	arg->op = SM_OP_LOOKUP + below(3) % 2 + (below(40) == 0);
	arg->slot = below(SM_SLOTS);
	arg->nargs = 1 + below(2);
	arg->timeout_ms = 1 + below(20);
	strcpy(arg->name, names[below(COUNT(names))]);
}

static void make_image(struct sm_ioc_load_image *arg)
{
	static struct sm_fixup fixups[2] = {{0x10, 0x20}, {0x30, 0x40}};

	arg->nr_segments = 3;
	arg->nr_fixups = below(3);
	arg->fixups = (uintptr_t)fixups;
	arg->segments[0] = (struct sm_segment){.mem_size = 4096,
					       .file_size = 4096,
					       .flags = SM_SEGMENT_READ | SM_SEGMENT_EXEC,
					       .data = (uintptr_t)image()};
	arg->segments[1] = (struct sm_segment){.offset = 4096,
					       .mem_size = 4096 * (1 + below(32)),
					       .flags = SM_SEGMENT_READ | SM_SEGMENT_WRITE};
	arg->segments[2] = (struct sm_segment){.offset = 4096 * 40,
					       .mem_size = sizeof(struct sm_policy_area),
					       .flags = SM_SEGMENT_READ};
	if (below(4))
		arg->policy = arg->segments[2].offset;
	if (below(2)) {
		arg->dispatch = 4096;
		arg->unbound = SM_IMAGE_ENTRY;
	}
}

/* One that makes sense. */
static void make(unsigned long request, union argument *arg)
{
	static struct sm_policy_table table;
	static struct sm_memslot slots[32];
	static struct sm_vcpu_status vcpus[8];

	memset(arg, 0, sizeof(*arg));
	arg->size = _IOC_SIZE(request);
	switch (request) {
	case SM_IOC_ATTACH:
		arg->attach.kvm_fd = kvm_fd;
		arg->attach.flags = below(2);
		arg->attach.ring_size = 0x4000 << below(7);
		arg->attach.transport = below(2) ? SM_TRANSPORT_GATE : below(3);
		break;
	case SM_IOC_COMMAND:
		make_command(&arg->command);
		break;
	case SM_IOC_MEMSLOTS:
		arg->memslots.capacity = below(COUNT(slots) + 1);
		arg->memslots.slots = (uintptr_t)slots;
		break;
	case SM_IOC_LOAD_IMAGE:
		make_image(&arg->load_image);
		break;
	case SM_IOC_POLICY:
		arg->policy.events = below(256);
		arg->policy.table_size = sizeof(table);
		arg->policy.table = (uintptr_t)&table;
		break;
	case SM_IOC_VALUE:
		arg->value.index = below(64);
		break;
	case SM_IOC_STATUS:
		arg->status.capacity = below(COUNT(vcpus) + 1);
		arg->status.vcpus = (uintptr_t)vcpus;
		break;
	case SM_IOC_DETACH:
		arg->detach.timeout_ms = below(50);
		break;
	}
}

static void spoil(unsigned long request, union argument *arg)
{
	static const __u64 special[] = {0,          1,      0x7fffffff, 0x80000000,         ~0ULL,
					0xfffff000, 0x1000, 1ULL << 63, 0x7ffffffffff000ULL};
	unsigned int size = _IOC_SIZE(request), i;

	switch (below(6)) {
	case 0:
		arg->size = below(2) ? below(9000) : (__u32)special[below(COUNT(special))];
		break;
	case 1:
		for (i = 4; i < size; i++)
			arg->bytes[i] = (char)below(256);
		break;
	case 2:
		arg->bytes[size + below(256)] = 1;
		arg->size = size + 256;
		break;
	default:
		for (i = 1 + below(3); i; i--)
			memcpy(arg->bytes + 4 * below(size / 4), &special[below(COUNT(special))],
			       below(2) ? 4 : 8);
	}
	/* A command that nobody answers is waited for. */
	if (request == SM_IOC_COMMAND && arg->command.timeout_ms > 20)
		arg->command.timeout_ms &= 15;
	if (request == SM_IOC_DETACH)
		arg->detach.timeout_ms &= 31;
}

static unsigned int choose(void)
{
	unsigned int i, at, sum = 0;

	for (i = 0; i < COUNT(calls); i++)
		sum += calls[i].weight;
	at = below(sum);
	for (i = 0; at >= calls[i].weight; i++)
		at -= calls[i].weight;
	return i;
}

static void call(int fd)
{
	unsigned int which = choose();
	unsigned long request = calls[which].request;
	union argument arg;
	void *user = &arg;

	make(request, &arg);
	if (request == SM_IOC_SERVE) {
		user = (void *)(uintptr_t)(below(4) ? below(4) : below(1u << 31));
	} else if (_IOC_SIZE(request) && below(2)) {
		spoil(request, &arg);
		if (below(16) == 0)
			user = (void *)(uintptr_t)(below(2) ? 8 : 0xffffffff81000000);
		if (below(16) == 0)
			request ^= 1u << below(32);
	}
	if (ioctl(fd, request, user) >= 0)
		__atomic_fetch_add(&shared->accepted[which], 1, __ATOMIC_RELAXED);
}

static void map(int fd)
{
	static const __u64 bases[] = {0, SM_MMAP_HOST_RING, SM_MMAP_SERVER(0)};
	__u64 offset = bases[below(3)] + SM_MMAP_RING(below(3)) + 4096ULL * below(4);
	size_t size = 4096ULL * (1 + below(below(2) ? 4 : 300));
	int protection = below(2) ? PROT_READ : PROT_READ | PROT_WRITE;
	unsigned int i;
	char *bytes;

	if (below(4) == 0)
		offset = ((__u64)below(1u << 31) << 31 ^ below(1u << 31)) & ~4095ULL;
	bytes = mmap(NULL, size, protection, below(8) ? MAP_SHARED : MAP_PRIVATE, fd,
		     (off_t)offset);
	if (bytes == MAP_FAILED)
		return;
	__atomic_fetch_add(&shared->mapped, 1, __ATOMIC_RELAXED);
	/* A consumer or a server that lies. */
	if (protection & PROT_WRITE)
		for (i = 0; i < 8; i++)
			((volatile __u64 *)bytes)[i] = below(3) ? below(64) : ~0ULL;
	else
		(void)*(volatile char *)(bytes + 4096 * below((unsigned int)(size / 4096)));
	munmap(bytes, size);
}

static void reopen(unsigned int file)
{
	int fd = open(SM_DEVICE, O_RDWR);

	dup2(fd, files[file]);
	close(fd);
}

static void step(void)
{
	unsigned int file = below(FILES);
	struct pollfd poll_fd = {.fd = files[file], .events = POLLIN};

	switch (below(64)) {
	case 0 ... 3:
		map(files[file]);
		break;
	case 4:
		poll(&poll_fd, 1, 0);
		break;
	case 5:
		if (below(5) == 0)
			reopen(file);
		break;
	default:
		call(files[file]);
	}
}

static void wake(int signal)
{
	(void)signal;
}

/* Signals end what waits; the two processes share the descriptors, but what one opens anew is its own. */
static void run(unsigned long steps)
{
	struct sigaction action = {.sa_handler = wake};
	struct itimerval timer = {{0, 20000}, {0, 20000}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (steps--) {
		step();
		__atomic_fetch_add(&shared->done, 1, __ATOMIC_RELAXED);
	}
	timer = (struct itimerval){0};
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* In two processes; false if the other one did not end well. */
static bool run_both(unsigned long steps)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		state = ~state;
		run(steps / 2);
		_exit(0);
	}
	run(steps - steps / 2);
	return waitpid(child, &status, 0) == child && status == 0;
}

static bool all_was_accepted(void)
{
	unsigned int i;

	for (i = 0; i < COUNT(calls); i++)
		if (calls[i].must && !shared->accepted[i])
			return false;
	return shared->mapped > 0;
}

static struct sm_ioc_info info(void)
{
	struct sm_ioc_info arg = {.size = sizeof(arg)};
	int fd = open(SM_DEVICE, O_RDWR);

	ioctl(fd, SM_IOC_INFO, &arg);
	close(fd);
	return arg;
}

int main(int argc, char **argv)
{
	unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 0, wanted = 0;
	struct sm_ioc_info before, after;
	unsigned int i, round = 0;
	bool ended_well;

	kvm_fd = argc > 3 ? vm_fd(atoi(argv[1])) : -1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (!tap(kvm_fd >= 0 && shared != MAP_FAILED, "VM open"))
		return tap_end();
	before = info();
	for (i = 0; i < FILES; i++)
		files[i] = open(SM_DEVICE, O_RDWR);
	state = strtoull(argv[3], NULL, 0);
	do {
		ended_well = run_both(steps);
		wanted += steps;
	} while (ended_well && ++round < ROUNDS && !all_was_accepted());
	for (i = 0; i < FILES; i++)
		close(files[i]);
	tap(ended_well && shared->done == wanted, "%lu calls at random", shared->done);
	for (i = 0; i < COUNT(calls); i++)
		tap(shared->accepted[i] || !calls[i].must, "%lu times %s was accepted",
		    shared->accepted[i], calls[i].name);
	tap(shared->mapped > 0, "%lu mappings", shared->mapped);
	after = info();
	tap(after.attached == 0 && after.pages == before.pages,
	    "no page and no attachment is left (%u, %u before)", after.pages, before.pages);
	return tap_end();
}
