// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded into Bochs: nobody looks at the machine's screen.
 *
 * Debian's Bochs has no display library that shows nothing; the one for terminals draws with curses on a
 * pseudo-terminal that it opens itself.  Nobody reads that one, so after some minutes it takes no more, and
 * Bochs waits for ever.  These functions of curses draw, or read a key; no name here is used elsewhere.
 */
int refresh(void);
int curs_set(int visibility);
int wgetch(void *window);

int refresh(void)
{
	return 0;
}

int curs_set(int visibility)
{
	return visibility;
}

int wgetch(void *window)
{
	(void)window;
	return -1; /* no key */
}
