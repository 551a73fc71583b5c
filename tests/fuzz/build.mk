# SPDX-License-Identifier: GPL-2.0-or-later
# libFuzzer targets.

# --- gatecheck ---
$(B)/tests/gatecheck_fuzz: $(B)/fuzz/tests/fuzz/gatecheck_fuzz.o \
		$(patsubst %.c,$(B)/fuzz/%.o,$(filter-out %/gatecheck.c,$(gatecheck-src)))
	@mkdir -p $(@D)
	$(CLANG) -fsanitize=fuzzer,address,undefined $^ -lcapstone -o $@

fuzzers += $(B)/tests/gatecheck_fuzz
# --- end of gatecheck ---

# --- attach ---
# Good inputs to start from.
$(B)/corpus/image_fuzz/%.o: $(B)/tests/images/%.o
	@mkdir -p $(@D)
	cp $< $@

$(B)/corpus/btf_fuzz/types.btf: $(B)/tests/types.btf
	@mkdir -p $(@D)
	cp $< $@

attach-fuzzers := $(B)/tests/image_fuzz $(B)/tests/btf_fuzz

$(attach-fuzzers): $(B)/tests/%: $(B)/fuzz/tests/fuzz/%.o $(lib-fuzz-objs) \
		| $(B)/corpus/image_fuzz/good.o $(B)/corpus/btf_fuzz/types.btf
	@mkdir -p $(@D)
	$(CLANG) -fsanitize=fuzzer,address,undefined $^ $(lib-libs) -o $@

fuzzers += $(attach-fuzzers)
# --- end of attach ---

# --- reader ---
$(B)/corpus/schema_fuzz/good: $(B)/tests/images/good.o
	@mkdir -p $(@D)
	objcopy -O binary -j .sm.schema $< $@.entries
	{ printf '\3'; cat $@.entries; } > $@

reader-fuzzers := $(B)/tests/ring_fuzz $(B)/tests/event_fuzz $(B)/tests/schema_fuzz

$(reader-fuzzers): $(B)/tests/%: $(B)/fuzz/tests/fuzz/%.o $(lib-fuzz-objs) | $(B)/corpus/schema_fuzz/good
	@mkdir -p $(@D)
	$(CLANG) -fsanitize=fuzzer,address,undefined $^ $(lib-libs) -o $@

fuzzers += $(reader-fuzzers)
# --- end of reader ---

# --- host module ---
hypercall-fuzz-objs := $(patsubst %,$(B)/fuzz/%.o,tests/fuzz/hypercall_fuzz host/kmod/hypercall host/kmod/command)

# The shim is the unit tests'.
$(hypercall-fuzz-objs): CPPFLAGS += $(kmod-shim)
$(hypercall-fuzz-objs): CFLAGS += $(kmod-warnings)
$(hypercall-fuzz-objs): | $(B)/include/kmod_shim/complete

$(B)/tests/hypercall_fuzz: $(hypercall-fuzz-objs)
	@mkdir -p $(@D)
	$(CLANG) -fsanitize=fuzzer,address,undefined $^ -o $@

fuzzers += $(B)/tests/hypercall_fuzz
# --- end of host module ---

# --- policies ---
$(B)/corpus/policy_fuzz/%.yaml: docs/policies/%.yaml
	@mkdir -p $(@D)
	cp $< $@

$(B)/tests/policy_fuzz: $(B)/fuzz/tests/fuzz/policy_fuzz.o $(lib-fuzz-objs) \
		| $(patsubst docs/policies/%,$(B)/corpus/policy_fuzz/%,$(wildcard docs/policies/*.yaml))
	@mkdir -p $(@D)
	$(CLANG) -fsanitize=fuzzer,address,undefined $^ $(lib-libs) -o $@

judge-fuzz-objs := $(patsubst %,$(B)/fuzz/%.o,tests/fuzz/judge_fuzz \
	$(patsubst %,compartment/runtime/%,policy policy_facts record memory task path))
$(judge-fuzz-objs): CPPFLAGS := -Itests/unit/fake_arch -Icompartment/sdk -Icompartment/runtime $(CPPFLAGS)
$(judge-fuzz-objs): CFLAGS += -fno-pie

$(B)/tests/judge_fuzz: $(judge-fuzz-objs)
	@mkdir -p $(@D)
	$(CLANG) -fsanitize=fuzzer,address,undefined -no-pie $(fake-config) @tests/unit/fake_arch/layout \
		@tests/unit/fake_arch/monitor_layout $^ -o $@

fuzzers += $(B)/tests/policy_fuzz $(B)/tests/judge_fuzz
# --- end of policies ---
