/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/control_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "client-lib/real.h"

enum slot_state {
	SLOT_EMPTY, /* no connection; free to be filled */
	SLOT_IDLE,  /* a connection nobody uses */
	SLOT_BUSY,  /* a thread of this process uses it, or fills it */
};

struct slot {
	_Atomic int state;
	_Atomic int fd; /* -1: none */
	_Atomic uint64_t cookie;
};

enum page_state {
	PAGE_WIPED, /* first use, or a child of fork that has not looked yet */
	PAGE_CLEANING,
	PAGE_READY, /* the slots are this process's */
};

/* Process-wide by nature: descriptors are. */
static struct slot slots[CONTROL_POOL_MAX] = { [0 ... CONTROL_POOL_MAX - 1] = { .fd = -1 } };
static struct slot door = { .fd = -1 };
static _Atomic(_Atomic int *) page;
static _Atomic int lowest_fd = INT32_MAX; /* of all numbers our connections ever had: most close(2) calls are below */

static uint64_t fd_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return tapir_real.getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0 ? 0 : cookie;
}

static bool slot_is_ours(struct slot *s)
{
	int fd = atomic_load(&s->fd);

	return fd >= 0 && fd_cookie(fd) == atomic_load(&s->cookie);
}

static void slot_drop(struct slot *s)
{
	if (slot_is_ours(s))
		tapir_real.close(atomic_load(&s->fd));
	atomic_store(&s->fd, -1);
}

/* Move to a high number: out of select(2)'s and of habit's way, without making the kernel's table much larger. */
static int move_high(int fd)
{
	struct rlimit limit;
	int from = 960, high;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1024)
		from = (int)limit.rlim_cur * 3 / 4;
	high = tapir_real.fcntl(fd, F_DUPFD_CLOEXEC, from);
	if (high < 0)
		return fd;
	tapir_real.close(fd);
	return high;
}

static void slot_keep(struct slot *s, int fd)
{
	int low = atomic_load(&lowest_fd);

	atomic_store(&s->cookie, fd_cookie(fd));
	atomic_store(&s->fd, fd);
	while (fd < low && !atomic_compare_exchange_weak(&lowest_fd, &low, fd))
		;
}

static _Atomic int *pool_page(void)
{
	_Atomic int *p = atomic_load(&page), *none = NULL;

	if (p)
		return p;
	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, sizeof(*p), MADV_WIPEONFORK) == 0 && atomic_compare_exchange_strong(&page, &none, p))
		return p;
	munmap(p, sizeof(*p));
	return none;
}

/* Whether the slots may be used; sees to a child's not using its parent's. False: make a connection for this request only. */
static bool pool_is_ready(void)
{
	_Atomic int *p = pool_page();
	int state = PAGE_WIPED;

	if (!p)
		return false;
	if (!atomic_compare_exchange_strong(p, &state, PAGE_CLEANING))
		return state == PAGE_READY;
	for (int i = 0; i < CONTROL_POOL_MAX; i++) {
		slot_drop(&slots[i]);
		atomic_store(&slots[i].state, SLOT_EMPTY);
	}
	atomic_store(p, PAGE_READY);
	return true;
}

/* A connection of one's own through the door. */
static int door_connect(void)
{
	int pair[2], error;

	if (!slot_is_ours(&door))
		return -ENETDOWN;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	error = control_send(atomic_load(&door.fd), TAPIR_OP_ADOPT, 0, NULL, 0, pair[1]);
	tapir_real.close(pair[1]);
	if (!error)
		return pair[0];
	tapir_real.close(pair[0]);
	return error;
}

static int new_connection(void)
{
	int fd = control_connect(control_path(NULL));

	if (fd == -ENETDOWN || fd == -EACCES)
		fd = door_connect();
	return fd < 0 ? fd : move_high(fd);
}

int control_pool_connect(void)
{
	return new_connection();
}

/* A connection of a slot of one's own, fd >= 0; or none, and *error. @fresh: not one that was kept. */
static struct slot *slot_take(bool fresh, bool *was_kept, int *error)
{
	struct slot *empty = NULL;
	int fd;

	*was_kept = false;
	for (int i = 0; i < CONTROL_POOL_MAX; i++) {
		struct slot *s = &slots[i];
		int state = SLOT_IDLE;

		if (atomic_compare_exchange_strong(&s->state, &state, SLOT_BUSY)) {
			if (!fresh && slot_is_ours(s)) {
				if (empty)
					atomic_store(&empty->state, SLOT_EMPTY);
				*was_kept = true;
				return s;
			}
			slot_drop(s);
			state = SLOT_EMPTY;
			atomic_store(&s->state, SLOT_EMPTY);
		}
		if (!empty && state == SLOT_EMPTY && atomic_compare_exchange_strong(&s->state, &state, SLOT_BUSY))
			empty = s;
	}
	if (!empty) {
		*error = 0;
		return NULL;
	}
	fd = new_connection();
	if (fd < 0) {
		atomic_store(&empty->state, SLOT_EMPTY);
		*error = fd;
		return NULL;
	}
	slot_keep(empty, fd);
	return empty;
}

/* Whether the connection can be used again after this result of control_call(). */
static bool is_reusable(ssize_t result, const struct control_failure *failure)
{
	return result >= 0 || failure->is_answer;
}

