// SPDX-License-Identifier: GPL-2.0-or-later
/* The reader's dealings with /dev/shadowmon: mapping rings, finding new vCPUs, sleeping. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <shadowmon/ioctl.h>

#include "internal.h"
#include "reader_internal.h"
#include "status.h"

/* A doorbell should end every sleep; this is for the day it does not. */
#define SLEEP_MAX_MS 200

/* How often vCPUs and clocks are asked for. */
#define REFRESH_MS 1000

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

static void unmap(struct sm_source *source)
{
	if (source->consumer_map)
		munmap(source->consumer_map, SM_PAGE_SIZE);
	if (source->map)
		munmap(source->map, SM_RING_DATA + source->ring.size);
}

static int map_source(struct sm_reader *reader, u32 vcpu, u64 offset, u32 size, bool block)
{
	struct sm_source *source;
	void *map, *consumer;
	struct sm_ring ring;
	int err;

	map = mmap(NULL, SM_RING_DATA + size, PROT_READ, MAP_SHARED, reader->fd, (off_t)offset);
	if (map == MAP_FAILED)
		return -errno;
	consumer = mmap(NULL, SM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, reader->fd,
			(off_t)(offset + SM_RING_CONSUMER_PAGE));
	if (consumer == MAP_FAILED) {
		err = -errno;
		goto err_map;
	}
	sm_ring_init(&ring, map, consumer, (const u8 *)map + SM_RING_DATA, size, block);
	err = sm_reader_add(reader, vcpu, &ring, &source);
	if (err)
		goto err_consumer;
	source->map = map;
	source->consumer_map = consumer;
	return 0;

err_consumer:
	munmap(consumer, SM_PAGE_SIZE);
err_map:
	munmap(map, SM_RING_DATA + size);
	return err;
}

static struct sm_source *find(const struct sm_reader *reader, u32 vcpu)
{
	size_t i;

	for (i = 0; i < reader->count; i++)
		if (reader->sources[i]->vcpu == vcpu)
			return reader->sources[i];
	return NULL;
}

static int refresh_vcpu(struct sm_reader *reader, const struct sm_ioc_status *vm,
			const struct sm_vcpu_status *vcpu)
{
	struct sm_source *source;

	if (!find(reader, vcpu->vcpu)) {
		int err = map_source(reader, vcpu->vcpu, SM_MMAP_RING(vcpu->vcpu), vm->ring_size,
				     vm->flags & SM_ATTACH_BLOCK);
		if (err)
			return err;
	}
	source = find(reader, vcpu->vcpu);
	/* Once the VM is detached its offsets read as nothing: the last good ones stay. */
	if (vcpu->tsc_ratio || vcpu->tsc_offset)
		source->clock = (struct sm_clock_vcpu){vcpu->tsc_offset, vcpu->tsc_ratio};
	return 0;
}

/* Takes up new vCPUs and the present relation of the clocks. */
static int refresh(struct sm_reader *reader)
{
	struct sm_status status;
	int err;
	u32 i;

	err = sm_status_read(reader->fd, &status);
	if (err)
		return err;
	reader->refreshed_ms = now_ms();
	reader->clock = (struct sm_clock){
		.host_tsc = status.vm.host_tsc,
		.host_time_ns = status.vm.host_time_ns,
		.tsc_khz = status.vm.tsc_khz,
		.ratio_shift = status.vm.tsc_ratio_shift,
	};
	for (i = 0; i < status.vm.count && !err; i++)
		err = refresh_vcpu(reader, &status.vm, &status.vcpus[i]);
	sm_status_free(&status);
	return err;
}

int sm_reader_open(int fd, struct sm_reader **ret_reader, struct sm_error *err_text)
{
	struct sm_reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (!reader)
		return sm_error_set(err_text, -ENOMEM, "no memory for the event reader");
	reader->fd = fd;
	err = refresh(reader);
	if (!err)
		err = map_source(reader, SM_VCPU_HOST, SM_MMAP_HOST_RING, SM_HOST_RING_SIZE, false);
	if (err) {
		sm_reader_close(reader);
		return sm_error_set(err_text, err, "cannot open the event rings: %s",
				    strerror(-err));
	}
	*ret_reader = reader;
	return 0;
}

void sm_reader_close(struct sm_reader *reader)
{
	size_t i;

	if (!reader)
		return;
	for (i = 0; i < reader->count; i++) {
		unmap(reader->sources[i]);
		free(reader->sources[i]);
	}
	free(reader->sources);
	free(reader);
}

/* Sleeps once; 1: look at the rings, 0: nothing came, or a negative errno. */
static int sleep_once(struct sm_reader *reader, int timeout_ms)
{
	struct pollfd pfd = {.fd = reader->fd, .events = POLLIN};
	int err = 0;

	sm_reader_set_sleeping(reader, true);
	if (!sm_reader_has_data(reader) && poll(&pfd, 1, timeout_ms) < 0)
		err = -errno;
	sm_reader_set_sleeping(reader, false);
	if (err)
		return err;
	if (sm_reader_has_data(reader))
		return 1;
	/* Of a vCPU whose ring is not mapped yet. */
	if (pfd.revents & POLLIN)
		reader->refreshed_ms = 0;
	return pfd.revents & (POLLHUP | POLLERR) ? -ENOTCONN : 0;
}

int sm_reader_wait(struct sm_reader *reader, int timeout_ms)
{
	u64 start = now_ms();

	for (;;) {
		u64 now = now_ms();
		int left = SLEEP_MAX_MS, err;

		if (now - reader->refreshed_ms >= REFRESH_MS) {
			err = refresh(reader);
			if (err && err != -ENODEV && err != -ENOTCONN)
				return err;
		}
		if (timeout_ms >= 0 && now - start + SLEEP_MAX_MS > (u64)timeout_ms)
			left = now - start >= (u64)timeout_ms
				       ? 0
				       : (int)((u64)timeout_ms - (now - start));
		err = sleep_once(reader, left);
		if (err || (timeout_ms >= 0 && now_ms() - start >= (u64)timeout_ms))
			return err;
	}
}
