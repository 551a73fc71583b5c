# SPDX-License-Identifier: GPL-2.0-or-later
# One make for everything: each folder's build.mk adds to the lists below; all output goes to build/.
#
#   make            builds tools, image, modules       make demo    events from a guest in the lab
#   make check      all tests                          make install DESTDIR=... PREFIX=...
#   make bench      docs/performance.md anew

B ?= build
CC := gcc
CLANG ?= clang
PREFIX ?= /usr

# Before anything is looked for.
ifneq ($(filter-out clean,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell scripts/install-packages scripts/packages lab/packages >&2 && echo done),done)
$(error packages are missing)
endif
endif

# As many jobs as CPUs, unless told otherwise.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

# Kernels to build modules for: the newest generic one of each series whose headers are installed.
releases = $(shell ls -d /lib/modules/$(1)*-amd64/build 2>/dev/null | sort -V | cut -d/ -f4)
newest = $(shell printf '%s\n' $(call releases,$(1)) | grep -v -e cloud -e -rt- | tail -1)
HOST_RELEASES ?= $(call newest,6.1.0) $(call newest,6.12)
GUEST_RELEASES ?= $(HOST_RELEASES)
# Without external write tracking: the host module is to build there, too.
CLOUD_RELEASE ?= $(lastword $(filter %-cloud-amd64,$(call releases,6.1.0)))

CPPFLAGS := -Iinclude/abi -Iinclude/uapi -I$(B)/include -D_GNU_SOURCE
CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-fstack-protector-strong
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all check check-unit check-cli check-style check-fuzz check-vm check-attacks demo clean

# Filled by the build.mk files.
all-y :=
unit-tests :=
cli-tests :=
fuzzers :=
# The longest first, and of these two that need different images of the lab: each makes its own.
vm-suites := $(patsubst %,tests/vm/%.suite,machine host_6.12 attack/attack attach state monitors_6.12 guest_6.12 \
	attack/storm monitors attack/smp soak)
vm-suites += $(filter-out $(vm-suites),$(wildcard tests/vm/attack/*.suite tests/vm/*.suite))

include $(wildcard packaging/build.mk compartment/*/build.mk monitors/build.mk host/*/build.mk guest/*/build.mk tests/*/build.mk)

all: $(all-y)

# Objects of user-space programs: plain, for the sanitised unit tests, for the fuzzers.
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -MMD -c $< -o $@

$(B)/asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(SANITIZE) -MMD -c $< -o $@

$(B)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(CPPFLAGS) $(CFLAGS) -Wno-unknown-warning-option -fsanitize=fuzzer-no-link,address,undefined \
		-MMD -c $< -o $@

check: all $(cloud-kmod) $(unit-tests) $(cli-tests) $(fuzzers) $(vm-tests)
	tests/lib/run unit scripts/check-style $(unit-tests) tests/cli/cli_test fuzz $(fuzzers) vm $(vm-suites)

check-unit: $(unit-tests)
	tests/lib/run unit $^

# Command, daemon and installation, without a VM.
check-cli: all $(cli-tests)
	tests/lib/run unit tests/cli/cli_test

check-style: all
	scripts/check-style

check-fuzz: $(fuzzers)
	tests/lib/run fuzz $^

check-vm: all $(vm-tests)
	tests/lib/run vm $(vm-suites)

check-attacks: all $(vm-tests)
	tests/lib/run vm $(filter tests/vm/attack/% tests/vm/protect.suite,$(vm-suites))

demo: all
	tests/lib/run-suite lab/demo/demo.suite

clean:
	rm -rf $(B)/obj $(B)/asan $(B)/fuzz $(B)/bin $(B)/include $(B)/tests $(B)/compartment $(B)/kmod $(B)/style $(B)/bench

-include $(shell find $(B)/obj $(B)/asan $(B)/fuzz -name '*.d' 2>/dev/null)
