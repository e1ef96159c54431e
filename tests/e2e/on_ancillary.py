# SPDX-License-Identifier: BSD-2-Clause
"""Sends or receives extension headers, flow labels and IPv4 options: on the stack and on the kernel alike.

    on_ancillary.py send ADDRESS    the datagrams of SENT, to port 6100 and on
    on_ancillary.py recv ADDRESS    one line for each: length, flow label, headers without their first byte, largest fragment, options
"""

import socket
import struct
import sys

HOP = bytes([0, 0, 1, 4, 0, 0, 0, 0])
DST = bytes([0, 1, 0x1e, 10]) + b"0123456789" + bytes([1, 0])
IPV6_FLOWINFO, IPV6_FLOWINFO_SEND, IPV6_HOPOPTS, IPV6_DSTOPTS, IPV6_RECVFRAGSIZE = 11, 33, 54, 59, 77
IPV6_FLOWLABEL_MGR, IPV6_RECVHOPOPTS, IPV6_RECVDSTOPTS = 32, 53, 58
IP_OPTIONS, IP_RECVOPTS = 4, 6
PORT = 6100
RECORD = bytes([7, 15, 4]) + bytes(12)
ALERT = bytes([148, 4, 0, 0])
LENGTHS6 = (3, 3600, 6, 0, 5)
LENGTHS4 = (2, 3000, 4)


def send6(address):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    to = (address, PORT)
    level = socket.IPPROTO_IPV6
    s.setsockopt(level, IPV6_FLOWINFO_SEND, 1)
    # While others hold exclusive labels, one must be leased (<linux/in6.h>: get, anybody's, create).
    s.setsockopt(level, IPV6_FLOWLABEL_MGR, socket.inet_pton(socket.AF_INET6, address) + struct.pack("!I", 0x12345) +
                 struct.pack("BBHHHI", 0, 255, 1, 0, 0, 0))
    both = [(level, IPV6_HOPOPTS, HOP), (level, IPV6_DSTOPTS, DST)]
    s.sendmsg([b"one"], both, 0, to)
    s.sendmsg([b"f" * 3600], both, 0, to)
    s.setsockopt(level, IPV6_HOPOPTS, HOP)
    s.sendto(b"sticky", to)
    s.setsockopt(level, IPV6_HOPOPTS, b"")
    s.setsockopt(level, IPV6_DSTOPTS, DST)
    s.sendto(b"", to)
    s.setsockopt(level, IPV6_DSTOPTS, b"")
    s.sendto(b"label", to + (0x12345, 0))


def send4(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for options, length in zip((RECORD, RECORD, ALERT), LENGTHS4):
        s.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, options)
        s.sendto(b"x" * length, (address, PORT))


def receive(address, family, options, count):
    s = socket.socket(family, socket.SOCK_DGRAM)
    for option in options:
        s.setsockopt(socket.IPPROTO_IPV6 if family == socket.AF_INET6 else socket.IPPROTO_IP, option, 1)
    s.bind((address, PORT))
    s.settimeout(60)
    print("listening", flush=True)
    for _ in range(count):
        data, controls, _flags, _peer = s.recvmsg(9000, 4000)
        values = {kind: value for _level, kind, value in controls}
        if family == socket.AF_INET:
            print(len(data), values.get(IP_RECVOPTS, b"").hex(), flush=True)
        else:
            label = struct.unpack("!I", values.get(IPV6_FLOWINFO, bytes(4)))[0] & 0xfffff
            print(len(data), "labelled" if label else "none", label == 0x12345, values.get(IPV6_HOPOPTS, b"")[1:].hex() or "-",
                  values.get(IPV6_DSTOPTS, b"")[1:].hex() or "-",
                  struct.unpack("i", values.get(IPV6_RECVFRAGSIZE, bytes(4)))[0], flush=True)


def main():
    what, address = sys.argv[1:]
    if what == "send":
        (send6 if ":" in address else send4)(address)
    elif ":" in address:
        receive(address, socket.AF_INET6, (IPV6_FLOWINFO, IPV6_RECVHOPOPTS, IPV6_RECVDSTOPTS, IPV6_RECVFRAGSIZE), len(LENGTHS6))
    else:
        receive(address, socket.AF_INET, (IP_RECVOPTS,), len(LENGTHS4))


if __name__ == "__main__":
    main()
