/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "client-lib/backend.h"
#include "client-lib/real.h"
#include "client-lib/sock.h"

enum { GROUPS_MAX = 64 };

int netlink_socket(int type)
{
	struct tapir_int request = { .value = type };
	int fd = -1;
	ssize_t n = control_request(TAPIR_OP_NETLINK, &request, sizeof(request), -1, NULL, 0, &fd);

	if (n < 0)
		return n == -ENOSYS ? -EPROTONOSUPPORT : (int)n; /* an older daemon */
	return fd < 0 ? -EPROTO : fd;
}

bool netlink_is(int fd)
{
	static const char prefix[] = "\0" TAPIR_NETLINK_PREFIX;
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	int saved_errno = errno;
	bool is = !backend_is_kernel_already() && tapir_real.getsockname(fd, (struct sockaddr *)&name, &len) == 0 && name.sun_family == AF_UNIX &&
		  len >= offsetof(struct sockaddr_un, sun_path) + sizeof(prefix) - 1 &&
		  memcmp(name.sun_path, prefix, sizeof(prefix) - 1) == 0;

	errno = saved_errno;
	return is;
}

static int ask(enum tapir_op op, int fd, struct tapir_netlink *what)
{
	struct tapir_netlink reply;
	bool is_bind = op == TAPIR_OP_NETLINK_BIND;
	ssize_t n = sock_request(op, fd, is_bind ? what : NULL, is_bind ? sizeof(*what) : 0, &reply, sizeof(reply));

	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof(reply))
		return -EPROTO;
	*what = reply;
	return 0;
}

static int read_name(const struct sockaddr *addr, socklen_t len, struct sockaddr_nl *name)
{
	if (!addr)
		return -EFAULT;
	if (len < sizeof(*name))
		return -EINVAL;
	memcpy(name, addr, sizeof(*name));
	return name->nl_family == AF_NETLINK ? 0 : -EINVAL;
}

/* The groups that a 32-bit mask does not reach stay as they are. */
int netlink_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_nl name;
	struct tapir_netlink what;
	int error = read_name(addr, len, &name);

	if (!error)
		error = ask(TAPIR_OP_NETLINK_NAME, fd, &what);
	if (error)
		return error;
	what.port_id = name.nl_pid;
	what.groups = (what.groups & ~(uint64_t)UINT32_MAX) | name.nl_groups;
	return ask(TAPIR_OP_NETLINK_BIND, fd, &what);
}

int netlink_connect(const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_nl name;
	int error = read_name(addr, len, &name);

	if (error)
		return error;
	return name.nl_pid ? -ECONNREFUSED : 0;
}

static void write_name(const struct sockaddr_nl *name, struct sockaddr *addr, socklen_t *len)
{
	if (!addr || !len)
		return;
	memcpy(addr, name, *len < sizeof(*name) ? *len : sizeof(*name));
	*len = sizeof(*name);
}

int netlink_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK };
	struct tapir_netlink what = { 0 };
	int error = addr && len ? ask(TAPIR_OP_NETLINK_NAME, fd, &what) : -EFAULT;

	if (error)
		return error;
	name.nl_pid = what.port_id;
	name.nl_groups = (uint32_t)what.groups;
	write_name(&name, addr, len);
	return 0;
}

void netlink_kernel_name(struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK };

	write_name(&name, addr, len);
}

int netlink_setsockopt(int fd, int name, const void *value, socklen_t len)
{
	struct tapir_netlink what;
	uint64_t bit;
	int group, error;

	if (name != NETLINK_ADD_MEMBERSHIP && name != NETLINK_DROP_MEMBERSHIP)
		return -ENOPROTOOPT;
	if (len < sizeof(group))
		return -EINVAL;
	if (!value)
		return -EFAULT;
	memcpy(&group, value, sizeof(group));
	if (group < 1 || group > (int)RTNLGRP_MAX || group > GROUPS_MAX)
		return -EINVAL;
	error = ask(TAPIR_OP_NETLINK_NAME, fd, &what);
	if (error)
		return error;
	bit = 1ull << (group - 1);
	what.groups = name == NETLINK_ADD_MEMBERSHIP ? what.groups | bit : what.groups & ~bit;
	return ask(TAPIR_OP_NETLINK_BIND, fd, &what);
}

int netlink_getsockopt(int fd, int name, void *value, socklen_t *len)
{
	struct tapir_netlink what;
	int error;

	if (name != NETLINK_LIST_MEMBERSHIPS)
		return -ENOPROTOOPT;
	if (!len || (*len && !value))
		return -EFAULT;
	error = ask(TAPIR_OP_NETLINK_NAME, fd, &what);
	if (error)
		return error;
	if (*len)
		memcpy(value, &what.groups, *len < sizeof(what.groups) ? *len & ~(socklen_t)3 : sizeof(what.groups));
	*len = sizeof(what.groups);
	return 0;
}

int netlink_get_socket_option(int fd, int name, void *value, socklen_t *len)
{
	struct tapir_netlink what = { 0 };
	int number = name == SO_DOMAIN ? AF_NETLINK : NETLINK_ROUTE, error = 0;

	if (name != SO_DOMAIN && name != SO_TYPE && name != SO_PROTOCOL)
		return 1;
	if (!value || !len)
		return -EFAULT;
	if (name == SO_TYPE) {
		error = ask(TAPIR_OP_NETLINK_NAME, fd, &what);
		number = (int)what.type;
	}
	if (error)
		return error;
	if (*len > sizeof(number))
		*len = sizeof(number);
	memcpy(value, &number, *len);
	return 0;
}

/* Whoever asks for credentials (SO_PASSCRED) trusts messages of the superuser, which the kernel's are from. */
static void correct_credentials(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len >= CMSG_LEN(sizeof(struct ucred)))
			memset(CMSG_DATA(c), 0, sizeof(struct ucred));
}

void netlink_on_received(int fd, struct msghdr *m, socklen_t name_room)
{
	bool lacks_name = m->msg_name && name_room && !m->msg_namelen;

	/* Of a connected stream, or where nothing of this was asked for, there is nothing to set right. */
	if ((!lacks_name && !m->msg_controllen) || hint_is_stream(hint_of(fd)) || !netlink_is(fd))
		return;
	if (lacks_name) {
		m->msg_namelen = name_room;
		netlink_kernel_name(m->msg_name, &m->msg_namelen);
	}
	if (m->msg_controllen)
		correct_credentials(m);
}
