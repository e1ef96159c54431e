# SPDX-License-Identifier: BSD-2-Clause
"""Headers of every kind, right and wrong: the stack answers as another Linux host does. Both get the same packets, on a link each, from a
host that exists only as a raw socket; what comes back is compared byte by byte (headers.py: normal()). DIFFERS lists what may differ, and why.
"""

import json
import select
import socket
import struct
import time

import headers
from frames import ETH_IP4, ETH_IP6, ICMP, ICMP6, eth, icmp4, icmp6, ip4, ip6, mac_bytes
from harness import Failure, Netns, check, pattern_chunks, test, url_host, wait_for
from headers import HOST, OTHER_PEER, PEER
from test_floods import stats
from test_links import make_tap, network, on_stack, start_tapird, tapir

PEER_MAC = "02:00:5e:00:53:99"
DEADLINE = 20  # seconds until an answer to a plain echo request is missed

DIFFERS = {
    **{"v6 routing type 3, %d left" % n: "the kernel knows RPL's type and has it switched off; to us it is unknown (RFC 8200 section 4.4)"
       for n in (0, 1, 2, 255)},
    "v6 destination ::": "the kernel has no route to it and says so; it is nobody's destination (RFC 4291 section 2.5.2)",
    "v6 destination ::ffff:10.78.0.2": "the same; such addresses are not to be on the wire (RFC 4942 section 2.2)",
    "v6 to 65535 bytes only by the headers before": "the kernel does not count the headers before the fragment (RFC 8200 section 4.5)",
    "v6 no length, and no jumbo payload": "the kernel takes what the frame holds (RFC 2675 section 3)",
    **{"v6 overlap " + s: "the kernel drops a fragment that lies within another one, and keeps the packet (RFC 5722 section 4)"
       for s in ("8-992", "0-504", "by a teardrop")},
    **{"v6 type 137 " + s: "the kernel answers redirects with errors (RFC 4443 section 2.4 (e.2))"
       for s in ("behind a bad option", "in a fragment of a bad length")},
    **{"v4 overlap " + s: "as over IPv6" for s in ("8-992", "0-504")},
    "v4 record route": "the kernel enters its address twice: as it receives the request, and as it sends the reply",
    "v4 fragments with options": "the same; and its later fragments have no-operations where the first has the option",
    "v4 type 13": "a host may leave timestamps unanswered (RFC 1122 section 3.2.2.8): the engine does not know the time of day",
    "v4 fragment of no multiple of eight": "the kernel cuts it down to one",
}


ALL = [(6, headers.cases_headers6), (6, headers.cases_fragments6), (6, headers.cases_icmp6), (6, headers.cases_pmtu6), (4, headers.cases4),
       (4, headers.cases_pmtu4)]


class Link:
    """One of the two links, on which PEER is this raw socket, and HOST is looked at."""

    def __init__(self, ns, device, host_mac):
        self.device, self.host_mac, self.fences = device, mac_bytes(host_mac), 0
        self.socket = ns.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((device, 3))  # ETH_P_ALL

    def send(self, family, packet):
        dst = self.host_mac
        if family == 6 and packet[24] == 0xFF:
            dst = b"\x33\x33" + packet[36:40]
        if family == 4 and packet[16] >> 4 == 14:
            dst = b"\x01\x00\x5e" + bytes([packet[17] & 0x7F]) + packet[18:20]
        if family == 4 and (packet[16:20] == b"\xff" * 4 or packet[19] == 255):
            dst = b"\xff" * 6
        self.socket.send(eth(dst, mac_bytes(PEER_MAC), ETH_IP4 if family == 4 else ETH_IP6, packet))

    def fence(self, family):
        """An echo request of its own, whose reply comes after whatever was answered before. Returns what tells that reply."""
        self.fences += 1
        rest = struct.pack("!HH", 0xFE2C, self.fences) + b"fence"
        if family == 4:
            self.send(4, ip4(PEER[4], HOST[4], ICMP, icmp4(8, 0, rest)))
        else:
            self.send(6, ip6(PEER[6], HOST[6], ICMP6, icmp6(PEER[6], HOST[6], 128, 0, rest)))
        return rest

    def answers(self, family, until):
        """The packets that HOST sent to PEER's link address before the reply that ends in @until."""
        found, end = [], time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if not select.select([self.socket], [], [], 1)[0]:
                continue
            frame = self.socket.recv(65536)
            if frame[:6] != mac_bytes(PEER_MAC) or frame[6:12] != self.host_mac or frame[12:14] not in (b"\x08\0", b"\x86\xdd"):
                continue
            if until in frame and len(frame) < 90:
                return found
            packet = headers.normal(frame[14:])
            if packet is not None:
                found.append(packet)
        raise Failure("%s: no answer to a plain echo request" % self.device)


