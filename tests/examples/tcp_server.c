/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_server.c - a server on tapir's stack: sends back what it gets, to one client after another, over IPv4 and IPv6.
 *
 *	tcp_server PORT
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <tapir/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "7")) };
	int fd, listener = tapir_socket(AF_INET6, SOCK_STREAM, 0);
	char buf[4096];
	ssize_t n;

	if (listener < 0 || tapir_bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || tapir_listen(listener, 16) < 0) {
		perror("tcp_server");
		return 1;
	}
	while ((fd = tapir_accept(listener, NULL, NULL)) >= 0) {
		while ((n = tapir_read(fd, buf, sizeof(buf))) > 0)
			tapir_write(fd, buf, (size_t)n);
		tapir_close(fd);
	}
	perror("tcp_server: accept");
	return 1;
}
