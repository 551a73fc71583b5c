# SPDX-License-Identifier: GPL-2.0-or-later

lib-sources := $(wildcard host/lib/*.c)
lib-objs := $(lib-sources:%.c=$(B)/obj/%.o)
lib-asan-objs := $(lib-sources:%.c=$(B)/asan/%.o)
lib-fuzz-objs := $(lib-sources:%.c=$(B)/fuzz/%.o)
lib-libs := -lelf -lbpf -lz -ljansson -lyaml -lsystemd

$(lib-objs) $(lib-asan-objs) $(lib-fuzz-objs): | $(B)/include/gate_offsets.h

$(B)/bin/libshadowmon.a: $(lib-objs)
	@mkdir -p $(@D)
	rm -f $@
	ar rcs $@ $^

# The name without a version is for linking, the one with it for running.
$(B)/bin/libshadowmon.so: $(lib-objs) host/lib/libshadowmon.map
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-soname,$(@F).0 -Wl,--version-script=host/lib/libshadowmon.map -Wl,--no-undefined \
		$(lib-objs) $(lib-libs) -o $@
	ln -sf $(@F) $@.0

all-y += $(B)/bin/libshadowmon.a $(B)/bin/libshadowmon.so
