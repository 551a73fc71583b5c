# SPDX-License-Identifier: GPL-2.0-or-later
# gate.bin: the page itself, for both kernel modules; gate_offsets.h: where its parts lie.

GATE := $(B)/compartment/gate

$(GATE)/gate.o: compartment/gate/gate.S include/abi/shadowmon/layout.h include/abi/shadowmon/hypercall.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -c $< -o $@

gatecheck-src := $(wildcard compartment/gate/gatecheck*.c)

$(B)/bin/gatecheck: $(gatecheck-src:%.c=$(B)/obj/%.o)
	@mkdir -p $(@D)
	$(CC) $^ -lcapstone -o $@

# gatecheck passes judgement before anything can use the bytes.
$(GATE)/gate.bin: $(GATE)/gate.o $(B)/bin/gatecheck
	objcopy -O binary -j .gate $< $@.unchecked
	$(B)/bin/gatecheck $@.unchecked
	mv $@.unchecked $@

$(B)/include/gate_offsets.h: $(GATE)/gate.o
	@mkdir -p $(@D)
	nm $< | awk 'BEGIN { print "/* Generated from gate.S. */" } \
		/ gate_/ { printf "#define %s_OFFSET 0x%s\n", toupper($$3), $$1 }' > $@
