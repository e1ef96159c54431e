# SPDX-License-Identifier: BSD-2-Clause
"""Run by test_policy.py under `tapir run --keep LOOPBACK --keep :PORT+9`: on_policy.py LOOPBACK KERNEL STACK PORT MODE

The kernel's echo servers (TCP and UDP) listen on LOOPBACK and KERNEL at PORT. Prints a line for each finding that is not as it must
be, and "done" at the end."""

import errno
import os
import select
import socket
import struct
import sys

LOOPBACK, KERNEL, STACK, PORT, MODE = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
FAMILY = socket.AF_INET6 if ":" in LOOPBACK else socket.AF_INET
ANY = "::" if FAMILY == socket.AF_INET6 else "0.0.0.0"
KEPT_PORT = PORT + 9


def expect(what, got, wanted):
    if got != wanted:
        print("%s: %r, not %r" % (what, got, wanted), flush=True)


def errno_of(call, *arguments):
    try:
        call(*arguments)
        return "no error"
    except OSError as e:
        return errno.errorcode[e.errno]


def new(kind):
    s = socket.socket(FAMILY, kind)
    s.settimeout(60)
    return s


def is_kernels(s):
    """A kernel's socket has an inode in the kernel's tables of its family; one of the stack's is a unix socket."""
    raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, os.dup(s.fileno()))
    with raw:
        number = os.readlink("/proc/self/fd/%d" % raw.fileno())[8:-1]
    for table in ("tcp", "udp", "tcp6", "udp6", "raw", "raw6"):
        with open("/proc/self/net/" + table) as f:
            if any(line.split()[9] == number for line in f.read().splitlines()[1:]):
                return True
    return False


def streams():
    for address, own in ((LOOPBACK, LOOPBACK), (KERNEL, STACK)):
        s = new(socket.SOCK_STREAM)
        s.connect((address, PORT))
        expect("own address towards " + address, s.getsockname()[0], own)
        expect("the kernel's", is_kernels(s), own == LOOPBACK)
        s.sendall(b"hello")
        expect("echo of " + address, s.recv(5, socket.MSG_WAITALL), b"hello")


def options_are_carried_over():
    s = new(socket.SOCK_STREAM)
    os.set_inheritable(s.fileno(), True)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 30000)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5, 0))
    s.setblocking(False)
    expect("connecting", s.connect_ex((LOOPBACK, PORT)) in (0, errno.EINPROGRESS), True)
    select.select([], [s], [], 60)
    expect("TCP_NODELAY", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), 1)
    expect("SO_KEEPALIVE", s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
    expect("TCP_KEEPIDLE", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 77)
    expect("SO_LINGER", s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8), struct.pack("ii", 1, 3))
    expect("SO_RCVBUF", s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), 60000)
    expect("SO_RCVTIMEO", s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16), struct.pack("ll", 5, 0))
    expect("O_NONBLOCK", os.get_blocking(s.fileno()), False)
    expect("FD_CLOEXEC", os.get_inheritable(s.fileno()), True)


def an_epoll_set_made_before_still_watches():
    for address in (LOOPBACK, KERNEL):
        s = new(socket.SOCK_STREAM)
        s.setblocking(False)
        with select.epoll() as e:
            e.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
            s.connect_ex((address, PORT))
            seen = 0
            while not seen & (select.EPOLLOUT | select.EPOLLHUP):
                seen = dict(e.poll(60))[s.fileno()]
            s.send(b"x")
            while not seen & select.EPOLLIN:
                seen = dict(e.poll(60))[s.fileno()]
            expect("epoll, " + address, s.recv(10), b"x")


def servers():
    kept, all_addresses, kept_port = new(socket.SOCK_STREAM), new(socket.SOCK_STREAM), new(socket.SOCK_STREAM)
    kept.bind((LOOPBACK, 0))
    all_addresses.bind((ANY, PORT + 1))
    kept_port.bind((ANY, KEPT_PORT))
    for what, s, kernels in (("a kept address", kept, True), ("the wildcard", all_addresses, False),
                             ("the wildcard, a kept port", kept_port, True)):
        s.listen(1)
        expect(what + " is bound by the kernel", is_kernels(s), kernels)
    c = new(socket.SOCK_STREAM)
    c.connect(kept.getsockname())
    expect("accepted", kept.accept()[1], c.getsockname())


def datagrams():
    for address, other in ((LOOPBACK, KERNEL), (KERNEL, LOOPBACK)):
        s = new(socket.SOCK_DGRAM)
        s.bind((ANY, 0))
        s.sendto(b"one", (address, PORT))
        expect("kernel's, after a datagram to " + address, is_kernels(s), address == LOOPBACK)
        data, sender = s.recvfrom(100)
        expect("datagram from " + address, (data, sender[:2]), (b"one", (address, PORT)))
        expect("a datagram the other way", errno_of(s.sendto, b"two", (other, PORT)), "ENETUNREACH")
        if MODE == "preload" or address == KERNEL:  # sendmsg() on a kernel's socket is the kernel's business in notify mode
            expect("a message the other way", errno_of(s.sendmsg, [b"two"], [], 0, (other, PORT)), "ENETUNREACH")
        expect("a connection the other way", errno_of(s.connect, (other, PORT)), "ENETUNREACH")
        s.sendto(b"three", (address, PORT))
        expect("a second datagram", s.recv(100), b"three")
        c = new(socket.SOCK_DGRAM)
        c.bind((ANY, 0))
        port = c.getsockname()[1]
        c.connect((address, PORT))
        expect("the port stays", c.getsockname()[1], port)
        c.send(b"connected")
        expect("connected to " + address, c.recv(100), b"connected")


# Who puts a descriptor into another process cannot reach that one's epoll sets.
TESTS = [streams, options_are_carried_over, servers, datagrams] + ([an_epoll_set_made_before_still_watches] if MODE == "preload" else [])
for test in TESTS:
    try:
        test()
    except OSError as e:
        print("%s: %s" % (test.__name__, e), flush=True)
print("done")
