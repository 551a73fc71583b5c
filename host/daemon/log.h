/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines on stderr, with the level that the journal understands. */
#ifndef SHADOWMON_DAEMON_LOG_H
#define SHADOWMON_DAEMON_LOG_H

#include <stdio.h>
#include <systemd/sd-daemon.h>

#define log_line(level, format, ...) fprintf(stderr, level format "\n", ##__VA_ARGS__)
#define log_error(format, ...)       log_line(SD_ERR, format, ##__VA_ARGS__)
#define log_warning(format, ...)     log_line(SD_WARNING, format, ##__VA_ARGS__)
#define log_info(format, ...)        log_line(SD_INFO, format, ##__VA_ARGS__)

#define log_debug(format, ...) log_line(SD_DEBUG, format, ##__VA_ARGS__)

#endif
