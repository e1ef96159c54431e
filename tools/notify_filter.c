/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/notify_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/notify_call.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define NATIVE_ARCH AUDIT_ARCH_S390X
#else
#error "notify_filter.c does not know this machine's audit architecture"
#endif

enum {
	X32_BIT = 0x40000000,
	I386_SOCKETCALL = 102,
	I386_SOCKET = 359,
	ANY_IO_URING_SETUP = 425, /* the same number everywhere */
	SOCKETCALL_SOCKET = 1,
	SOCKET_IOCTLS = 0x8900,	  /* of SIOC*, 0x8900 to 0x89ff */
	SOCKET_IOCTLS_MASK = (int)0xffffff00,
	/* What the pair that carries a socket takes for something else than TCP or UDP do. */
	ODD_FLAGS = MSG_OOB | MSG_ERRQUEUE | MSG_FASTOPEN,
};

/* Which calls of one number are trapped. */
enum check {
	CHECK_NONE,    /* all */
	CHECK_SOCKET,  /* by family */
	CHECK_ADDRESS, /* with an address (5th argument) or an odd flag (4th) */
	CHECK_SENDTO,  /* the same, and what is as long as the question that netlink sockets get from musl (notify_data.c) */
	CHECK_IOCTL,   /* by request */
};

static const struct trap {
	int nr;
	enum check check;
} traps[] = {
	{ SYS_socket, CHECK_SOCKET },	 { SYS_connect, CHECK_NONE },	  { SYS_bind, CHECK_NONE },
	{ SYS_listen, CHECK_NONE },	 { SYS_accept, CHECK_NONE },	  { SYS_accept4, CHECK_NONE },
	{ SYS_getsockname, CHECK_NONE }, { SYS_getpeername, CHECK_NONE }, { SYS_getsockopt, CHECK_NONE },
	{ SYS_setsockopt, CHECK_NONE },	 { SYS_shutdown, CHECK_NONE },	  { SYS_sendto, CHECK_SENDTO },
	{ SYS_recvfrom, CHECK_ADDRESS }, { SYS_sendmsg, CHECK_NONE },	  { SYS_recvmsg, CHECK_NONE },
	{ SYS_sendmmsg, CHECK_NONE },	 { SYS_recvmmsg, CHECK_NONE },	  { SYS_ioctl, CHECK_IOCTL },
};

/* ---- Writing the program ---- */

struct writer {
	struct sock_filter *code;
	size_t count;
};

static void put(struct writer *w, uint16_t op, uint8_t if_true, uint8_t if_false, uint32_t k)
{
	w->code[w->count++] = (struct sock_filter){ op, if_true, if_false, k };
}

