# SPDX-License-Identifier: GPL-2.0-or-later
# What an event costs, in instructions: runtime and monitors as the compartment has them, in user space.

BENCH := $(B)/bench
bench-objs := $(patsubst %,$(BENCH)/compartment/runtime/%.o,memory emit task path libc record policy policy_facts) \
	$(patsubst %,$(BENCH)/monitors/%/monitor.o,ping process_exec process_exit module policy bench_syscall) \
	$(BENCH)/tests/bench/number_monitor.o

$(BENCH)/%.o: %.c compartment/runtime/build.mk tests/bench/build.mk
	@mkdir -p $(@D)
	$(CC) -Itests/bench/user_arch $(CPPFLAGS) $(COMPARTMENT_CFLAGS) -include window_va.h -MMD -c $< -o $@

$(B)/obj/tests/bench/runtime_bench.o: CPPFLAGS := -Itests/bench/user_arch -Icompartment/sdk -Icompartment/runtime \
	$(CPPFLAGS) -include window_va.h
$(B)/obj/tests/bench/runtime_bench.o: CFLAGS += -fno-pie -mno-red-zone

$(BENCH)/runtime_bench: $(B)/obj/tests/bench/runtime_bench.o $(bench-objs) tests/unit/fake_arch/sections.ld \
		tests/unit/fake_arch/layout tests/unit/fake_arch/monitor_layout
	@mkdir -p $(@D)
	$(CC) -no-pie $(fake-config) @tests/unit/fake_arch/layout @tests/unit/fake_arch/monitor_layout -Wl,-T,tests/unit/fake_arch/sections.ld \
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

# Inside the lab's guests.
BENCH_GUEST := $(addprefix $(BENCH)/,bench_events bench_app bench_latency bench_web)
$(BENCH_GUEST): $(BENCH)/%: tests/bench/guest/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static $< -o $@

$(BENCH)/events-fentry.bpf.o: BPF_FLAGS :=
$(BENCH)/events-kprobe.bpf.o: BPF_FLAGS := -DBENCH_KPROBE
$(BENCH)/events-%.bpf.o: tests/bench/ebpf/events.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -target bpf -D__TARGET_ARCH_x86 -D__x86_64__ -I/usr/include/x86_64-linux-gnu -O2 -g -Wall -Werror $(BPF_FLAGS) -c $< -o $@
	llvm-strip -g $@

$(BENCH)/bench_ebpf: tests/bench/ebpf/bench_ebpf.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $< -lbpf -o $@

$(BENCH)/bench_nothing: tests/bench/guest/bench_nothing.S
	@mkdir -p $(@D)
	$(CC) -nostdlib -static $< -o $@

# Everything: results into docs/performance, tables and plots from them.
BENCH_PROGRAMS := $(BENCH)/consumer_bench $(BENCH)/runtime_bench $(BENCH_GUEST) $(BENCH)/bench_nothing $(BENCH)/bench_ebpf \
	$(BENCH)/events-fentry.bpf.o $(BENCH)/events-kprobe.bpf.o

.PHONY: bench bench-report
bench: all $(BENCH_PROGRAMS)
	scripts/install-packages tests/bench/packages
	$(BENCH)/runtime_bench
	tests/bench/run
	tests/bench/report

bench-report:
	tests/bench/report
