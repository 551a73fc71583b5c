// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "known.h"

const struct sm_known_symbol *sm_known_find(const struct sm_known *symbols, const char *name)
{
	size_t i;

	for (i = 0; i < symbols->count; i++)
		if (strcmp(symbols->list[i].name, name) == 0)
			return &symbols->list[i];
	return NULL;
}

int sm_known_add(struct sm_known *symbols, const char *name, uint64_t value)
{
	struct sm_known_symbol symbol = {.value = value}, *list;

	if (strlen(name) >= sizeof(symbol.name))
		return -ENAMETOOLONG;
	memcpy(symbol.name, name, strlen(name));
	list = reallocarray(symbols->list, symbols->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	list[symbols->count++] = symbol;
	symbols->list = list;
	return 0;
}

void sm_known_free(struct sm_known *symbols)
{
	free(symbols->list);
	*symbols = (struct sm_known){0};
}
