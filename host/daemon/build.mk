# SPDX-License-Identifier: GPL-2.0-or-later
# shadowmond: keeps attachments and answers the command.

daemon-objs := $(patsubst %.c,$(B)/obj/%.o,$(wildcard host/daemon/*.c))

$(B)/bin/shadowmond: $(daemon-objs) $(B)/bin/libshadowmon.a
	@mkdir -p $(@D)
	$(CC) -pie $^ -lelf -lbpf -lz -ljansson -lyaml -lsystemd -pthread -o $@

all-y += $(B)/bin/shadowmond
