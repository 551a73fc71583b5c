# SPDX-License-Identifier: GPL-2.0-or-later
# Everything that an installation has.  With DESTDIR, modules and libraries are not registered.

VERSION := $(shell sed -n 's/^.define SM_VERSION "\(.*\)"/\1/p' host/lib/shadowmon.h)
# What shadowmon.h, the library's header, includes; and what these include.
LIB_HEADERS := shadowmon.h $(shell sed -n 's/^.include "\(.*\)"/\1/p' host/lib/shadowmon.h)
installed = $(DESTDIR)$(PREFIX)
fill-in = sed -e 's,@PREFIX@,$(PREFIX),g' -e 's,@VERSION@,$(VERSION),g'

# What monitors are compiled with, but for the tree's own folders; a newer compiler's warning is none of theirs.
monitor-flags = $(filter-out -I% -Werror,$(COMPARTMENT_CFLAGS))

.PHONY: install install-program install-library install-sdk install-documents install-modules
install: install-program install-library install-sdk install-documents install-modules

install-program: all
	install -D -m 755 $(B)/bin/shadowmon $(installed)/bin/shadowmon
	install -D -m 755 $(B)/bin/shadowmond $(installed)/sbin/shadowmond
	install -D -m 644 $(B)/compartment/monitors.o $(installed)/lib/shadowmon/monitors.o
	install -D -m 644 $(B)/compartment/monitors-user.o $(installed)/lib/shadowmon/monitors-user.o
	install -m 644 $(B)/compartment/bench.o $(B)/compartment/bench-user.o $(installed)/lib/shadowmon/
	install -d $(DESTDIR)/lib/systemd/system
	$(fill-in) packaging/shadowmond.service.in > $(DESTDIR)/lib/systemd/system/shadowmond.service

install-library: all
	install -D -m 644 $(B)/bin/libshadowmon.so $(installed)/lib/libshadowmon.so.0
	ln -sf libshadowmon.so.0 $(installed)/lib/libshadowmon.so
	install -d $(installed)/include/libshadowmon $(installed)/include/shadowmon $(installed)/lib/pkgconfig
	install -m 644 $(LIB_HEADERS:%=host/lib/%) $(installed)/include/libshadowmon/
	install -m 644 include/*/shadowmon/*.h $(installed)/include/shadowmon/
	$(fill-in) packaging/libshadowmon.pc.in > $(installed)/lib/pkgconfig/libshadowmon.pc
	[ -n "$(DESTDIR)" ] || ldconfig

install-sdk: all
	install -d $(installed)/include/shadowmon $(installed)/lib/shadowmon/template $(installed)/lib/pkgconfig
	install -m 644 include/abi/shadowmon/*.h compartment/sdk/shadowmon/*.h $(installed)/include/shadowmon/
	install -m 644 compartment/sdk/template/*.in $(installed)/lib/shadowmon/template/
	install -m 644 $(B)/compartment/runtime.o $(B)/compartment/monitors.o $(installed)/lib/shadowmon/
	install -m 755 compartment/runtime/check-image $(installed)/lib/shadowmon/
	echo '$(monitor-flags)' > $(installed)/lib/shadowmon/monitor.flags
	$(fill-in) -e 's,@MONITOR_FLAGS@,$(monitor-flags),' packaging/shadowmon-monitor.pc.in \
		> $(installed)/lib/pkgconfig/shadowmon-monitor.pc

install-documents:
	install -D -m 644 docs/man/shadowmon.1 $(installed)/share/man/man1/shadowmon.1
	install -D -m 644 docs/man/shadowmond.8 $(installed)/share/man/man8/shadowmond.8
	install -D -m 644 packaging/completion/shadowmon $(installed)/share/bash-completion/completions/shadowmon
	ln -sf shadowmon $(installed)/share/bash-completion/completions/shadowmond

install-modules: all
	for r in $(HOST_RELEASES); do \
		install -D -m 644 $(B)/kmod/$$r/shadowmon.ko $(DESTDIR)/lib/modules/$$r/extra/shadowmon.ko || exit; \
		[ -n "$(DESTDIR)" ] || depmod $$r || exit; done
