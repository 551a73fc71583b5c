# SPDX-License-Identifier: GPL-2.0-or-later
# Command and daemon as users see them, without a VM; both with the sanitizers.

$(B)/tests/cli/shadowmon: $(patsubst %.c,$(B)/asan/%.o,$(wildcard host/cli/*.c)) $(lib-asan-objs)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ $(lib-libs) -o $@

$(B)/tests/cli/shadowmond: $(patsubst %.c,$(B)/asan/%.o,$(wildcard host/daemon/*.c)) $(lib-asan-objs)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) $^ $(lib-libs) -pthread -o $@

cli-tests := $(B)/tests/cli/shadowmon $(B)/tests/cli/shadowmond
