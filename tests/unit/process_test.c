// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Monitors in a process of the host, without a VM: the device is a file in memory whose ioctls this test
 * answers, guest RAM is another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <shadowmon/request.h>
#include <shadowmon/ring.h>

#include "gate_offsets.h"
#include "../../host/lib/internal.h"

#define RAM_SIZE    0x100000ul
#define RING_SIZE   SM_RING_MIN_SIZE
#define PAGE_OFFSET 0xffff888000000000ull
#define TASK_GPA    0x1000ull
#define GS_GPA      0x2000ull

/* Shared with the process that serves. */
static struct shared {
	int asked;    /* times that it asked for work */
	int requests; /* that it is given before the attachment ends */
	struct sm_request request, answers[4];
} * shared;

static struct sm_image *image;
static int device, ram_file;
static unsigned char *ram;

static struct sm_request *page;

/* In the process; the test's own calls are those of its library. */
static int serve(unsigned int vcpu)
{
	int n = shared->asked++;

	assert_int_equal(vcpu, 0);
	page = (void *)(uintptr_t)(SM_PROCESS_GATE_VA + SM_VA_CPU + SM_CPU_LIST);
	if (n)
		shared->answers[n - 1] = *page;
	if (n == shared->requests) {
		errno = ENOTCONN;
		return -1;
	}
	*page = shared->request;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	struct sm_ioc_memslots *memslots = arg;
	struct sm_ioc_status *status = arg;

	(void)fd;
	switch (request) {
	case SM_IOC_SERVE:
		return serve((unsigned int)(uintptr_t)arg);
	case SM_IOC_MEMSLOTS:
		*(struct sm_memslot *)(uintptr_t)memslots->slots =
			(struct sm_memslot){0, RAM_SIZE, (uintptr_t)ram};
		memslots->count = 1;
		memslots->vmm_pid = getpid();
		return 0;
	case SM_IOC_STATUS:
		status->ring_size = RING_SIZE;
		status->count = 1;
		if (status->capacity)
			*(struct sm_vcpu_status *)(uintptr_t)status->vcpus =
				(struct sm_vcpu_status){.vcpu = 0};
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

/* A guest's kernel whose structures all begin with what is asked for. */
static int resolve(void *ctx, const char *symbol, uint64_t *ret_value)
{
	struct sm_ioc_agent agent = {
		.gate_va = SM_PROCESS_GATE_VA,
		.page_offset = PAGE_OFFSET,
		.direct_map_size = 1 << 30,
	};
	struct sm_resolve r = {.fd = -1, .agent = &agent, .process = true};

	(void)ctx;
	if (strcmp(symbol, "sm_hassym.pcpu_hot") == 0) {
		*ret_value = 0;
		return 0;
	}
	if (strncmp(symbol, "sm_off.", 7) == 0 || strncmp(symbol, "sm_sym.", 7) == 0) {
		*ret_value = 0;
		return 0;
	}
	if (strncmp(symbol, "sm_has", 6) == 0 || strncmp(symbol, "sm_size.", 8) == 0) {
		*ret_value = 1;
		return 0;
	}
	return sm_resolve_symbol(&r, symbol, ret_value);
}

static unsigned int slot_of(const char *function)
{
	const struct sm_image_hook *hooks;
	unsigned int count = sm_image_hooks(image, &hooks), i;

	for (i = 0; i < count; i++)
		if (strcmp(hooks[i].function, function) == 0)
			return i;
	fail_msg("the image has no monitor of %s", function);
	return 0;
}

static void *map_file(int file, uint64_t bytes, uint64_t offset, int flags)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file, (off_t)offset);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void map_ram(int flags)
{
	munmap(ram, RAM_SIZE);
	ram = map_file(ram_file, RAM_SIZE, 0, flags);
}

static int setup(void **state)
{
	struct sm_error err;

	(void)state;
	device = memfd_create("device", 0);
	ram_file = memfd_create("ram", 0);
	assert_return_code(ftruncate(device, (off_t)SM_MMAP_SERVER(1)), errno);
	assert_return_code(ftruncate(ram_file, RAM_SIZE), errno);
	shared = map_file(-1, sizeof(*shared), 0, MAP_SHARED | MAP_ANONYMOUS);
	ram = map_file(ram_file, RAM_SIZE, 0, MAP_SHARED);
	assert_int_equal(sm_image_open_file(IMAGE, &image, &err), 0);
	assert_int_equal(
		sm_image_link(image, SM_PROCESS_GATE_VA + SM_VA_IMAGE, resolve, NULL, &err), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sm_image_close(image);
	munmap(shared, sizeof(*shared));
	munmap(ram, RAM_SIZE);
	close(device);
	close(ram_file);
	return 0;
}

/* Runs the process to its end, with the request that is in shared. */
static void run(int requests)
{
	struct sm_process *process = NULL;
	struct sm_error err;

	shared->requests = requests;
	assert_int_equal(sm_process_start(device, image, 0, &process, &err), 0);
	sm_process_reap(process);
	assert_int_equal(shared->asked, requests + 1);
}

static void an_event_is_answered(void **state)
{
	(void)state;
	shared->request = (struct sm_request){.slot = slot_of("shadowmon_ping"), .verdict = 77};
	run(2);
	assert_int_equal(shared->answers[0].verdict, 0);
	assert_int_equal(shared->answers[1].verdict, 0);
}

static void a_monitor_reads_guest_ram_and_writes_the_ring(void **state)
{
	struct sm_ring_producer *producer;
	struct sm_ring_consumer *consumer;
	u64 *record;
	u8 *ring = map_file(device, SM_RING_DATA + RING_SIZE, SM_MMAP_RING(0), MAP_SHARED);

	(void)state;
	producer = (void *)ring;
	consumer = (void *)(ring + SM_RING_CONSUMER_PAGE);
	consumer->size = RING_SIZE;
	consumer->sleeping = 1;
	memcpy(ram + GS_GPA, &(u64){PAGE_OFFSET + TASK_GPA}, 8);
	memcpy(ram + TASK_GPA, &(u32){0x55667788}, 4);
	shared->request = (struct sm_request){
		.slot = slot_of("x64_sys_call"),
		.args = {0, 257},
		.gs_base = PAGE_OFFSET + GS_GPA,
	};
	run(1);
	record = (u64 *)(ring + SM_RING_DATA);
	assert_int_not_equal(producer->head, 0);
	assert_int_equal(record[3], 257);
	assert_int_equal((u32)record[4], 0x55667788);
	assert_int_equal(shared->answers[0].doorbell, 1);
	munmap(ring, SM_RING_DATA + RING_SIZE);
}

static void a_read_beyond_ram_is_survived(void **state)
{
	u8 *ring = map_file(device, SM_RING_DATA + RING_SIZE, SM_MMAP_RING(0), MAP_SHARED);

	(void)state;
	((struct sm_ring_consumer *)(ring + SM_RING_CONSUMER_PAGE))->size = RING_SIZE;
	shared->request = (struct sm_request){
		.slot = slot_of("x64_sys_call"),
		.args = {0, 257},
		.gs_base = PAGE_OFFSET + RAM_SIZE + 0x1000,
	};
	run(2);
	assert_int_equal(((u64 *)(ring + SM_RING_DATA))[3], 257);
	assert_int_equal((u32)((u64 *)(ring + SM_RING_DATA))[4], 0);
	munmap(ring, SM_RING_DATA + RING_SIZE);
}

static void ram_that_is_not_shared_is_refused(void **state)
{
	struct sm_process *process = NULL;
	struct sm_error err;

	(void)state;
	map_ram(MAP_PRIVATE);
	assert_int_equal(sm_process_start(device, image, 0, &process, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "share=on"));
	sm_process_reap(process);
	assert_int_equal(shared->asked, 0);
}

#define PROCESS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROCESS(an_event_is_answered),
		PROCESS(a_monitor_reads_guest_ram_and_writes_the_ring),
		PROCESS(a_read_beyond_ram_is_survived),
		PROCESS(ram_that_is_not_shared_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
