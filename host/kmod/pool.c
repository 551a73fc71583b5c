// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages of a compartment: allocated one by one, freed together. */

#include <linux/atomic.h>
#include <linux/mm.h>

#include "shadowmon.h"

static atomic_t pages_held = ATOMIC_INIT(0);

u32 smh_pages_held(void)
{
	return atomic_read(&pages_held);
}

void smh_pages_account(int delta)
{
	atomic_add(delta, &pages_held);
}

void smh_pool_init(struct smh_pool *pool)
{
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->pages);
	pool->count = 0;
}

void *smh_pool_page(struct smh_pool *pool)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!page)
		return NULL;
	spin_lock(&pool->lock);
	list_add(&page->lru, &pool->pages);
	pool->count++;
	spin_unlock(&pool->lock);
	smh_pages_account(1);
	return page_address(page);
}

void smh_pool_destroy(struct smh_pool *pool)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &pool->pages, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	smh_pages_account(-(int)pool->count);
	pool->count = 0;
}
