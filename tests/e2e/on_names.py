# SPDX-License-Identifier: BSD-2-Clause
"""Run by test_names.py, on the stack or on the kernel: on_names.py WHAT [ARGUMENT...]"""

import ctypes
import errno
import fcntl
import json
import os
import socket
import struct
import sys

AF_NETLINK, NETLINK_ROUTE = 16, 0
RTM_GETLINK, RTM_NEWADDR, RTM_GETADDR = 18, 20, 22
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3


def expect(what, got, wanted):
    if got != wanted:
        print("%s: %r, not %r" % (what, got, wanted), flush=True)


# ---- getifaddrs(3), called as C programs do


class Ifaddrs(ctypes.Structure):
    pass


Ifaddrs._fields_ = [("next", ctypes.POINTER(Ifaddrs)), ("name", ctypes.c_char_p), ("flags", ctypes.c_uint),
                    ("addr", ctypes.c_void_p), ("netmask", ctypes.c_void_p), ("broadcast", ctypes.c_void_p), ("data", ctypes.c_void_p)]


def getifaddrs():
    c = ctypes.CDLL(None, use_errno=True)
    first, found = ctypes.POINTER(Ifaddrs)(), {}
    if c.getifaddrs(ctypes.byref(first)):
        raise OSError(ctypes.get_errno(), "getifaddrs")
    at = first
    while at:
        e = at.contents
        family = struct.unpack("H", ctypes.string_at(e.addr, 2))[0]
        if family in (socket.AF_INET, socket.AF_INET6):
            raw = ctypes.string_at(e.addr + (4 if family == socket.AF_INET else 8), 4 if family == socket.AF_INET else 16)
            found.setdefault(e.name.decode(), []).append(socket.inet_ntop(family, raw))
        at = e.next
    c.freeifaddrs(first)
    assert dict(socket.if_nameindex()).keys() == {socket.if_nametoindex(name) for name in found}
    assert all(socket.if_indextoname(socket.if_nametoindex(name)) == name for name in found)
    print(json.dumps(found))


# ---- netlink(7)


def request(kind, flags, body=b"", seq=1):
    return struct.pack("=IHHII", 16 + len(body), kind, flags, seq, 0) + body


def open_netlink(groups=0):
    s = socket.socket(AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_ROUTE)
    s.bind((0, groups))
    s.settimeout(60)
    return s


def messages(datagram):
    while len(datagram) >= 16:
        length, kind, flags, seq, pid = struct.unpack("=IHHII", datagram[:16])
        yield kind, flags, seq, pid, datagram[16:length]
        datagram = datagram[(length + 3) & ~3:]


def answers(s, seq=1):
    """All messages of a dump."""
    while True:
        data, sender = s.recvfrom(65536)
        expect("the sender", sender, (0, 0))
        for kind, flags, number, pid, body in messages(data):
            expect("the port id and sequence number", (pid, number), (s.getsockname()[0], seq))
            if kind == NLMSG_DONE:
                return
            yield kind, body


