/* SPDX-License-Identifier: BSD-2-Clause */
#include "request.h"

#include <errno.h>
#include <string.h>

/* The body of each request: its exact length, or with a value behind it its least; and whether a socket's fd comes with it. */
struct layout {
	uint16_t op;
	uint16_t body_bytes;
	bool wants_fd, has_value;
};

static const struct layout layouts[] = {
	{ TAPIR_OP_HELLO, 0, false, false },
	{ TAPIR_OP_SOCKET, sizeof(struct tapir_socket_req), false, false },
	{ TAPIR_OP_BIND, sizeof(struct tapir_addr), true, false },
	{ TAPIR_OP_CONNECT, sizeof(struct tapir_addr), true, false },
	{ TAPIR_OP_LISTEN, sizeof(struct tapir_int), true, false },
	{ TAPIR_OP_SHUTDOWN, sizeof(struct tapir_int), true, false },
	{ TAPIR_OP_GETSOCKNAME, 0, true, false },
	{ TAPIR_OP_GETPEERNAME, 0, true, false },
	{ TAPIR_OP_SETSOCKOPT, sizeof(struct tapir_option), true, true },
	{ TAPIR_OP_GETSOCKOPT, sizeof(struct tapir_option), true, true },
	{ TAPIR_OP_TAKE_ERROR, 0, true, false },
	{ TAPIR_OP_OUTQ, 0, true, false },
	{ TAPIR_OP_ADOPT, 0, true, false },
	{ TAPIR_OP_CONNECT_WAIT, sizeof(struct tapir_addr), true, false },
	{ TAPIR_OP_URGENT, 0, true, false },
	{ TAPIR_OP_ACCEPT_AGAIN, sizeof(struct tapir_int), true, false },
	{ TAPIR_OP_PEEK_ERROR, 0, true, false },
	{ TAPIR_OP_BELOW_MARK, 0, true, false },
	{ TAPIR_OP_LINGER, 0, true, false },
	{ TAPIR_OP_LINGERS, sizeof(struct tapir_int), false, false },
	{ TAPIR_OP_NETLINK, sizeof(struct tapir_int), false, false },
	{ TAPIR_OP_NETLINK_BIND, sizeof(struct tapir_netlink), true, false },
	{ TAPIR_OP_NETLINK_NAME, 0, true, false },
	{ TAPIR_OP_SOURCE, sizeof(struct tapir_addr), false, false },
	{ TAPIR_OP_BARE, 0, true, false },
	{ TAPIR_OP_NEXT_HEADER, 0, true, false },
	{ TAPIR_OP_RECV_ERROR, 0, true, false },
	{ TAPIR_OP_CHECK_SEND, sizeof(struct tapir_send_check), true, true },
	{ TAPIR_OP_RING_AGAIN, 0, true, false },
	{ TAPIR_OP_DUMP, sizeof(struct tapir_dump_req), false, false },
	{ TAPIR_OP_SET, sizeof(struct tapir_tunable), false, false },
	{ TAPIR_OP_GET, sizeof(struct tapir_tunable), false, false },
	{ TAPIR_OP_CAPTURE, sizeof(struct tapir_capture_req), false, false },
	{ TAPIR_OP_CHANGE, sizeof(struct tapir_change), false, false },
	{ TAPIR_OP_RELOAD, 0, false, false },
	{ TAPIR_OP_ROUTE, sizeof(struct tapir_route_req), false, false },
};

static const struct layout *find_layout(uint16_t op)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].op == op)
			return &layouts[i];
	return NULL;
}

bool request_wants_fd(const struct request *r)
{
	return find_layout(r->op)->wants_fd;
}

/* With SETSOCKOPT the value must be there, with GETSOCKOPT it may. */
static int parse_option(const uint8_t *body, size_t len, struct request *r)
{
	size_t value_bytes = len - sizeof(r->option.head);

	memcpy(&r->option.head, body, sizeof(r->option.head));
	if (r->op == TAPIR_OP_SETSOCKOPT || value_bytes > 0)
		r->option.value = body + sizeof(r->option.head);
	if (r->option.head.len > TAPIR_OPTION_MAX)
		return EINVAL;
	return r->option.value && r->option.head.len != value_bytes ? EBADMSG : 0;
}

static int parse_check(const uint8_t *body, size_t len, struct request *r)
{
	uint32_t header_bytes;

	memcpy(&r->check.head, body, sizeof(r->check.head));
	header_bytes = r->check.head.header.header_bytes;
	r->check.controls = body + sizeof(r->check.head);
	if (header_bytes > sizeof(struct tapir_dgram))
		r->check.controls_bytes = header_bytes - (uint32_t)sizeof(struct tapir_dgram);
	return r->check.controls_bytes == len - sizeof(r->check.head) && r->check.controls_bytes <= TAPIR_CONTROLS_MAX ? 0 : EBADMSG;
}

static int parse_tunable(const uint8_t *body, struct request *r)
{
	memcpy(&r->tunable, body, sizeof(r->tunable));
	if (!memchr(r->tunable.name, 0, sizeof(r->tunable.name)) || !memchr(r->tunable.value, 0, sizeof(r->tunable.value)))
		return EBADMSG;
	return 0;
}

static int parse_change(const uint8_t *body, struct request *r)
{
	memcpy(&r->change, body, sizeof(r->change));
	return memchr(r->change.ifname, 0, sizeof(r->change.ifname)) ? 0 : EBADMSG;
}

static int parse_route(const uint8_t *body, struct request *r)
{
	memcpy(&r->route, body, sizeof(r->route));
	return memchr(r->route.ifname, 0, sizeof(r->route.ifname)) ? 0 : EBADMSG;
}

int request_parse(const void *message, size_t len, struct request *r)
{
	const uint8_t *body = (const uint8_t *)message + sizeof(struct tapir_header);
	const struct layout *layout;
	struct tapir_header h;

	*r = (struct request){ 0 };
	if (len < sizeof(h))
		return REQUEST_IS_GARBAGE;
	memcpy(&h, message, sizeof(h));
	if (h.magic != TAPIR_PROTOCOL_MAGIC)
		return REQUEST_IS_GARBAGE;
	r->op = h.op;
	r->seq = h.seq;
	len -= sizeof(h);
	if (h.version != TAPIR_PROTOCOL_VERSION)
		return EPROTONOSUPPORT;
	layout = find_layout(h.op);
	if (!layout)
		return ENOSYS;
	if (layout->has_value ? len < layout->body_bytes : len != layout->body_bytes)
		return EBADMSG;
	if (h.op == TAPIR_OP_SETSOCKOPT || h.op == TAPIR_OP_GETSOCKOPT)
		return parse_option(body, len, r);
	if (h.op == TAPIR_OP_CHECK_SEND)
		return parse_check(body, len, r);
	if (h.op == TAPIR_OP_SET || h.op == TAPIR_OP_GET)
		return parse_tunable(body, r);
	if (h.op == TAPIR_OP_CHANGE)
		return parse_change(body, r);
	if (h.op == TAPIR_OP_ROUTE)
		return parse_route(body, r);
	memcpy(&r->socket, body, len); /* every other member of the union is the body as it is, and of this length */
	return 0;
}
