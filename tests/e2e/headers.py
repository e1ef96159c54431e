# SPDX-License-Identifier: BSD-2-Clause
"""headers.py - packets with every kind of header, right and wrong, to be sent to two hosts at once whose answers are compared.

cases_*() give (name, packets): all packets of a case are sent one after another from PEER to HOST. What comes back is made
comparable by normal(): what two hosts may choose freely (hop limit, flow label, identifications, and the checksums over them) is zeroed."""

import ipaddress
import struct

from frames import ICMP, ICMP6, TCP, UDP, checksum, icmp4, icmp6, ip4, ip6, tcp, transport_sum, udp

PEER = {4: "10.78.0.99", 6: "fd78::99"}
OTHER_PEER = {4: "10.78.0.98", 6: "fd78::98"}
HOST = {4: "10.78.0.2", 6: "fd78::2"}
CLOSED_PORT = 4999
HBH, ROUTING, FRAGMENT, ESP, AH, NO_NEXT, DEST = 0, 43, 44, 50, 51, 59, 60
SKIP, DISCARD, ERROR, ERROR_UNICAST = 0x1E, 0x5E, 0x9E, 0xDE  # unknown options
ALL_NODES = "ff02::1"


def echo6(src=PEER[6], dst=HOST[6], ident=1, data=b"d" * 16, kind=128, code=0):
    return icmp6(src, dst, kind, code, struct.pack("!HH", ident, 1) + data)


