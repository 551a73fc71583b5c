// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded into Bochs (LD_PRELOAD): lets a script save the machine, and restore it without copying
 * its memory.
 *
 * Bochs can save its state, but only by a button of its graphical interface.  Its debugger opens a
 * file for the command `source FILE`; a FILE "save-state:DIRECTORY" saves there and ends Bochs.  The
 * machine stands still between two instructions then.
 *
 * At a restore Bochs copies all of the saved memory into a temporary file and reads the blocks in use
 * from there.  With LAB_MEMORY set to the saved memory it gets nothing to copy, and reads directly;
 * LAB_MAILBOX, a file, shows up at guest-physical address LAB_MAILBOX_AT.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAVE   "save-state:"
#define MEMORY "/memory.ram"

static int memory_fd = -1, mailbox_fd = -1;
static off64_t mailbox_start, mailbox_end, position;

static void save_state(char *directory)
{
	/* bool bx_real_sim_c::save_state(const char *) */
	bool (*save)(void *, const char *) =
		dlsym(RTLD_DEFAULT, "_ZN13bx_real_sim_c10save_stateEPKc");
	void **sim = dlsym(RTLD_DEFAULT, "SIM");

	directory[strcspn(directory, "\"")] = 0;
	_exit(save && sim && save(*sim, directory) ? 0 : 1);
}

FILE *fopen64(const char *path, const char *mode)
{
	static FILE *(*next)(const char *, const char *);
	const char *save = strstr(path, SAVE);
	size_t length = strlen(path);

	if (save)
		save_state(strdup(save + strlen(SAVE)));
	if (!next)
		next = dlsym(RTLD_NEXT, "fopen64");
	if (getenv("LAB_MEMORY") && length > strlen(MEMORY) &&
	    !strcmp(path + length - strlen(MEMORY), MEMORY))
		path = "/dev/null";
	return next(path, mode);
}

static ssize_t memory_read(void *cookie, char *buffer, size_t size)
{
	ssize_t got;

	(void)cookie;
	/* Bochs reads aligned blocks, so none lies across the mailbox' ends. */
	if (position >= mailbox_start && position < mailbox_end) {
		memset(buffer, 0, size);
		got = pread(mailbox_fd, buffer, size, position - mailbox_start) < 0 ? -1
										    : (ssize_t)size;
	} else {
		got = pread(memory_fd, buffer, size, position);
	}
	if (got > 0)
		position += got;
	return got;
}

static ssize_t memory_write(void *cookie, const char *buffer, size_t size)
{
	(void)cookie;
	(void)buffer;
	return size;
}

static int memory_seek(void *cookie, off64_t *offset, int whence)
{
	(void)cookie;
	if (whence != SEEK_SET) {
		errno = EINVAL;
		return -1;
	}
	position = *offset;
	return 0;
}

FILE *tmpfile64(void)
{
	static FILE *(*next)(void);
	const char *memory = getenv("LAB_MEMORY"), *mailbox = getenv("LAB_MAILBOX"),
		   *at = getenv("LAB_MAILBOX_AT");
	struct stat status;

	if (memory && mailbox && at && memory_fd < 0) {
		memory_fd = open(memory, O_RDONLY | O_CLOEXEC);
		mailbox_fd = open(mailbox, O_RDONLY | O_CLOEXEC);
		if (memory_fd < 0 || mailbox_fd < 0 || fstat(mailbox_fd, &status))
			return NULL;
		mailbox_start = strtoll(at, NULL, 0);
		mailbox_end = mailbox_start + status.st_size;
		return fopencookie(
			NULL, "r+",
			(cookie_io_functions_t){memory_read, memory_write, memory_seek, NULL});
	}
	if (!next)
		next = dlsym(RTLD_NEXT, "tmpfile64");
	return next();
}
