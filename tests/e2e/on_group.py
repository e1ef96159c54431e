#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""on_group.py - one member of a group.
on_group.py hear IFINDEX GROUP PORT [SOURCE]   joins (from SOURCE only), says "joined", then prints each datagram and its sender
on_group.py say IFINDEX GROUP PORT TEXT        sends it, now and every 0.2 s, until it is ended"""

import socket
import struct
import sys
import time

verb, index, group, port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
family = socket.AF_INET6 if ":" in group else socket.AF_INET
level = socket.IPPROTO_IPV6 if family == socket.AF_INET6 else socket.IPPROTO_IP
MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP = 42, 46


def storage(text):
    if family == socket.AF_INET6:
        return struct.pack("=HHI16sI", family, 0, 0, socket.inet_pton(family, text), 0).ljust(128, b"\0")
    return struct.pack("=HH4s", family, 0, socket.inet_aton(text)).ljust(128, b"\0")


s = socket.socket(family, socket.SOCK_DGRAM)
if verb == "hear":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((group, port))
    request = struct.pack("=II", index, 0) + storage(group)
    if len(sys.argv) > 5:
        s.setsockopt(level, MCAST_JOIN_SOURCE_GROUP, request + storage(sys.argv[5]))
    else:
        s.setsockopt(level, MCAST_JOIN_GROUP, request)
    print("joined", flush=True)
    while True:
        data, sender = s.recvfrom(2000)
        print(data.decode(), "from", sender[0], flush=True)
else:
    if family == socket.AF_INET6:
        s.setsockopt(level, socket.IPV6_MULTICAST_IF, index)
        s.setsockopt(level, socket.IPV6_MULTICAST_HOPS, 4)
    else:
        s.setsockopt(level, socket.IP_MULTICAST_IF, socket.inet_aton("0.0.0.0") * 2 + struct.pack("=i", index))
        s.setsockopt(level, socket.IP_MULTICAST_TTL, 4)
    while True:
        s.sendto(sys.argv[5].encode(), (group, port))
        time.sleep(0.2)
