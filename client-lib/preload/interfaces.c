/* SPDX-License-Identifier: BSD-2-Clause */
/* The plain names of what tells about interfaces. */
#include "client-lib/include/tapir/socket.h"

#include <net/if.h>

#include "client-lib/preload/preload.h"

PRELOAD_EXPORT int getifaddrs(struct ifaddrs **list)
{
	preload_enter();
	return tapir_getifaddrs(list);
}

PRELOAD_EXPORT void freeifaddrs(struct ifaddrs *list)
{
	tapir_freeifaddrs(list);
}

PRELOAD_EXPORT struct if_nameindex *if_nameindex(void)
{
	preload_enter();
	return tapir_if_nameindex();
}

PRELOAD_EXPORT void if_freenameindex(struct if_nameindex *list)
{
	tapir_if_freenameindex(list);
}

PRELOAD_EXPORT unsigned if_nametoindex(const char *name)
{
	preload_enter();
	return tapir_if_nametoindex(name);
}

PRELOAD_EXPORT char *if_indextoname(unsigned ifindex, char name[IF_NAMESIZE])
{
	preload_enter();
	return tapir_if_indextoname(ifindex, name);
}
