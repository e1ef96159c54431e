/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs ask the daemon and files tell it: rtnetlink requests, configuration files, lease files. The first byte says which. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/lease.h"
#include "daemon/netlink_answer.h"
#include "tests/lib/bed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DUMP_DATAGRAMS_MAX = 100 };

static struct stack *stack_to_ask_about(void)
{
	static const char *const addrs[] = { "10.77.0.2/24", "fd77::2/64" };
	struct stack_config config = { .seed = { 1 } };
	struct link_config link = { .name = "tap0", .kind = LINK_ETHERNET, .mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500 };
	struct stack *st = stack_open(&config, 1000);
	struct ip_prefix p;

	if (!st || stack_add_link(st, &link) != 2)
		bed_fatal("the stack does not start");
	for (int i = 0; i < 2; i++)
		if (ip_prefix_parse(addrs[i], &p) < 0 || stack_add_addr(st, 2, &p, 1000) < 0)
			bed_fatal("no address %s", addrs[i]);
	return st;
}

static void ask_netlink(const uint8_t *data, size_t size)
{
	static struct netlink_datagram out;
	struct netlink_dump dump = { 0 };
	struct stack *st = stack_to_ask_about();
	size_t n;

	for (; (n = netlink_next_message(data, size)) > 0; data += n, size -= n) {
		uint8_t *message = malloc(n); /* of just this size, so that the sanitizer sees a look beyond it */

		if (!message || n > size)
			bed_fatal("a message of %zu bytes in %zu", n, size);
		memcpy(message, data, n);
		netlink_answer(st, message, n, 4711, 2000, &out, &dump);
		free(message);
		for (int i = 0; dump.is_active; i++) {
			netlink_continue_dump(st, &dump, 2000, &out);
			if (out.bytes > NETLINK_DATAGRAM_MAX || i > DUMP_DATAGRAMS_MAX)
				bed_fatal("a dump of %u bytes, the %dth", out.bytes, i);
		}
	}
	stack_close(st);
}

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		bed_fatal("no file");
	return fd;
}

static void read_config(const uint8_t *data, size_t size)
{
	static struct config c; /* large */
	char path[64], error[CONFIG_ERROR_MAX];
	int fd = file_of(data, size);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config_init(&c);
	config_read_file(&c, path, error);
	if (c.link_count < 1 || c.link_count > CONFIG_LINKS_MAX || c.setting_count > CONFIG_LIST_MAX)
		bed_fatal("%d links, %d settings", c.link_count, c.setting_count);
	close(fd);
}

static void read_lease(const uint8_t *data, size_t size)
{
	struct lease_file f = { .is_open = true, .fd = file_of(data, size) };
	struct lease_entry e = { .tap = "tap0" };
	struct ip_addr again;

	if (lease_find(&f, e.tap, &e.addr)) {
		lease_save(&f, &e, 1);
		if (!lease_find(&f, e.tap, &again) || !ip_addr_eq(&again, &e.addr))
			bed_fatal("an address that was saved is another one");
	}
	lease_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const uint8_t *, size_t) = { ask_netlink, read_config, read_lease };

	if (size > 0)
		readers[data[0] % 3](data + 1, size - 1);
	return 0;
}
