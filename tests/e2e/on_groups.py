#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""on_groups.py - what the socket options about groups answer, and who then hears what, one line an attempt. Run on the kernel and on the
stack, both must print the same.  on_groups.py IFINDEX OWN4 OWN6"""

import errno
import socket
import struct
import sys

INDEX, OWN4, OWN6 = int(sys.argv[1]), sys.argv[2], sys.argv[3]
IP, IP6 = socket.IPPROTO_IP, socket.IPPROTO_IPV6
G4, H4, G6, H6 = "239.7.7.7", "239.8.8.8", "ff15::7777", "ff15::8888"
JOIN, BLOCK, UNBLOCK, LEAVE, JOIN_SOURCE, LEAVE_SOURCE, MSFILTER = 42, 43, 44, 45, 46, 47, 48  # MCAST_*
IP_MULTICAST_ALL, IPV6_MULTICAST_ALL = 49, 29
ADD_SOURCE, DROP_SOURCE, IP_UNBLOCK, IP_BLOCK, IP_MSFILTER = 39, 40, 37, 38, 41


def name_of(call, *args):
    try:
        value = call(*args)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    if value == struct.pack("=I", INDEX):
        return "INDEX"
    return "ok" if value is None else value.hex() if isinstance(value, bytes) else str(value)


def say(what, *answers):
    print(what + ":", *answers, flush=True)


def a4(text):
    return socket.inet_aton(text)


def a6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def storage(text):
    if not text:
        return bytes(128)
    if ":" in text:
        return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, a6(text), 0).ljust(128, b"\0")
    return struct.pack("=HH4s", socket.AF_INET, 0, a4(text)).ljust(128, b"\0")


def mreq(group, own="0.0.0.0"):
    return a4(group) + a4(own)


def mreqn(group, own="0.0.0.0", index=0):
    return a4(group) + a4(own) + struct.pack("=i", index)


def mreq6(group, index=0):
    return a6(group) + struct.pack("=I", index)


def mreq_source(group, source, own="0.0.0.0"):
    return a4(group) + a4(own) + a4(source)


def group_req(group, index=0):
    return struct.pack("=II", index, 0) + storage(group)


def source_req(group, source, index=0):
    return group_req(group, index) + storage(source)


def msfilter(group, mode, sources, own="0.0.0.0", count=None):
    return a4(group) + a4(own) + struct.pack("=II", mode, len(sources) if count is None else count) + b"".join(map(a4, sources))


def group_filter(group, mode, sources, index=0, count=None):
    return (group_req(group, index) + struct.pack("=II", mode, len(sources) if count is None else count) +
            b"".join(map(storage, sources)))


def ask(s, level, name, question):
    """getsockopt() with a question in the buffer, which Python has no way to say."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    buf = ctypes.create_string_buffer(question, len(question))
    n = ctypes.c_uint32(len(question))
    if libc.getsockopt(s.fileno(), level, name, buf, ctypes.byref(n)) < 0:
        return errno.errorcode.get(ctypes.get_errno(), "?")
    raw = buf.raw[:n.value]
    if name == MSFILTER:  # the index, which differs, and the family's many zeros
        return "%d %s %s" % (n.value, raw[136:144].hex(), "+".join(raw[i:i + 24].hex() for i in range(144, n.value, 128))[:200])
    return "%d %s" % (n.value, raw.hex())


