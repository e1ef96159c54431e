# SPDX-License-Identifier: BSD-2-Clause
"""frames.py - frames by hand, right unless told otherwise. Every builder fills lengths and checksums; a keyword overrides a field."""

import ipaddress
import struct

ETH_IP4, ETH_ARP, ETH_IP6 = 0x0800, 0x0806, 0x86DD
ICMP, TCP, UDP, ICMP6, FRAGMENT = 1, 6, 17, 58, 44


def mac_bytes(text):
    return bytes(int(b, 16) for b in text.split(":"))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return ipaddress.ip_address(address).packed


def eth(dst, src, kind, payload):
    return dst + src + struct.pack("!H", kind) + payload


def ip4(src, dst, protocol, payload, options=b"", version=4, header_words=None, total=None, ident=7, flags=0, offset=0, ttl=64,
        bad_checksum=False):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | (words if header_words is None else header_words), 0,
                       words * 4 + len(payload) if total is None else total, ident, flags << 13 | offset, ttl, protocol, 0,
                       packed(src), packed(dst)) + options
    value = checksum(head) ^ (0x5555 if bad_checksum else 0)
    return head[:10] + struct.pack("!H", value) + head[12:] + payload


def ip6(src, dst, next_header, payload, version=6, length=None, hops=64):
    return struct.pack("!IHBB16s16s", version << 28, len(payload) if length is None else length, next_header, hops, packed(src),
                       packed(dst)) + payload


def transport_sum(src, dst, protocol, segment):
    s, d = packed(src), packed(dst)
    pseudo = s + d + (struct.pack("!BBH", 0, protocol, len(segment)) if len(s) == 4 else struct.pack("!II", len(segment), protocol))
    return checksum(pseudo + segment)


def udp(src, dst, sport, dport, data, length=None, bad_checksum=False):
    segment = struct.pack("!HHHH", sport, dport, 8 + len(data) if length is None else length, 0) + data
    value = transport_sum(src, dst, UDP, segment) ^ (0x5555 if bad_checksum else 0)
    return segment[:6] + struct.pack("!H", value or 0xFFFF) + segment[8:]


def tcp(src, dst, sport, dport, data=b"", seq=1, ack=0, flags=2, words=5, options=b"", bad_checksum=False):
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, words << 4, flags, 65535, 0, 0) + options + data
    value = transport_sum(src, dst, TCP, segment) ^ (0x5555 if bad_checksum else 0)
    return segment[:16] + struct.pack("!H", value) + segment[18:]


def icmp4(kind, code, rest, bad_checksum=False):
    head = struct.pack("!BBH", kind, code, 0) + rest
    value = checksum(head) ^ (0x5555 if bad_checksum else 0)
    return head[:2] + struct.pack("!H", value) + head[4:]


def icmp6(src, dst, kind, code, rest, bad_checksum=False):
    head = struct.pack("!BBH", kind, code, 0) + rest
    value = transport_sum(src, dst, ICMP6, head) ^ (0x5555 if bad_checksum else 0)
    return head[:2] + struct.pack("!H", value) + head[4:]


def fragment6(next_header, offset, more, ident, payload):
    return struct.pack("!BBHI", next_header, 0, offset << 3 | more, ident) + payload


def arp(operation, sender_mac, sender, target_mac, target, hardware=1, kind=0x0800, hlen=6, plen=4):
    return struct.pack("!HHBBH6s4s6s4s", hardware, kind, hlen, plen, operation, sender_mac, packed(sender), target_mac,
                       packed(target))
