#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""on_mdns.py - a small mDNS browser (RFC 6762): on_mdns.py IFINDEX 4|6 NAME. Asks the group for pointers of NAME until somebody answers
there, and prints what they point at."""

import socket
import struct
import sys
import time

index, family, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
PORT, PTR, IN = 5353, 12, 1


def encode(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def decode(data, at):
    labels, end = [], None
    for _ in range(100):
        n = data[at]
        if n == 0:
            return ".".join(labels), end or at + 1
        if n >= 0xc0:
            end = end or at + 2
            at = (n & 0x3f) << 8 | data[at + 1]
        else:
            labels.append(data[at + 1:at + 1 + n].decode(errors="replace"))
            at += 1 + n
    raise ValueError("a name without end")


def pointers(data):
    questions, answers = struct.unpack("!HH", data[4:8])
    at = 12
    for _ in range(questions):
        at = decode(data, at)[1] + 4
    for _ in range(answers):
        owner, at = decode(data, at)
        kind, _, _, length = struct.unpack("!HHIH", data[at:at + 10])
        if kind == PTR and owner == name:
            yield decode(data, at + 10)[0]
        at += 10 + length


if family == "4":
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    group, level = "224.0.0.251", socket.IPPROTO_IP
    join, what = socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton("0.0.0.0") + struct.pack("=i", index)
    out = (socket.IP_MULTICAST_IF, what)
else:
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    group, level = "ff02::fb", socket.IPPROTO_IPV6
    s.setsockopt(level, socket.IPV6_V6ONLY, 1)
    join, what = socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", index)
    out = (socket.IPV6_MULTICAST_IF, index)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", PORT))
s.setsockopt(level, join, what)
s.setsockopt(level, *out)
s.settimeout(1)
end = time.monotonic() + 50
while time.monotonic() < end:
    s.sendto(struct.pack("!HHHHHH", 0, 0, 1, 0, 0, 0) + encode(name) + struct.pack("!HH", PTR, IN), (group, PORT))
    try:
        data, sender = s.recvfrom(9000)
    except TimeoutError:
        continue
    found = list(pointers(data)) if data[2] & 0x80 else []
    if found:
        print("\n".join(found), "from", sender[0])
        sys.exit(0)
sys.exit("nobody answered")
