/* SPDX-License-Identifier: BSD-2-Clause */
/* tapir/socket.h - sockets on tapir's own TCP/IP stack, in the shape of POSIX.
 *
 * Each function has the signature, the results and the errnos of the POSIX or Linux call of the same name without "tapir_". A socket is a
 * real file descriptor: poll, select, epoll, io_uring, dup, fork, exec, sendfile, SCM_RIGHTS and fcntl work on it as they are. The
 * functions take any descriptor: one that is no tapir socket goes to the C library's call, so a program can use them throughout.
 * All functions may be called from any thread, after fork, and from signal handlers, except tapir_getaddrinfo() and
 * tapir_getnameinfo(), which allocate.
 *
 * Where the daemon is: $TAPIR_SOCKET, else /run/tapir/default.sock. When none answers, calls that need it fail with ENETDOWN.
 *
 *	#define TAPIR_POSIX_NAMES     before the include: socket(), connect(), ... then mean these functions in this source file
 *
 * On streams read(2), write(2) and close(2) are natural: without tapir_read() the only difference is that a connection which the peer
 * reset may look as if it had ended. On datagram sockets use these functions (or TAPIR_POSIX_NAMES), dup and fcntl(F_DUPFD)
 * included, unless the socket is connected and no ancillary data was asked for: then read(2) and write(2) work too. */
#ifndef TAPIR_SOCKET_H
#define TAPIR_SOCKET_H

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TAPIR_API __attribute__((visibility("default")))

struct mmsghdr;
struct if_nameindex; /* <net/if.h> */

/* What a daemon can offer, for tapir_available(). */
#define TAPIR_SOCKETS 1u
#define TAPIR_TLS 2u
#define TAPIR_DNS 4u

/** tapir_available - whether a daemon answers and offers all of @flags (TAPIR_SOCKETS, ... or'ed).
 * Returns 1 if so, else 0 with errno ENETDOWN (no daemon), EPROTONOSUPPORT (of another version), EOPNOTSUPP (it lacks one). */
TAPIR_API int tapir_available(unsigned flags);

/* What the functions of this process use: a daemon's stack, the host's kernel, or whichever is there. */
enum tapir_backend { TAPIR_BACKEND_TAPIR, TAPIR_BACKEND_KERNEL, TAPIR_BACKEND_AUTO };

/** tapir_set_backend - choose, in place of the environment ($TAPIR_BACKEND: tapir, kernel or auto; tapir when it is not set). With the
 * kernel every function here is the plain call, so that a program is written once. AUTO: the stack if a daemon answers when the first
 * function that needs one is called, else the kernel; it is decided once for the process. Under `tapir run` it is always the stack.
 * Returns 0, or -1: EBUSY (decided already, or under `tapir run`), EINVAL. */
TAPIR_API int tapir_set_backend(enum tapir_backend backend);

/** tapir_socket - socket(2) for @family AF_INET or AF_INET6, and for AF_NETLINK with NETLINK_ROUTE, whose socket shows the stack's
 * interfaces, addresses, routes and neighbours; others go to the kernel.
 * @type: SOCK_STREAM, SOCK_DGRAM (UDP; with IPPROTO_ICMP or IPPROTO_ICMPV6 a ping socket) or SOCK_RAW, with SOCK_NONBLOCK and
 * SOCK_CLOEXEC. Returns a descriptor that the caller closes, or -1: ENETDOWN, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EPERM (raw), EMFILE,
 * ENFILE, ENOBUFS. */
TAPIR_API int tapir_socket(int family, int type, int protocol);

/** tapir_connect - connect(2). On a blocking socket it waits, at most SO_SNDTIMEO (then EINPROGRESS). On a non-blocking one EINPROGRESS;
 * the descriptor polls writable when it is done, and SO_ERROR tells. -1: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH,
 * EADDRNOTAVAIL, EALREADY, EISCONN, EINTR, ENETDOWN, ... AF_UNSPEC dissolves a datagram socket's association. */
TAPIR_API int tapir_connect(int fd, const struct sockaddr *addr, socklen_t len);

TAPIR_API int tapir_bind(int fd, const struct sockaddr *addr, socklen_t len);	/* bind(2) */
TAPIR_API int tapir_listen(int fd, int backlog);				/* listen(2) */

/** tapir_accept4 - accept4(2): @flags SOCK_NONBLOCK, SOCK_CLOEXEC. At the limit of descriptors it fails with EMFILE, and the
 * connection waits for the next call. */
