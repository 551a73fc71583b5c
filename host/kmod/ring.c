// SPDX-License-Identifier: GPL-2.0-or-later
/* Event rings: pages that the compartment, this module and the consumer share. */

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "shadowmon.h"

int smh_ring_create(struct smh_ring *ring, u32 size, u32 flags, u32 vcpu)
{
	unsigned int count = (SM_RING_DATA + size) >> PAGE_SHIFT;

	ring->pages = kvcalloc(count, sizeof(*ring->pages), GFP_KERNEL_ACCOUNT);
	if (!ring->pages)
		return -ENOMEM;
	for (ring->nr_pages = 0; ring->nr_pages < count; ring->nr_pages++) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

		if (!page)
			goto err_pages;
		ring->pages[ring->nr_pages] = page;
	}
	smh_pages_account(count);
	ring->producer = page_address(ring->pages[0]);
	ring->consumer = page_address(ring->pages[1]);
	ring->consumer->size = size;
	ring->consumer->flags = flags;
	ring->consumer->vcpu = vcpu;
	return 0;

err_pages:
	while (ring->nr_pages)
		__free_page(ring->pages[--ring->nr_pages]);
	kvfree(ring->pages);
	ring->pages = NULL;
	return -ENOMEM;
}

void smh_ring_destroy(struct smh_ring *ring)
{
	unsigned int i;

	if (!ring->pages)
		return;
	for (i = 0; i < ring->nr_pages; i++)
		__free_page(ring->pages[i]);
	smh_pages_account(-(int)ring->nr_pages);
	kvfree(ring->pages);
	ring->pages = NULL;
}

static u32 ring_size(const struct smh_ring *ring)
{
	return (ring->nr_pages << PAGE_SHIFT) - SM_RING_DATA;
}

bool smh_ring_has_records(const struct smh_ring *ring)
{
	return READ_ONCE(ring->producer->head) != READ_ONCE(ring->consumer->tail);
}

bool smh_ring_has_room(const struct smh_ring *ring)
{
	u64 used = READ_ONCE(ring->producer->head) - READ_ONCE(ring->consumer->tail);

	/* A record may need a pad of almost its own length before it. */
	return used + 2 * SM_RECORD_MAX <= ring_size(ring);
}

/*
 * The consumer may write the consumer page and nothing else; a later mprotect() must not change that.
 * The size, flags and vcpu in that page are for the compartment; root rewriting them harms its own VM.
 */
int smh_ring_mmap(const struct smh_ring *ring, struct vm_area_struct *vma, unsigned long first_page,
		  bool produces)
{
	unsigned long count = vma_pages(vma), i;
	int err;

	if (first_page >= ring->nr_pages || count > ring->nr_pages - first_page)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if ((vma->vm_flags & VM_WRITE) && !produces &&
	    (first_page != SM_RING_CONSUMER_PAGE >> PAGE_SHIFT || count != 1))
		return -EPERM;
	if (!(vma->vm_flags & VM_WRITE))
		smh_vma_clear_flags(vma, VM_MAYWRITE);
	smh_vma_clear_flags(vma, VM_MAYEXEC);
	smh_vma_set_flags(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);

	for (i = 0; i < count; i++) {
		err = vm_insert_page(vma, vma->vm_start + (i << PAGE_SHIFT),
				     ring->pages[first_page + i]);
		if (err)
			return err;
	}
	return 0;
}

int smh_host_ring_create(struct smh_host_ring *host)
{
	int err;

	raw_spin_lock_init(&host->lock);
	err = smh_ring_create(&host->ring, SM_HOST_RING_SIZE, 0, ~0u);
	if (err)
		return err;
	host->data = vmap(host->ring.pages + (SM_RING_DATA >> PAGE_SHIFT),
			  SM_HOST_RING_SIZE >> PAGE_SHIFT, VM_MAP, PAGE_KERNEL);
	if (!host->data) {
		smh_ring_destroy(&host->ring);
		return -ENOMEM;
	}
	return 0;
}

void smh_host_ring_destroy(struct smh_host_ring *host)
{
	if (host->data)
		vunmap(host->data);
	host->data = NULL;
	smh_ring_destroy(&host->ring);
}

/* Makes room for len contiguous bytes; false: full. */
static bool reserve(struct smh_host_ring *host, u64 *head, u32 len)
{
	u64 used = *head - READ_ONCE(host->ring.consumer->tail);
	u32 offset = *head & (SM_HOST_RING_SIZE - 1);
	u32 rest = SM_HOST_RING_SIZE - offset;
	u32 pad = rest < len ? rest : 0;

	if (used > SM_HOST_RING_SIZE || used + pad + len > SM_HOST_RING_SIZE)
		return false;
	if (pad) {
		/* The rest may be shorter than a record's head; its length always fits. */
		*(u64 *)(host->data + offset) = pad;
		*head += pad;
	}
	return true;
}

static void append(struct smh_host_ring *host, u64 *head, struct sm_record *rec, u32 len)
{
	rec->len = len;
	rec->slot = 0;
	rec->tsc = rdtsc();
	memcpy(host->data + (*head & (SM_HOST_RING_SIZE - 1)), rec, len);
	*head += len;
}

void smh_host_ring_put(struct smh_vm *vm, struct sm_record *rec, u32 len)
{
	struct smh_host_ring *host = &vm->host_ring;
	struct sm_record_loss loss = {.h.type = SM_RECORD_LOSS};
	unsigned long flags;
	u64 head;

	raw_spin_lock_irqsave(&host->lock, flags);
	head = host->ring.producer->head;
	rec->seq = host->seq++;
	if (!reserve(host, &head, len + (host->lost ? sizeof(loss) : 0))) {
		host->lost++;
		host->ring.producer->lost++;
		goto unlock;
	}
	if (host->lost) {
		loss.count = host->lost;
		loss.h.seq = rec->seq;
		append(host, &head, &loss.h, sizeof(loss));
		host->lost = 0;
	}
	append(host, &head, rec, len);
	/* Pairs with the reader's load: what lies before head is complete. */
	smp_store_release(&host->ring.producer->head, head);
unlock:
	raw_spin_unlock_irqrestore(&host->lock, flags);
	wake_up_interruptible(&vm->readers);
}