def make_kernel_host(ns, guest):
    """Another Linux host behind a veth pair, that limits no errors."""
    guest_dev = "host"
    ns.run("ip", "link", "add", "wire", "type", "veth", "peer", "name", guest_dev, "netns", guest.name)
    ns.run("ip", "link", "set", "wire", "up")
    guest.sysctl("net.ipv6.conf.default.accept_dad", 0)
    guest.sysctl("net.ipv4.icmp_ratelimit", 0)
    guest.sysctl("net.ipv6.icmp.ratelimit", 0)
    guest.sysctl("net.ipv4.icmp_msgs_per_sec", 1000000)
    guest.sysctl("net.ipv4.icmp_msgs_burst", 1000000)
    guest.run("ip", "link", "set", "lo", "up")
    guest.run("ip", "link", "set", guest_dev, "up")
    for family, bits in (4, "/24"), (6, "/64"):
        guest.run("ip", "addr", "add", HOST[family] + bits, "dev", guest_dev, *(["nodad"] if family == 6 else []))
        for peer in PEER, OTHER_PEER:
            guest.run("ip", "neigh", "add", peer[family], "lladdr", PEER_MAC, "dev", guest_dev, "nud", "permanent")
    return json.loads(guest.run("ip", "-j", "link", "show", guest_dev))[0]["address"]


def make_stack(w, ns):
    make_tap(ns, "tap0")
    limits = ["--set", "net.ipv4.icmp_ratelimit=0", "--set", "net.ipv6.icmp.ratelimit=0", "--set", "net.ipv4.icmp_msgs_burst=1000000"]
    daemon = start_tapird(w, ns, "--tap", "tap0", "--offload", "off", "--addr", HOST[4] + "/24", "--addr", HOST[6] + "/64", "--set",
                          "net.ipv6.conf.all.dad_transmits=0", "--set", "net.ipv4.conf.default.acd_probes=0", *limits)
    daemon.wait_out("ready")
    for family in 4, 6:
        for peer in PEER, OTHER_PEER:
            tapir(w, "neigh", "add", peer[family], "lladdr", PEER_MAC, "dev", "tap0")
    links = json.loads(tapir(w, "link", "--json").out())
    return daemon, [x for x in links if x["name"] == "tap0"][0]["mac"]


def shown(answers):
    return "".join("\n    %s" % a.hex() for a in answers) or " silence"


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def headers_of_every_kind_are_answered_as_the_kernel_does(w):
    with network(w) as ns:
        guest = Netns("o" + w.id)
        try:
            kernel = Link(ns, "wire", make_kernel_host(ns, guest))
            daemon, mac = make_stack(w, ns)
            stack = Link(ns, "tap0", mac)
            wrong, differed, count = [], set(), 0
            for family, cases in ALL:
                for name, packets in cases():
                    got = []
                    for link in kernel, stack:
                        for packet in packets:
                            link.send(family, packet)
                        link.until = link.fence(family)
                    got = [link.answers(family, link.until) for link in (kernel, stack)]
                    name = "v%d %s" % (family, name)
                    count += 1
                    if got[0] == got[1]:
                        continue
                    if name in DIFFERS:
                        differed.add(name)
                    else:
                        wrong.append("%s:\n  the kernel answers%s\n  the stack answers%s" % (name, shown(got[0]), shown(got[1])))
            check(not wrong, "%d of %d cases differ\n%s" % (len(wrong), count, "\n".join(wrong)))
            check(differed == set(DIFFERS), "no longer different: %s" % sorted(set(DIFFERS) - differed))
            daemon.stop()
        finally:
            guest.remove()


NEAR, FAR, NARROW = {4: "10.79.0.", 6: "fd79::"}, {4: "10.80.0.", 6: "fd80::"}, 1300
BITS = {4: "/24", 6: "/64"}