TAPIR_API int tapir_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
TAPIR_API int tapir_accept(int fd, struct sockaddr *addr, socklen_t *len);

TAPIR_API int tapir_shutdown(int fd, int how);					/* shutdown(2) */
TAPIR_API int tapir_getsockname(int fd, struct sockaddr *addr, socklen_t *len); /* getsockname(2) */
TAPIR_API int tapir_getpeername(int fd, struct sockaddr *addr, socklen_t *len); /* getpeername(2) */

/* setsockopt(2), getsockopt(2): Linux's levels, names and layouts. An option that the stack does not have is refused with ENOPROTOOPT. */
TAPIR_API int tapir_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
TAPIR_API int tapir_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

/* setsourcefilter(3), getsourcefilter(3) and those of IPv4 (RFC 3678 sections 4.2 and 5.2): a group's whole source filter. */
TAPIR_API int tapir_setsourcefilter(int fd, uint32_t ifindex, const struct sockaddr *group, socklen_t len, uint32_t mode,
				    uint32_t count, const struct sockaddr_storage *sources);
TAPIR_API int tapir_getsourcefilter(int fd, uint32_t ifindex, const struct sockaddr *group, socklen_t len, uint32_t *mode,
				    uint32_t *count, struct sockaddr_storage *sources);
TAPIR_API int tapir_setipv4sourcefilter(int fd, struct in_addr own, struct in_addr group, uint32_t mode, uint32_t count,
					const struct in_addr *sources);
TAPIR_API int tapir_getipv4sourcefilter(int fd, struct in_addr own, struct in_addr group, uint32_t *mode, uint32_t *count,
					struct in_addr *sources);

/* ioctl(2): FIONREAD (SIOCINQ), TIOCOUTQ (SIOCOUTQ), SIOCATMARK as tcp(7) and udp(7) say, SIOCGIF* (netdevice(7)) for the stack's
 * interfaces, whose changes are refused with EPERM; the rest goes to the kernel. */
TAPIR_API int tapir_ioctl(int fd, unsigned long request, ...);

/* Data. As on Linux, with these differences: MSG_FASTOPEN is refused with EOPNOTSUPP, and MSG_ERRQUEUE of a stream is always empty (EAGAIN).
 * A datagram that cannot be routed is reported by the next call on the socket, not by the one that sent it. */
TAPIR_API ssize_t tapir_send(int fd, const void *data, size_t bytes, int flags);
TAPIR_API ssize_t tapir_recv(int fd, void *data, size_t bytes, int flags);
TAPIR_API ssize_t tapir_sendto(int fd, const void *data, size_t bytes, int flags, const struct sockaddr *addr, socklen_t len);
TAPIR_API ssize_t tapir_recvfrom(int fd, void *data, size_t bytes, int flags, struct sockaddr *addr, socklen_t *len);
TAPIR_API ssize_t tapir_sendmsg(int fd, const struct msghdr *msg, int flags);
TAPIR_API ssize_t tapir_recvmsg(int fd, struct msghdr *msg, int flags);
TAPIR_API int tapir_sendmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags);
TAPIR_API int tapir_recvmmsg(int fd, struct mmsghdr *msgs, unsigned count, int flags, struct timespec *timeout);

/* poll(2), ppoll(2): any descriptors. The plain calls work too; these say POLLERR while an error is pending (SO_ERROR), and POLLHUP of a
 * stream that is bound and has no connection, as Linux does. */
TAPIR_API int tapir_poll(struct pollfd *fds, nfds_t count, int timeout);
TAPIR_API int tapir_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
TAPIR_API ssize_t tapir_read(int fd, void *data, size_t bytes);
TAPIR_API ssize_t tapir_write(int fd, const void *data, size_t bytes);
TAPIR_API ssize_t tapir_readv(int fd, const struct iovec *iov, int count);
TAPIR_API ssize_t tapir_writev(int fd, const struct iovec *iov, int count);

/* close(2), dup(2) and fcntl(2) with F_DUPFD: natural calls that the library likes to see, see above. */
TAPIR_API int tapir_close(int fd);
TAPIR_API int tapir_dup(int fd);
TAPIR_API int tapir_dup2(int fd, int new_fd);
TAPIR_API int tapir_dup3(int fd, int new_fd, int flags);
TAPIR_API int tapir_fcntl(int fd, int cmd, ...);

