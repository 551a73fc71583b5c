# SPDX-License-Identifier: GPL-2.0-or-later
# shadowmon: the command.

cli-objs := $(patsubst %.c,$(B)/obj/%.o,$(wildcard host/cli/*.c))

$(B)/bin/shadowmon: $(cli-objs) $(B)/bin/libshadowmon.a
	@mkdir -p $(@D)
	$(CC) -pie $^ -lelf -lbpf -lz -ljansson -lyaml -o $@

all-y += $(B)/bin/shadowmon
