/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

void sockopt_init(struct sock_opts *o, const struct stack *st, int type)
{
	(void)type;
	o->rcvbuf = st->tunables.rmem_default;
	o->sndbuf = st->tunables.wmem_default;
	o->mcast_ttl = 1;
	o->mcast_hops = 1;
	o->mcast_loop = true;
	o->pmtudisc = IP_PMTUDISC_WANT;
	o->rcvlowat = 1;
}

int sock_setopt(struct sock *s, int level, int name, const void *value, size_t len, uint64_t now_us)
{
	s->st->now_us = now_us;
	return s->ops->setopt ? s->ops->setopt(s, level, name, value, len, now_us) : -ENOPROTOOPT;
}

int sock_getopt(struct sock *s, int level, int name, void *value, size_t *len, uint64_t now_us)
{
	s->st->now_us = now_us;
	return s->ops->getopt ? s->ops->getopt(s, level, name, value, len, now_us) : -ENOPROTOOPT;
}