/** tapir_getaddrinfo - getaddrinfo(3) for literal addresses, service names and numbers, and names in /etc/hosts, with glibc's results in
 * glibc's order (RFC 6724, by the stack's own addresses). There is no resolver yet: any other name is EAI_FAIL. Results are freed with
 * tapir_freeaddrinfo(). */
TAPIR_API int tapir_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result);
TAPIR_API void tapir_freeaddrinfo(struct addrinfo *list);

/** tapir_getnameinfo - getnameinfo(3): names from /etc/hosts, else numbers. */
TAPIR_API int tapir_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_room, char *service,
				socklen_t service_room, int flags);

/* gethostbyname(3) and its family, as tapir_getaddrinfo(); h_errno tells why there is no answer. What the forms without _r return belongs to
 * the thread, until its next call. */
TAPIR_API struct hostent *tapir_gethostbyname(const char *name);
TAPIR_API struct hostent *tapir_gethostbyname2(const char *name, int family);
TAPIR_API struct hostent *tapir_gethostbyaddr(const void *addr, socklen_t len, int family);
TAPIR_API int tapir_gethostbyname_r(const char *name, struct hostent *h, char *buf, size_t room, struct hostent **result, int *h_error);
TAPIR_API int tapir_gethostbyname2_r(const char *name, int family, struct hostent *h, char *buf, size_t room, struct hostent **result,
				     int *h_error);
TAPIR_API int tapir_gethostbyaddr_r(const void *addr, socklen_t len, int family, struct hostent *h, char *buf, size_t room,
				    struct hostent **result, int *h_error);

/* The stack's interfaces and addresses: getifaddrs(3), if_nameindex(3), if_nametoindex(3), if_indextoname(3). What they return is freed
 * with the function of the same name here. */
TAPIR_API int tapir_getifaddrs(struct ifaddrs **list);
TAPIR_API void tapir_freeifaddrs(struct ifaddrs *list);
TAPIR_API struct if_nameindex *tapir_if_nameindex(void);
TAPIR_API void tapir_if_freenameindex(struct if_nameindex *list);
TAPIR_API unsigned tapir_if_nametoindex(const char *name);
TAPIR_API char *tapir_if_indextoname(unsigned ifindex, char *name /* room for IF_NAMESIZE */);

#ifdef __cplusplus
}
#endif

#ifdef TAPIR_POSIX_NAMES
#ifndef _LINUX_IF_H /* with which <net/if.h> does not go together */
#include <net/if.h>
#endif
#define socket tapir_socket
#define connect tapir_connect
#define bind tapir_bind
#define listen tapir_listen
#define accept tapir_accept
#define accept4 tapir_accept4
#define shutdown tapir_shutdown
#define getsockname tapir_getsockname
#define getpeername tapir_getpeername
#define setsockopt tapir_setsockopt
#define getsockopt tapir_getsockopt
#define setsourcefilter tapir_setsourcefilter
#define getsourcefilter tapir_getsourcefilter
#define setipv4sourcefilter tapir_setipv4sourcefilter
#define getipv4sourcefilter tapir_getipv4sourcefilter
#define ioctl tapir_ioctl
#define send tapir_send
#define recv tapir_recv
#define sendto tapir_sendto
#define recvfrom tapir_recvfrom
#define sendmsg tapir_sendmsg
#define recvmsg tapir_recvmsg
#define sendmmsg tapir_sendmmsg
#define recvmmsg tapir_recvmmsg
#define poll tapir_poll
#define ppoll tapir_ppoll
#define read tapir_read
#define write tapir_write
#define readv tapir_readv
#define writev tapir_writev
#define close tapir_close
#define dup tapir_dup
#define dup2 tapir_dup2
#define dup3 tapir_dup3
#define fcntl tapir_fcntl
#define getaddrinfo tapir_getaddrinfo
#define freeaddrinfo tapir_freeaddrinfo
#define getnameinfo tapir_getnameinfo
#define gethostbyname tapir_gethostbyname
#define gethostbyname2 tapir_gethostbyname2
#define gethostbyaddr tapir_gethostbyaddr
#define gethostbyname_r tapir_gethostbyname_r
#define gethostbyname2_r tapir_gethostbyname2_r
#define gethostbyaddr_r tapir_gethostbyaddr_r
#define getifaddrs tapir_getifaddrs
#define freeifaddrs tapir_freeifaddrs
#define if_nameindex() tapir_if_nameindex() /* and not the struct */
#define if_freenameindex tapir_if_freenameindex
#define if_nametoindex tapir_if_nametoindex
#define if_indextoname tapir_if_indextoname
#endif

#endif
