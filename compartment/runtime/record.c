// SPDX-License-Identifier: GPL-2.0-or-later
/* Declared events: the record's fixed part, and texts one behind the other after it. */
#include <shadowmon/monitor.h>

#include "libc.h"

struct sm_event_head *sm_event_reserve(u16 type, u32 size, u32 max)
{
	struct sm_event_head *head = sm_reserve(type, max);

	if (!head)
		return NULL;
	/* What follows says all of the head. */
	memset(head + 1, 0, size - sizeof(*head));
	head->used = size;
	head->reserved = 0;
	sm_task_describe(&head->task, sm_current());
	return head;
}

void sm_event_commit(struct sm_event_head *head)
{
	sm_commit(head, head->used);
}

/* Where the next text goes.  NULL: its field was filled in before, and there is no room for another. */
static char *begin(struct sm_event_head *head, struct sm_text *text, u32 max)
{
	if (head->used > head->h.len || max > head->h.len - head->used)
		return NULL;
	text->at = (u16)head->used;
	return (char *)head + head->used;
}

static int end(struct sm_event_head *head, struct sm_text *text, u32 len, u16 flags)
{
	text->len = (u16)len;
	text->flags = flags;
	head->used += len;
	return flags & SM_TEXT_UNREADABLE ? -SM_EFAULT : (int)len;
}

/* len: as sm_read_string() and sm_path() return it, the NUL not being part of the text. */
static int end_string(struct sm_event_head *head, struct sm_text *text, u32 max, int len,
		      u32 len_cut)
{
	if (len < 0)
		return end(head, text, 0, SM_TEXT_UNREADABLE);
	if (len >= (int)max)
		return end(head, text, len_cut, SM_TEXT_TRUNCATED);
	return end(head, text, (u32)len, 0);
}

int sm_put_string(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address)
{
	char *to = begin(head, text, max);

	if (!to)
		return -SM_EFAULT;
	return end_string(head, text, max, sm_read_string(to, address, max), max - 1);
}

static u32 length_of(const char *string, u32 max)
{
	u32 len;

	for (len = 0; len < max && string[len]; len++)
		;
	return len;
}

/* Of a path that is too long its end is told. */
static int put_path(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address,
		    int (*name)(char *dst, u32 size, u64 address))
{
	char *to = begin(head, text, max);
	int len;

	if (!to)
		return -SM_EFAULT;
	len = name(to, max, address);
	return end_string(head, text, max, len, len == (int)max ? length_of(to, max) : 0);
}

int sm_put_path(struct sm_event_head *head, struct sm_text *text, u32 max, u64 path)
{
	return put_path(head, text, max, path, sm_path);
}

int sm_put_dentry(struct sm_event_head *head, struct sm_text *text, u32 max, u64 dentry)
{
	return put_path(head, text, max, dentry, sm_dentry_path);
}

int sm_put_user_strings(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address,
			u32 count)
{
	char *to = begin(head, text, max);
	u32 left = count, len;

	if (!to)
		return -SM_EFAULT;
	len = sm_read_user_strings(to, address, max, &left);
	if (left)
		return end(head, text, len, len == max ? SM_TEXT_TRUNCATED : SM_TEXT_UNREADABLE);
	return end(head, text, count == 1 ? len - 1 : len, 0);
}

static int put(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address, u32 len,
	       int (*read)(void *dst, u64 address, u32 len))
{
	void *to = begin(head, text, max);
	u16 flags = len > max ? SM_TEXT_TRUNCATED : 0;

	if (!to)
		return -SM_EFAULT;
	len = len > max ? max : len;
	if (read(to, address, len))
		return end(head, text, 0, SM_TEXT_UNREADABLE);
	return end(head, text, len, flags);
}

int sm_put_bytes(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address, u32 len)
{
	return put(head, text, max, address, len, sm_read);
}

int sm_put_user_bytes(struct sm_event_head *head, struct sm_text *text, u32 max, u64 address,
		      u32 len)
{
	return put(head, text, max, address, len, sm_read_user);
}

int sm_put_text(struct sm_event_head *head, struct sm_text *text, u32 max, const void *from,
		u32 len)
{
	void *to = begin(head, text, max);
	u16 flags = len > max ? SM_TEXT_TRUNCATED : 0;

	if (!to)
		return -SM_EFAULT;
	len = len > max ? max : len;
	memcpy(to, from, len);
	return end(head, text, len, flags);
}

/* --- addresses of sockets ------------------------------------------------------------------ */

#define AF_INET  2
#define AF_INET6 10

/* struct sockaddr_in and sockaddr_in6: family, port in network order, and then either */
#define IN_ADDRESS  4
#define IN6_ADDRESS 8

struct sm_endpoint sm_endpoint_read(u64 sockaddr, u32 len)
{
	struct sm_endpoint endpoint = {0};
	u16 port = 0;

	if (len < sizeof(endpoint.family))
		return endpoint;
	endpoint.family = sm_read16(sockaddr);
	if (endpoint.family == AF_INET && len >= IN_ADDRESS + 4)
		sm_read(endpoint.address, sockaddr + IN_ADDRESS, 4);
	else if (endpoint.family == AF_INET6 && len >= IN6_ADDRESS + 16)
		sm_read(endpoint.address, sockaddr + IN6_ADDRESS, 16);
	else
		return endpoint;
	port = sm_read16(sockaddr + sizeof(endpoint.family));
	endpoint.port = (u16)(port << 8 | port >> 8);
	return endpoint;
}
