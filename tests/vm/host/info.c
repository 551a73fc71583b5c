// SPDX-License-Identifier: GPL-2.0-or-later
/* What the host module holds in all: "ATTACHMENTS PAGES". */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include <shadowmon/ioctl.h>

int main(void)
{
	struct sm_ioc_info info = {.size = sizeof(info)};
	int fd = open(SM_DEVICE, O_RDWR);

	if (fd < 0 || ioctl(fd, SM_IOC_INFO, &info)) {
		perror(SM_DEVICE);
		return 1;
	}
	printf("%u %u\n", info.attached, info.pages);
	return 0;
}
