// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets that are bound, listen, connect, or have accepted a connection. */
#define SM_ON_REQUEST
#include <shadowmon/monitor.h>
#include <shadowmon/policy.h>

/* linux/net.h */
#define SOCKET_TYPES(N)      \
	N(SOCK_STREAM, 1)    \
	N(SOCK_DGRAM, 2)     \
	N(SOCK_RAW, 3)       \
	N(SOCK_RDM, 4)       \
	N(SOCK_SEQPACKET, 5) \
	N(SOCK_DCCP, 6)      \
	N(SOCK_PACKET, 10)

#define AF_UNIX       1
#define AF_INET       2
#define AF_INET6      10
#define UNIX_PATH     2 /* of struct sockaddr_un */
#define UNIX_PATH_MAX 108

#define SOCKET_ADDRESS(F)               \
	F(SM_NAMED(SOCKET_TYPES), type) \
	F(SM_ENDPOINT, address)         \
	F(SM_STRING(108), path)
SM_EVENT(socket_bind, SOCKET_ADDRESS);
SM_EVENT(socket_connect, SOCKET_ADDRESS);

#define SOCKET_LISTEN(F)                \
	F(SM_NAMED(SOCKET_TYPES), type) \
	F(SM_S32, backlog)              \
	F(SM_ENDPOINT, address)
SM_EVENT(socket_listen, SOCKET_LISTEN);

#define SOCKET_ACCEPT(F)                \
	F(SM_NAMED(SOCKET_TYPES), type) \
	F(SM_ENDPOINT, address)         \
	F(SM_ENDPOINT, peer)
SM_EVENT(socket_accept, SOCKET_ACCEPT);

static u32 type_of(u64 socket)
{
	return SM_READ16(socket, socket, type);
}

/* The name of a socket in the file system; others of the family have none, or one that is not text. */
static u32 read_unix_path(char *to, u64 address, u32 len)
{
	u32 i, size = len - UNIX_PATH;

	if (len <= UNIX_PATH || len > UNIX_PATH + UNIX_PATH_MAX ||
	    sm_read(to, address + UNIX_PATH, size))
		return 0;
	for (i = 0; i < size && to[i]; i++)
		;
	return i;
}

/* The address is the kernel's copy: the caller cannot change it any more. */
static __attribute__((__noinline__)) int judge_address(u32 event, u64 address, u32 len,
						       bool *ret_tell)
{
	struct sm_policy_object object = {.event = event,
					  .endpoint = sm_endpoint_read(address, len)};

	sm_policy_set_name(&object, 0);
	if (object.endpoint.family == AF_UNIX)
		sm_policy_set_name(&object,
				   (int)read_unix_path(sm_policy_name_buffer(), address, len));
	return sm_policy_judge(&object, ret_tell);
}

static void report_bind(u64 socket, u64 address, u32 len)
{
	struct sm_event_socket_bind *e = SM_RESERVE(socket_bind);
	char path[UNIX_PATH_MAX];

	if (!e)
		return;
	e->type = type_of(socket);
	e->address = sm_endpoint_read(address, len);
	if (e->address.family == AF_UNIX)
		SM_PUT_TEXT(e, path, path, read_unix_path(path, address, len));
	SM_COMMIT(e);
}

SM_MONITOR(socket_bind, "security_socket_bind", u64 socket, u64 address, u32 len)
{
	int verdict = SM_ALLOW;
	bool tell = true;

	if (sm_policy_has(SM_POLICY_SOCKET_BIND))
		verdict = judge_address(SM_POLICY_SOCKET_BIND, address, len, &tell);
	if (verdict == SM_ALLOW && tell)
		report_bind(socket, address, len);
	return verdict;
}

static void report_connect(u64 socket, u64 address, u32 len)
{
	struct sm_event_socket_connect *e = SM_RESERVE(socket_connect);
	char path[UNIX_PATH_MAX];

	if (!e)
		return;
	e->type = type_of(socket);
	e->address = sm_endpoint_read(address, len);
	if (e->address.family == AF_UNIX)
		SM_PUT_TEXT(e, path, path, read_unix_path(path, address, len));
	SM_COMMIT(e);
}

