// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A library for QEMU to be started with (LD_PRELOAD): machine checks of its first vCPU, by KVM_X86_SET_MCE, which
 * only the VMM's process may call.  QEMU's own command does more: it reads the vCPU's registers, for which the host
 * module takes the vCPU out of the compartment.
 *
 * As long as the file $MACHINE_CHECKS.on is there, the vCPU is brought out of KVM_RUN again and again, and goes in
 * again with one more if the guest has handled the last.  Then $MACHINE_CHECKS says how many there were.
 */
#include <dlfcn.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MCG_STATUS_MSR 0x17a
#define MCG_RIPV       (1ULL << 0)
#define MCG_MCIP       (1ULL << 2)
#define MCI_VAL        (1ULL << 63)
#define MCI_UC         (1ULL << 61)
#define MCI_EN         (1ULL << 60)
#define MCI_S          (1ULL << 56) /* signaled by #MC, and software may recover */
#define BANK           1
#define KICK           SIGUSR1 /* QEMU's own */
#define PAUSE_US       5000
#define IDLE_US        20000

static int (*next_ioctl)(int fd, unsigned long request, ...);
static int vcpu_fd = -1;
static atomic_bool on;
static atomic_ulong made;

static bool in_progress(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {.head.nmsrs = 1, .entry.index = MCG_STATUS_MSR};

	return next_ioctl(vcpu_fd, KVM_GET_MSRS, &msrs) != 1 || msrs.entry.data & MCG_MCIP;
}

/* An event whose injection was interrupted KVM loses when it is given an exception. */
static bool is_injecting(void)
{
	struct kvm_vcpu_events events;

	return next_ioctl(vcpu_fd, KVM_GET_VCPU_EVENTS, &events) || events.exception.injected ||
	       events.exception.pending || events.interrupt.injected || events.nmi.injected;
}

static void make_one(void)
{
	struct kvm_x86_mce mce = {
		.status = MCI_VAL | MCI_UC | MCI_EN | MCI_S,
		.mcg_status = MCG_MCIP | MCG_RIPV,
		.bank = BANK,
	};

	/* KVM makes none, and says nothing, where the guest has not enabled them. */
	if (!in_progress() && !is_injecting() && !next_ioctl(vcpu_fd, KVM_X86_SET_MCE, &mce) &&
	    in_progress())
		atomic_fetch_add(&made, 1);
}

static void report(const char *name)
{
	FILE *f = fopen(name, "w");

	if (!f)
		return;
	fprintf(f, "%lu\n", atomic_exchange(&made, 0));
	fclose(f);
}

static void *kick(void *vcpu_thread)
{
	const char *name = getenv("MACHINE_CHECKS");
	char switch_name[64];

	snprintf(switch_name, sizeof(switch_name), "%s.on", name ? name : "");
	for (;;) {
		bool wanted = access(switch_name, F_OK) == 0;

		if (atomic_exchange(&on, wanted) && !wanted) {
			usleep(IDLE_US); /* one that is being made */
			report(name);
		}
		if (wanted)
			pthread_kill((pthread_t)vcpu_thread, KICK);
		usleep(wanted ? PAUSE_US : IDLE_US);
	}
	return NULL;
}

static void run_is_next(void)
{
	static bool started;
	pthread_t thread;

	if (!started) {
		started = true;
		pthread_create(&thread, NULL, kick, (void *)pthread_self());
	}
	if (atomic_load(&on))
		make_one();
}

int ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list args;
	int ret;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (!next_ioctl)
		*(void **)&next_ioctl = dlsym(RTLD_NEXT, "ioctl");
	if (request == KVM_RUN && fd == vcpu_fd)
		run_is_next();
	ret = next_ioctl(fd, request, argument);
	if (request == KVM_CREATE_VCPU && !argument)
		vcpu_fd = ret;
	return ret;
}
