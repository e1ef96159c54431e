# SPDX-License-Identifier: BSD-2-Clause
"""on_scopes.py - link-local addresses on two links, on each of which fe80::1 is another host. As "client LINK LINK" it prints a line for
each way to say the link, or not to say it, with what came of it: the same with the kernel and on the stack. As "peer LINK LINK" it is the
hosts fe80::1, which answer with the link they are on."""

import errno
import fcntl
import socket
import struct
import sys
import threading

PORT = 7100
PEER = "fe80::1"
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
KINDS = ((TCP, "tcp"), (UDP, "udp"))


# ---- The hosts ----


def on_device(kind, device):
    s = socket.socket(socket.AF_INET6, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    s.bind(("::", PORT))
    return s


def serve_streams(s, device):
    while True:
        c, _ = s.accept()
        with c:
            c.sendall(device.encode())
            c.shutdown(socket.SHUT_WR)
            c.recv(1)


def serve_datagrams(s, device):
    while True:
        _, a = s.recvfrom(100)
        s.sendto(device.encode(), a)


def peer(devices):
    for device in devices:
        for kind, serve in ((TCP, serve_streams), (UDP, serve_datagrams)):
            s = on_device(kind, device)
            if kind == TCP:
                s.listen(16)
            threading.Thread(target=serve, args=(s, device)).start()
    print("listening", flush=True)


# ---- The program ----


def linklocal_of(name):
    """Of the kernel's view, or of the stack's: a datagram socket that is connected over the link tells."""
    with socket.socket(socket.AF_INET6, UDP) as s:
        s.connect((PEER, 9, 0, socket.if_nametoindex(name)))
        return s.getsockname()[0].split("%")[0]


class Client:
    def __init__(self, names):
        self.names = dict(zip("AB", names))
        self.index = {k: socket.if_nametoindex(v) for k, v in self.names.items()}
        self.index.update({"-": 0, "?": 77})
        self.mine = {k: linklocal_of(v) for k, v in self.names.items()}

    def show(self, a):
        """An address with the link it says, both by our names for them."""
        addr = a[0].split("%")[0]
        known = {v: "mine@" + k for k, v in self.mine.items()}
        return "%s%%%s" % (known.get(addr, addr), {v: k for k, v in self.index.items()}.get(a[3], a[3]))

    def link_of(self, data):
        return {v: k for k, v in self.names.items()}[data.decode()]

    def socket(self, kind, device=None):
        s = socket.socket(socket.AF_INET6, kind)
        s.settimeout(20)
        if device:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.names[device].encode())
        return s

    def to(self, scope, addr=PEER):
        return (addr, PORT, 0, self.index[scope])

    def connect(self, kind, scope, device=None, bound=None):
        with self.socket(kind, device) as s:
            if bound:
                s.bind(bound)
            s.connect(self.to(scope))
            if kind == UDP:
                s.send(b"x")
            there = self.link_of(s.recv(100))
            return there, self.show(s.getpeername()), self.show(s.getsockname())

    def send(self, scope, addr=PEER, device=None, options=(), control=()):
        with self.socket(UDP, device) as s:
            for name, value in options:
                s.setsockopt(socket.IPPROTO_IPV6, name, value)
            s.sendmsg([b"x"], control, 0, self.to(scope, addr))
            data, source = s.recvfrom(100)
            return self.link_of(data), self.show(source)

    def bind(self, kind, addr, scope, device=None):
        with self.socket(kind, device) as s:
            s.bind((addr, 0, 0, self.index[scope]))
            tied = s.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0").decode()
            return self.show(s.getsockname()), {v: k for k, v in self.names.items()}.get(tied, tied)

    def same_port(self, kind):
        with self.socket(kind) as x, self.socket(kind) as y:
            x.bind((self.mine["A"], 7300, 0, self.index["A"]))
            y.bind((self.mine["B"], 7300, 0, self.index["B"]))
            return self.show(x.getsockname()), self.show(y.getsockname())

    def look_up(self, name):
        found = socket.getaddrinfo(name, 80, socket.AF_INET6, TCP)
        return [self.show(x[4]) for x in found]

    def ioctl_name(self, link):
        """SIOCGIFNAME and SIOCGIFINDEX agree with if_nametoindex(3)."""
        with self.socket(UDP) as s:
            name = fcntl.ioctl(s, 0x8910, struct.pack("16si", b"", self.index[link]).ljust(40, b"\0"))[:16].rstrip(b"\0")
            return name.decode() == self.names[link]

    def own(self, kind, scope, bound):
        """To ourselves: a server on A's link-local address, bound to it or to A, or to nothing."""
        with self.socket(kind, "A" if bound == "device" else None) as server, self.socket(kind) as s:
            server.bind((self.mine["A"] if bound == "address" else "::", 7301, 0, self.index["A"] if bound == "address" else 0))
            if kind == TCP:
                server.listen(1)
            s.connect((self.mine["A"], 7301, 0, self.index[scope]))
            s.send(b"x")
            accepted, peer = server.accept() if kind == TCP else (None, server.recvfrom(1)[1])
            told = self.show(peer), self.show(s.getpeername()), self.show(s.getsockname())
            if accepted:
                accepted.close()
            return told

    def cases(self):
        for kind, name in KINDS:
            for bound in ("address", "device", "nothing"):
                yield "%s to ourselves, server bound to %s" % (name, bound), lambda: self.own(kind, "A", bound)
        for kind, name in KINDS:
            for scope in "-AB?":
                yield "%s connect %s" % (name, scope), lambda: self.connect(kind, scope)
                if scope != "?":
                    yield "%s connect %s on A" % (name, scope), lambda: self.connect(kind, scope, device="A")
                    yield "%s connect %s from A" % (name, scope), lambda: self.connect(kind, scope, bound=(self.mine["A"], 0, 0, self.index["A"]))
                yield "%s bind %s" % (name, scope), lambda: self.bind(kind, self.mine["A"], scope)
                yield "%s bind %s on A" % (name, scope), lambda: self.bind(kind, self.mine["A"], scope, device="A")
                yield "%s bind %s on B" % (name, scope), lambda: self.bind(kind, self.mine["A"], scope, device="B")
                yield "%s bind ::%%%s" % (name, scope), lambda: self.bind(kind, "::", scope)
            yield "%s same port" % name, lambda: self.same_port(kind)
        for scope in "AB?":
            yield "sendto %s" % scope, lambda: self.send(scope)
            yield "sendto group %s" % scope, lambda: self.send(scope, "ff02::1")
        yield "sendto - on A", lambda: self.send("-", device="A")
        yield "sendto A on A", lambda: self.send("A", device="A")
        yield "IPV6_MULTICAST_IF B", lambda: self.send("-", "ff02::1", options=[(socket.IPV6_MULTICAST_IF, self.index["B"])])
        yield "IPV6_MULTICAST_IF B, sendto A", lambda: self.send("A", "ff02::1", options=[(socket.IPV6_MULTICAST_IF, self.index["B"])])
        yield "IPV6_UNICAST_IF B", lambda: self.send("-", options=[(76, struct.pack("!I", self.index["B"]))])
        for link, scope, device in (("B", "-", None), ("B", "B", None), ("B", "A", None), ("B", "-", "A"), ("B", "-", "B")):
            info = socket.inet_pton(socket.AF_INET6, "::") + struct.pack("I", self.index[link])
            control = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]
            yield "IPV6_PKTINFO %s, sendto %s on %s" % (link, scope, device), lambda: self.send(scope, device=device, control=control)
        for name in ("fe80::1%" + self.names["A"], "fe80::1%" + self.names["B"], "fe80::1%%%d" % self.index["B"], "fe80::1", "fe80::1%nolink",
                     "fe80::1%77", "2001:db8::1%" + self.names["A"], "ff02::1%" + self.names["B"]):
            shown = name.replace(self.names["A"], "<A>").replace(self.names["B"], "<B>").replace("%%%d" % self.index["B"], "%<b>")
            yield "getaddrinfo " + shown, lambda: self.look_up(name)
        for scope in "-AB?":
            yield "getnameinfo " + scope, lambda: socket.getnameinfo(self.to(scope), socket.NI_NUMERICHOST)[0].replace(
                self.names["A"], "<A>").replace(self.names["B"], "<B>")
        for link in "AB":
            yield "SIOCGIFNAME " + link, lambda: self.ioctl_name(link)


def client(names):
    for name, run in Client(names).cases():
        try:
            result = run()
        except socket.gaierror as e:
            result = "EAI %d" % e.args[0]
        except OSError as e:
            result = errno.errorcode.get(e.errno, repr(e))
        print(name, "=", result, flush=True)


if __name__ == "__main__":
    {"peer": peer, "client": client}[sys.argv[1]](sys.argv[2:])
