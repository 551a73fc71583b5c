// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The types of the kernel that was asked for last are kept: the guests of a host have few kernels, a reload has that
 * of its attachment, and to parse them takes as long as the rest of an attachment.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/random.h>

#include "kernel_types.h"
#include "siphash.h"

static struct {
	pthread_mutex_t lock; /* also while they are parsed: who waits may want the same */
	bool has_key;
	uint64_t key[2];
	struct sm_btf *last; /* or NULL */
	uint64_t mark;       /* last's */
} types = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int make_key(struct sm_error *err)
{
	if (!types.has_key && getrandom(types.key, sizeof(types.key), 0) != sizeof(types.key))
		return sm_error_set(err, -EIO, "the host's kernel gives no random numbers");
	types.has_key = true;
	return 0;
}

static int parse(const void *data, size_t size, struct sm_error *err)
{
	struct sm_btf *btf;
	int code = make_key(err);

	if (!code)
		code = sm_btf_open(data, size, &btf, err);
	if (code)
		return code;
	sm_btf_close(types.last);
	types.last = btf;
	types.mark = sm_siphash(data, size, types.key);
	return 0;
}

int sm_kernel_types_open(const void *data, size_t size, struct sm_btf **ret_btf, uint64_t *ret_mark,
			 struct sm_error *err)
{
	int code = 0;

	pthread_mutex_lock(&types.lock);
	if (!types.last || !sm_btf_is_of(types.last, data, size))
		code = parse(data, size, err);
	if (!code) {
		*ret_btf = sm_btf_share(types.last);
		*ret_mark = types.mark;
	}
	pthread_mutex_unlock(&types.lock);
	return code;
}
