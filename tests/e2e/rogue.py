# SPDX-License-Identifier: BSD-2-Clause
"""rogue.py - frames as attack tools send them, at random from a seed: malformed, forged, unasked for. Each kind is a method of Rogue that returns one
frame; DROPS names the counter that the frames of a kind are dropped under, every one of them and once, where it is always the same."""

import random
import struct

from frames import (ETH_ARP, ETH_IP4, ETH_IP6, FRAGMENT, ICMP, ICMP6, TCP, UDP, arp, eth, fragment6, icmp4, icmp6, ip4, ip6, mac_bytes, packed,
                    tcp, udp)

BROADCAST, ALL_NODES, ALL_NODES_MAC = b"\xff" * 6, "ff02::1", mac_bytes("33:33:00:00:00:01")
ROUTER_ALERT = b"\x94\4\0\0"
RA, NS, NA, REDIRECT = 134, 135, 136, 137

DROPS = {
    "ethernet_type": "eth.drop.type",
    "arp_short": "arp.drop.short",
    "land4": "ip4.drop.land",
    "land6": "ip6.drop.land",
    "christmas_tree": "tcp.drop.rst",
    "ack_of_nothing": "tcp.drop.no_socket",
    "udp_length": "udp.drop.length",
    "udp_closed": "udp.drop.no_socket",
    "mapped_on_the_wire": "ip6.drop.mapped",
    "from_loopback": "ip4.drop.loopback",
    "from_group": "ip4.drop.source",
    "ping_of_broadcast": "icmp.drop.broadcast",
    "redirect_from_a_stranger": "icmp.drop.redirect",
    "redirect6_from_a_stranger": "nd.drop.source",
    "advertisement_unsolicited": "nd.drop.unsolicited",
    "solicitation_from_afar": "nd.drop.hop_limit",
    "option_without_length": "nd.drop.format",
    "router_solicitation": "nd.drop.type",
    "source_route": "ip4.drop.source_route",
    "routing_header_0": "ip6.drop.routing",
    "unknown_protocol": "ip6.drop.protocol",
    "error_about_nothing": "icmp.drop.quote",
    "ping_of_death": "reasm.drop.length",
    "igmp_garbage": "igmp.drop.format",
    "mld_without_alert": "mld.drop.router_alert",
}


