// SPDX-License-Identifier: GPL-2.0-or-later
/* The program: reads the page, prints the verdict, exits with 0 (good), 1 (bad) or 2 (no verdict).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatecheck.h"

enum { GOOD = 0, BAD = 1, FAILED = 2 };

static void usage(FILE *to)
{
	fputs("Usage: gatecheck [-v] FILE\n"
	      "Proves the gate's rules on the 4096 bytes of FILE, from each offset, as 16, 32 and "
	      "64-bit code.\n"
	      "\n"
	      "  -v, --verbose  also list the gate's code\n"
	      "  -h, --help     this text\n"
	      "\n"
	      "Exit status: 0 the gate is good, 1 it breaks a rule, 2 it could not be judged.\n",
	      to);
}

/* 0, 1 if it is no page, or a negative errno. */
static int read_page(const char *path, u8 *bytes)
{
	FILE *file = fopen(path, "rb");
	u8 more;
	int err = 0;

	if (!file)
		return -errno;
	errno = 0;
	if (fread(bytes, 1, SM_PAGE_SIZE, file) != SM_PAGE_SIZE || fread(&more, 1, 1, file) != 0)
		err = ferror(file) ? -EIO : 1;
	fclose(file);
	return err;
}

static int judge(const char *path, const u8 *bytes)
{
	struct gc_report *report = malloc(sizeof(*report));
	unsigned int i;
	int status, err = -ENOMEM;

	if (report)
		err = gatecheck_page(bytes, report);
	if (err) {
		fprintf(stderr, "gatecheck: cannot judge %s: %s.\n", path, strerror(-err));
		free(report);
		return FAILED;
	}
	for (i = 0; i < report->nr_violations && i < GC_VIOLATIONS_MAX; i++)
		fprintf(stderr, "gatecheck: %s: %s\n", path, report->violations[i].sentence);
	if (report->nr_violations > GC_VIOLATIONS_MAX)
		fprintf(stderr, "gatecheck: %s: %u more violations.\n", path,
			report->nr_violations - GC_VIOLATIONS_MAX);

	status = report->nr_violations ? BAD : GOOD;
	if (status == GOOD)
		printf("gatecheck: %s keeps all rules: %u offsets in 3 modes; %u states in 16-bit, "
		       "%u in 32-bit, "
		       "%u in 64-bit mode; %u vmfunc, %u arm and %u disarm stores.\n",
		       path, SM_PAGE_SIZE, report->states[GC_16], report->states[GC_32],
		       report->states[GC_64], report->vmfuncs, report->arms, report->disarms);
	free(report);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	u8 bytes[SM_PAGE_SIZE];
	bool verbose = false;
	int option, err;

	while ((option = getopt_long(argc, argv, "vh", options, NULL)) != -1) {
		switch (option) {
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout);
			return GOOD;
		default:
			usage(stderr);
			return FAILED;
		}
	}
	if (optind != argc - 1) {
		usage(stderr);
		return FAILED;
	}

	err = read_page(argv[optind], bytes);
	if (err < 0) {
		fprintf(stderr, "gatecheck: cannot read %s: %s.\n", argv[optind], strerror(-err));
		return FAILED;
	}
	if (err) {
		fprintf(stderr, "gatecheck: %s breaks the gate's form: it is not %u bytes long.\n",
			argv[optind], SM_PAGE_SIZE);
		return BAD;
	}
	if (verbose) {
		err = gatecheck_list(bytes);
		if (err) {
			fprintf(stderr, "gatecheck: cannot list %s: %s.\n", argv[optind],
				strerror(-err));
			return FAILED;
		}
	}
	return judge(argv[optind], bytes);
}