def options(*opts, pad=True):
    """The body of an options header, from its length octet on; each option (type, data) or bare bytes."""
    body = b"".join(o if isinstance(o, bytes) else struct.pack("!BB", o[0], len(o[1])) + o[1] for o in opts)
    if pad:
        short = -(len(body) + 2) % 8
        body += b"" if short == 0 else b"\0" if short == 1 else struct.pack("!BB", 1, short - 2) + b"\0" * (short - 2)
    return struct.pack("!B", (len(body) + 2) // 8 - 1) + body


def routing(kind, left, data=b"\0" * 4):
    return struct.pack("!BBB", (4 + len(data)) // 8 - 1, kind, left) + data


def fragment(offset, more, ident, reserved=0):
    """@offset in bytes."""
    return struct.pack("!BHI", reserved, offset | more, ident)


def chained(headers, last, payload, src=PEER[6], dst=HOST[6], **fields):
    """A packet: @headers are (type, body without the next header octet)."""
    kinds = [h[0] for h in headers] + [last]
    chain = b"".join(bytes([kinds[i + 1]]) + h[1] for i, h in enumerate(headers))
    return ip6(src, dst, kinds[0], chain + payload, **fields)


def echoing(*headers, **fields):
    dst = fields.get("dst", HOST[6])
    src = fields.get("src", PEER[6])
    return [chained(headers, ICMP6, echo6(src, dst), **fields)]


def pieces6(payload, cuts, ident, last=ICMP6, front=(), order=None, **fields):
    """@payload in fragments (begin, end); more: not the end of it."""
    made = [chained(list(front) + [(FRAGMENT, fragment(a, b < len(payload), ident))], last, payload[a:b], **fields) for a, b in cuts]
    return [made[i] for i in order] if order else made


def cases_headers6():
    pad = (1, b"\0" * 4)
    for kind, name in (HBH, "hop-by-hop"), (DEST, "destination"):
        for value in SKIP, DISCARD, ERROR, ERROR_UNICAST:
            yield "%s option %#x" % (name, value), echoing((kind, options((value, b"\0\0"))))
            yield "%s option %#x to a group" % (name, value), echoing((kind, options((value, b"\0\0"))), dst=ALL_NODES)
        for first in SKIP, DISCARD, ERROR, ERROR_UNICAST:
            yield "%s options in order, %#x first" % (name, first), echoing(
                (kind, options((SKIP, b""), (first, b"12"), (DISCARD, b""), (ERROR, b""))))
        yield name + " PadN", echoing((kind, options(pad)))
        yield name + " six Pad1", echoing((kind, options(b"\0" * 6)))
        yield name + " eight Pad1", echoing((kind, options(b"\0" * 8, (SKIP, b"1234"))))
        yield name + " seven Pad1 and more", echoing((kind, options(b"\0" * 7, (SKIP, b"12345"))))
        yield name + " PadN of eight", echoing((kind, options((1, b"\0" * 6), (SKIP, b"1234"))))
        yield name + " padding with something in it", echoing((kind, options((1, b"\0\0\0\1"))))
        yield name + " option past the header", echoing((kind, options((SKIP, b"1234")[:1] + (b"123",), b"\x1e\xff", pad=False)))
        yield name + " option without length", echoing((kind, options((SKIP, b"123"), b"\x1e", pad=False)))
        for n in 8, 9:
            yield "%s with %d options" % (name, n), echoing((kind, options(*[(SKIP, b"")] * n)))
        yield name + " router alert", echoing((kind, options((5, b"\0\0"))))
        yield name + " router alert of one byte", echoing((kind, options((5, b"\0"))))
        yield name + " jumbo payload", echoing((kind, options((0xC2, b"\0\1\0\0"), pad=False)))
        yield name + " jumbo payload badly aligned", echoing((kind, options(b"\0", (0xC2, b"\0\1\0\0"))))
        yield name + " header past the packet", [ip6(PEER[6], HOST[6], kind, bytes([ICMP6, 9]) + b"\1\4\0\0\0\0" + echo6())]
        yield name + " header cut off", [ip6(PEER[6], HOST[6], kind, bytes([ICMP6, 0, 1, 4]))]
        yield name + " of 2048 bytes in fragments", pieces6(
            bytes([ICMP6]) + options(*[(SKIP, b"z" * 253)] * 8, b"\1\4\0\0\0\0", pad=False) + echo6(), [(0, 1000), (1000, 2000), (2000, 2072)],
            31, last=kind)
    yield "hop-by-hop twice", echoing((HBH, options(pad)), (HBH, options(pad)))
    yield "hop-by-hop after destination", echoing((DEST, options(pad)), (HBH, options(pad)))
    for value in 65535, 65536:
        yield "no length, and a jumbo payload of %d" % value, echoing((HBH, options((0xC2, struct.pack("!I", value)), pad=False)), length=0)
    yield "no length, and no jumbo payload", echoing((HBH, options(pad)), length=0)
    yield "no length, and destination options", echoing((DEST, options(pad)), length=0)
    yield "home address", echoing((DEST, options(b"\1\2\0\0", (201, ipaddress.ip_address(OTHER_PEER[6]).packed))))
    yield "datagram to a closed port behind headers", [chained([(HBH, options(pad)), (DEST, options((SKIP, b"")))], UDP,
                                                              udp(PEER[6], HOST[6], 9, CLOSED_PORT, b"x"))]
    yield "segment to a closed port behind headers", [chained([(HBH, options(pad)), (ROUTING, routing(33, 0))], TCP,
                                                             tcp(PEER[6], HOST[6], 9, CLOSED_PORT))]
    yield "every header in order", echoing((HBH, options(pad)), (DEST, options(pad)), (ROUTING, routing(33, 0)), (DEST, options(pad)))
    yield "headers in another order", echoing((DEST, options(pad)), (ROUTING, routing(33, 0)), (DEST, options(pad)), (DEST, options(pad)))
    yield "sixty destination headers", echoing(*[(DEST, options(pad))] * 60)
    for left in 0, 1, 2, 255:
        for kind in 0, 1, 3, 33, 253:
            yield "routing type %d, %d left" % (kind, left), echoing((ROUTING, routing(kind, left, b"\0" * 20)))
    yield "routing with segments left to a group", echoing((ROUTING, routing(33, 1)), dst=ALL_NODES)
    yield "routing header past the packet", [ip6(PEER[6], HOST[6], ROUTING, bytes([ICMP6, 40, 0, 0]) + b"\0" * 4 + echo6())]
    yield "no next header", [ip6(PEER[6], HOST[6], NO_NEXT, echo6())]
    yield "no next header after options", [chained([(DEST, options(pad))], NO_NEXT, echo6())]
    for n in 138, 143, 252, 253, 254, 255, 1, 2, 4, 99:
        yield "next header %d" % n, [ip6(PEER[6], HOST[6], n, echo6())]
        yield "next header %d after options" % n, [chained([(DEST, options(pad))], n, echo6())]
    yield "next header 143 to a group", [ip6(PEER[6], ALL_NODES, 143, echo6())]
    yield "traffic class and flow label", [struct.pack("!I", 6 << 28 | 0x20 << 20 | 0x34567) + echoing((DEST, options(pad)))[0][4:]]
    for name, payload, last in ("datagram", udp(PEER[6], HOST[6], 9, CLOSED_PORT, b"x"), UDP), ("segment", tcp(PEER[6], HOST[6], 9, CLOSED_PORT), TCP):
        for byte in 0x20, 0xB8, 0x03, 0xFF:
            yield "%s to a closed port of traffic class %#x" % (name, byte), [
                struct.pack("!I", 6 << 28 | byte << 20) + ip6(PEER[6], HOST[6], last, payload)[4:]]
    for byte in 0x01, 0xFF:
        yield "echo of traffic class %#x" % byte, [struct.pack("!I", 6 << 28 | byte << 20) + ip6(PEER[6], HOST[6], ICMP6, echo6())[4:]]
    yield "hop limit 0", [ip6(PEER[6], HOST[6], ICMP6, echo6(), hops=0)]
    for v in 0, 4, 5, 7, 15:
        yield "version %d" % v, [ip6(PEER[6], HOST[6], ICMP6, echo6(), version=v)]
    yield "payload length beyond the frame", [ip6(PEER[6], HOST[6], ICMP6, echo6(), length=200)]
    yield "payload length of less", [ip6(PEER[6], HOST[6], ICMP6, echo6() + b"trailer", length=len(echo6()))]
    for src in "::", "::1", "ff02::2", "::ffff:10.78.0.99", HOST[6]:
        yield "source " + src, [ip6(src, HOST[6], ICMP6, echo6(src))]
        yield "datagram from " + src, [ip6(src, HOST[6], UDP, udp(src, HOST[6], 9, CLOSED_PORT, b"x"))]
    for dst in "::", "::1", "::ffff:10.78.0.2", "ff00::1", "ff01::1", "ff02::2", "fd78::77", "ff0f::1", "ff05::1":
        yield "destination " + dst, [ip6(PEER[6], dst, ICMP6, echo6(dst=dst))]


def cases_fragments6():
    whole = echo6(data=bytes(range(256)) * 8)  # 2056 bytes
    front = [(HBH, options((SKIP, b"\0\0"))), (DEST, options((1, b"\0" * 4)))]
    thirds = [(0, 1000), (1000, 2000), (2000, len(whole))]
    for i, order in enumerate([(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2)]):
        yield "fragments in order %s" % (order,), pieces6(whole, thirds, 100 + i, order=order)
    yield "fragments twice", pieces6(whole, thirds, 110, order=(0, 0, 1, 1, 2))
    yield "fragments behind other headers", pieces6(whole, [(0, 1000), (1000, 2000), (2000, len(whole))], 111, front=front)
    yield "fragments with headers behind", pieces6(bytes([ICMP6]) + options((1, b"\0" * 4)) + whole, thirds[:2] + [(2000, len(whole) + 8)], 112,
                                                   last=DEST)
    yield "fragments with hop-by-hop options in them", pieces6(bytes([ICMP6]) + options((1, b"\0" * 4)) + whole, thirds[:2] + [(2000, len(whole) + 8)],
                                                               116, last=HBH)
    yield "atomic fragment with hop-by-hop options in it", echoing((FRAGMENT, fragment(0, 0, 117)), (HBH, options((1, b"\0" * 4))))
    yield "atomic fragment", echoing((FRAGMENT, fragment(0, 0, 113)))
    yield "atomic fragment with reserved bits", echoing((FRAGMENT, fragment(6, 0, 113, 255)))
    yield "atomic fragments in a row", echoing((FRAGMENT, fragment(0, 0, 114))) * 3
    yield "atomic fragment amid others", [pieces6(whole, thirds, 115)[0], echoing((FRAGMENT, fragment(0, 0, 115)))[0]] + pieces6(whole, thirds, 115)[1:]
    yield "atomic fragment twice over", echoing((FRAGMENT, fragment(0, 0, 116)), (FRAGMENT, fragment(0, 0, 117)))
    yield "atomic fragment before bad options", echoing((FRAGMENT, fragment(0, 0, 118)), (DEST, options((1, b"\0" * 4), (ERROR, b""))))
    yield "bad options before a fragment", echoing((DEST, options((1, b"\0" * 4), (ERROR, b""))), (FRAGMENT, fragment(0, 0, 118)))
    yield "atomic fragment with an unknown next header", [chained([(FRAGMENT, fragment(0, 0, 119))], 143, echo6())]
    yield "atomic fragment of no multiple of eight", [chained([(FRAGMENT, fragment(0, 0, 120))], ICMP6, echo6(data=b"123"))]
    yield "fragment header cut off", [ip6(PEER[6], HOST[6], FRAGMENT, b"\x3a\0\0\1")]
    yield "identifications differ", [pieces6(whole, thirds, 121)[0], pieces6(whole, thirds, 122)[1], pieces6(whole, thirds, 121)[2]]
    yield "sources differ", [pieces6(whole, thirds, 123)[0], pieces6(whole, thirds, 123, src=OTHER_PEER[6])[1], pieces6(whole, thirds, 123)[2]]
    yield "next headers differ", [pieces6(whole, thirds, 124)[0]] + pieces6(whole, thirds, 124, last=NO_NEXT)[1:]
    yield "next header of the first counts", [pieces6(whole, thirds, 125, last=143)[0]] + pieces6(whole, thirds, 125)[1:]
    yield "traffic classes differ", [pieces6(whole, thirds, 126)[0]] + [
        struct.pack("!I", 6 << 28 | 0xB8 << 20) + p[4:] for p in pieces6(whole, thirds, 126)[1:]]
    yield "a length of no multiple of eight", pieces6(whole, [(0, 1003)], 127)
    yield "a later length of no multiple of eight", pieces6(whole, [(1000, 1503)], 128)
    yield "past 65535 bytes", [chained([(FRAGMENT, fragment(65528, 0, 129))], ICMP6, b"1" * 64)]
    yield "past 65535 bytes behind headers", [chained(front + [(FRAGMENT, fragment(65528, 1, 129))], UDP, b"1" * 64)]
    yield "to 65535 bytes only by the headers before", [chained(front + [(FRAGMENT, fragment(65520, 0, 130))], UDP, b"1" * 12)]
    yield "first fragment without upper header", [chained([(FRAGMENT, fragment(0, 1, 131))], DEST, bytes([ICMP6]) + options((1, b"\0" * 4)))]
    yield "first fragment with half an extension header", [chained([(FRAGMENT, fragment(0, 1, 132))], DEST, bytes([ICMP6, 2]) + b"\1\4\0\0\0\0")]
    yield "first fragment with half a TCP header", [chained([(FRAGMENT, fragment(0, 1, 133))], TCP, tcp(PEER[6], HOST[6], 9, CLOSED_PORT)[:16])]
    yield "first fragment with eight bytes of a datagram", [
        chained([(FRAGMENT, fragment(0, 1, 134))], UDP, udp(PEER[6], HOST[6], 9, CLOSED_PORT, b"x" * 8)[:8]),
        chained([(FRAGMENT, fragment(8, 0, 134))], UDP, udp(PEER[6], HOST[6], 9, CLOSED_PORT, b"x" * 8)[8:])]
    yield "empty last fragment", pieces6(whole, thirds[:2], 135) + [chained([(FRAGMENT, fragment(2000, 0, 135))], ICMP6, b"")]
    for i, (a, b) in enumerate([(992, 1008), (0, 1008), (496, 1496), (8, 992), (1000, 1008), (0, 504), (992, 2000)]):
        yield "overlap %d-%d" % (a, b), [pieces6(whole, [(0, 1000)], 140 + i)[0], pieces6(whole, [(a, b)], 140 + i)[0]] + \
            pieces6(whole, thirds[1:], 140 + i)
    yield "overlap by a teardrop", pieces6(whole, [(0, 1000), (24, 400)], 150) + pieces6(whole, thirds[1:], 150)
    yield "an end before what came", pieces6(whole, thirds[1:2], 151) + [chained([(FRAGMENT, fragment(504, 0, 151))], ICMP6, whole[504:1000])]
    yield "two ends", [chained([(FRAGMENT, fragment(1000, 0, 152))], ICMP6, whole[1000:1496])] + pieces6(whole, thirds, 152)
    yield "more after the end", pieces6(whole, [(2000, len(whole))], 153) + [chained([(FRAGMENT, fragment(2056, 1, 153))], ICMP6, b"x" * 64)] + \
        pieces6(whole, thirds[:2], 153)
    yield "fragments to a group", pieces6(echo6(dst=ALL_NODES, data=b"g" * 2000), [(0, 1000), (1000, 2008)], 154, dst=ALL_NODES)
    yield "a datagram in fragments to a closed port", pieces6(udp(PEER[6], HOST[6], 9, CLOSED_PORT, b"u" * 1500), [(0, 1000), (1000, 1508)], 155,
                                                             last=UDP)


def cases_icmp6():
    stray = ip6(PEER[6], HOST[6], UDP, udp(PEER[6], HOST[6], 9, CLOSED_PORT, b"u" * 100))
    yield "closed port", [stray]
    yield "closed port, a large datagram", [ip6(PEER[6], HOST[6], UDP, udp(PEER[6], HOST[6], 9, CLOSED_PORT, b"u" * 1400))]
    yield "closed port of a group", [ip6(PEER[6], ALL_NODES, UDP, udp(PEER[6], ALL_NODES, 9, CLOSED_PORT, b"u"))]
    yield "datagram without checksum", [stray[:46] + b"\0\0" + stray[48:]]
    yield "datagram with a wrong checksum", [ip6(PEER[6], HOST[6], UDP, udp(PEER[6], HOST[6], 9, CLOSED_PORT, b"u", bad_checksum=True))]
    yield "segment to a closed port", [ip6(PEER[6], HOST[6], TCP, tcp(PEER[6], HOST[6], 9, CLOSED_PORT))]
    for size in 0, 1, 51, 1232, 1452:
        yield "echo of %d bytes" % size, [ip6(PEER[6], HOST[6], ICMP6, echo6(data=b"e" * size))]
    yield "echo with a code", [ip6(PEER[6], HOST[6], ICMP6, echo6(code=7))]
    yield "echo with a wrong checksum", [ip6(PEER[6], HOST[6], ICMP6, icmp6(PEER[6], HOST[6], 128, 0, b"\0" * 8, bad_checksum=True))]
    yield "echo to all nodes", [ip6(PEER[6], ALL_NODES, ICMP6, echo6(dst=ALL_NODES))]
    yield "message of no bytes", [ip6(PEER[6], HOST[6], ICMP6, b"")]
    for kind in 0, 100, 127, 139, 140, 141, 150, 200, 254, 255:
        yield "type %d" % kind, [ip6(PEER[6], HOST[6], ICMP6, icmp6(PEER[6], HOST[6], kind, 0, b"\0" * 4 + stray))]
    bad = [(DEST, options((ERROR, b"\0\0")))]
    for kind, code in (1, 0), (2, 0), (3, 1), (4, 0), (100, 0), (127, 9), (137, 0), (128, 0), (129, 0), (200, 0):
        message = icmp6(PEER[6], HOST[6], kind, code, b"\0" * 4 + stray)
        yield "type %d behind a bad option" % kind, [chained(bad, ICMP6, message)]
        yield "type %d in a fragment of a bad length" % kind, [chained([(FRAGMENT, fragment(0, 1, 160))], ICMP6, message[:-1])]
        yield "type %d in a fragment that is too long" % kind, [chained([(FRAGMENT, fragment(65528, 0, 160))], ICMP6, message)]
    yield "bad option, and no type to see", [chained(bad, ICMP6, b"")]
    for src in "::", "ff02::1:2", "::1":
        yield "bad option from " + src, [chained(bad, ICMP6, echo6(src), src=src)]


def cases_pmtu6():
    """Each begins where the one before has left the path to PEER: a reply of the link's MTU, the report that it was too big, and another."""
    data = b"p" * 1452
    ask = ip6(PEER[6], HOST[6], ICMP6, echo6(data=data))
    reply = ip6(HOST[6], PEER[6], ICMP6, icmp6(HOST[6], PEER[6], 129, 0, b"\0\1\0\1" + data))
    for mtu, code in (0, 0), (56, 0), (1279, 0), (9000, 0), (1500, 0), (1400, 0), (1450, 0), (1300, 255), (1281, 0), (1000, 0), (1280, 0):
        told = icmp6(PEER[6], HOST[6], 2, code, struct.pack("!I", mtu) + reply[:1232])
        yield "packet too big, mtu %d" % mtu, [ask, ip6(PEER[6], HOST[6], ICMP6, told), ask]


def cases_pmtu4():
    data = b"p" * 1472
    ask = ip4(PEER[4], HOST[4], ICMP, echo4(data))
    reply = ip4(HOST[4], PEER[4], ICMP, icmp4(0, 0, b"\0\1\0\1" + data))
    for mtu in 9000, 1500, 1400, 1450, 1001, 576, 552, 300, 68, 0:
        yield "fragmentation needed, mtu %d" % mtu, [ask, ip4(PEER[4], HOST[4], ICMP, icmp4(3, 4, struct.pack("!HH", 0, mtu) + reply[:548])), ask]


def options4(*data):
    body = b"".join(data)
    return body + b"\0" * (-len(body) % 4)


def echo4(data=b"d" * 16, ident=1, code=0):
    return icmp4(8, code, struct.pack("!HH", ident, 1) + data)


def pieces4(payload, cuts, ident, protocol=ICMP, **fields):
    src = fields.pop("src", PEER[4])
    return [ip4(src, HOST[4], protocol, payload[a:b], ident=ident, flags=1 if b < len(payload) else 0, offset=a // 8, **fields) for a, b in cuts]


def cases4():
    ping = lambda opts, **k: [ip4(PEER[4], HOST[4], ICMP, echo4(), options=opts, **k)]  # noqa: E731
    yield "record route", ping(options4(b"\7\x0b\4" + b"\0" * 8))
    yield "record route that is full", ping(options4(b"\7\7\x08\1\2\3\4"))
    yield "record route with room for less", ping(options4(b"\7\x06\4\0\0\0"))
    yield "record route with a bad pointer", ping(options4(b"\7\7\3\0\0\0\0"))
    yield "record route too short", ping(options4(b"\7\2"))
    yield "timestamp with a bad flag", ping(options4(b"\x44\x08\5\2\0\0\0\0"))
    yield "timestamp with a bad pointer", ping(options4(b"\x44\x08\4\0\0\0\0\0"))
    yield "timestamp too short", ping(options4(b"\x44\3\5"))
    yield "timestamp full", ping(options4(b"\x44\x08\x09\0\0\0\0\0"))
    yield "timestamp of others", ping(options4(b"\x44\x0c\5\3\1\2\3\4\0\0\0\0"))
    yield "loose source route", ping(options4(b"\x83\7\4\1\2\3\4"))
    yield "strict source route", ping(options4(b"\x89\7\4\1\2\3\4"))
    yield "finished source route", ping(options4(b"\x83\7\x08\1\2\3\4"))
    yield "unknown option", ping(options4(b"\x99\4ab"))
    yield "security", ping(options4(b"\x82\x0b" + b"\0" * 9))
    yield "option past the header", ping(options4(b"\x99\x09ab"))
    yield "option of length 1", ping(options4(b"\x99\1ab"))
    yield "option of length 0", ping(options4(b"\x99\0ab"))
    yield "option without length", ping(b"\1\1\1\x99")
    yield "router alert", ping(options4(b"\x94\4\0\0"))
    yield "no-operations", ping(b"\1" * 40)
    yield "what follows the end", ping(b"\0\x99\0\0")
    for v in 0, 5, 6, 15:
        yield "version %d" % v, ping(b"", version=v)
    yield "header of four words", ping(b"", header_words=4)
    yield "total length beyond the frame", ping(b"", total=400)
    yield "total length less than the header", ping(b"", total=19)
    yield "wrong checksum", ping(b"", bad_checksum=True)
    yield "time to live 0", ping(b"", ttl=0)
    yield "reserved flag", [ip4(PEER[4], HOST[4], ICMP, echo4(), flags=4)]
    for protocol in 3, 4, 41, 99, 142, 255:
        yield "protocol %d" % protocol, [ip4(PEER[4], HOST[4], protocol, b"x" * 40)]
    for src in "0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255", "240.0.0.1", "10.78.0.255", HOST[4]:
        yield "source " + src, [ip4(src, HOST[4], ICMP, echo4())]
        yield "datagram from " + src, [ip4(src, HOST[4], UDP, udp(src, HOST[4], 9, CLOSED_PORT, b"x"))]
    for dst in "0.0.0.0", "127.0.0.1", "10.78.0.255", "255.255.255.255", "224.0.0.1", "240.0.0.1", "10.78.0.77":
        yield "destination " + dst, [ip4(PEER[4], dst, ICMP, echo4())]
        yield "datagram to " + dst, [ip4(PEER[4], dst, UDP, udp(PEER[4], dst, 9, CLOSED_PORT, b"x"))]
    stray = ip4(PEER[4], HOST[4], UDP, udp(PEER[4], HOST[4], 9, CLOSED_PORT, b"u" * 900))
    yield "closed port", [stray]
    yield "segment to a closed port", [ip4(PEER[4], HOST[4], TCP, tcp(PEER[4], HOST[4], 9, CLOSED_PORT))]
    for size in 0, 1, 1472:
        yield "echo of %d bytes" % size, [ip4(PEER[4], HOST[4], ICMP, echo4(b"e" * size))]
    yield "echo with a code", [ip4(PEER[4], HOST[4], ICMP, echo4(code=5))]
    yield "echo with a wrong checksum", [ip4(PEER[4], HOST[4], ICMP, icmp4(8, 0, b"\0" * 8, bad_checksum=True))]
    for name, packet in ("echo", [ICMP, echo4()]), ("datagram", [UDP, udp(PEER[4], HOST[4], 9, CLOSED_PORT, b"x")]), (
            "segment", [TCP, tcp(PEER[4], HOST[4], 9, CLOSED_PORT)]):
        for byte in 0x10, 0xB8, 0x03, 0xFF:
            made = ip4(PEER[4], HOST[4], *packet)
            made = made[:1] + bytes([byte]) + made[2:10] + b"\0\0" + made[12:]
            yield "%s of type of service %#x" % (name, byte), [made[:10] + struct.pack("!H", checksum(made[:20])) + made[12:]]
    for kind in 1, 2, 4, 10, 13, 15, 17, 19, 30, 37, 40, 42, 44, 255:
        yield "type %d" % kind, [ip4(PEER[4], HOST[4], ICMP, icmp4(kind, 0, b"\0" * 16))]
    for kind in 3, 4, 5, 11, 12, 8, 13, 15, 99:
        yield "type %d with a bad option" % kind, [ip4(PEER[4], HOST[4], ICMP, icmp4(kind, 0, b"\0" * 4 + stray[:28]), options=b"\7\2\0\0")]
    whole = echo4(bytes(range(256)) * 8)
    thirds = [(0, 1000), (1000, 2000), (2000, len(whole))]
    for i, order in enumerate([(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)]):
        made = pieces4(whole, thirds, 200 + i)
        yield "fragments in order %s" % (order,), [made[n] for n in order]
    made = pieces4(whole, thirds, 210)
    yield "fragments twice", [made[0], made[0], made[1], made[1], made[2]]
    yield "identifications differ", [pieces4(whole, thirds, 211)[0], pieces4(whole, thirds, 212)[1], pieces4(whole, thirds, 211)[2]]
    yield "sources differ", [pieces4(whole, thirds, 213)[0], pieces4(whole, thirds, 213, src=OTHER_PEER[4])[1], pieces4(whole, thirds, 213)[2]]
    yield "protocols differ", [pieces4(whole, thirds, 214)[0], pieces4(whole, thirds, 214, protocol=UDP)[1], pieces4(whole, thirds, 214)[2]]
    yield "fragment of no multiple of eight", pieces4(whole, [(0, 1003)], 215) + pieces4(whole, thirds[1:], 215)
    yield "past 65535 bytes", [ip4(PEER[4], HOST[4], ICMP, b"1" * 64, ident=216, offset=8189)]
    yield "tiny fragments", pieces4(whole[:24], [(0, 8), (8, 16), (16, 24)], 217)
    yield "empty last fragment", pieces4(whole, thirds[:2], 218) + [ip4(PEER[4], HOST[4], ICMP, b"", ident=218, offset=250)]
    for i, (a, b) in enumerate([(992, 1008), (0, 1008), (496, 1496), (8, 992), (1000, 1008), (0, 504), (992, 2000)]):
        yield "overlap %d-%d" % (a, b), [pieces4(whole, [(0, 1000)], 220 + i)[0], pieces4(whole, [(a, b)], 220 + i)[0]] + \
            pieces4(whole, thirds[1:], 220 + i)
    yield "an end before what came", pieces4(whole, thirds[1:2], 230) + [ip4(PEER[4], HOST[4], ICMP, whole[504:1000], ident=230, offset=63)]
    yield "fragment that must not be one", [ip4(PEER[4], HOST[4], ICMP, whole[:1000], ident=231, flags=3),
                                            ip4(PEER[4], HOST[4], ICMP, whole[1000:], ident=231, offset=125)]
    yield "fragments with options", pieces4(whole, thirds, 232, options=options4(b"\7\x0b\4" + b"\0" * 8))
    yield "a datagram in fragments to a closed port", pieces4(udp(PEER[4], HOST[4], 9, CLOSED_PORT, b"u" * 1500), [(0, 1000), (1000, 1508)], 233,
                                                             protocol=UDP)


def zeroed(packet, begin, end):
    return packet[:begin] + b"\0" * (end - begin) + packet[end:]


def normal(packet):
    """What two hosts may choose freely is zeroed; None: not an answer (neighbour discovery and group messages). Checksums are verified first."""
    if packet[0] >> 4 == 6:
        packet = packet[:40 + struct.unpack("!H", packet[4:6])[0]]
        if packet[6] == HBH or (packet[6] == ICMP6 and packet[40] in (133, 134, 135, 136, 143)):
            return None
        src, dst = (str(ipaddress.ip_address(packet[at:at + 16])) for at in (8, 24))
        if packet[6] == ICMP6 and transport_sum(src, dst, ICMP6, packet[40:]):
            return b"wrong checksum: " + packet
        packet = packet[:1] + bytes([packet[1] & 0xF0, 0, 0]) + zeroed(packet, 7, 8)[4:]
        if packet[6] == FRAGMENT:
            packet = zeroed(packet, 44, 48)
        return zeroed(packet, 42, 44) if packet[6] == ICMP6 else zeroed(zeroed(packet, 56, 58), 52, 53) if packet[6] == TCP else packet
    packet = packet[:struct.unpack("!H", packet[2:4])[0]]
    words = packet[0] & 15
    if checksum(packet[:words * 4]):
        return b"wrong checksum: " + packet
    if packet[9] == 2:
        return None
    return zeroed(zeroed(zeroed(packet, 4, 6), 8, 9), 10, 12)