INCLUDE, EXCLUDE = 1, 0
TYPES = [("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)]


def options4(kind, family):
    s = socket.socket(family, kind)

    def put(name, value):
        return name_of(s.setsockopt, IP, name, value)

    add, drop = socket.IP_ADD_MEMBERSHIP, socket.IP_DROP_MEMBERSHIP
    say("add short", put(add, mreq(G4)[:7]), put(drop, b""))
    say("add", put(add, mreq(G4)), put(add, mreq(G4)), put(add, mreqn(G4, index=INDEX)), put(add, mreq(G4, OWN4)))
    say("add bad", put(add, mreq("10.1.1.1")), put(add, mreq(G4, "10.9.9.9")), put(add, mreqn(H4, index=77)), put(add, mreqn(H4, index=-1)))
    say("drop bad", put(drop, mreq(H4)), put(drop, mreqn(G4, index=77)), put(drop, mreq(G4, "10.9.9.9")))
    say("block", put(IP_BLOCK, mreq_source(G4, "192.0.2.1")), put(IP_BLOCK, mreq_source(G4, "192.0.2.1")),
        put(IP_BLOCK, mreq_source(H4, "192.0.2.1")), put(IP_BLOCK, mreq_source("10.1.1.1", "192.0.2.1")),
        put(IP_BLOCK, mreq_source(G4, "192.0.2.1") + b"1234"), put(IP_BLOCK, mreq_source(G4, "192.0.2.1", "10.9.9.9")))
    say("mode", put(ADD_SOURCE, mreq_source(G4, "192.0.2.2")), put(DROP_SOURCE, mreq_source(G4, "192.0.2.1")))
    say("unblock", put(IP_UNBLOCK, mreq_source(G4, "192.0.2.9")), put(IP_UNBLOCK, mreq_source(G4, "192.0.2.1")),
        put(IP_UNBLOCK, mreq_source(G4, "192.0.2.1")), put(ADD_SOURCE, mreq_source(G4, "192.0.2.2")))
    say("filter", ask(s, IP, IP_MSFILTER, msfilter(G4, 9, ["0.0.0.0"] * 3)), ask(s, IP, IP_MSFILTER, msfilter(H4, 9, [])),
        ask(s, IP, IP_MSFILTER, msfilter("10.1.1.1", 9, [])), ask(s, IP, IP_MSFILTER, bytes(15)))
    say("set filter", put(IP_MSFILTER, msfilter(G4, INCLUDE, ["192.0.2.1", "192.0.2.2"])), put(IP_MSFILTER, msfilter(G4, 5, [])),
        put(IP_MSFILTER, msfilter(H4, INCLUDE, ["192.0.2.1"])), put(IP_MSFILTER, msfilter(G4, INCLUDE, ["192.0.2.1"], count=2)),
        put(IP_MSFILTER, msfilter(G4, INCLUDE, ["192.0.2.%d" % i for i in range(1, 12)])), put(IP_MSFILTER, bytes(15)))
    for room in (0, 1, 2, 3):
        say("filter of two, room for %d" % room, ask(s, IP, IP_MSFILTER, msfilter(G4, 9, ["0.0.0.0"] * room)))
    say("group filter", ask(s, IP, MSFILTER, group_filter(G4, 9, [""] * 3, INDEX)), ask(s, IP, MSFILTER, group_filter(G4, 9, [""] * 1, INDEX)),
        ask(s, IP, MSFILTER, group_filter(G4, 9, [], 0)), ask(s, IP, MSFILTER, group_filter(H4, 9, [], INDEX)),
        ask(s, IP, MSFILTER, group_filter(G6, 9, [], INDEX)), ask(s, IP, MSFILTER, bytes(100)))
    say("leave by filter", put(IP_MSFILTER, msfilter(G4, INCLUDE, [])), put(IP_MSFILTER, msfilter(G4, INCLUDE, [])), put(drop, mreq(G4)))
    say("source", put(ADD_SOURCE, mreq_source(G4, "192.0.2.1")), put(ADD_SOURCE, mreq_source(G4, "192.0.2.1")),
        put(ADD_SOURCE, mreq_source(G4, "192.0.2.2")), put(IP_BLOCK, mreq_source(G4, "192.0.2.3")),
        put(DROP_SOURCE, mreq_source(G4, "192.0.2.3")), put(DROP_SOURCE, mreq_source(G4, "192.0.2.1")),
        put(DROP_SOURCE, mreq_source(G4, "192.0.2.2")), put(drop, mreq(G4)))
    say("too many sources", *[put(ADD_SOURCE, mreq_source(G4, "192.0.2.%d" % i)) for i in range(1, 13)])
    say("join", put(JOIN, group_req(G4, INDEX)), put(LEAVE, group_req(G4, INDEX)), put(JOIN, group_req(G4)), put(JOIN, group_req(G4, INDEX)),
        put(JOIN, group_req(G6)), put(JOIN, group_req("10.1.1.1")), put(JOIN, group_req(H4, 77)), put(JOIN, group_req(G4)[:135]),
        put(LEAVE, group_req(H4)), put(LEAVE, group_req(G4, 77)))
    say("mcast source", put(BLOCK, source_req(G4, "192.0.2.1")), put(BLOCK, source_req(G4, "192.0.2.1")), put(BLOCK, source_req(G4, G6)),
        put(BLOCK, source_req(G6, "192.0.2.1")), put(UNBLOCK, source_req(G4, "192.0.2.5", INDEX)), put(UNBLOCK, source_req(G4, "192.0.2.1", INDEX)),
        put(JOIN_SOURCE, source_req(G4, "192.0.2.1")), put(JOIN_SOURCE, source_req(H4, "192.0.2.1", INDEX)),
        put(JOIN_SOURCE, source_req(H4, "192.0.2.2", 77)), put(LEAVE_SOURCE, source_req(H4, "192.0.2.1")),
        put(LEAVE_SOURCE, source_req(H4, "192.0.2.1")), put(BLOCK, source_req(G4, "192.0.2.1")[:200]))
    say("mcast filter", put(MSFILTER, group_filter(G4, EXCLUDE, ["192.0.2.8", "192.0.2.9"])), ask(s, IP, MSFILTER, group_filter(G4, 9, [""] * 2, INDEX)),
        put(MSFILTER, group_filter(G4, EXCLUDE, [G6])), put(MSFILTER, group_filter(G6, EXCLUDE, [])), put(MSFILTER, group_filter(H4, EXCLUDE, [])),
        put(MSFILTER, group_filter(G4, EXCLUDE, ["192.0.2.9"], count=2)), put(MSFILTER, group_filter(G4, 7, [])),
        put(MSFILTER, group_filter(G4, EXCLUDE, ["192.0.2.%d" % i for i in range(1, 12)])), put(MSFILTER, bytes(143)),
        put(MSFILTER, group_filter(G4, EXCLUDE, [], 77)), put(MSFILTER, group_filter(G4, INCLUDE, [])), put(LEAVE, group_req(G4)))
    say("too many groups", *[put(add, mreq("239.9.9.%d" % i)) for i in range(1, 23)])
    say("get", *[name_of(s.getsockopt, IP, n, 8) for n in (add, drop, ADD_SOURCE, IP_BLOCK, JOIN, LEAVE_SOURCE)])
    say("all", put(IP_MULTICAST_ALL, 2), put(IP_MULTICAST_ALL, 0), name_of(s.getsockopt, IP, IP_MULTICAST_ALL, 4), put(IP_MULTICAST_ALL, 1))
    mif = socket.IP_MULTICAST_IF
    say("if", put(mif, a4(OWN4)), name_of(s.getsockopt, IP, mif, 8), put(mif, mreqn(G4, index=INDEX)), name_of(s.getsockopt, IP, mif, 4),
        put(mif, a4("10.9.9.9")), put(mif, mreqn(G4, index=77)), put(mif, b"123"), put(mif, a4("127.0.0.1")), name_of(s.getsockopt, IP, mif, 4),
        put(mif, a4("0.0.0.0")), name_of(s.getsockopt, IP, mif, 4))
    s.close()


def options6(kind):
    s = socket.socket(socket.AF_INET6, kind)

    def put(name, value):
        return name_of(s.setsockopt, IP6, name, value)

    add, drop = socket.IPV6_JOIN_GROUP, socket.IPV6_LEAVE_GROUP
    say("add short", put(add, mreq6(G6)[:19]), put(drop, b""))
    say("add", put(add, mreq6(G6)), put(add, mreq6(G6)), put(add, mreq6(G6, INDEX)), put(add, mreq6(H6, INDEX)), put(add, mreq6(H6)))
    say("add bad", put(add, mreq6("fd00::1")), put(add, mreq6("ff15::99", 77)), put(add, mreq6("::ffff:239.1.1.1")))
    say("drop", put(drop, mreq6("ff15::99")), put(drop, mreq6("fd00::1")), put(drop, mreq6(G6, 77)), put(drop, mreq6(G6)), put(drop, mreq6(H6, INDEX)))
    say("join", put(JOIN, group_req(G6, INDEX)), put(LEAVE, group_req(G6, INDEX)), put(JOIN, group_req(G6)), put(JOIN, group_req(G6, INDEX)),
        put(JOIN, group_req(G4)), put(JOIN, group_req("fd00::1")), put(JOIN, group_req(H6, 77)), put(JOIN, group_req(G6)[:135]),
        put(LEAVE, group_req(H6)), put(LEAVE, group_req(G6, 77)))
    say("source", put(BLOCK, source_req(G6, "2001:db8::1")), put(BLOCK, source_req(G6, "2001:db8::1")), put(BLOCK, source_req(G6, G4)),
        put(BLOCK, source_req(G4, "2001:db8::1")), put(UNBLOCK, source_req(G6, "2001:db8::5", INDEX)),
        put(UNBLOCK, source_req(G6, "2001:db8::1", INDEX)), put(JOIN_SOURCE, source_req(G6, "2001:db8::1")),
        put(JOIN_SOURCE, source_req(H6, "2001:db8::1", INDEX)), put(JOIN_SOURCE, source_req(H6, "2001:db8::2", 77)),
        put(BLOCK, source_req(H6, "2001:db8::2")), put(LEAVE_SOURCE, source_req(H6, "2001:db8::3")),
        put(LEAVE_SOURCE, source_req(H6, "2001:db8::1")), put(LEAVE_SOURCE, source_req(H6, "2001:db8::1")), put(BLOCK, source_req(G6, "::1")[:200]))
    many = ["2001:db8::%x" % i for i in range(1, 66)]
    say("filter", put(MSFILTER, group_filter(G6, EXCLUDE, ["2001:db8::8", "2001:db8::9"], INDEX)),
        ask(s, IP6, MSFILTER, group_filter(G6, 9, [""] * 3, INDEX)), ask(s, IP6, MSFILTER, group_filter(G6, 9, [""], INDEX)),
        ask(s, IP6, MSFILTER, group_filter(G6, 9, [], 0)), ask(s, IP6, MSFILTER, group_filter(H6, 9, [], INDEX)),
        ask(s, IP6, MSFILTER, group_filter(G4, 9, [], INDEX)), ask(s, IP6, MSFILTER, bytes(100)),
        put(MSFILTER, group_filter(H6, EXCLUDE, [])), put(MSFILTER, group_filter(G6, EXCLUDE, ["::2"], count=2)),
        put(MSFILTER, group_filter(G6, 7, [])), put(MSFILTER, group_filter(G6, EXCLUDE, many, INDEX)), put(MSFILTER, group_filter(G6, EXCLUDE, many[:64])),
        put(MSFILTER, group_filter(G6, EXCLUDE, many[:64], INDEX)),
        put(MSFILTER, bytes(143)), put(MSFILTER, group_filter(G6, EXCLUDE, [], 77)))
    say("64 sources", ask(s, IP6, MSFILTER, group_filter(G6, 9, [""] * 64, INDEX)))
    say("leave by filter", put(MSFILTER, group_filter(G6, INCLUDE, [])), put(LEAVE, group_req(G6)))
    say("get", *[name_of(s.getsockopt, IP6, n, 8) for n in (add, drop, JOIN, LEAVE_SOURCE)])
    say("all", put(IPV6_MULTICAST_ALL, 2), name_of(s.getsockopt, IP6, IPV6_MULTICAST_ALL, 4), put(IPV6_MULTICAST_ALL, 0),
        name_of(s.getsockopt, IP6, IPV6_MULTICAST_ALL, 4))
    mif = socket.IPV6_MULTICAST_IF
    say("if", put(mif, INDEX), name_of(s.getsockopt, IP6, mif, 4), put(mif, 77), put(mif, -1), put(mif, 0))
    s.close()


def receiver(family, bind, port):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(IP6, socket.IPV6_V6ONLY, 1)
    s.bind((bind, port))
    s.settimeout(5)
    return s


def drain(sockets):
    """What each has got, once there has been silence for a while."""
    import select
    got = {s: [] for s in sockets}
    ready = True
    while ready:
        ready = select.select(sockets, [], [], 0.7)[0]
        for s in ready:
            got[s].append(s.recv(100).decode())
    return ["+".join(got[s]) or "-" for s in sockets]


def delivery(family, group, other, own, any_addr, level, join, all_option):
    port = 7007
    member, everything, none, bound, filtered = [receiver(family, a, port) for a in (any_addr, any_addr, any_addr, group, any_addr)]
    joined = mreqn(group, index=INDEX) if family == socket.AF_INET else mreq6(group, INDEX)
    member.setsockopt(level, join, joined)
    none.setsockopt(level, all_option, 0)
    filtered.setsockopt(level, JOIN, group_req(group, INDEX))
    filtered.setsockopt(level, BLOCK, source_req(group, own, INDEX))
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.bind((own, 0))
    if family == socket.AF_INET:
        sender.setsockopt(level, socket.IP_MULTICAST_IF, mreqn(group, index=INDEX))
        loop, hops = socket.IP_MULTICAST_LOOP, socket.IP_MULTICAST_TTL
    else:
        sender.setsockopt(level, socket.IPV6_MULTICAST_IF, INDEX)
        loop, hops = socket.IPV6_MULTICAST_LOOP, socket.IPV6_MULTICAST_HOPS
    sockets = [member, everything, none, bound, filtered]
    sender.sendto(b"a", (group, port))
    say("to a group joined", *drain(sockets))
    sender.sendto(b"b", (other, port))
    say("to one nobody joined", *drain(sockets))
    sender.setsockopt(level, loop, 0)
    sender.sendto(b"c", (group, port))
    say("without loop", *drain(sockets))
    sender.setsockopt(level, loop, 1)
    sender.setsockopt(level, hops, 0)
    sender.sendto(b"d", (group, port))
    say("ttl 0", *drain(sockets))
    sender.setsockopt(level, hops, 1)
    filtered.setsockopt(level, UNBLOCK, source_req(group, own, INDEX))
    sender.sendto(b"e", (group, port))
    say("unblocked", *drain(sockets))
    member.close()
    filtered.close()
    sender.sendto(b"f", (group, port))
    say("all left", *drain(sockets[1:4]))
    for s in sockets:
        s.close()


def broadcast():
    receivers = [receiver(socket.AF_INET, a, 7008) for a in ("0.0.0.0", "0.0.0.0", OWN4)]
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to = OWN4.rsplit(".", 1)[0] + ".255"
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.sendto(b"a", (to, 7008))
    say("own broadcast", *drain(receivers))


for word, kind in TYPES:
    print("== IPv4", word)
    options4(kind, socket.AF_INET)
    print("== IPv6", word)
    options6(kind)
print("== IPv4 on AF_INET6")
options4(socket.SOCK_DGRAM, socket.AF_INET6)
print("== IPv4 delivery")
delivery(socket.AF_INET, G4, H4, OWN4, "0.0.0.0", IP, socket.IP_ADD_MEMBERSHIP, IP_MULTICAST_ALL)
print("== IPv6 delivery")
delivery(socket.AF_INET6, G6, H6, OWN6, "::", IP6, socket.IPV6_JOIN_GROUP, IPV6_MULTICAST_ALL)
print("== broadcast")
broadcast()