class Rogue:
    """@mac, @four, @six, @linklocal: the victim's; @port: where it listens (TCP and UDP)."""

    def __init__(self, seed, mac, four, six, linklocal, port):
        self.rng = random.Random(seed)
        self.mac, self.four, self.six, self.linklocal, self.port = mac, four, six, linklocal, port
        self.net4, self.net6 = four.rsplit(".", 1)[0], six.split("::")[0]

    @classmethod
    def kinds(cls):
        return sorted(n for n, f in vars(cls).items() if callable(f) and not n.startswith("_") and n != "kinds")

    # ---- pieces ----

    def _bytes(self, most, least=0):
        return self.rng.randbytes(self.rng.randrange(least, most + 1))

    def _number(self, bits):
        return self.rng.getrandbits(bits)

    def _far4(self):
        return "198.18.%d.%d" % (self._number(8), self.rng.randrange(1, 255))

    def _near4(self):
        return "%s.%d" % (self.net4, self.rng.randrange(100, 255))

    def _far6(self):
        return "2001:db8:%x:%x::%x" % (self._number(16), self._number(16), self.rng.randrange(1, 65536))

    def _near6(self):
        return "%s::%x:%x:%x" % (self.net6, self.rng.randrange(1, 65536), self._number(16), self.rng.randrange(1, 65536))

    def _link6(self):
        return "fe80::%x:%x:%x" % (self.rng.randrange(1, 65536), self._number(16), self.rng.randrange(1, 65536))

    def _mac(self):
        return bytes([2]) + self.rng.randbytes(5)

    def _to4(self, src, protocol, payload, dst=None, mac=None, **fields):
        return eth(mac or self.mac, self._mac(), ETH_IP4, ip4(src, dst or self.four, protocol, payload, **fields))

    def _to6(self, src, next_header, payload, dst=None, mac=None, **fields):
        return eth(mac or self.mac, self._mac(), ETH_IP6, ip6(src, dst or self.six, next_header, payload, **fields))

    def _nd(self, src, kind, body, dst=ALL_NODES, hops=255):
        return self._to6(src, ICMP6, icmp6(src, dst, kind, 0, body), dst, ALL_NODES_MAC if dst == ALL_NODES else None, hops=hops)

    def _tcp4(self, **fields):
        src = self._far4()
        return self._to4(src, TCP, tcp(src, self.four, self.rng.randrange(1024, 65536), **fields))

    # ---- the link ----

    def ethernet_type(self):
        return eth(self.mac, self._mac(), self.rng.randrange(0x9000, 0xFFFF), self._bytes(1400))

    def ethernet_garbage(self):
        return self._bytes(1500, 14)

    def arp_short(self):
        return eth(self.mac, self._mac(), ETH_ARP, self._bytes(27))

    def arp_odd(self):
        sender = self.rng.choice((self._far4(), self._near4(), "0.0.0.0", "255.255.255.255"))
        return eth(self.mac, self._mac(), ETH_ARP, arp(self.rng.randrange(12), self._mac(), sender, self._mac(), self.rng.choice((self.four, self._far4())),
                                                       self.rng.randrange(3), self.rng.choice((0x800, 0x86DD)), self.rng.choice((6, 0, 255))))

    def arp_request_flood(self):
        mac = self._mac()
        return eth(BROADCAST, mac, ETH_ARP, arp(1, mac, self._near4(), bytes(6), self.four))

    def arp_answer_unasked(self):
        return eth(self.mac, self._mac(), ETH_ARP, arp(2, self._mac(), self._near4(), self.mac, self.four))

    def arp_conflict(self):
        mac = self._mac()
        return eth(BROADCAST, mac, ETH_ARP, arp(self.rng.choice((1, 2)), mac, self.four, bytes(6), self.four))

    # ---- IPv4 ----

    def ip4_garbage(self):
        r = self.rng
        return self._to4(self._far4(), r.randrange(256), self._bytes(1300), options=r.randbytes(4 * r.choice((0, 0, r.randrange(11)))),
                         version=r.choice((4, 4, 4, r.randrange(16))), header_words=r.choice((None, None, r.randrange(16))),
                         total=r.choice((None, None, self._number(16))), flags=r.choice((0, r.randrange(8))),
                         offset=r.choice((0, self._number(13))), ttl=r.randrange(256), bad_checksum=r.random() < 0.1)

    def options4(self):
        options = self.rng.choice((b"\x44\x08\x05\x00" + self.rng.randbytes(4), b"\x07\x27\x04" + self.rng.randbytes(37), b"\x07\x00\x04\x00",
                                   b"\x88\2\0\0", self.rng.randbytes(40)))
        return self._to4(self._near4(), ICMP, icmp4(8, 0, bytes(8)), options=options)

    def source_route(self):
        return self._to4(self._far4(), ICMP, icmp4(8, 0, bytes(8)), options=self.rng.choice((b"\x83", b"\x89")) + b"\x07\x04" + packed(self._far4()) + b"\0")

    def land4(self):
        return self._to4(self.four, TCP, tcp(self.four, self.four, self.port, self.port))

    def from_loopback(self):
        return self._to4("127.0.0.1", UDP, udp("127.0.0.1", self.four, 5, self.port, b"x"))

    def from_group(self):
        return self._to4(self.rng.choice(("224.0.0.1", "255.255.255.255", "240.0.0.1")), UDP, self._bytes(40))

    def tear_drop(self):
        return self._to4("198.18.1.%d" % self.rng.randrange(1, 255), UDP, self.rng.randbytes(self.rng.choice((36, 4))), ident=self._number(2), flags=1,
                         offset=self.rng.randrange(4))

    def ping_of_death(self):
        return self._to4(self._far4(), ICMP, self.rng.randbytes(1400), ident=self._number(16), offset=8189)

    def rose(self):
        return self._to4(self._far4(), TCP, bytes(8), ident=self._number(8), flags=self.rng.choice((0, 1)), offset=self.rng.choice((0, 8100)))

    # ---- ICMP ----

    def icmp4_garbage(self):
        return self._to4(self._far4(), ICMP, icmp4(self.rng.randrange(45), self.rng.randrange(20), self._bytes(600)))

    def icmp6_garbage(self):
        src = self.rng.choice((self._far6(), self._link6()))
        return self._to6(src, ICMP6, icmp6(src, self.six, self.rng.randrange(256), self.rng.randrange(8), self._bytes(600)), hops=self.rng.choice((64, 255)))

    def ping_of_broadcast(self):
        return self._to4(self._near4(), ICMP, icmp4(8, 0, bytes(56)), self.net4 + ".255", BROADCAST)

    def ping_of_many(self):
        src = self._near6()
        return self._to6(src, ICMP6, icmp6(src, self.six, 128, 0, bytes(56)))

    def redirect_from_a_stranger(self):
        quote = ip4(self.four, self._far4(), UDP, udp(self.four, "198.18.0.1", 5, 6, b""))
        return self._to4(self._near4(), ICMP, icmp4(5, self.rng.randrange(4), packed(self._near4()) + quote))

    def error_about_nothing(self):
        return self._to4(self._far4(), ICMP, icmp4(3, self.rng.randrange(16), bytes(4) + ip4(self._far4(), self._far4(), UDP, bytes(8))))

    def too_big_of_many(self):
        far, router = self._far6(), self._far6()
        quote = ip6(self.six, far, UDP, udp(self.six, far, self.port, 9, bytes(1000)))
        return self._to6(router, ICMP6, icmp6(router, self.six, 2, 0, struct.pack("!I", self.rng.choice((0, 1279, 1280, 1400))) + quote))

    # ---- IPv6 ----

    def ip6_garbage(self):
        r = self.rng
        return self._to6(self._far6(), r.randrange(256), self._bytes(1300), version=r.choice((6, 6, r.randrange(16))),
                         length=r.choice((None, None, self._number(16))), hops=r.randrange(256))

    def header_chain(self):
        r = self.rng
        kinds = [r.choice((0, 43, FRAGMENT, 60, 60, 51, 59, 135, 139, 140, 253)) for _ in range(r.randrange(1, 40))] + [r.choice((TCP, UDP, ICMP6, 59))]
        chain = b""
        for following in kinds[1:]:
            chain += bytes([following, r.choice((0, 1, 2, 255))]) + r.randbytes(r.choice((6, 14, 22)))
        return self._to6(self.rng.choice((self._far6(), self._near6())), kinds[0], (chain + r.randbytes(40))[:1400])

    def unknown_protocol(self):
        return self._to6(self._far6(), self.rng.randrange(150, 250), bytes(40))

    def routing_header_0(self):
        src = self._far6()
        header = bytes([ICMP6, 2, 0, 1]) + bytes(4) + packed(self._far6())
        return self._to6(src, 43, header + icmp6(src, self.six, 128, 0, bytes(8)))

    def land6(self):
        return self._to6(self.six, TCP, tcp(self.six, self.six, self.port, self.port))

    def mapped_on_the_wire(self):
        src = "::ffff:" + self.four
        return self._to6(src, TCP, tcp(src, self.six, 5, self.port))

    def fragment_first(self):
        return self._to6(self._far6(), FRAGMENT, fragment6(UDP, 0, 1, self._number(32), self.rng.randbytes(1232)))

    def fragment_overlap(self):
        return self._to6("%s::bad" % self.net6, FRAGMENT, fragment6(UDP, 2 * self._number(2), 1, self._number(4), self.rng.randbytes(24)))

    def fragment_of_one_byte_piece(self):
        return self._to6("%s::bad" % self.net6, FRAGMENT, fragment6(UDP, 2 * self._number(11), 1, 77, bytes(8)))

    def fragment_atomic(self):
        src = self._far6()
        return self._to6(src, FRAGMENT, fragment6(ICMP6, 0, 0, self._number(32), icmp6(src, self.six, 128, 0, bytes(8))))

    # ---- TCP, UDP ----

    def syn_flood(self):
        return self._tcp4(dport=self.port, seq=self._number(32))

    def syn_flood6(self):
        src = self._far6()
        return self._to6(src, TCP, tcp(src, self.six, self.rng.randrange(1024, 65536), self.port, seq=self._number(32)))

    def ack_of_nothing(self):
        return self._tcp4(dport=9, seq=self._number(32), ack=self._number(32), flags=0x10)

    def christmas_tree(self):
        return self._tcp4(dport=self.port, seq=self._number(32), flags=0x3F)

    def tcp_garbage(self):
        return self._tcp4(dport=self.rng.choice((self.port, 9)), data=self._bytes(600), seq=self._number(32), ack=self._number(32), flags=self._number(6),
                          words=self.rng.randrange(16), options=b"")

    def udp_length(self):
        src = self._far4()
        return self._to4(src, UDP, udp(src, self.four, 5, self.port, b"", length=self.rng.choice((0, 4, 7, 9, 65535))))

    def udp_closed(self):
        src = self._far6()
        return self._to6(src, UDP, udp(src, self.six, 5, 9, b"x"))

    def udp_open(self):
        src = self._far4()
        return self._to4(src, UDP, udp(src, self.four, 5, self.port, self._bytes(100)))

    # ---- neighbour discovery ----

    def nd_garbage(self):
        r = self.rng
        options = b"".join(bytes([r.randrange(1, 32), r.randrange(5)]) + r.randbytes(r.choice((6, 14, 22, 30))) for _ in range(r.randrange(6)))
        return self._nd(r.choice((self._near6(), self._link6(), "::")), r.randrange(133, 138), r.randbytes(r.choice((4, 12, 20, 36))) + options)

    def advertisement_unsolicited(self):
        src = self._near6()
        return self._nd(src, NA, struct.pack("!I", 0x20000000) + packed(src) + b"\2\1" + self._mac())

    def advertisement_of_its_address(self):
        return self._nd(self.six, NA, struct.pack("!I", 0x20000000) + packed(self.six) + b"\2\1" + self._mac())

    def solicitation_flood(self):
        return self._nd(self._near6(), NS, bytes(4) + packed(self.six) + b"\1\1" + self._mac())

    def solicitation_from_afar(self):
        return self._nd(self._near6(), NS, bytes(4) + packed(self.six), hops=254)

    def option_without_length(self):
        return self._nd(self._near6(), NS, bytes(4) + packed(self.six) + bytes(8))

    def duplicate_detection(self):
        return self._nd("::", NS, bytes(4) + packed(self.six))

    def router_solicitation(self):
        return self._nd(self._link6(), 133, bytes(4) + b"\1\1" + self._mac())

    def redirect6_from_a_stranger(self):
        return self._nd(self._link6(), REDIRECT, bytes(4) + packed(self._link6()) + packed(self._far6()), self.linklocal)

    def router(self):
        """One more each: prefixes, routes, name servers, and parameters to live badly with."""
        r = self.rng
        body = struct.pack("!BBHII", r.choice((64, 0, 255)), r.choice((0, 0x08, 0x18)), r.choice((0, 1800)), self._number(32), r.choice((0, 1, 0xFFFFFFFF)))
        for _ in range(r.randrange(1, 18)):
            body += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, r.choice((0, 86400, 0xFFFFFFFF)), r.choice((0, 14400)), 0) + packed(self._far6())[:8] + bytes(8)
            body += struct.pack("!BBBBI", 24, 2, 48, r.choice((0, 8, 24)), 1800) + r.randbytes(8)
        body += struct.pack("!BBHI", 25, 3, 0, r.choice((0, 600))) + r.randbytes(16) + struct.pack("!BBHI", 5, 1, 0, r.choice((0, 1280, 9000)))
        return self._nd(self._link6(), RA, body + b"\1\1" + self._mac())

    # ---- groups ----

    def igmp_garbage(self):
        return self._to4(self._near4(), 2, icmp4(self.rng.choice((0x11, 0x12, 0x16)), 0, self._bytes(3)), "224.0.0.1", options=ROUTER_ALERT, ttl=1)

    def igmp_query(self):
        kind = self.rng.choice((packed("0.0.0.0") + bytes(4), packed("239.63.63.63") + struct.pack("!BBH", 2, 1, 300) + self.rng.randbytes(1200), packed("0.0.0.0")))
        return self._to4(self._near4(), 2, icmp4(0x11, self.rng.randrange(1, 256), kind), "224.0.0.1", options=ROUTER_ALERT, ttl=1)

    def mld_query(self, alert=b"\5\2\0\0\1\0"):
        src = self._link6()
        body = struct.pack("!HH", self._number(16), 0) + self.rng.choice((bytes(16), bytes(16) + bytes(4), packed("ff15::63") + bytes([2, 1, 0, 60]) + self.rng.randbytes(960)))
        return self._to6(src, 0, bytes([ICMP6, 0]) + alert + icmp6(src, ALL_NODES, 130, 0, body), ALL_NODES, ALL_NODES_MAC, hops=1)

    def mld_without_alert(self):
        return self.mld_query(alert=b"\1\4" + bytes(4))

    # ---- DHCP ----

    def dhcp4(self):
        options = bytes([53, 1, self.rng.choice((2, 5, 6, 9)), 54, 4]) + packed(self._near4()) + bytes([51, 4, 0, 0, 0, 60]) + self._bytes(60) + b"\xff"
        body = struct.pack("!BBBBIHH", 2, 1, 6, 0, self._number(32), 0, 0) + bytes(4) + packed(self._near4()) + bytes(8) + self.mac + bytes(202)
        body += bytes.fromhex("63825363") + options
        src = self._near4()
        return self._to4(src, UDP, udp(src, "255.255.255.255", 67, 68, body), "255.255.255.255", BROADCAST)

    def dhcp6(self):
        src = self._link6()
        body = bytes([self.rng.randrange(1, 15)]) + self.rng.randbytes(3)
        for _ in range(self.rng.randrange(6)):
            option = self._bytes(50)
            body += struct.pack("!HH", self.rng.randrange(1, 90), len(option)) + option
        return self._to6(src, UDP, udp(src, self.linklocal, 547, 546, body), self.linklocal)
