// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk.h"

extern char **environ;

const char *sdk_path(const char *name, char dst[PATH_MAX])
{
	const char *directory = getenv(SDK_ENV);
	char self[PATH_MAX];
	ssize_t len;

	if (directory && directory[0]) {
		snprintf(dst, PATH_MAX, "%s/%s", directory, name);
		return dst;
	}
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[len > 0 ? len : 0] = '\0';
	if (strrchr(self, '/'))
		strrchr(self, '/')[0] = '\0';
	if (snprintf(dst, PATH_MAX, "%s/../lib/shadowmon/%s", self, name) >= PATH_MAX ||
	    access(dst, R_OK))
		snprintf(dst, PATH_MAX, SDK_PATH "/%s", name);
	return dst;
}

static char *read_stream(FILE *from)
{
	char *text = NULL;
	size_t room = 0;
	ssize_t len = getdelim(&text, &room, '\0', from);

	if (len < 0 && !ferror(from)) {
		free(text);
		return strdup("");
	}
	if (len >= 0)
		return text;
	free(text);
	return NULL;
}

char *read_text(const char *path)
{
	FILE *from = fopen(path, "re");
	char *text = from ? read_stream(from) : NULL;

	if (!text)
		fprintf(stderr, "shadowmon: cannot read %s: %s\n", path, strerror(errno));
	if (from)
		fclose(from);
	return text;
}

/* --- command lines ------------------------------------------------------------------------------ */

static void add_owned(struct words *words, char *word)
{
	char **more = reallocarray(words->words, words->count + 2, sizeof(*more));

	if (!more || !word) {
		fputs("shadowmon: no memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	words->words = more;
	more[words->count++] = word;
	more[words->count] = NULL;
}

void words_add(struct words *words, const char *word)
{
	add_owned(words, strdup(word));
}

void words_add_split(struct words *words, const char *text)
{
	size_t len;

	for (;;) {
		text += strspn(text, " \t\n");
		len = strcspn(text, " \t\n");
		if (!len)
			return;
		add_owned(words, strndup(text, len));
		text += len;
	}
}

void words_free(struct words *words)
{
	size_t i;

	for (i = 0; i < words->count; i++)
		free(words->words[i]);
	free(words->words);
	*words = (struct words){0};
}

/* --- tools -------------------------------------------------------------------------------------- */

static bool wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool run_tool(const struct words *words)
{
	pid_t pid;
	int err = posix_spawnp(&pid, words->words[0], NULL, NULL, words->words, environ);

	if (err) {
		fprintf(stderr, "shadowmon: cannot run %s: %s\n", words->words[0], strerror(err));
		return false;
	}
	return wait_for(pid);
}

char *tool_output(const struct words *words)
{
	posix_spawn_file_actions_t actions;
	char *text = NULL;
	int fds[2], err;
	FILE *from;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawnp(&pid, words->words[0], &actions, NULL, words->words, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	from = fdopen(fds[0], "r");
	if (from)
		text = err ? NULL : read_stream(from);
	if (from)
		fclose(from);
	else
		close(fds[0]);
	if (err || wait_for(pid))
		return text;
	free(text);
	return NULL;
}