def attributes(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack("=HH", data[:4])
        found[kind] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def netlink():
    found = {}
    with open_netlink() as s:
        s.sendto(request(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, b"\0"), (0, 0))
        for kind, body in answers(s):
            family, _, _, _, index = struct.unpack("=BBBBI", body[:8])
            address = attributes(body[8:])[1]
            found.setdefault(socket.if_indextoname(index), []).append(socket.inet_ntop(family, address))
    print(json.dumps(found))


def hostile():
    """What is garbage gets an error or nothing, and what comes next is answered."""
    with open_netlink() as s, open_netlink() as other:
        expect("two port ids", s.getsockname()[0] != other.getsockname()[0], True)
        for data in (b"x", b"\xff" * 40, struct.pack("=IHHII", 8, RTM_GETLINK, 1, 1, 0), struct.pack("=IHHII", 4000, RTM_GETLINK, 1, 1, 0),
                     request(RTM_GETLINK, 0, b"\0" * 16), b"\0" * 32000):
            s.send(data)
        for kind, wanted in ((RTM_NEWADDR, errno.EPERM), (98, errno.EOPNOTSUPP), (600, errno.EOPNOTSUPP), (RTM_GETLINK, errno.EINVAL)):
            s.send(request(kind, NLM_F_REQUEST, b"\0" * 16, 7))
            kind, _, seq, _, body = next(messages(s.recv(65536)))
            expect("an error", (kind, seq, struct.unpack("=i", body[:4])[0]), (NLMSG_ERROR, 7, -wanted))
        # Many questions in one datagram, and nobody reads: only who asked has to wait.
        s.setblocking(False)
        try:
            for _ in range(2000):
                s.send(request(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, b"\0" * 16) * 100)
        except BlockingIOError:
            pass
        other.send(request(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, b"\0" * 16))
        expect("the other's answer", len(list(answers(other))), len(socket.if_nameindex()))
        s.settimeout(60)
        for _ in range(100):
            expect("an answer at last", len(list(answers(s))), len(socket.if_nameindex()))
        expect("what it is", [s.getsockopt(socket.SOL_SOCKET, o) for o in (socket.SO_DOMAIN, socket.SO_TYPE, socket.SO_PROTOCOL)],
               [AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE])
        child = os.fork()
        if not child:  # unchanged in a child
            other.send(request(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, b"\0" * 16))
            os._exit(len(list(answers(other))))
        expect("the child's answer", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(socket.if_nameindex()))
    print("done")


def groups():
    """A link that goes down and up is told to who asked for it."""
    import subprocess
    with open_netlink(1) as s:
        expect("the groups", s.getsockname()[1], 1)
        flags = []
        for state in ("down", "up"):
            # The kernel's end of the device, past the shim.
            env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
            subprocess.run(["nsenter", "--net=" + os.environ["HOST"], "ip", "link", "set", os.environ["LINK"], state], env=env, check=True)
            kind, _, seq, pid, body = next(messages(s.recv(65536)))
            expect("the message", (kind, seq, pid), (16, 0, 0))
            flags.append(struct.unpack("=BBHiII", body[:16])[4] & 1)
        expect("IFF_UP", flags, [0, 1])
    with open_netlink(0x10) as s:
        for word, wanted in (("add", RTM_NEWADDR), ("del", RTM_NEWADDR + 1)):
            subprocess.run([os.environ["TAPIR"], "addr", word, "10.78.0.1/24", "dev", os.environ["LINK"]], check=True)
            kind, _, _, _, body = next(messages(s.recv(65536)))
            expect("the address", (kind, socket.inet_ntoa(attributes(body[8:])[1])), (wanted, "10.78.0.1"))
    print("done")


# ---- netdevice(7)


def ioctl(name, address):
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            def ask(request, text=name):
                return fcntl.ioctl(s, request, text.encode().ljust(40, b"\0"))[16:]

            index = struct.unpack("i", ask(0x8933)[:4])[0]
            expect("SIOCGIFINDEX", index, socket.if_nametoindex(name))
            expect("SIOCGIFNAME", fcntl.ioctl(s, 0x8910, b"\0" * 16 + struct.pack("i", index) + b"\0" * 20)[:16].rstrip(b"\0").decode(), name)
            expect("SIOCGIFFLAGS", struct.unpack("H", ask(0x8913)[:2])[0], 0x1043)
            expect("SIOCGIFMTU", struct.unpack("i", ask(0x8921)[:4])[0], 1500)
            expect("SIOCGIFHWADDR", struct.unpack("H", ask(0x8927)[:2])[0], 1)
            room = ctypes.create_string_buffer(4000)
            conf = fcntl.ioctl(s, 0x8912, struct.pack("iP", len(room), ctypes.addressof(room)))
            length = struct.unpack("iP", conf)[0]
            listed = {room.raw[i:i + 16].rstrip(b"\0").decode(): socket.inet_ntoa(room.raw[i + 20:i + 24]) for i in range(0, length, 40)}
            expect("SIOCGIFCONF", listed, {"lo": "127.0.0.1", name: address})
            for request, wanted in ((0x8915, address), (0x891b, "255.255.255.0")):
                try:
                    got = socket.inet_ntoa(ask(request)[4:8])
                except OSError as e:
                    got = errno.errorcode[e.errno]
                expect("%x of family %d" % (request, family), got, wanted if family == socket.AF_INET else "ENOTTY")
            for request, text, wanted in ((0x8913, "absent", errno.ENODEV), (0x8921, "", errno.ENODEV)):
                try:
                    ask(request, text)
                    expect("an interface that is not there", "no error", wanted)
                except OSError as e:
                    expect("%x of %r" % (request, text), e.errno, wanted)
    print("done")


globals()[sys.argv[1]](*sys.argv[2:])
