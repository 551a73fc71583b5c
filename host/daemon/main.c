// SPDX-License-Identifier: GPL-2.0-or-later
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "log.h"

const char *argp_program_version = "shadowmond " SM_VERSION;

static const struct argp_option options[] = {
	{"socket", 's', "PATH", 0,
	 "Control socket (default: $" SM_SOCKET_ENV " or " SM_SOCKET_PATH ")", 0},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct daemon *daemon = state->input;

	switch (key) {
	case 's':
		if (value[0] != '/')
			argp_error(state, "the socket's path must be absolute");
		daemon->socket_path = value;
		return 0;
	case ARGP_KEY_ARG:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)source;
	log_info("got SIG%s: detaching", sigabbrev_np((int)info->ssi_signo));
	sd_notify(0, "STOPPING=1");
	server_stop(daemon);
	attachments_stop(daemon);
	return 0;
}

/* Before any thread starts: all of them inherit the mask. */
static int take_signals(struct daemon *daemon)
{
	sigset_t mask;
	int err;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	err = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_signal, daemon);
	if (err >= 0)
		err = sd_event_add_signal(daemon->event, NULL, SIGINT, on_signal, daemon);
	return err < 0 ? err : 0;
}

static int run(struct daemon *daemon)
{
	int err = sd_event_new(&daemon->event);

	if (err < 0) {
		log_error("cannot make an event loop: %s", strerror(-err));
		return err;
	}
	err = take_signals(daemon);
	if (err) {
		log_error("cannot catch signals: %s", strerror(-err));
		goto out_event;
	}
	err = server_start(daemon);
	if (err)
		goto out_event;
	sd_event_set_watchdog(daemon->event, true);
	sd_notify(0, "READY=1\nSTATUS=0 VM(s) attached");
	log_info("listening on %s", daemon->socket_path);
	err = sd_event_loop(daemon->event);
	if (err)
		log_error("the event loop failed: %s", strerror(-err));
	server_stop(daemon);
out_event:
	sd_event_unref(daemon->event);
	return err;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, NULL, "Keeps the attachments of ShadowMonitor.  See shadowmond(8).",
		NULL,    NULL,  NULL,
	};
	const char *from_environment = getenv(SM_SOCKET_ENV);
	struct daemon daemon = {.socket_path = SM_SOCKET_PATH};

	TAILQ_INIT(&daemon.clients);
	TAILQ_INIT(&daemon.attachments);
	if (from_environment && from_environment[0] == '/')
		daemon.socket_path = from_environment;
	argp_err_exit_status = 2;
	setlinebuf(stderr);
	argp_parse(&argp, argc, argv, 0, NULL, &daemon);
	return run(&daemon) ? EXIT_FAILURE : EXIT_SUCCESS;
}