def make_narrow_path(ns, far):
    """The stack's network and another, joined by the kernel of @ns as a router, the other of a smaller MTU."""
    for key in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
        ns.sysctl(key, 1)
    for space in ns, far:
        space.sysctl("net.ipv6.conf.default.accept_dad", 0)
    far.run("ip", "link", "set", "lo", "up")
    make_tap(ns, "tap0", *(NEAR[f] + "1" + BITS[f] for f in (4, 6)))
    ns.run("ip", "link", "add", "narrow", "mtu", str(NARROW), "type", "veth", "peer", "name", "narrow", "netns", far.name)
    for space, host in (ns, "1"), (far, "2"):
        space.run("ip", "link", "set", "narrow", "up", "mtu", str(NARROW))
        for f in 4, 6:
            space.run("ip", "addr", "add", FAR[f] + host + BITS[f], "dev", "narrow", *(["nodad"] if f == 6 else []))
    for f in 4, 6:
        # as if the narrow link were not its own: what it says it takes is too much for the path
        far.run("ip", "-%d" % f, "route", "add", "default", "via", FAR[f] + "1", "advmss", "1440")


def connection_crosses(w, far, family):
    """The stack's segments are too large at first, and the router says so."""
    path, port = w.path("received%d" % family), 9000 + family
    with open(w.path("sent"), "wb") as f:
        f.write(b"".join(pattern_chunks(300000)))
    server = w.start(far.enter() + ["socat", "-u", "TCP%d-LISTEN:%d,reuseaddr" % (family, port), "CREATE:" + path], label="socat (far)")
    wait_for(lambda: ":%d " % port in far.run("ss", "-Hltn"), "socat does not listen")
    reduced = stats(w).get("tcp.pmtu_reduced", 0)
    on_stack(w, "socat", "-u", "OPEN:" + w.path("sent"), "TCP%d:%s:%d" % (family, url_host(FAR[family] + "2"), port)).expect(0)
    server.expect(0)
    with open(path, "rb") as got, open(w.path("sent"), "rb") as sent:
        check(got.read() == sent.read(), "IPv%d: not what was sent" % family)
    check(stats(w).get("tcp.pmtu_reduced", 0) > reduced, "IPv%d: the path was wide enough" % family)


def crosses(run, family, address, size):
    """An echo of @size bytes comes back; the first few may be lost, until the path's MTU is known."""
    for _ in range(5):
        if " 1 received" in run("ping", "-%d" % family, "-n", "-c", "1", "-W", "1", "-s", str(size), address):
            return
    raise Failure("an echo of %d bytes from %s never came" % (size, address))


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def echoes_and_connections_cross_a_narrow_path(w):
    with network(w) as ns:
        far = Netns("o" + w.id)
        try:
            make_narrow_path(ns, far)
            dump = w.start(ns.enter() + ["tcpdump", "-i", "tap0", "-U", "-w", w.path("narrow.pcap")], label="tcpdump")
            wait_for(lambda: "listening on" in dump.err(), "tcpdump does not listen")
            gateways = [x for f in (4, 6) for x in ("--addr", NEAR[f] + "2" + BITS[f], "--gateway", NEAR[f] + "1")]

            def start():
                daemon = start_tapird(w, ns, "--tap", "tap0", "--offload", "off", "--set", "net.ipv6.conf.all.dad_transmits=0", "--set",
                                      "net.ipv4.conf.default.acd_probes=0", *gateways)
                daemon.wait_out("ready")
                return daemon

            daemon = start()

            def from_far(*argv):
                done = w.start(far.enter() + list(argv), label=argv[0] + " (far)")
                done.wait()
                return done.out()

            def from_stack(*argv):
                done = on_stack(w, *argv)
                done.wait()
                return done.out() + done.err()

            for family in 6, 4:
                for size in 1400, 4000:
                    crosses(from_far, family, NEAR[family] + "2", size)
                learnt = stats(w).get("pmtu.learnt", 0)
                check(learnt == 1, "path MTUs learnt over replies alone: %s" % learnt)
                for size in 1400, 4000:
                    crosses(from_stack, family, FAR[family] + "2", size)
            daemon.stop()
            daemon = start()  # which knows nothing of the path
            for family in 6, 4:
                connection_crosses(w, far, family)
            dump.signal(15)
            dump.wait()
            text = w.start(["tcpdump", "-vv", "-n", "-r", w.path("narrow.pcap")], label="tcpdump -r").expect(0).out()
            check("packet too big, mtu %d" % NARROW in text and "frag" in text, text[-3000:])
            for word in ("bad ", "incorrect", "malformed", "truncated", "[|"):
                check(word not in text, "tcpdump says %r: %s" % (word, [line for line in text.split("\n") if word in line][:3]))
            daemon.stop()
        finally:
            far.remove()
