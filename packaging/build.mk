# SPDX-License-Identifier: GPL-2.0-or-later

.PHONY: install
install: all
	install -D -m 755 $(B)/bin/shadowmon $(DESTDIR)$(PREFIX)/bin/shadowmon
	install -D -m 755 $(B)/bin/shadowmond $(DESTDIR)$(PREFIX)/sbin/shadowmond
	install -D -m 644 $(B)/compartment/monitors.o $(DESTDIR)$(PREFIX)/lib/shadowmon/monitors.o
	install -D -m 644 packaging/shadowmond.service $(DESTDIR)/lib/systemd/system/shadowmond.service
	for r in $(HOST_RELEASES); do \
		install -D -m 644 $(B)/kmod/$$r/shadowmon.ko $(DESTDIR)/lib/modules/$$r/extra/shadowmon.ko; done
	[ -n "$(DESTDIR)" ] || for r in $(HOST_RELEASES); do depmod $$r; done
