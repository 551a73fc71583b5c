# SPDX-License-Identifier: GPL-2.0-or-later
# What an event costs, in instructions: runtime and monitors as the compartment has them, in user space.

BENCH := $(B)/bench
bench-objs := $(patsubst %,$(BENCH)/compartment/runtime/%.o,memory emit task path libc) \
	$(patsubst %,$(BENCH)/monitors/%/monitor.o,ping process_exec process_exit module) \
	$(BENCH)/tests/bench/number_monitor.o

$(BENCH)/%.o: %.c compartment/runtime/build.mk tests/bench/build.mk
	@mkdir -p $(@D)
	$(CC) -Itests/bench/user_arch $(CPPFLAGS) $(COMPARTMENT_CFLAGS) -include window_va.h -MMD -c $< -o $@

$(B)/obj/tests/bench/runtime_bench.o: CPPFLAGS := -Itests/bench/user_arch -Icompartment/sdk -Icompartment/runtime \
	$(CPPFLAGS) -include window_va.h
$(B)/obj/tests/bench/runtime_bench.o: CFLAGS += -fno-pie -mno-red-zone

$(BENCH)/runtime_bench: $(B)/obj/tests/bench/runtime_bench.o $(bench-objs) tests/unit/fake_arch/sections.ld \
		tests/unit/fake_arch/layout
	@mkdir -p $(@D)
	$(CC) -no-pie $(fake-config) @tests/unit/fake_arch/layout -Wl,-T,tests/unit/fake_arch/sections.ld \
		$(filter %.o,$^) -o $@

.PHONY: bench-runtime
bench-runtime: $(BENCH)/runtime_bench
	$<

-include $(wildcard $(BENCH)/*/*/*.d)

# The consumer's speed, natively.
$(BENCH)/consumer_bench: $(B)/obj/tests/bench/consumer_bench.o $(B)/bin/libshadowmon.a
	@mkdir -p $(@D)
	$(CC) $^ $(lib-libs) -o $@

.PHONY: bench-consumer
bench-consumer: $(BENCH)/consumer_bench
	$<
