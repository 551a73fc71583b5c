# SPDX-License-Identifier: GPL-2.0-or-later
# shadowmon.ko, once for each host kernel, and shadowmon-lab.ko, whose protections tests can switch off.
# Kbuild wants its sources in the output folder: they are copied there, so that kernels do not collide and
# the tree stays clean.

KMOD_SOURCES := $(wildcard host/kmod/*.c host/kmod/*.S host/kmod/*.h) host/kmod/Kbuild host/kmod/configure/probe

OUTSIDE_SOURCES := $(wildcard host/kmod/outside/*.[ch] host/kmod/outside/shadowmon/*.h)
OUTSIDE_RUNTIME := memory emit task path
OUTSIDE_MONITORS = $(MONITORS) bench_open bench_syscall bench_getppid
OUTSIDE_HEADERS := $(wildcard monitors/bench_*/*.h)

# RELEASE, folder, name of the result, flags
define host-kmod
$(B)/kmod/$(1)/$(3).ko: $(KMOD_SOURCES) $(wildcard include/*/shadowmon/*.h) \
		$(GATE)/gate.bin $(B)/include/gate_offsets.h $(OUTSIDE_SOURCES) \
		$(OUTSIDE_RUNTIME:%=compartment/runtime/%.c) $(OUTSIDE_MONITORS:%=monitors/%/monitor.c) $(OUTSIDE_HEADERS) \
		$(wildcard compartment/sdk/shadowmon/*.h)
	@mkdir -p $(B)/kmod/$(1)/$(2)
	cp -p $(KMOD_SOURCES) $(GATE)/gate.bin $(B)/include/gate_offsets.h $(B)/kmod/$(1)/$(2)/
	cp -rp host/kmod/outside $(B)/kmod/$(1)/$(2)/
	for s in $(OUTSIDE_RUNTIME); do cp -p compartment/runtime/$$$$s.c $(B)/kmod/$(1)/$(2)/outside/runtime_$$$$s.c; done
	cp -p $(OUTSIDE_HEADERS) $(B)/kmod/$(1)/$(2)/outside/
	for m in $(OUTSIDE_MONITORS); do cp -p monitors/$$$$m/monitor.c $(B)/kmod/$(1)/$(2)/outside/monitor_$$$$m.c; done
	sh host/kmod/configure/probe /lib/modules/$(1)/build > $(B)/kmod/$(1)/$(2)/configure.h
	$$(MAKE) -C /lib/modules/$(1)/build M=$$(abspath $(B)/kmod/$(1)/$(2)) \
		SHADOWMON_INCLUDE=$$(abspath include) SHADOWMON_SDK=$$(abspath compartment/sdk) \
		SHADOWMON_FLAGS=$(4) modules
	cp $(B)/kmod/$(1)/$(2)/shadowmon.ko $$@
endef

$(foreach r,$(HOST_RELEASES),$(eval $(call host-kmod,$(r),host,shadowmon,)))
$(foreach r,$(HOST_RELEASES),$(eval $(call host-kmod,$(r),host-lab,shadowmon-lab,-DSMH_LAB)))
all-y += $(HOST_RELEASES:%=$(B)/kmod/%/shadowmon.ko)

$(foreach r,$(CLOUD_RELEASE),$(eval $(call host-kmod,$(r),host,shadowmon,)))
cloud-kmod := $(CLOUD_RELEASE:%=$(B)/kmod/%/shadowmon.ko)
