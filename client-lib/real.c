/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/real.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Weak, both: the preload shim has its own. */
__attribute__((weak)) void tapir_real_init(void)
{
}

__attribute__((weak)) struct tapir_real tapir_real = {
	.socket = socket,
	.connect = connect,
	.bind = bind,
	.listen = listen,
	.accept4 = accept4,
	.shutdown = shutdown,
	.getsockname = getsockname,
	.getpeername = getpeername,
	.setsockopt = setsockopt,
	.getsockopt = getsockopt,
	.send = send,
	.recv = recv,
	.sendto = sendto,
	.recvfrom = recvfrom,
	.sendmsg = sendmsg,
	.recvmsg = recvmsg,
	.sendmmsg = sendmmsg,
	.recvmmsg = recvmmsg,
	.read = read,
	.write = write,
	.readv = readv,
	.writev = writev,
	.close = close,
	.close_range = close_range,
	.dup = dup,
	.dup2 = dup2,
	.dup3 = dup3,
	.fcntl = fcntl,
	.ioctl = ioctl,
	.ppoll = ppoll,
	.poll = poll,
	.getaddrinfo = getaddrinfo,
	.freeaddrinfo = freeaddrinfo,
	.getnameinfo = getnameinfo,
	.gethostbyname2_r = gethostbyname2_r,
	.gethostbyaddr_r = gethostbyaddr_r,
	.getifaddrs = getifaddrs,
	.freeifaddrs = freeifaddrs,
	.if_nameindex = if_nameindex,
	.if_freenameindex = if_freenameindex,
	.if_nametoindex = if_nametoindex,
	.if_indextoname = if_indextoname,
};
