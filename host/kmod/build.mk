# SPDX-License-Identifier: GPL-2.0-or-later
# shadowmon.ko, once for each host kernel.  Kbuild wants its sources in the output folder: they are
# copied there, so that kernels do not collide and the tree stays clean.

KMOD_SOURCES := $(wildcard host/kmod/*.c host/kmod/*.S host/kmod/*.h) host/kmod/Kbuild host/kmod/configure/probe

define host-kmod
$(B)/kmod/$(1)/shadowmon.ko: $(KMOD_SOURCES) $(wildcard include/*/shadowmon/*.h) \
		$(GATE)/gate.bin $(B)/include/gate_offsets.h
	@mkdir -p $(B)/kmod/$(1)/host
	cp -p $(KMOD_SOURCES) $(GATE)/gate.bin $(B)/include/gate_offsets.h $(B)/kmod/$(1)/host/
	sh host/kmod/configure/probe /lib/modules/$(1)/build > $(B)/kmod/$(1)/host/configure.h
	$$(MAKE) -C /lib/modules/$(1)/build M=$$(abspath $(B)/kmod/$(1)/host) \
		SHADOWMON_INCLUDE=$$(abspath include) modules
	cp $(B)/kmod/$(1)/host/shadowmon.ko $$@
endef

$(foreach r,$(HOST_RELEASES),$(eval $(call host-kmod,$(r))))
all-y += $(HOST_RELEASES:%=$(B)/kmod/%/shadowmon.ko)
