/* SPDX-License-Identifier: BSD-2-Clause */
/* host_options.h - a socket of the stack's kind and options, for the kernel socket that takes its place (host.h).
 * What the program set is what differs from a new socket's: so the kernel's own defaults stay where the program did not choose. */
#ifndef TAPIR_CLIENT_HOST_OPTIONS_H
#define TAPIR_CLIENT_HOST_OPTIONS_H

struct host_kind {
	int family, type, protocol;
};

/* 0 or a negative errno. */
int host_kind_of(int fd, struct host_kind *kind);

/** host_copy_options - the options set on @from, a socket of the stack, set on @to, a new kernel socket. 0 or a negative errno: the
 * kernel refuses one (SO_BINDTODEVICE to an interface that only the stack has). */
int host_copy_options(int from, int to, const struct host_kind *kind);

#endif
