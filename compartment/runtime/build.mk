# SPDX-License-Identifier: GPL-2.0-or-later
# The compartment's image: runtime and monitors, freestanding, as one relocatable object.  Who attaches
# links it for the address of the guest's gate.

RUNTIME := $(B)/compartment/runtime
COMPARTMENT_INCLUDES := -Icompartment/sdk -Icompartment/runtime -Imonitors/bench_syscall
# Registers that no code in the compartment touches need neither saving, nor clearing, nor repair after an
# abort: RBP and R10 to R15 stay the guest's.
COMPARTMENT_GUEST_REGISTERS := rbp r10 r11 r12 r13 r14 r15
COMPARTMENT_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wframe-larger-than=512 -ffreestanding -fno-builtin -fno-pic -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-jump-tables -fno-common -fno-strict-aliasing -fno-tree-loop-distribute-patterns \
	-mindirect-branch=thunk-extern -mindirect-branch-register -mfunction-return=keep \
	-fomit-frame-pointer $(addprefix -ffixed-,$(COMPARTMENT_GUEST_REGISTERS)) $(COMPARTMENT_INCLUDES)

runtime-objs := $(patsubst compartment/runtime/%,$(RUNTIME)/%.o,$(wildcard compartment/runtime/*.[cS]))
monitor-objs = $(patsubst %,$(B)/monitors/%.o,$(1))
MONITORS := process_exec process_exit module policy ping
# Hooked only when they are asked for (they define SM_ON_REQUEST); the host module has no copy of them.
MONITORS_ON_REQUEST := credentials file socket memory ptrace bpf kernel_load mount namespace keyring sysctl io_uring clone integrity syscall

# All depend on the flags: an object made with others could touch the guest's registers.
$(RUNTIME)/%.c.o: compartment/runtime/%.c compartment/runtime/build.mk
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(COMPARTMENT_CFLAGS) -MMD -c $< -o $@

$(RUNTIME)/%.S.o: compartment/runtime/%.S compartment/runtime/build.mk
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -MMD -c $< -o $@

$(B)/monitors/%.o: monitors/%/monitor.c compartment/runtime/build.mk
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(COMPARTMENT_CFLAGS) -DSM_MONITOR_NAME='"$*"' -MMD -c $< -o $@

# A monitor of several files.
integrity-objs := $(patsubst %.c,%.o,$(wildcard monitors/integrity/*.c))
INTEGRITY_NAME := -DSM_MONITOR_NAME='"integrity"'

$(B)/monitors/integrity/%.o: monitors/integrity/%.c compartment/runtime/build.mk
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(COMPARTMENT_CFLAGS) $(INTEGRITY_NAME) -MMD -c $< -o $@

$(B)/monitors/integrity.o: $(integrity-objs:%=$(B)/%)
	ld -r -o $@ $^

# For monitors that are built elsewhere: shadowmon build.
$(B)/compartment/runtime.o: $(runtime-objs)
	ld -r -o $@ $^

$(B)/compartment/monitors.o: $(runtime-objs) $(call monitor-objs,$(MONITORS) $(MONITORS_ON_REQUEST))
	ld -r -o $@ $^
	compartment/runtime/check-image $@

# With the monitors that go wrong or kill on request.
$(B)/compartment/monitors-lab.o: $(runtime-objs) $(call monitor-objs,$(MONITORS) $(MONITORS_ON_REQUEST) lab_faults lab_kill)
	ld -r -o $@ $^
	compartment/runtime/check-image $@

# One monitor: for a test that attaches often.
$(B)/compartment/exec.o: $(runtime-objs) $(call monitor-objs,process_exec)
	ld -r -o $@ $^
	compartment/runtime/check-image $@

# For a process of the host: --transport=user.
PROCESS := $(B)/compartment/process
process-objs := $(patsubst compartment/runtime/%,$(PROCESS)/runtime/%.o,$(wildcard compartment/runtime/*.[cS]))
process-monitor-objs = $(patsubst %,$(PROCESS)/monitors/%.o,$(1))
PROCESS_FLAGS := -Icompartment/process $(CPPFLAGS) -include compartment/process/window_va.h

$(PROCESS)/runtime/%.c.o: compartment/runtime/%.c compartment/runtime/build.mk
	@mkdir -p $(@D)
	$(CC) $(PROCESS_FLAGS) $(COMPARTMENT_CFLAGS) -MMD -c $< -o $@

$(PROCESS)/runtime/%.S.o: compartment/runtime/%.S compartment/runtime/build.mk
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -MMD -c $< -o $@

$(PROCESS)/monitors/%.o: monitors/%/monitor.c compartment/runtime/build.mk
	@mkdir -p $(@D)
	$(CC) $(PROCESS_FLAGS) $(COMPARTMENT_CFLAGS) -DSM_MONITOR_NAME='"$*"' -MMD -c $< -o $@

$(PROCESS)/monitors/integrity/%.o: monitors/integrity/%.c compartment/runtime/build.mk
	@mkdir -p $(@D)
	$(CC) $(PROCESS_FLAGS) $(COMPARTMENT_CFLAGS) $(INTEGRITY_NAME) -MMD -c $< -o $@

$(PROCESS)/monitors/integrity.o: $(integrity-objs:%=$(PROCESS)/%)
	ld -r -o $@ $^

$(B)/compartment/monitors-user.o: $(process-objs) $(call process-monitor-objs,$(MONITORS) $(MONITORS_ON_REQUEST))
	ld -r -o $@ $^
	compartment/runtime/check-image $@

# For benchmarks: what is measured, to compare transports.
BENCH_MONITORS := ping process_exec bench_open bench_getppid bench_syscall

$(B)/compartment/bench.o: $(runtime-objs) $(call monitor-objs,$(BENCH_MONITORS))
	ld -r -o $@ $^
	compartment/runtime/check-image $@

$(B)/compartment/bench-user.o: $(process-objs) $(call process-monitor-objs,$(BENCH_MONITORS))
	ld -r -o $@ $^
	compartment/runtime/check-image $@

all-y += $(B)/compartment/monitors-user.o $(B)/compartment/bench.o $(B)/compartment/bench-user.o
-include $(wildcard $(PROCESS)/*/*.d $(PROCESS)/*/*/*.d)

all-y += $(B)/compartment/runtime.o $(B)/compartment/monitors.o $(B)/compartment/monitors-lab.o
-include $(wildcard $(RUNTIME)/*.d $(B)/monitors/*.d $(B)/monitors/*/*.d)
