/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp_client.c - a client on tapir's stack: sends a line and prints what comes back until the other side closes.
 * With TAPIR_POSIX_NAMES the plain names mean tapir's functions, so this could be any program's source.
 *
 *	tcp_client ADDRESS PORT TEXT
 */
#define TAPIR_POSIX_NAMES
#include <stdio.h>
#include <tapir/socket.h>

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *to;
	char buf[4096];
	ssize_t n;
	int fd;

	if (argc != 4 || getaddrinfo(argv[1], argv[2], &hints, &to) != 0) {
		fputs("usage: tcp_client ADDRESS PORT TEXT\n", stderr);
		return 64;
	}
	fd = socket(to->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		perror("tcp_client");
		return 1;
	}
	dprintf(fd, "%s\n", argv[3]); /* the descriptor is a real one: the C library's own functions work on it */
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	freeaddrinfo(to);
	close(fd);
	return n < 0;
}
