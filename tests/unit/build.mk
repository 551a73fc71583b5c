# SPDX-License-Identifier: GPL-2.0-or-later
# cmocka tests of what runs in user space.

# --- gatecheck ---
bad-gates := $(patsubst tests/unit/gates/%.S,$(B)/tests/gates/%.bin,$(wildcard tests/unit/gates/*.S))

$(B)/tests/gates/%.o: tests/unit/gates/%.S compartment/gate/gate.S include/abi/shadowmon/layout.h \
		include/abi/shadowmon/hypercall.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Icompartment/gate -c $< -o $@

$(B)/tests/gates/%.bin: $(B)/tests/gates/%.o
	objcopy -O binary -j .gate $< $@

$(B)/asan/tests/unit/gatecheck_test.o: CPPFLAGS += -DGATECHECK='"$(B)/bin/gatecheck"' \
	-DGATE_BIN='"$(GATE)/gate.bin"' -DGATES='"$(B)/tests/gates"'
$(B)/asan/tests/unit/gatecheck_test.o: $(B)/include/gate_offsets.h

$(B)/tests/gatecheck_test: $(B)/asan/tests/unit/gatecheck_test.o \
		$(patsubst %.c,$(B)/asan/%.o,$(filter-out %/gatecheck.c,$(gatecheck-src))) \
		| $(GATE)/gate.bin $(bad-gates)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ -lcapstone -lcmocka -o $@

unit-tests += $(B)/tests/gatecheck_test
# --- end of gatecheck ---

# --- compartment ---
# The runtime's C on a machine that the test plays (fake_arch); what the loader resolves is given to ld.
COMPARTMENT_TESTS := memory emit map runtime_entry runtime_libc runtime_monitors runtime_window
fake-arch := -Itests/unit/fake_arch -Icompartment/sdk -Icompartment/runtime
defsym = $(foreach s,$(1),-Wl,--defsym=$(s))
fake-config := $(call defsym,sm_cfg.page_offset=0xffff888000000000 sm_cfg.direct_map_size=0x40000000 \
	sm_cfg.kernel_va=0xffffffff80000000 sm_cfg.kernel_pa=0x20000 sm_cfg.kernel_size=0x40000000)

policy-test-objs := $(patsubst %,$(B)/asan/compartment/runtime/%.o,policy policy_facts record memory task path)
compartment-test-objs := $(patsubst %,$(B)/asan/tests/unit/%_test.o,$(COMPARTMENT_TESTS)) \
	$(patsubst %,$(B)/asan/compartment/runtime/%.o,memory emit task path map policy policy_facts)
$(filter-out %/runtime_window_test.o,$(compartment-test-objs)): CPPFLAGS := $(fake-arch) $(CPPFLAGS) -I.
$(compartment-test-objs): CFLAGS += -fno-pie

$(B)/tests/memory_test: $(B)/asan/compartment/runtime/memory.o
$(B)/tests/emit_test: $(B)/asan/compartment/runtime/emit.o
$(B)/tests/map_test: $(B)/asan/compartment/runtime/map.o
$(B)/tests/runtime_entry_test: $(RUNTIME)/entry.S.o
$(B)/tests/runtime_monitors_test: $(policy-test-objs)
$(B)/tests/runtime_monitors_test: LDFLAGS := @tests/unit/fake_arch/layout @tests/unit/fake_arch/monitor_layout
# The window itself, where user space can have it.
$(B)/asan/tests/unit/runtime_window_test.o: CPPFLAGS := -Itests/bench/user_arch -Icompartment/sdk $(CPPFLAGS) \
	-include window_va.h
$(B)/tests/runtime_window_test: LDFLAGS := -Wl,-T,tests/unit/fake_arch/sections.ld

$(patsubst %,$(B)/tests/%_test,$(COMPARTMENT_TESTS)): $(B)/tests/%_test: $(B)/asan/tests/unit/%_test.o
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -no-pie $(fake-config) $(LDFLAGS) $^ -lcmocka -o $@

unit-tests += $(patsubst %,$(B)/tests/%_test,$(COMPARTMENT_TESTS))

# Monitors that declare their events.
MONITOR_TESTS := monitors_process monitors_system policy_judge
monitor-test-objs := $(patsubst %,$(B)/asan/tests/unit/%.o,monitor_fixture $(MONITOR_TESTS:%=%_test))
$(monitor-test-objs): CPPFLAGS := $(fake-arch) $(CPPFLAGS) -I.
$(monitor-test-objs): CFLAGS += -fno-pie

$(patsubst %,$(B)/tests/%_test,$(MONITOR_TESTS)): $(B)/tests/%_test: $(B)/asan/tests/unit/%_test.o \
		$(B)/asan/tests/unit/monitor_fixture.o $(policy-test-objs)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -no-pie $(fake-config) @tests/unit/fake_arch/layout @tests/unit/fake_arch/monitor_layout \
		$(filter %.o,$^) -lcmocka -o $@

INTEGRITY_TESTS := $(B)/tests/integrity_test $(B)/tests/integrity_module_test
$(INTEGRITY_TESTS:$(B)/tests/%=$(B)/asan/tests/unit/%.o): CPPFLAGS := $(fake-arch) $(CPPFLAGS) -I. -Imonitors/integrity
$(INTEGRITY_TESTS:$(B)/tests/%=$(B)/asan/tests/unit/%.o): CFLAGS += -fno-pie
$(INTEGRITY_TESTS): $(B)/tests/%: $(B)/asan/tests/unit/%.o $(B)/asan/tests/unit/monitor_fixture.o \
		$(patsubst %,$(B)/asan/compartment/runtime/%.o,record memory task path map)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -no-pie $(fake-config) @tests/unit/fake_arch/layout @tests/unit/fake_arch/monitor_layout \
		@tests/unit/fake_arch/integrity_layout $(filter %.o,$^) -lcmocka -o $@

unit-tests += $(patsubst %,$(B)/tests/%_test,$(MONITOR_TESTS)) $(INTEGRITY_TESTS)
# --- end of compartment ---

# --- attach ---
# good.o, and one broken image for each BREAK_* in images/image.S.
test-images := good $(shell sed -n 's/.*BREAK_\([a-z_0-9]*\)$$/\1/p' tests/unit/images/image.S | sort -u)
test-images := $(test-images:%=$(B)/tests/images/%.o)

$(B)/tests/images/%.o: tests/unit/images/image.S include/abi/shadowmon/layout.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DBREAK_$* -c $< -o $@

$(B)/tests/types.btf: tests/unit/types/types.c
	@mkdir -p $(@D)
	$(CC) -g -O0 -c $< -o $(B)/tests/types.o
	pahole -J --btf_gen_floats --btf_encode_detached=$@ $(B)/tests/types.o

attach-tests := $(patsubst %,$(B)/tests/%_test,image btf attach)
$(attach-tests:$(B)/tests/%=$(B)/asan/tests/unit/%.o): CPPFLAGS += -DIMAGES='"$(B)/tests/images"' \
	-DTYPES_BTF='"$(B)/tests/types.btf"' -DMONITORS='"$(B)/compartment/monitors.o"' -DLAB='"$(B)/lab"'
$(B)/asan/tests/unit/image_test.o: | $(B)/include/gate_offsets.h

# The device is played by the test.
$(B)/tests/attach_test: LDFLAGS += -Wl,--wrap=open,--wrap=ioctl,--wrap=sm_kvm_fd_get

$(attach-tests): $(B)/tests/%: $(B)/asan/tests/unit/%.o $(lib-asan-objs) \
		| $(test-images) $(B)/tests/types.btf $(B)/compartment/monitors.o
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $(LDFLAGS) $^ $(lib-libs) -lcmocka -o $@

unit-tests += $(attach-tests)

# The device is played by the test here, too.
$(B)/asan/tests/unit/process_test.o: CPPFLAGS += -DIMAGE='"$(B)/compartment/bench-user.o"'
$(B)/asan/tests/unit/process_test.o: | $(B)/include/gate_offsets.h
$(B)/tests/process_test: $(B)/asan/tests/unit/process_test.o $(lib-asan-objs) \
		| $(B)/compartment/bench-user.o
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -Wl,--wrap=ioctl $^ $(lib-libs) -lcmocka -o $@

$(B)/asan/tests/unit/outside_test.o: CPPFLAGS += -DTYPES_BTF='"$(B)/tests/types.btf"'
$(B)/tests/outside_test: $(B)/asan/tests/unit/outside_test.o $(lib-asan-objs) | $(B)/tests/types.btf
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -Wl,--wrap=ioctl $^ $(lib-libs) -lcmocka -o $@

$(B)/tests/policy_test: $(B)/asan/tests/unit/policy_test.o $(lib-asan-objs)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -Wl,--wrap=ioctl $^ $(lib-libs) -lcmocka -o $@

unit-tests += $(B)/tests/process_test $(B)/tests/outside_test $(B)/tests/policy_test
# --- end of attach ---

# --- command ---
$(B)/asan/tests/unit/pin_test.o: CPPFLAGS += -I.
$(B)/tests/pin_test: $(B)/asan/tests/unit/pin_test.o $(B)/asan/host/cli/pin.o
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ -ljansson -lcmocka -o $@

unit-tests += $(B)/tests/pin_test
# --- end of command ---

# --- reader ---
ring-tests := $(patsubst %,$(B)/tests/%_test,ring ring_liar reader)
event-tests := $(patsubst %,$(B)/tests/%_test,event_json event_hostile)
reader-tests := $(ring-tests) $(event-tests) $(patsubst %,$(B)/tests/%_test,clock vms vms_command process_table doctor)

$(ring-tests): $(B)/asan/tests/unit/fake_ring.o
$(B)/tests/reader_test: LDFLAGS += -Wl,--wrap=ioctl
$(event-tests): $(B)/asan/tests/unit/event_fixture.o

$(reader-tests): $(B)/tests/%: $(B)/asan/tests/unit/%.o $(lib-asan-objs)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $(LDFLAGS) $^ $(lib-libs) -lcmocka -o $@

unit-tests += $(reader-tests)

# Declared events: from the monitor's side to what users see, in one program.
$(B)/asan/tests/unit/declared_event_test.o: CPPFLAGS := $(fake-arch) $(CPPFLAGS) -I.
$(B)/asan/tests/unit/declared_event_test.o: CFLAGS += -fno-pie
$(B)/asan/compartment/runtime/record.o: CPPFLAGS := $(fake-arch) $(CPPFLAGS)
$(B)/asan/compartment/runtime/record.o: CFLAGS += -fno-pie

$(B)/tests/declared_event_test: $(B)/asan/tests/unit/declared_event_test.o $(B)/asan/tests/unit/event_fixture.o \
		$(patsubst %,$(B)/asan/compartment/runtime/%.o,record memory task path) $(lib-asan-objs)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -no-pie $(fake-config) $(call defsym,sm_event.everything=256 sm_event.lone=257) \
		@tests/unit/fake_arch/layout $^ $(lib-libs) -lcmocka -o $@

unit-tests += $(B)/tests/declared_event_test

$(B)/tests/schema_test: $(B)/asan/tests/unit/schema_test.o $(lib-asan-objs)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ $(lib-libs) -lcmocka -o $@

unit-tests += $(B)/tests/schema_test
# --- end of reader ---

# --- host module ---
# What of it is plain C, compiled for user space: with a shim for the kernel, and empty kernel headers.
$(B)/include/kmod_shim/%.h:
	@mkdir -p $(@D)
	touch $@

$(B)/include/kmod_shim/complete: tests/unit/build.mk $(addprefix $(B)/include/kmod_shim/linux/,bitmap.h bits.h bsearch.h compiler.h hashtable.h \
		hrtimer.h jiffies.h kref.h kthread.h kvm_host.h math64.h mmu_notifier.h mutex.h random.h sched/mm.h slab.h smp.h \
		srcu.h uaccess.h wait.h workqueue.h xarray.h) $(addprefix $(B)/include/kmod_shim/asm/,kvm_page_track.h msr.h)
	touch $@

kmod-shim := -I$(B)/include/kmod_shim -include tests/unit/kmod_shim/kernel.h
kmod-warnings := -Wno-unused-parameter -Wno-sign-compare
ept-test-objs := $(patsubst %,$(B)/asan/%.o,tests/unit/ept_test tests/unit/kmod_fixture host/kmod/ept \
	host/kmod/tables host/kmod/image host/kmod/vcpu host/kmod/disable host/kmod/policy)

$(ept-test-objs): private CPPFLAGS += $(kmod-shim)
$(ept-test-objs): private CFLAGS += $(kmod-warnings)
$(ept-test-objs): | $(B)/include/kmod_shim/complete

$(B)/tests/ept_test: $(ept-test-objs)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ -lcmocka -o $@

unit-tests += $(B)/tests/ept_test

# Of one source each.
kmod-tests := verify budget call_site
kmod-test-objs := $(patsubst %,$(B)/asan/tests/unit/%_test.o,$(kmod-tests)) $(patsubst %,$(B)/asan/host/kmod/%.o,$(kmod-tests))
$(kmod-test-objs): private CPPFLAGS += $(kmod-shim)
$(kmod-test-objs): private CFLAGS += $(kmod-warnings)
$(kmod-test-objs): | $(B)/include/kmod_shim/complete
$(filter %/verify_test.o %/verify.o,$(kmod-test-objs)): private CPPFLAGS += -include tests/unit/kmod_shim/vmcs.h

$(patsubst %,$(B)/tests/%_test,$(kmod-tests)): $(B)/tests/%_test: $(B)/asan/tests/unit/%_test.o $(B)/asan/host/kmod/%.o
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ -lcmocka -o $@

unit-tests += $(patsubst %,$(B)/tests/%_test,$(kmod-tests))
# --- end of host module ---
