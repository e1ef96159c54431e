#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""on_two_links.py - on the stack: one socket a family joins a group on each of two links, tells what comes and on which, and answers on the
link that each came by.  on_two_links.py LINK OWN4 LINK OWN4"""

import socket
import struct
import sys

G4, G6, PORT = "239.7.7.7", "ff02::7777", 7700
IP, IP6, IP_PKTINFO = socket.IPPROTO_IP, socket.IPPROTO_IPV6, 8


def bound(family):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", PORT))
    s.settimeout(60)
    return s


names = dict(zip(sys.argv[1::2], sys.argv[2::2]))
s4, s6 = bound(socket.AF_INET), bound(socket.AF_INET6)
s4.setsockopt(IP, IP_PKTINFO, 1)
for name, own in names.items():
    s4.setsockopt(IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(G4) + socket.inet_aton(own))
    s6.setsockopt(IP6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, G6) + struct.pack("=I", socket.if_nametoindex(name)))
print("joined", flush=True)
for _ in names:
    data, ancillary, _, sender = s4.recvmsg(100, 200)
    index, own = struct.unpack("=i4s4x", ancillary[0][2])
    print(data.decode(), "came by", socket.if_indextoname(index), "for", socket.inet_ntoa(own), flush=True)
    s4.setsockopt(IP, socket.IP_MULTICAST_IF, bytes(8) + struct.pack("=i", index))
    s4.sendto(b"answer", (G4, PORT + 1))
for _ in names:
    data, sender = s6.recvfrom(100)
    print(data.decode(), "came by", socket.if_indextoname(sender[3]), "6", flush=True)
    s6.sendto(b"answer", (G6, PORT + 1, 0, sender[3]))
