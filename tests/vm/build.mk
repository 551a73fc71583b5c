# SPDX-License-Identifier: GPL-2.0-or-later
# Programs and modules that run inside the lab.

VM_TESTS := $(B)/tests/vm
ATTACK_SOURCES := $(wildcard tests/vm/attack/guest/*.[chS]) tests/vm/attack/guest/Kbuild

$(VM_TESTS)/ioctl_%: tests/vm/host/ioctl_%.c $(wildcard tests/vm/host/*.h) | $(B)/include/gate_offsets.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -Itests/vm/host $< -o $@

$(VM_TESTS)/soak_reader: $(B)/obj/tests/vm/host/soak_reader.o $(B)/obj/host/cli/connection.o \
		$(B)/obj/host/cli/options.o $(B)/bin/libshadowmon.a
	@mkdir -p $(@D)
	$(CC) $^ $(lib-libs) -o $@

$(VM_TESTS)/info: tests/vm/host/info.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $< -o $@

$(VM_TESTS)/machine_check.so: tests/vm/host/machine_check.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared $< -o $@

$(VM_TESTS)/attack_user $(VM_TESTS)/fentry $(VM_TESTS)/kexec_load $(VM_TESTS)/provoke $(VM_TESTS)/attempt $(VM_TESTS)/event_cost $(VM_TESTS)/spawn: $(VM_TESTS)/%: tests/vm/guest/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -static $< -o $@

# A monitor made from the template, as its author would.
$(VM_TESTS)/mode_change.o: $(B)/bin/shadowmon $(B)/compartment/runtime.o $(B)/compartment/monitors.o packaging/build.mk \
		$(wildcard compartment/sdk/*/* include/abi/shadowmon/*)
	rm -rf $(VM_TESTS)/sdk $(VM_TESTS)/mode_change
	$(MAKE) -s -o all install-sdk PREFIX=/usr DESTDIR=$(abspath $(VM_TESTS)/sdk)
	SHADOWMON_SDK=$(VM_TESTS)/sdk/usr/lib/shadowmon $(B)/bin/shadowmon new $(VM_TESTS)/mode_change
	SHADOWMON_SDK=$(VM_TESTS)/sdk/usr/lib/shadowmon $(B)/bin/shadowmon build --image $@ $(VM_TESTS)/mode_change

# Made along with it.
HOOK_ATTACKS := shadowmon_hooks shadowmon_tamper shadowmon_unhook shadowmon_livepatch

define attack-module
$(B)/kmod/$(1)/shadowmon_attack.ko: $(ATTACK_SOURCES) $(B)/include/gate_offsets.h
	@mkdir -p $(B)/kmod/$(1)/attack
	cp -p $(ATTACK_SOURCES) $(B)/include/gate_offsets.h $(B)/kmod/$(1)/attack/
	$$(MAKE) -C /lib/modules/$(1)/build M=$$(abspath $(B)/kmod/$(1)/attack) \
		SHADOWMON_INCLUDE=$$(abspath include) modules
	cp $(B)/kmod/$(1)/attack/shadowmon_attack.ko $$@

$(HOOK_ATTACKS:%=$(B)/kmod/$(1)/%.ko): $(B)/kmod/$(1)/%.ko: $(B)/kmod/$(1)/shadowmon_attack.ko
	cp $(B)/kmod/$(1)/attack/$$*.ko $$@
endef

$(foreach r,$(GUEST_RELEASES),$(eval $(call attack-module,$(r))))
vm-tests := $(B)/compartment/exec.o $(VM_TESTS)/info $(VM_TESTS)/soak_reader $(VM_TESTS)/ioctl_test \
	$(VM_TESTS)/ioctl_fuzz $(VM_TESTS)/attack_user $(VM_TESTS)/mode_change.o $(VM_TESTS)/kexec_load \
	$(VM_TESTS)/provoke $(VM_TESTS)/attempt $(VM_TESTS)/event_cost $(VM_TESTS)/fentry $(VM_TESTS)/spawn $(VM_TESTS)/machine_check.so \
	$(GUEST_RELEASES:%=$(B)/kmod/%/shadowmon_attack.ko) $(foreach r,$(GUEST_RELEASES),$(HOOK_ATTACKS:%=$(B)/kmod/$(r)/%.ko)) \
	$(HOST_RELEASES:%=$(B)/kmod/%/shadowmon-lab.ko)
