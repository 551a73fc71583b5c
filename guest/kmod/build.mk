# SPDX-License-Identifier: GPL-2.0-or-later
# shadowmon_guest.ko, once for each guest kernel, as host/kmod/build.mk does it for hosts.

GMOD_SOURCES := $(wildcard guest/kmod/*.c guest/kmod/*.S guest/kmod/*.h) guest/kmod/Kbuild

define guest-kmod
$(B)/kmod/$(1)/shadowmon_guest.ko: $(GMOD_SOURCES) guest/kmod/configure/probe \
		$(wildcard include/abi/shadowmon/*.h) $(GATE)/gate.bin $(B)/include/gate_offsets.h
	@mkdir -p $(B)/kmod/$(1)/guest
	cp -p $(GMOD_SOURCES) $(GATE)/gate.bin $(B)/include/gate_offsets.h $(B)/kmod/$(1)/guest/
	sh guest/kmod/configure/probe /lib/modules/$(1)/build > $(B)/kmod/$(1)/guest/configure.h
	$$(MAKE) -C /lib/modules/$(1)/build M=$$(abspath $(B)/kmod/$(1)/guest) \
		SHADOWMON_INCLUDE=$$(abspath include) modules
	objcopy --set-section-flags .shadowmon.gate=alloc,load,readonly,code \
		$(B)/kmod/$(1)/guest/shadowmon_guest.ko $$@
endef

$(foreach r,$(GUEST_RELEASES),$(eval $(call guest-kmod,$(r))))
all-y += $(GUEST_RELEASES:%=$(B)/kmod/%/shadowmon_guest.ko)
