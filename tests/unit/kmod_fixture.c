// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmod_fixture.h"

#define ADDRESS               GENMASK_ULL(51, 12)
#define LARGE                 BIT_ULL(7)
#define PAGES                 4096
#define INDEX(address, level) (((address) >> (12 + 9 * (level))) & 511)

struct kvm_vcpu kvm_vcpus[3] = {{.vcpu_idx = 0}, {.vcpu_idx = 1}, {.vcpu_idx = 2}};
unsigned int pages_left, host_records;
struct sm_record_lifecycle last_host_record;
const u8 smh_gate_page[SM_PAGE_SIZE] = {0x0f, 0x01, 0xd4};

static void *pages[PAGES];
static unsigned int nr_pages;

void *smh_pool_page(struct smh_pool *pool)
{
	void *page;

	if (pages_left == 0 || nr_pages == PAGES)
		return NULL;
	page = aligned_alloc(SM_PAGE_SIZE, SM_PAGE_SIZE);
	if (!page)
		return NULL;
	pages_left--;
	pages[nr_pages++] = page;
	pool->count++;
	return memset(page, 0, SM_PAGE_SIZE);
}

int smh_ring_create(struct smh_ring *ring, u32 size, u32 flags, u32 vcpu)
{
	static struct smh_pool pool;
	unsigned int i;

	ring->nr_pages = (SM_RING_DATA + size) >> SM_PAGE_SHIFT;
	ring->pages = calloc(ring->nr_pages, sizeof(*ring->pages));
	for (i = 0; ring->pages && i < ring->nr_pages; i++)
		ring->pages[i] = smh_pool_page(&pool);
	return ring->pages ? 0 : -ENOMEM;
}

void smh_ring_destroy(struct smh_ring *ring)
{
	free(ring->pages);
}

void smh_host_ring_put(struct smh_vm *vm, struct sm_record *rec, u32 len)
{
	host_records++;
	memcpy(&last_host_record, rec,
	       len < sizeof(last_host_record) ? len : sizeof(last_host_record));
}

uint32_t get_random_u32(void)
{
	return 4;
}

void smh_vcpu_publish(struct smh_vcpu *v)
{
}

void smh_budget_init(struct smh_vcpu *v)
{
	(void)v;
}

void smh_budget_destroy(struct smh_vcpu *v)
{
	(void)v;
}

int smh_transport_prepare(struct smh_vcpu *v)
{
	(void)v;
	return -ENOMEM;
}

void smh_transport_unprepare(struct smh_vcpu *v)
{
	(void)v;
}

struct smh_vm *vm_create(void)
{
	struct smh_vm *vm = calloc(1, sizeof(*vm));

	pages_left = PAGES;
	if (!vm)
		return NULL;
	vm->agent.gate_va = GATE_VA;
	vm->ring_size = SM_RING_MIN_SIZE;
	vm->state = SM_STATE_REGISTERED;
	smh_vcpu_get_or_create(vm, &kvm_vcpus[0]);
	smh_vcpu_get_or_create(vm, &kvm_vcpus[1]);
	return vm;
}

/* All pages go with the VM. */
void smh_pool_init(struct smh_pool *pool)
{
	(void)pool;
}

void smh_pool_destroy(struct smh_pool *pool)
{
	(void)pool;
}

void kvm_make_request(int request, struct kvm_vcpu *vcpu)
{
	(void)request;
	(void)vcpu;
}

void vm_destroy(struct smh_vm *vm)
{
	struct smh_vcpu *v;
	unsigned long i;

	xa_for_each(&vm->vcpus, i, v)
		smh_vcpu_destroy(v);
	smh_image_destroy(vm->image);
	free(vm);
	while (nr_pages)
		free(pages[--nr_pages]);
}

static const u8 contents[3 * SM_PAGE_SIZE] = {[0] = 0xc3, [2 * SM_PAGE_SIZE] = 0x77};

const struct sm_ioc_load_image good_image = {
	.size = sizeof(good_image),
	.nr_segments = 3,
	.segments =
		{
			{0, 2 * SM_PAGE_SIZE + 1, 2 * SM_PAGE_SIZE + 1,
			 SM_SEGMENT_READ | SM_SEGMENT_EXEC, 0},
			{0x4000, SM_PAGE_SIZE, 0x100, SM_SEGMENT_READ, 0},
			{0x200000, 2 * SM_PAGE_SIZE, 8, SM_SEGMENT_READ | SM_SEGMENT_WRITE, 0},
		},
};

int load_image(struct smh_vm *vm)
{
	struct sm_ioc_load_image image = good_image;
	unsigned int i;
	int err;

	for (i = 0; i < image.nr_segments; i++)
		image.segments[i].data = (uintptr_t)contents;
	err = smh_image_load(vm, &image);
	if (!err)
		vm->state = SM_STATE_LOADED;
	return err;
}

u64 *ept_root(u64 eptp)
{
	return __va(eptp & ADDRESS);
}

u64 ept_pa(u64 leaf)
{
	return leaf & ADDRESS;
}

u64 ept_leaf(const u64 *root, u64 gpa)
{
	u64 permissions = SMH_EPT_READ | SMH_EPT_WRITE | SMH_EPT_EXEC, entry;
	int level;

	if (gpa >> 48)
		return 0;
	for (level = 3;; level--) {
		entry = root[INDEX(gpa, level)];
		permissions &= entry;
		if (!permissions || level == 0 || (entry & LARGE))
			break;
		root = __va(entry & ADDRESS);
	}
	return permissions ? (entry & ~7ULL) | permissions : 0;
}

unsigned int ept_count(const u64 *table, int level)
{
	/* The alias is the lower half of the first PDPT. */
	unsigned int i, first = level == 2 ? 1 << (SM_ALIAS_SHIFT - 30) : 0, count = 0;

	for (i = first; i < 512; i++)
		if (table[i])
			count += level == 0 || (table[i] & LARGE)
					 ? 1
					 : ept_count(__va(table[i] & ADDRESS), level - 1);
	return count;
}

/* The page of B at a guest-physical address; NULL: that is none of B's. */
static const u64 *b_page(const struct smh_tables *b, u64 entry)
{
	u64 page = ((entry & ADDRESS) - SM_TABLES_GPA) >> SM_PAGE_SHIFT;

	return page < b->count ? b->pages[page] : NULL;
}

u64 b_leaf(const struct smh_tables *b, u64 va)
{
	const u64 *table = b->pages[0];
	u64 entry;
	int level;

	for (level = 3; table; level--) {
		entry = table[INDEX(va, level)];
		if (!(entry & 1) || level == 0 || (level < 3 && (entry & LARGE)))
			return entry & 1 ? entry : 0;
		table = b_page(b, entry);
	}
	return 0;
}

unsigned int b_count(const struct smh_tables *b, const u64 *table, int level)
{
	unsigned int i, count = 0;

	for (i = 0; i < 512; i++)
		if (table[i])
			count += level == 0 || (level < 3 && (table[i] & LARGE))
					 ? 1
					 : b_count(b, b_page(b, table[i]), level - 1);
	return count;
}