/* One request and where its reply goes. */
struct exchange {
	enum tapir_op op;
	const void *request;
	size_t request_bytes;
	int pass_fd;
	void *reply;
	size_t reply_room;
	int *got_fd;
	int until_ms; /* >= 0: wait so long for the reply; -1: as long as it takes */
};

static int wait_for_reply(int control, int timeout_ms)
{
	struct pollfd p = { .fd = control, .events = POLLIN };
	int n = tapir_real.poll(&p, 1, timeout_ms);

	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static ssize_t exchange(int fd, const struct exchange *x, struct control_failure *failure)
{
	static _Atomic uint32_t next_seq;
	uint32_t seq = atomic_fetch_add(&next_seq, 1);
	int error = control_send(fd, x->op, seq, x->request, x->request_bytes, x->pass_fd);

	*failure = (struct control_failure){ 0 };
	if (!error && x->until_ms >= 0)
		error = wait_for_reply(fd, x->until_ms);
	return error ? error : control_recv(fd, x->op, seq, x->reply, x->reply_room, x->got_fd, failure);
}

/* On a connection for this request only. */
static ssize_t request_alone(const struct exchange *x)
{
	struct control_failure failure;
	int fd = new_connection();
	ssize_t n;

	if (fd < 0)
		return fd;
	n = exchange(fd, x, &failure);
	tapir_real.close(fd);
	return n;
}

/* On a kept connection. *try_again: it was found dead, so that the daemon cannot have acted on the request. */
static ssize_t request_kept(bool fresh, const struct exchange *x, bool *try_again)
{
	struct control_failure failure;
	bool was_kept;
	int error;
	struct slot *s = slot_take(fresh, &was_kept, &error);
	ssize_t n;

	*try_again = false;
	if (!s && error)
		return error;
	if (!s)
		return request_alone(x);
	n = exchange(atomic_load(&s->fd), x, &failure);
	if (is_reusable(n, &failure)) {
		atomic_store(&s->state, SLOT_IDLE);
		return n;
	}
	slot_drop(s);
	atomic_store(&s->state, SLOT_EMPTY);
	*try_again = was_kept && n == -ENETDOWN;
	return n;
}

static ssize_t request(const struct exchange *x)
{
	int saved_errno = errno, cancel_state;
	bool try_again;
	ssize_t n;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (!pool_is_ready()) {
		n = request_alone(x);
	} else {
		n = request_kept(false, x, &try_again);
		if (try_again)
			n = request_kept(true, x, &try_again);
	}
	pthread_setcancelstate(cancel_state, NULL);
	errno = saved_errno;
	return n;
}

ssize_t control_request(enum tapir_op op, const void *body, size_t body_bytes, int pass_fd, void *reply, size_t reply_room, int *got_fd)
{
	struct exchange x = { op, body, body_bytes, pass_fd, reply, reply_room, got_fd, -1 };

	return request(&x);
}

int control_request_until(enum tapir_op op, const void *body, size_t body_bytes, int fd, int timeout_ms)
{
	struct exchange x = { .op = op, .request = body, .request_bytes = body_bytes, .pass_fd = fd, .until_ms = timeout_ms };

	return (int)request(&x);
}

static bool has_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return tapir_real.poll(&p, 1, 0) > 0;
}

static int check(void)
{
	bool was_kept, is_alive;
	int error, fd;
	struct slot *s;

	if (!pool_is_ready()) {
		fd = new_connection();
		if (fd >= 0)
			tapir_real.close(fd);
		return fd < 0 ? fd : 0;
	}
	s = slot_take(false, &was_kept, &error);
	if (s && was_kept && has_hung_up(atomic_load(&s->fd))) {
		slot_drop(s);
		atomic_store(&s->state, SLOT_EMPTY);
		s = slot_take(true, &was_kept, &error);
	}
	is_alive = s != NULL;
	if (s)
		atomic_store(&s->state, SLOT_IDLE);
	return is_alive ? 0 : error; /* 0 as well when other threads use all there are */
}

int control_check(void)
{
	int saved_errno = errno, cancel_state, error;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	error = check();
	pthread_setcancelstate(cancel_state, NULL);
	errno = saved_errno;
	return error;
}

void control_pool_open_door(void)
{
	int saved_errno = errno, state = SLOT_EMPTY, fd;

	if (atomic_load(&door.state) == SLOT_IDLE && slot_is_ours(&door))
		return;
	atomic_store(&door.state, SLOT_EMPTY);
	fd = control_connect(control_path(NULL));
	if (fd >= 0 && atomic_compare_exchange_strong(&door.state, &state, SLOT_BUSY)) {
		slot_keep(&door, move_high(fd));
		atomic_store(&door.state, SLOT_IDLE);
	} else if (fd >= 0) {
		tapir_real.close(fd);
	}
	errno = saved_errno;
}

bool control_pool_owns(int fd)
{
	return fd >= atomic_load_explicit(&lowest_fd, memory_order_relaxed) && control_pool_next(fd) == fd;
}

int control_pool_next(int from)
{
	int best = -1;

	for (int i = 0; i <= CONTROL_POOL_MAX; i++) {
		struct slot *s = i < CONTROL_POOL_MAX ? &slots[i] : &door;
		int fd = atomic_load(&s->fd);

		if (fd >= from && (best < 0 || fd < best) && slot_is_ours(s))
			best = fd;
	}
	return best;
}