static int look_at_connect(u64 socket, u64 address, u32 len)
{
	int verdict = SM_ALLOW;
	bool tell = true;

	if (sm_policy_has(SM_POLICY_SOCKET_CONNECT))
		verdict = judge_address(SM_POLICY_SOCKET_CONNECT, address, len, &tell);
	if (verdict == SM_ALLOW && tell)
		report_connect(socket, address, len);
	return verdict;
}

SM_MONITOR(socket_connect, "security_socket_connect", u64 socket, u64 address, u32 len)
{
	return look_at_connect(socket, address, len);
}

/* linux/net.h: socket_state */
#define SS_CONNECTING 2
#define SS_CONNECTED  3

/*
 * TCP Fast Open: what is sent with an address connects first, and security modules are not asked.  Without an address
 * it goes where connect() said.  The socket is locked: its state stays.
 */
SM_MONITOR(socket_fast_open, "tcp_sendmsg_fastopen", u64 sock, u64 message, u64 copied, u64 size,
	   u64 buffer)
{
	struct sm_object header = SM_STACK_OBJECT(message, msghdr);
	u64 socket = SM_READ64(sock, sock, sk_socket), address;
	u32 state = SM_READ32(socket, socket, state);

	(void)copied;
	(void)size;
	(void)buffer;
	address = SM_GET64(header, msghdr, msg_name);
	if (!address || state == SS_CONNECTING || state == SS_CONNECTED)
		return SM_ALLOW;
	return look_at_connect(socket, address, SM_GET32(header, msghdr, msg_namelen));
}

/* The kernel's own knowledge of one end: numbers of IPv4 and IPv6 only. */
static struct sm_endpoint end_of(u64 sock, u64 ipv4, u64 ipv6, u16 port)
{
	struct sm_endpoint endpoint = {.family = SM_READ16(sock, sock, __sk_common.skc_family)};

	if (endpoint.family == AF_INET)
		sm_read(endpoint.address, sock + ipv4, 4);
	else if (endpoint.family == AF_INET6)
		sm_read(endpoint.address, sock + ipv6, 16);
	else
		return endpoint;
	endpoint.port = port;
	return endpoint;
}

static struct sm_endpoint local_end(u64 sock)
{
	return end_of(sock, SM_OFFSET(sock, __sk_common.skc_rcv_saddr),
		      SM_OFFSET(sock, __sk_common.skc_v6_rcv_saddr),
		      SM_READ16(sock, sock, __sk_common.skc_num));
}

static struct sm_endpoint remote_end(u64 sock)
{
	u16 port = SM_READ16(sock, sock, __sk_common.skc_dport);

	return end_of(sock, SM_OFFSET(sock, __sk_common.skc_daddr),
		      SM_OFFSET(sock, __sk_common.skc_v6_daddr), (u16)(port << 8 | port >> 8));
}

SM_MONITOR(socket_listen, "security_socket_listen", u64 socket, u32 backlog)
{
	struct sm_event_socket_listen *e = SM_RESERVE(socket_listen);

	if (!e)
		return SM_ALLOW;
	e->type = type_of(socket);
	e->backlog = (s32)backlog;
	e->address = local_end(SM_READ64(socket, socket, sk));
	SM_COMMIT(e);
	return SM_ALLOW;
}

/* A connection that was waiting gets its socket: both ends are known, unlike in security_socket_accept(). */
SM_MONITOR(socket_accept, "security_sock_graft", u64 sock, u64 socket)
{
	struct sm_event_socket_accept *e = SM_RESERVE(socket_accept);

	if (!e)
		return SM_ALLOW;
	e->type = type_of(socket);
	e->address = local_end(sock);
	e->peer = remote_end(sock);
	SM_COMMIT(e);
	return SM_ALLOW;
}
