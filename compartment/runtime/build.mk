# SPDX-License-Identifier: GPL-2.0-or-later
# The compartment's image: runtime and monitors, freestanding, as one relocatable object.  Who attaches
# links it for the address of the guest's gate.

# Registers that no code in the compartment touches need neither saving, nor clearing, nor repair after an
# abort: RBP and R10 to R15 stay the guest's.

RUNTIME := $(B)/compartment/runtime
COMPARTMENT_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-jump-tables -fno-common -mindirect-branch=thunk-extern -mindirect-branch-register \
	-fomit-frame-pointer $(addprefix -ffixed-,rbp r10 r11 r12 r13 r14 r15) -fno-tree-loop-distribute-patterns -Icompartment/sdk -Icompartment/runtime

runtime-objs := $(patsubst compartment/runtime/%,$(RUNTIME)/%.o,$(wildcard compartment/runtime/*.[cS]))
monitor-objs = $(patsubst %,$(B)/monitors/%.o,$(1))
MONITORS := process_exec process_exit module ping

$(RUNTIME)/%.c.o: compartment/runtime/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(COMPARTMENT_CFLAGS) -MMD -c $< -o $@

$(RUNTIME)/%.S.o: compartment/runtime/%.S
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Icompartment/sdk -MMD -c $< -o $@

$(B)/monitors/%.o: monitors/%/monitor.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(COMPARTMENT_CFLAGS) -MMD -c $< -o $@

$(B)/compartment/monitors.o: $(runtime-objs) $(call monitor-objs,$(MONITORS))
	ld -r -o $@ $^
	sh compartment/runtime/check-image $@

# With the monitor that goes wrong on request.
$(B)/compartment/monitors-lab.o: $(runtime-objs) $(call monitor-objs,$(MONITORS) lab_faults)
	ld -r -o $@ $^
	sh compartment/runtime/check-image $@

all-y += $(B)/compartment/monitors.o $(B)/compartment/monitors-lab.o
-include $(wildcard $(RUNTIME)/*.d $(B)/monitors/*.d)