static void load(struct writer *w, size_t offset)
{
	put(w, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void answer(struct writer *w, uint32_t action)
{
	put(w, BPF_RET | BPF_K, 0, 0, action);
}

/* The lower or upper half of an argument, which is 64 bits wide. */
static void load_arg(struct writer *w, int i, bool is_upper)
{
	bool is_second = is_upper == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

	load(w, offsetof(struct seccomp_data, args) + (size_t)i * 8 + (is_second ? 4 : 0));
}

/* If the loaded word is @k (or has one of its bits), answer @action; else go on. */
static void if_equal(struct writer *w, uint32_t k, uint32_t action)
{
	put(w, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, k);
	answer(w, action);
}

static void if_any_bit(struct writer *w, uint32_t bits, uint32_t action)
{
	put(w, BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
	answer(w, action);
}

static void if_not_zero(struct writer *w, uint32_t action)
{
	put(w, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0);
	answer(w, action);
}

/* The arguments of a call that may be trapped; ends with an answer. */
static void check_arguments(struct writer *w, enum check check)
{
	switch (check) {
	case CHECK_NONE:
		answer(w, SECCOMP_RET_USER_NOTIF);
		return;
	case CHECK_SOCKET:
		load_arg(w, 0, false);
		if_equal(w, AF_INET, SECCOMP_RET_USER_NOTIF);
		if_equal(w, AF_INET6, SECCOMP_RET_USER_NOTIF);
		put(w, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AF_NETLINK);
		answer(w, SECCOMP_RET_ALLOW);
		load_arg(w, 2, false);
		if_equal(w, NETLINK_ROUTE, SECCOMP_RET_USER_NOTIF);
		break;
	case CHECK_SENDTO:
		load_arg(w, 2, false);
		if_equal(w, NOTIFY_NETLINK_QUESTION, SECCOMP_RET_USER_NOTIF);
		/* fall through */
	case CHECK_ADDRESS:
		load_arg(w, 4, false);
		if_not_zero(w, SECCOMP_RET_USER_NOTIF);
		load_arg(w, 4, true);
		if_not_zero(w, SECCOMP_RET_USER_NOTIF);
		load_arg(w, 3, false);
		if_any_bit(w, ODD_FLAGS, SECCOMP_RET_USER_NOTIF);
		break;
	case CHECK_IOCTL:
		load_arg(w, 1, false);
		if_equal(w, SIOCINQ, SECCOMP_RET_USER_NOTIF);
		if_equal(w, SIOCOUTQ, SECCOMP_RET_USER_NOTIF);
		put(w, BPF_ALU | BPF_AND | BPF_K, 0, 0, (uint32_t)SOCKET_IOCTLS_MASK);
		if_equal(w, SOCKET_IOCTLS, SECCOMP_RET_USER_NOTIF);
		break;
	}
	answer(w, SECCOMP_RET_ALLOW);
}

/* If the loaded word is @nr: what follows, up to end_case(). */
static size_t begin_case(struct writer *w, uint32_t nr)
{
	put(w, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, nr);
	return w->count;
}

static void end_case(struct writer *w, size_t begin)
{
	w->code[begin - 1].jf = (uint8_t)(w->count - begin);
}

/* A program of another ABI: its calls have other numbers and layouts, so its sockets are refused. On x86 it is an i386 one. */
static void refuse_foreign(struct writer *w)
{
#if defined(__x86_64__)
	size_t begin;

	put(w, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_I386);
	answer(w, SECCOMP_RET_ERRNO | ENOSYS);
	load(w, offsetof(struct seccomp_data, nr));
	if_equal(w, ANY_IO_URING_SETUP, SECCOMP_RET_ERRNO | ENOSYS);
	begin = begin_case(w, I386_SOCKET);
	load_arg(w, 0, false);
	if_equal(w, AF_INET, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	if_equal(w, AF_INET6, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	answer(w, SECCOMP_RET_ALLOW);
	end_case(w, begin);
	begin = begin_case(w, I386_SOCKETCALL); /* the family is out of a filter's reach */
	load_arg(w, 0, false);
	if_equal(w, SOCKETCALL_SOCKET, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	end_case(w, begin);
	answer(w, SECCOMP_RET_ALLOW);
#else
	answer(w, SECCOMP_RET_ERRNO | ENOSYS);
#endif
}

size_t notify_filter_build(struct sock_filter *code)
{
	struct writer w = { .code = code };
	size_t begin;

	load(&w, offsetof(struct seccomp_data, arch));
	put(&w, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, NATIVE_ARCH);
	begin = w.count;
	w.code[begin - 1].jt = 0;
	put(&w, BPF_JMP | BPF_JA, 0, 0, 0); /* native: over what follows */
	w.code[begin - 1].jf = 1;
	refuse_foreign(&w);
	w.code[begin].k = (uint32_t)(w.count - begin - 1);

	load(&w, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
	put(&w, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
	answer(&w, SECCOMP_RET_ERRNO | ENOSYS); /* as a kernel without x32 */
#endif
	if_equal(&w, ANY_IO_URING_SETUP, SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
		begin = begin_case(&w, (uint32_t)traps[i].nr);
		check_arguments(&w, traps[i].check);
		end_case(&w, begin);
	}
	answer(&w, SECCOMP_RET_ALLOW);
	return w.count;
}

/* ---- Installing it ---- */

static int install(const struct sock_fprog *program, unsigned flags)
{
	int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);

	return fd < 0 ? -errno : fd;
}

int notify_filter_install(bool *is_interruptible)
{
	struct sock_filter code[NOTIFY_FILTER_MAX];
	struct sock_fprog program = { .len = (unsigned short)notify_filter_build(code), .filter = code };
	unsigned killable = *is_interruptible ? 0 : SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int fd = install(&program, SECCOMP_FILTER_FLAG_NEW_LISTENER | killable);

	/* Who has not CAP_SYS_ADMIN must give up set-user-id programs for it (seccomp(2)). */
	if (fd == -EACCES) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return -errno;
		fd = install(&program, SECCOMP_FILTER_FLAG_NEW_LISTENER | killable);
	}
	if (fd == -EINVAL && killable) {
		*is_interruptible = true;
		fd = install(&program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	}
	return fd;
}
