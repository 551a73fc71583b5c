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
