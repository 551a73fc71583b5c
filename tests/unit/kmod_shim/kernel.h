/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of a kernel as ept.c, tables.c, image.c, vcpu.c, verify.c, budget.c and hypercall.c of the host module need
 * to be compiled for tests.  Included before their first line; the kernel headers that they name
 * are empty. One thread, no interrupts; physical addresses are those of this process.  What is only
 * declared here, the test plays.
 */
#ifndef SHADOWMON_KMOD_SHIM_H
#define SHADOWMON_KMOD_SHIM_H

#include <asm/processor-flags.h>
#include <asm/vmx.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#define BIT(n)                              (1UL << (n))
#define BIT_ULL(n)                          (1ULL << (n))
#define GENMASK_ULL(h, l)                   ((~0ULL >> (63 - (h))) & (~0ULL << (l)))
#define offset_in_page(x)                   ((unsigned long)(x)&0xfff)
#define atomic_inc_return(v)                (++(v)->counter)
#define PAGE_ALIGN(x)                       (((x) + 0xfff) & ~0xfffUL)
#define min(a, b)                           ((a) < (b) ? (a) : (b))
#define div_u64(dividend, divisor)          ((dividend) / (divisor))
#define min_t(type, a, b)                   ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
#define likely(x)                           (x)
#define unlikely(x)                         (x)
#define READ_ONCE(x)                        (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value)                (*(volatile __typeof__(x) *)&(x) = (value))
#define smp_store_release(to, value)        __atomic_store_n(to, value, __ATOMIC_RELEASE)
#define IS_ERR_VALUE(x)                     ((unsigned long)(x) >= (unsigned long)-4095)
#define smp_load_acquire(from)              __atomic_load_n(from, __ATOMIC_ACQUIRE)
#define smp_rmb()                           __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()                           __atomic_thread_fence(__ATOMIC_RELEASE)
#define PAGE_SHIFT                          12
#define DIV_ROUND_UP(n, d)                  (((n) + (d)-1) / (d))
#define DECLARE_BITMAP(name, bits)          unsigned long name[DIV_ROUND_UP(bits, 64)]
#define test_bit(n, bits)                   (((bits)[(n) / 64] >> ((n) % 64)) & 1)
#define __set_bit(n, bits)                  ((void)((bits)[(n) / 64] |= BIT((n) % 64)))
#define clear_bit(n, bits)                  ((void)((bits)[(n) / 64] &= ~BIT((n) % 64)))
#define test_and_set_bit(n, bits)           (test_bit(n, bits) ? 1 : (__set_bit(n, bits), 0))

#define __pa(pointer)                   ((uintptr_t)(pointer))
#define __va(address)                   ((void *)(uintptr_t)(address))
#define page_to_phys(page)              __pa(page) /* a struct page is the page */
#define u64_to_user_ptr(address)        ((const void *)(uintptr_t)(address))
#define copy_from_user(to, from, bytes) (memcpy(to, (bytes) != 0 ? (from) : "", bytes), 0)
#define kmalloc(size, gfp)              malloc(size)
#define kvmalloc(size, gfp)             malloc(size)
#define kzalloc(size, gfp)              calloc(1, size)
#define kvzalloc(size, gfp)             calloc(1, size)
#define kvcalloc(n, size, gfp)          calloc(n, size)
#define kfree(pointer)                  free(pointer)
#define kvfree(pointer)                 free((void *)(pointer))

#define mutex_lock(lock)             ((void)(lock))
#define mutex_unlock(lock)           ((void)(lock))
#define spin_lock(lock)              ((void)(lock))
#define spin_unlock(lock)            ((void)(lock))
#define init_waitqueue_head(queue)   ((void)(queue))
#define wake_up_interruptible(queue) ((void)(queue))
#define wake_up_all(queue)           ((void)(queue))
#define msecs_to_jiffies(ms)         ((long)(ms))
#define wait_event_interruptible_timeout(queue, condition, timeout) \
	({                                                          \
		(void)(condition);                                  \
		(long)(timeout);                                    \
	})
#define on_each_cpu(function, info, wait) function(info)
#define hrtimer_init(timer, clock, mode)  ((void)(timer))
#define hrtimer_cancel(timer)             ((void)(timer))
#define ns_to_ktime(ns)                   ((int64_t)(ns))
#define HZ                                250
#define NSEC_PER_USEC                     1000L
#define NSEC_PER_MSEC                     1000000L
enum hrtimer_restart { HRTIMER_NORESTART };

struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
};
enum hrtimer_mode { HRTIMER_MODE_REL_PINNED };
void hrtimer_start(struct hrtimer *timer, int64_t ns, enum hrtimer_mode mode);
void hrtimer_try_to_cancel(struct hrtimer *timer);
/* What is there to be passed around. */
#define OBJECT(name)             \
	struct name {            \
		const void *ops; \
	}
OBJECT(list_head);
OBJECT(hlist_node);
OBJECT(kref);
OBJECT(mutex);
OBJECT(srcu_struct);
OBJECT(work_struct);
OBJECT(delayed_work);
OBJECT(mmu_notifier);
OBJECT(mmu_notifier_ops);
OBJECT(kvm_page_track_notifier_node);
OBJECT(msr_data);
typedef struct {
	int counter;
} atomic_t;
typedef OBJECT(lock) spinlock_t, raw_spinlock_t;
typedef OBJECT(queue) wait_queue_head_t;
typedef uint64_t gpa_t, gfn_t;

/* Work is done where it is queued. */
typedef void (*work_func)(struct work_struct *work);
#define INIT_WORK_ONSTACK(work, func) ((work)->ops = (const void *)(func))
#define queue_work(queue, work)       (((work_func)(uintptr_t)(work)->ops)(work))
#define flush_work(work)              ((void)(work))
#define destroy_work_on_stack(work)   ((void)(work))
#define srcu_read_lock(srcu)          ((void)(srcu), 0)
#define srcu_read_unlock(srcu, idx)   ((void)(idx))
#define synchronize_srcu(srcu)        ((void)(srcu))

extern unsigned long jiffies;
#define time_before(a, b) ((long)((a) - (b)) < 0)
uint32_t get_random_u32(void);

struct mm_struct;
bool mmget_not_zero(struct mm_struct *mm);
void mmput(struct mm_struct *mm);
void kthread_use_mm(struct mm_struct *mm);
void kthread_unuse_mm(struct mm_struct *mm);
struct kvm {
	struct mm_struct *mm;
	int srcu;
};
struct kvm_memory_slot;
struct vm_area_struct;
struct page;

struct xarray {
	void *entries[4];
};
#define xa_load(array, i)              ((array)->entries[i])
#define xa_store(array, i, entry, gfp) ((array)->entries[i] = (entry))
#define xa_err(entry)                  (-!(entry))
#define xa_for_each(array, i, entry) \
	for (i = 0; i < 4; i++)      \
		if (((entry) = (array)->entries[i]))

enum kvm_reg {
	VCPU_REGS_RAX,
	VCPU_REGS_RCX,
	VCPU_REGS_RDX,
	VCPU_REGS_RBX,
	VCPU_REGS_RIP = 16,
	NR_VCPU_REGS
};
struct kvm_vcpu {
	struct kvm *kvm;
	int vcpu_idx;
	struct {
		unsigned long regs[NR_VCPU_REGS];
		unsigned long regs_avail, regs_dirty;
		unsigned long cr0, cr4, efer, hflags;
		int mp_state;
		uint64_t last_guest_tsc;
		uint32_t virtual_tsc_khz;
		struct {
			bool pv_unhalted;
		} pv;
	} arch;
};
#define EFER_LMA            BIT(10)
#define HF_SMM_MASK         BIT(6)
#define GUEST_RIP           0x681e
#define GUEST_SS_AR_BYTES   0x4818
#define kvm_vcpu_kick(vcpu) ((void)(vcpu))
int kvm_skip_emulated_instruction(struct kvm_vcpu *vcpu);
#define KVM_MP_STATE_HALTED     3
#define KVM_REQ_UNBLOCK         2
#define KVM_REQ_TLB_FLUSH_GUEST 27
uint64_t rdtsc(void);
uint64_t kvm_read_l1_tsc(struct kvm_vcpu *vcpu, uint64_t host_tsc);
void kvm_make_request(int request, struct kvm_vcpu *vcpu);
int kvm_read_guest(struct kvm *kvm, uint64_t gpa, void *data, unsigned long len);
int kvm_vcpu_read_guest(struct kvm_vcpu *vcpu, uint64_t gpa, void *data, unsigned long len);
int kvm_vcpu_write_guest(struct kvm_vcpu *vcpu, uint64_t gpa, const void *data, unsigned long len);
bool kvm_is_visible_gfn(struct kvm *kvm, gfn_t gfn);
#define gpa_to_gfn(gpa) ((gpa) >> 12)

#endif
