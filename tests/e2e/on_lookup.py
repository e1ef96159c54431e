# SPDX-License-Identifier: BSD-2-Clause
"""Run by test_names.py on the stack and on the kernel, whose answers must be the same: every kind of look-up that needs no resolver."""

import ctypes
import itertools
import socket

NAMES = [None, b"", b"127.0.0.1", b"10.77.0.1", b"0x7f.1", b"::1", b"fd77::1", b"::ffff:1.2.3.4", b"fe80::1%tap0",
         b"fe80::1%2", b"fe80::1%nope", b"fe80::1%", b"fd77::1%2", b"fd77::1%tap0", b"ff02::1%tap0", b"localhost", b"both", b"BOTH", b"four",
         b"six", b"alias.four", b"many", b"2001:db8::1", b"*"]
SERVICES = [None, b"", b"80", b"http", b"domain", b"tftp", b"65536", b"-1", b"4294967296", b"no-such-service", b"80x", b"*"]
FAMILIES = [socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6, 99]
KINDS = [(0, 0), (socket.SOCK_STREAM, 0), (socket.SOCK_DGRAM, 0), (socket.SOCK_RAW, 0), (0, 6), (0, 17), (0, 58), (0, 132), (0, 136),
         (socket.SOCK_STREAM, 17), (socket.SOCK_RAW, 6), (77, 0), (socket.SOCK_SEQPACKET, 0)]
FLAGS = [0, socket.AI_PASSIVE, socket.AI_NUMERICHOST, socket.AI_CANONNAME, socket.AI_V4MAPPED, socket.AI_V4MAPPED | socket.AI_ALL,
         socket.AI_ALL, socket.AI_ADDRCONFIG, socket.AI_NUMERICSERV, socket.AI_ADDRCONFIG | socket.AI_V4MAPPED | socket.AI_CANONNAME, 1 << 20]


def attempt(call, *arguments):
    try:
        return repr(call(*arguments))
    except (OSError, UnicodeError) as e:
        return "%s %s" % (type(e).__name__, e.args)


def look_up(*arguments):
    """Each result once: glibc finds 127.0.0.1 for localhost twice, in the line of ::1 too."""
    return list(dict.fromkeys(entry[:3] + entry[4:] for entry in socket.getaddrinfo(*arguments))) + socket.getaddrinfo(*arguments)[:1]


def addresses():
    for name, family, flags in itertools.product(NAMES, FAMILIES, FLAGS):
        service = b"80" if name is None else None
        if name == b"many" and flags & socket.AI_ALL:
            continue  # glibc looks at the scopes of mapped addresses as if they were IPv6's (RFC 6724 section 3.2 says otherwise)
        print("addresses", name, family, flags, attempt(look_up, name, service, family, socket.SOCK_STREAM, 0, flags))
    for name, service, (kind, protocol), flags in itertools.product([None, b"10.77.0.1"], SERVICES, KINDS, [0, socket.AI_NUMERICSERV]):
        if name or service:
            print("service", name, service, kind, protocol, flags, attempt(socket.getaddrinfo, name, service, 0, kind, protocol, flags))


def names():
    for address in ("10.77.0.1", "192.0.2.44", "127.0.0.1", "192.0.2.250"):
        for flags in range(32):
            print("name", address, flags, attempt(socket.getnameinfo, (address, 80 + flags), flags))
    for address in (("fd77::1", 53, 0, 0), ("::1", 53, 0, 0), ("fe80::1", 53, 0, 2), ("fe80::1", 53, 0, 9), ("2001:db8::99", 53, 0, 7)):
        for flags in (socket.NI_NUMERICHOST | socket.NI_NUMERICSERV, socket.NI_NUMERICHOST, 1 << 20):
            print("name", address, flags, attempt(socket.getnameinfo, address, flags))


class Hostent(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("aliases", ctypes.POINTER(ctypes.c_char_p)), ("type", ctypes.c_int), ("length", ctypes.c_int),
                ("addresses", ctypes.POINTER(ctypes.c_void_p))]


def show(pointer, c):
    if not pointer:
        return "h_errno %d" % c.__h_errno_location().contents.value
    h, aliases, found = pointer.contents, [], []
    while h.aliases[len(aliases)]:
        aliases.append(h.aliases[len(aliases)])
    while h.addresses[len(found)]:
        found.append(socket.inet_ntop(h.type, ctypes.string_at(h.addresses[len(found)], h.length)))
    return "%s %s %d %d %s" % (h.name, aliases, h.type, h.length, found)


def older():
    c = ctypes.CDLL(None)
    for name in ("gethostbyname", "gethostbyname2", "gethostbyaddr"):
        getattr(c, name).restype = ctypes.POINTER(Hostent)
    c.__h_errno_location.restype = ctypes.POINTER(ctypes.c_int)
    for name in (b"both", b"four", b"Alias.Four", b"six", b"10.77.0.1", b"1.2.3", b"::1", b"many"):
        print("gethostbyname", name, show(c.gethostbyname(name), c) if name not in (b"six", b"::1") else "")
        for family in (socket.AF_INET, socket.AF_INET6):
            if (name, family) not in ((b"six", socket.AF_INET), (b"four", socket.AF_INET6), (b"Alias.Four", socket.AF_INET6),
                                      (b"10.77.0.1", socket.AF_INET6), (b"1.2.3", socket.AF_INET6), (b"::1", socket.AF_INET)):
                print("gethostbyname2", name, family, show(c.gethostbyname2(name, family), c))
    for address, family in (("192.0.2.44", socket.AF_INET), ("2001:db8::66", socket.AF_INET6)):
        raw = socket.inet_pton(family, address)
        print("gethostbyaddr", address, show(c.gethostbyaddr(raw, len(raw), family), c))


addresses()
names()
older()
