/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/hint.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "client-lib/backend.h"
#include "client-lib/protocol.h"
#include "client-lib/real.h"

enum { ID_DIGITS = 16, INHERITED_FDS_MAX = 1024 };

/* Process-wide by nature: descriptors are. Pages of these that no descriptor needs are never touched. */
_Atomic uint8_t hint_table[HINT_FDS_MAX];
static _Atomic uint64_t dgram_id[HINT_FDS_MAX];
static _Atomic uint8_t dgram_connected[HINT_FDS_MAX];
static _Atomic bool is_trusted, is_sandboxed;
static pid_t own_pid; /* of whoever ran the constructor; differs after fork and vfork */

static bool parse_id(const char *text, uint64_t *id)
{
	uint64_t v = 0;

	for (int i = 0; i < ID_DIGITS; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*id = v;
	return true;
}

/* "\0tapir/DAEMON/ID", or what every stream's peer is called that a client made */
static bool parse_name(const struct sockaddr_un *sun, socklen_t len, uint64_t *id)
{
	size_t prefix = strlen(TAPIR_NAME_PREFIX), name;

	if (len < offsetof(struct sockaddr_un, sun_path) || sun->sun_family != AF_UNIX)
		return false;
	name = len - offsetof(struct sockaddr_un, sun_path);
	*id = 0;
	if (name == sizeof(TAPIR_STREAM_NAME) && memcmp(sun->sun_path, TAPIR_STREAM_NAME, name) == 0)
		return true;
	if (name > sizeof(sun->sun_path) || name < 1 + prefix + 1 + ID_DIGITS || sun->sun_path[0])
		return false;
	if (memcmp(sun->sun_path + 1, TAPIR_NAME_PREFIX, prefix) != 0 || sun->sun_path[name - ID_DIGITS - 1] != '/')
		return false;
	return parse_id(sun->sun_path + name - ID_DIGITS, id);
}

static int parse_number(const char **text, const char *end)
{
	int n = 0;

	while (*text < end && **text >= '0' && **text <= '9' && n < 1 << 16)
		n = n * 10 + *(*text)++ - '0';
	if (*text < end)
		(*text)++;
	return n;
}

/* TAPIR_FRESH_FORMAT. Without sscanf(3): signal handlers come here. */
static bool look_for_fresh(int fd, struct hint_sock *sock)
{
	static const size_t prefix = sizeof(TAPIR_FRESH_PREFIX) - 1;
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);
	const char *at = sun.sun_path + 1 + prefix, *end;

	if (tapir_real.getsockname(fd, (struct sockaddr *)&sun, &len) < 0 || len > sizeof(sun) ||
	    len <= offsetof(struct sockaddr_un, sun_path) + 1 + prefix || sun.sun_family != AF_UNIX || sun.sun_path[0] ||
	    memcmp(sun.sun_path + 1, TAPIR_FRESH_PREFIX, prefix) != 0)
		return false;
	end = (const char *)&sun + len;
	sock->family = parse_number(&at, end);
	sock->protocol = parse_number(&at, end);
	sock->is_fresh = true;
	return true;
}

/* Everything but the type. */
static bool look(int fd, struct hint_sock *sock)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);
	int saved_errno = errno;
	bool found;

	*sock = (struct hint_sock){ .type = SOCK_STREAM };
	if (backend_is_kernel_already())
		return false;
	if (tapir_real.getpeername(fd, (struct sockaddr *)&sun, &len) == 0)
		found = parse_name(&sun, len, &sock->id);
	else
		found = errno == ENOTCONN && look_for_fresh(fd, sock);
	errno = saved_errno;
	return found;
}

bool hint_look(int fd, struct hint_sock *sock)
{
	socklen_t id_len = sizeof(sock->id), type_len = sizeof(sock->type);

	if (!look(fd, sock))
		return false;
	if (!sock->id) /* a stream, which the daemon knows by this, too */
		return tapir_real.getsockopt(fd, SOL_SOCKET, SO_COOKIE, &sock->id, &id_len) == 0;
	return tapir_real.getsockopt(fd, SOL_SOCKET, SO_TYPE, &sock->type, &type_len) == 0;
}

bool hint_is_ours(int fd)
{
	struct hint_sock sock;

	return look(fd, &sock);
}

bool hint_is_fresh(int fd, struct hint_sock *sock)
{
	return look(fd, sock) && sock->is_fresh;
}

