# SPDX-License-Identifier: GPL-2.0-or-later
# libFuzzer targets.

# --- gatecheck ---
$(B)/tests/gatecheck_fuzz: $(B)/fuzz/tests/fuzz/gatecheck_fuzz.o \
		$(patsubst %.c,$(B)/fuzz/%.o,$(filter-out %/gatecheck.c,$(gatecheck-src)))
	@mkdir -p $(@D)
	$(CLANG) -fsanitize=fuzzer,address,undefined $^ -lcapstone -o $@

fuzzers += $(B)/tests/gatecheck_fuzz
# --- end of gatecheck ---
