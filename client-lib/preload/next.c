/* SPDX-License-Identifier: BSD-2-Clause */
#include "client-lib/preload/preload.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client-lib/backend.h"
#include "client-lib/hint.h"

struct tapir_real tapir_real;

/* Whoever says "tapir run" means the stack: a program must not run on the kernel's while its user believes otherwise. */
bool backend_is_chosen_by_user(void)
{
	return false;
}

/* One entry: where it goes, and its name. poll is last: it tells that the table is complete. */
struct next {
	size_t offset;
	const char *name;
};

static const struct next nexts[] = {
#define NEXT(name) { offsetof(struct tapir_real, name), #name }
	NEXT(socket),	   NEXT(connect),     NEXT(bind),	NEXT(listen),	   NEXT(accept4),   NEXT(shutdown),
	NEXT(getsockname), NEXT(getpeername), NEXT(setsockopt), NEXT(getsockopt),  NEXT(send),	    NEXT(recv),
	NEXT(sendto),	   NEXT(recvfrom),    NEXT(sendmsg),	NEXT(recvmsg),	   NEXT(sendmmsg),  NEXT(recvmmsg),
	NEXT(read),	   NEXT(write),	      NEXT(readv),	NEXT(writev),	   NEXT(close),	    NEXT(close_range),
	NEXT(dup),	   NEXT(dup2),	      NEXT(dup3),	NEXT(fcntl),	   NEXT(ioctl),
	NEXT(getaddrinfo), NEXT(freeaddrinfo), NEXT(getnameinfo), NEXT(gethostbyname2_r), NEXT(gethostbyaddr_r),
	NEXT(getifaddrs), NEXT(freeifaddrs), NEXT(if_nameindex),
	NEXT(if_freenameindex), NEXT(if_nametoindex), NEXT(if_indextoname), NEXT(ppoll), NEXT(poll),
#undef NEXT
};

/* C libraries older than close_range(2) (glibc 2.34) have none. */
static int plain_close_range(unsigned first, unsigned last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

/* Fill the table with what the names meant before us. */
void tapir_real_init(void)
{
	for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++) {
		void *p = dlsym(RTLD_NEXT, nexts[i].name);

		if (!p && nexts[i].offset == offsetof(struct tapir_real, close_range)) {
			tapir_real.close_range = plain_close_range;
			continue;
		}
		memcpy((char *)&tapir_real + nexts[i].offset, &p, sizeof(p));
	}
	hint_trust();
}