bool hint_dgram(int fd, uint64_t *id, bool *is_connected)
{
	bool in_table = (unsigned)fd < HINT_FDS_MAX;
	struct hint_sock sock;

	*is_connected = false;
	if (in_table && atomic_load(&is_trusted) && hint_of(fd) == HINT_DGRAM) {
		*id = atomic_load_explicit(&dgram_id[fd], memory_order_relaxed);
		*is_connected = atomic_load_explicit(&dgram_connected[fd], memory_order_relaxed);
		return true;
	}
	if (!hint_look(fd, &sock) || sock.type != SOCK_SEQPACKET)
		return false;
	*id = sock.id;
	if (!in_table)
		return true;
	if (atomic_load(&dgram_id[fd]) == sock.id) {
		*is_connected = atomic_load(&dgram_connected[fd]);
	} else {
		atomic_store(&dgram_connected[fd], false);
		atomic_store(&dgram_id[fd], sock.id);
	}
	atomic_store_explicit(&hint_table[fd], HINT_DGRAM, memory_order_release);
	return true;
}

/* Whether the memory is another process's: we are in a child of vfork. After fork the kernel gave us a copy, and own_pid is stale in
 * the same way, which only costs a look. */
static bool is_borrowed(void)
{
	return getpid() != own_pid;
}

void hint_set(int fd, enum hint hint, uint64_t id)
{
	enum hint old = hint_of(fd);

	if ((unsigned)fd >= HINT_FDS_MAX)
		return;
	if (hint == HINT_DGRAM) {
		atomic_store(&dgram_connected[fd], false);
		atomic_store(&dgram_id[fd], id);
	} else if ((old == HINT_DGRAM || old == HINT_DOUBTFUL) && is_borrowed()) {
		hint = HINT_DOUBTFUL;
	}
	atomic_store_explicit(&hint_table[fd], hint, memory_order_release);
}

void hint_move(int fd, enum hint hint)
{
	enum hint old = hint_of(fd);

	if ((unsigned)fd < HINT_FDS_MAX && old != HINT_DGRAM && old != HINT_DOUBTFUL && old != hint)
		atomic_store_explicit(&hint_table[fd], hint, memory_order_release);
}

void hint_set_connected(int fd, bool is_connected)
{
	if ((unsigned)fd < HINT_FDS_MAX)
		atomic_store(&dgram_connected[fd], is_connected);
}

void hint_forget(int fd)
{
	if ((unsigned)fd >= HINT_FDS_MAX)
		return;
	atomic_store(&dgram_id[fd], 0);
	atomic_store(&hint_table[fd], HINT_NONE);
}

void hint_on_close(int fd)
{
	enum hint old = hint_of(fd);

	if (old == HINT_NONE || (unsigned)fd >= HINT_FDS_MAX)
		return;
	atomic_store_explicit(&hint_table[fd], old == HINT_DGRAM || old == HINT_DOUBTFUL ? HINT_DOUBTFUL : HINT_NONE,
			      memory_order_release);
}

void hint_on_close_range(unsigned first, unsigned last)
{
	for (unsigned fd = first; fd <= last && fd < HINT_FDS_MAX; fd++)
		if (atomic_load_explicit(&hint_table[fd], memory_order_relaxed))
			hint_on_close((int)fd);
}

void hint_on_dup(int old_fd, int new_fd)
{
	enum hint hint = hint_of(old_fd), over = hint_of(new_fd);

	if ((unsigned)new_fd >= HINT_FDS_MAX || old_fd == new_fd)
		return;
	if (hint == HINT_DGRAM || over == HINT_DGRAM || over == HINT_DOUBTFUL)
		hint = HINT_DOUBTFUL;
	atomic_store_explicit(&hint_table[new_fd], hint, memory_order_release);
}

void hint_on_arrival(int fd)
{
	struct hint_sock sock;

	if (!hint_look(fd, &sock))
		hint_on_close(fd);
	else
		hint_set(fd, sock.type == SOCK_SEQPACKET ? HINT_DGRAM : sock.is_fresh ? HINT_FRESH : HINT_STREAM, sock.id);
}

void hint_trust(void)
{
	atomic_store(&is_trusted, true);
}

void hint_enter_sandbox(void)
{
	atomic_store(&is_sandboxed, true);
}

bool hint_is_sandboxed(void)
{
	return atomic_load_explicit(&is_sandboxed, memory_order_relaxed);
}

/* What exec left us. poll(2) tells in one call which descriptors are open. */
__attribute__((constructor)) static void hint_init(void)
{
	struct pollfd fds[INHERITED_FDS_MAX];
	struct rlimit limit;
	nfds_t n = INHERITED_FDS_MAX;
	int saved_errno = errno;

	tapir_real_init();
	own_pid = getpid();
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < n)
		n = limit.rlim_cur;
	for (nfds_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = (int)i };
	if (poll(fds, n, 0) >= 0)
		for (nfds_t i = 0; i < n; i++)
			if (!(fds[i].revents & POLLNVAL))
				hint_on_arrival((int)i);
	errno = saved_errno;
}
