/* SPDX-License-Identifier: BSD-2-Clause */
/* The plain names of sockets and data. Each does what the function of <tapir/socket.h> does; see there. */
#include "client-lib/include/tapir/socket.h"

#include "client-lib/preload/preload.h"

/* TYPE NAME(PARAMETERS) { return tapir_NAME(ARGUMENTS); } */
#define PLAIN(type, name, parameters, arguments)                                                                       \
	PRELOAD_EXPORT type name parameters                                                                            \
	{                                                                                                              \
		preload_enter();                                                                                       \
		return tapir_##name arguments;                                                                         \
	}

PLAIN(int, socket, (int family, int type, int protocol), (family, type, protocol))
PLAIN(int, bind, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len))
PLAIN(int, listen, (int fd, int backlog), (fd, backlog))
PLAIN(int, shutdown, (int fd, int how), (fd, how))
PLAIN(int, connect, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len))
PLAIN(int, accept, (int fd, struct sockaddr *addr, socklen_t *len), (fd, addr, len))
PLAIN(int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags), (fd, addr, len, flags))
PLAIN(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *len), (fd, addr, len))
PLAIN(int, getpeername, (int fd, struct sockaddr *addr, socklen_t *len), (fd, addr, len))
PLAIN(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len), (fd, level, name, value, len))
PLAIN(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *len), (fd, level, name, value, len))
PLAIN(int, setsourcefilter,
      (int fd, uint32_t ifindex, const struct sockaddr *group, socklen_t len, uint32_t mode, uint32_t count,
       const struct sockaddr_storage *sources),
      (fd, ifindex, group, len, mode, count, sources))
PLAIN(int, getsourcefilter,
      (int fd, uint32_t ifindex, const struct sockaddr *group, socklen_t len, uint32_t *mode, uint32_t *count,
       struct sockaddr_storage *sources),
      (fd, ifindex, group, len, mode, count, sources))
PLAIN(int, setipv4sourcefilter,
      (int fd, struct in_addr own, struct in_addr group, uint32_t mode, uint32_t count, const struct in_addr *sources),
      (fd, own, group, mode, count, sources))
PLAIN(int, getipv4sourcefilter,
      (int fd, struct in_addr own, struct in_addr group, uint32_t *mode, uint32_t *count, struct in_addr *sources),
      (fd, own, group, mode, count, sources))
PLAIN(ssize_t, send, (int fd, const void *data, size_t bytes, int flags), (fd, data, bytes, flags))
PLAIN(ssize_t, recv, (int fd, void *data, size_t bytes, int flags), (fd, data, bytes, flags))
PLAIN(ssize_t, sendto, (int fd, const void *data, size_t bytes, int flags, const struct sockaddr *addr, socklen_t len),
      (fd, data, bytes, flags, addr, len))
PLAIN(ssize_t, recvfrom, (int fd, void *data, size_t bytes, int flags, struct sockaddr *addr, socklen_t *len),
      (fd, data, bytes, flags, addr, len))
PLAIN(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags), (fd, msg, flags))
PLAIN(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags), (fd, msg, flags))
PLAIN(int, sendmmsg, (int fd, struct mmsghdr *msgs, unsigned count, int flags), (fd, msgs, count, flags))
PLAIN(int, recvmmsg, (int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout),
      (fd, msgs, count, flags, timeout))
PLAIN(ssize_t, read, (int fd, void *data, size_t bytes), (fd, data, bytes))
PLAIN(ssize_t, write, (int fd, const void *data, size_t bytes), (fd, data, bytes))
PLAIN(ssize_t, readv, (int fd, const struct iovec *iov, int count), (fd, iov, count))
PLAIN(ssize_t, writev, (int fd, const struct iovec *iov, int count), (fd, iov, count))

PLAIN(int, poll, (struct pollfd *fds, nfds_t count, int timeout), (fds, count, timeout))
PLAIN(int, ppoll, (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask), (fds, count, timeout, mask))

/* What glibc's _FORTIFY_SOURCE makes of the calls that fill a buffer: @room is the buffer's size as the compiler knows it. */
void __chk_fail(void) __attribute__((noreturn));
ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t room);
ssize_t __recv_chk(int fd, void *data, size_t bytes, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *data, size_t bytes, size_t room, int flags, struct sockaddr *addr, socklen_t *len);

PRELOAD_EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room)
{
	if (room / sizeof(*fds) < count)
		__chk_fail();
	return poll(fds, count, timeout);
}

PRELOAD_EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t room)
{
	if (room / sizeof(*fds) < count)
		__chk_fail();
	return ppoll(fds, count, timeout, mask);
}

PRELOAD_EXPORT ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room)
{
	if (bytes > room)
		__chk_fail();
	return read(fd, data, bytes);
}

PRELOAD_EXPORT ssize_t __recv_chk(int fd, void *data, size_t bytes, size_t room, int flags)
{
	if (bytes > room)
		__chk_fail();
	return recv(fd, data, bytes, flags);
}

PRELOAD_EXPORT ssize_t __recvfrom_chk(int fd, void *data, size_t bytes, size_t room, int flags, struct sockaddr *addr,
				      socklen_t *len)
{
	if (bytes > room)
		__chk_fail();
	return recvfrom(fd, data, bytes, flags, addr, len);
}

/* The same under the names that glibc exports beside the plain ones. */
PRELOAD_EXPORT int __socket(int family, int type, int protocol) __THROW __attribute__((alias("socket")));
PRELOAD_EXPORT int __connect(int fd, const struct sockaddr *addr, socklen_t len) __attribute__((alias("connect")));
PRELOAD_EXPORT ssize_t __send(int fd, const void *data, size_t bytes, int flags) __attribute__((alias("send")));
PRELOAD_EXPORT ssize_t __recv(int fd, void *data, size_t bytes, int flags) __attribute__((alias("recv")));
PRELOAD_EXPORT int __sendmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags) __attribute__((alias("sendmmsg")));
PRELOAD_EXPORT ssize_t __read(int fd, void *data, size_t bytes) __attribute__((alias("read")));
PRELOAD_EXPORT ssize_t __write(int fd, const void *data, size_t bytes) __attribute__((alias("write")));
