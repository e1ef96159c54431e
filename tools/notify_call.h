/* SPDX-License-Identifier: BSD-2-Clause */
/* notify_call.h - one trapped system call, from its arrival to its answer.
 * The supervisor (notify_serve.c) fills a struct notify_call in, lets the function for its number (notify_calls.c, notify_data.c) look at
 * it, and does what the verdict says. A call that has to wait is looked at again, by the same function, when its descriptor polls what
 * it waits for; progress is kept in the struct. So nothing in these functions sleeps. */
#ifndef TAPIR_TOOLS_NOTIFY_CALL_H
#define TAPIR_TOOLS_NOTIFY_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "client-lib/hint.h"
#include "client-lib/host.h"

enum { NOTIFY_NETLINK_QUESTION = 20 }; /* bytes of a struct nlmsghdr and a padded struct rtgenmsg */

enum notify_verdict {
	NOTIFY_ANSWER,	 /* with result, and give_fd if that is >= 0 */
	NOTIFY_CONTINUE, /* none of our business: the kernel does the call */
	NOTIFY_WAIT,	 /* until fd polls wait_events, or for as long as the socket's time-out says: then late_result */
};

struct notify_call {
	uint64_t id;
	pid_t tid;
	int nr;
	uint64_t args[6];
	int pidfd;	       /* of the thread; the cache's, or the call's own while it waits */
	int fd;		       /* our duplicate of the descriptor it is about; -1: it is about none */
	struct hint_sock sock; /* which socket of ours that is */
	bool is_netlink;       /* it is a NETLINK_ROUTE socket of ours instead; sock is empty then */

	int64_t result; /* as the kernel returns it: -errno */
	int give_fd;	/* a descriptor that becomes the result in the thread's process; -1: none */
	bool give_cloexec;
	bool raises_sigpipe;

	short wait_events, revents; /* of poll(2); revents: how the wait ended, 0 at first */
	int64_t late_result;
	int64_t end_ms;	 /* when a wait ends, CLOCK_MONOTONIC; -1: never; 0: not yet known */
	uint64_t done;	 /* bytes or messages of a call that is done in pieces */
	int64_t timeout_ns; /* recvmmsg: its own time-out, CLOCK_MONOTONIC; 0: none */
	uint64_t listener; /* accept: the socket whose connection give_fd is */
	struct sockaddr_storage peer;
	socklen_t peer_len;
	int doubts;	 /* checks in a row that found a signal which may be this thread's */
	struct notify_call *next;
};

/* The functions; @c->fd is one of our sockets, but for socket(). */
typedef enum notify_verdict notify_function(struct notify_call *c);

/** notify_function_for - who looks at calls of this number; NULL: nobody does, which the filter should have known. */
notify_function *notify_function_for(int nr);

notify_function notify_socket, notify_connect, notify_bind, notify_listen, notify_accept, notify_shutdown, notify_getsockname,
	notify_getpeername, notify_getsockopt, notify_setsockopt, notify_ioctl;
notify_function notify_sendto, notify_recvfrom, notify_sendmsg, notify_recvmsg, notify_sendmmsg, notify_recvmmsg;

/* ---- For these functions ---- */

/* The answer @result: that of a libtapir function (-1 and errno), or -errno. */
enum notify_verdict notify_answer(struct notify_call *c, int64_t result);
enum notify_verdict notify_answer_errno(struct notify_call *c, ssize_t result);

/* Wait, unless the descriptor or @flags (MSG_DONTWAIT) say not to: then answer @late_result. */
enum notify_verdict notify_wait(struct notify_call *c, short events, int flags, int64_t late_result);

/* Memory of the thread. Both make sure that the thread is still the one that called. 0 or -errno. */
int notify_read(const struct notify_call *c, void *to, uint64_t from, size_t bytes);
int notify_write(const struct notify_call *c, uint64_t to, const void *from, size_t bytes);

/** notify_read_name - a socket address of the thread's. Returns 0, -EINVAL (its length), -EFAULT. */
int notify_read_name(const struct notify_call *c, uint64_t from, uint64_t len, struct sockaddr_storage *ss);

/** notify_write_name - a socket address as accept(2) returns it: as much as fits *@len_at, where its full length goes.
 * @to may be 0: nothing is wanted. */
int notify_write_name(const struct notify_call *c, uint64_t to, uint64_t len_at, const struct sockaddr_storage *ss, socklen_t len);

/* After a call that may have given the socket a new end (sock_request_anew()): the program gets it, too. */
void notify_follow(struct notify_call *c);

/** notify_to_host - what the policy (client-lib/host.h) means for @call with the address @ss. When it is the host's, a kernel socket takes
 * the descriptor's place in the thread's process. Returns whether it decided, with what becomes of the call in *verdict. */
bool notify_to_host(struct notify_call *c, enum host_call call, const struct sockaddr_storage *ss, socklen_t len,
		    enum notify_verdict *verdict);

/** notify_to_other - a call about a socket that is not of the stack: one of the kernel's may not reach the stack's addresses. */
notify_function notify_to_other;

/* Whether the thread still waits for the answer. */
bool notify_is_valid(const struct notify_call *c);

#endif
