# SPDX-License-Identifier: BSD-2-Clause
"""peers.py - small servers and clients for the tests, each one mode of this program; standard sockets only, so that the same mode
runs with the kernel and on the stack. A mode prints what the test waits for, one line each, flushed."""

import errno
import hashlib
import http.server
import os
import select
import signal
import socket
import socketserver
import struct
import sys
import threading

from harness import pattern_chunks


def say(*words):
    print(*words, flush=True)


def tcp_socket(address):
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)


def udp_socket(address):
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)


def listen(address, port, backlog=512):
    s = tcp_socket(address)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, int(port)))
    s.listen(backlog)
    return s


# ---- An HTTP server that can also misbehave ----


class Handler(http.server.BaseHTTPRequestHandler):
    """GET /bytes/N: the pattern. PUT anything: the body's SHA-256. GET /stall /reset /short: what their names say, after a start."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def reply(self, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def do_GET(self):
        if self.path.startswith("/bytes/"):
            total = int(self.path.split("/")[2].split("?")[0])
            self.reply(total)
            for chunk in pattern_chunks(total):
                self.wfile.write(chunk)
            return
        self.reply(1000000)
        self.wfile.write(b"x" * 1000)
        self.wfile.flush()
        self.close_connection = True
        if self.path == "/stall":
            self.connection.recv(1)  # until the client gives up
        elif self.path == "/reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif self.path == "/short":
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.recv(1)

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            left = int(self.headers["Content-Length"])
            while left:
                data = self.rfile.read(min(left, 1 << 20))
                left -= len(data)
                yield data
            return
        while True:
            size = int(self.rfile.readline(), 16)
            data = self.rfile.read(size + 2)[:size]
            if not size:
                return
            yield data

    def do_PUT(self):
        if "100-continue" in self.headers.get("Expect", ""):
            self.send_response_only(100)
            self.end_headers()
        digest = hashlib.sha256()
        for data in self.body():
            digest.update(data)
        text = digest.hexdigest().encode()
        self.reply(len(text))
        self.wfile.write(text)

    do_POST = do_PUT

    def handle_expect_100(self):
        return True


class HttpServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass  # clients that give up are part of the tests

    def server_bind(self):  # without the base class's name look-up
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "test", self.server_address[1]


def mode_http(address, port):
    HttpServer.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = HttpServer((address, int(port)), Handler)
    say("listening")
    server.serve_forever()


# ---- A client with many sockets, to be killed ----


def mode_many(address, port, count, mine):
    """Holds @count sockets of every kind: listeners, datagram sockets bound and connected, streams established and only bound."""
    count, kept = int(count), []
    for i in range(count):
        kind = i % 5
        s = udp_socket(address) if kind in (0, 1) else tcp_socket(address)
        kept.append(s)
        if kind == 0:
            s.bind((mine, 0))
        elif kind == 1:
            s.connect((address, 9))
        elif kind == 2:
            s.bind((mine, 0))
            s.listen(8)
        elif kind == 3:
            s.connect((address, int(port)))
            s.sendall(b"unread" * 100)
        else:
            s.bind((mine, 0))  # the daemon hears of a stream with the first call that needs it
    say("holds", len(kept))
    signal.pause()


def mode_hold(address, port):
    """Accepts and keeps everything, reads nothing."""
    server, kept = listen(address, port), []
    say("listening")
    while True:
        kept.append(server.accept())


def mode_sink(address, port):
    """Reads and forgets; ends a connection when its peer does."""

    class Sink(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                while self.request.recv(1 << 16):
                    pass
            except ConnectionResetError:
                pass

    class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
        daemon_threads, request_queue_size, allow_reuse_address = True, 1024, True
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

    server = Server((address, int(port)), Sink)
    say("listening")
    server.serve_forever()


# ---- Calls that block until the daemon dies ----


def block_read(address, port, mine, blackhole):
    s = tcp_socket(address)
    s.connect((address, port))
    yield
    return s.recv(100)


def block_write(address, port, mine, blackhole):
    s = tcp_socket(address)
    s.connect((address, port))
    yield
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    while True:
        s.send(bytes(1 << 20))


def block_accept(address, port, mine, blackhole):
    s = listen(mine, 0)
    yield
    return s.accept()


def block_connect(address, port, mine, blackhole):
    s = tcp_socket(address)
    yield
    return s.connect((blackhole, 81))


def block_recvfrom(address, port, mine, blackhole):
    s = udp_socket(address)
    s.bind((mine, 0))
    yield
    return s.recvfrom(100)


def block_recv_connected(address, port, mine, blackhole):
    s = udp_socket(address)
    s.connect((address, port))
    yield
    return s.recv(100)


def block_poll(address, port, mine, blackhole):
    s = tcp_socket(address)
    s.connect((address, port))
    yield
    p = select.poll()
    p.register(s, select.POLLIN)
    events = p.poll()
    return events and s.recv(100)


def block_epoll(address, port, mine, blackhole):
    s = tcp_socket(address)
    s.connect((address, port))
    yield
    e = select.epoll()
    e.register(s, select.EPOLLIN | select.EPOLLET)
    events = e.poll()
    return events and s.recv(100)


def block_select_udp(address, port, mine, blackhole):
    s = udp_socket(address)
    s.bind((mine, 0))
    yield
    select.select([s], [], [])
    return s.recvfrom(100)


def mode_block(what, address, mine, blackhole, port):
    steps = globals()["block_" + what](address, int(port), mine, blackhole)
    next(steps)
    say("blocks")
    try:
        next(steps)
    except StopIteration as e:
        say("returned", repr(e.value))
    except OSError as e:
        say("errno", errno.errorcode[e.errno])
    # Everything after it fails at once, too.
    try:
        tcp_socket(address).connect((address, int(port)))
        say("then connected")
    except OSError as e:
        say("then", errno.errorcode[e.errno])


# ---- A stream held open over the daemon's orderly end ----


def mode_echo(address, port):
    server = listen(address, port)
    say("listening")

    def serve(c):
        while True:
            data = c.recv(1 << 16)
            if not data:
                return
            c.sendall(data)

    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


def mode_udp_echo(address, port):
    s = udp_socket(address)
    s.bind((address, int(port)))
    say("listening")
    while True:
        data, peer = s.recvfrom(70000)
        s.sendto(data, peer)


def mode_udp_client(address, port):
    """Datagrams of many sizes there and back, connected and not."""
    for connected in (False, True):
        s = udp_socket(address)
        s.settimeout(20)
        if connected:
            s.connect((address, int(port)))
        for size in (0, 1, 100, 1472, 1473, 4000, 9000, 30000, 65000):
            data = os.urandom(size)
            if connected:
                s.send(data)
                got = s.recv(70000)
            else:
                s.sendto(data, (address, int(port)))
                got, peer = s.recvfrom(70000)
                if peer[:2] != (address, int(port)):
                    say("wrong peer", peer)
                    return
            if got != data:
                say("differs at", size)
                return
    say("all equal")


def mode_udp_refused(address, port):
    s = udp_socket(address)
    s.settimeout(20)
    s.connect((address, int(port)))
    s.send(b"anyone?")
    try:
        s.recv(10)
        say("answered")
    except OSError as e:
        say("errno", errno.errorcode.get(e.errno, e))


if __name__ == "__main__":
    globals()["mode_" + sys.argv[1].replace("-", "_")](*sys.argv[2:])
