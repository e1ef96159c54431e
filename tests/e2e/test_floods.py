# SPDX-License-Identifier: BSD-2-Clause
"""Rogues on the link: floods of what configures hosts. A connection goes on, what is configured stays, memory stays bounded, and the drops
have names."""

import json
import random
import re
import socket
import struct

import frames
from harness import check, test, wait_for
from test_links import conversation, network, on_stack, start_tapird, tapir

COUNT = 3000  # packets of a flood
RSS_GROWTH_MAX = 64 << 20
LOG_LINES_MAX = 100
ETH_P_IPV6, ETH_P_IP, UDP, ICMP6 = 0x86DD, 0x0800, 17, 58
ALL_NODES, ALL_NODES_MAC = "ff02::1", frames.mac_bytes("33:33:00:00:00:01")
BROADCAST = b"\xff" * 6


def random_mac(rng):
    return bytes([2]) + rng.randbytes(5)


def linklocal(rng):
    return "fe80::%x:%x:%x:%x" % tuple(rng.randrange(1, 65536) for _ in range(4))


def nd(rng, src, kind, body, dst=ALL_NODES):
    return frames.eth(ALL_NODES_MAC, random_mac(rng), ETH_P_IPV6, frames.ip6(src, dst, ICMP6, frames.icmp6(src, dst, kind, 0, body), hops=255))


def advertisement(rng):
    """From a new router each: a new prefix, route, MTU and DNS server each."""
    prefix = bytes.fromhex("20010db8") + rng.randbytes(4) + bytes(8)
    body = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
    body += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + prefix
    body += struct.pack("!BBBBI", 24, 3, 48, 0, 1800) + rng.randbytes(16)
    body += struct.pack("!BBHI", 25, 3, 0, 1800) + rng.randbytes(16)
    return nd(rng, linklocal(rng), 134, body)


def solicitation(rng, target):
    src = linklocal(rng)
    return nd(rng, src, 135, bytes(4) + frames.packed(target) + b"\1\1" + random_mac(rng), target)


def redirect(rng):
    return nd(rng, linklocal(rng), 137, bytes(4) + rng.randbytes(16) + rng.randbytes(16))


def dhcp(rng, mac):
    body = struct.pack("!BBBBIHH", 2, 1, 6, 0, rng.randrange(1 << 32), 0, 0) + bytes(4) + bytes([10, 63, 0, rng.randrange(256)]) + bytes(8)
    body += mac + bytes(202) + bytes.fromhex("63825363") + bytes([53, 1, rng.choice((2, 5, 6)), 54, 4, 10, 63, 0, 66, 51, 4, 0, 0, 1, 0, 255])
    return frames.eth(BROADCAST, random_mac(rng), ETH_P_IP,
                      frames.ip4("10.63.0.66", "255.255.255.255", UDP, frames.udp("10.63.0.66", "255.255.255.255", 67, 68, body)))


def fragment(rng, mac):
    """The beginning of a datagram whose rest never comes."""
    src = "fd63::%x" % rng.randrange(0x100, 0xFFFF)
    return frames.eth(mac, random_mac(rng), ETH_P_IPV6,
                      frames.ip6(src, "fd63::2", 44, frames.fragment6(UDP, 0, 1, rng.randrange(1 << 32), rng.randbytes(1232))))


def group_query(rng):
    """MLDv2: a query of a group that nobody is in, with all the sources that fit."""
    src = linklocal(rng)
    body = struct.pack("!HH", 10000, 0) + bytes.fromhex("ff0e") + rng.randbytes(14) + struct.pack("!BBH", 2, 125, 60) + rng.randbytes(960)
    segment = frames.icmp6(src, ALL_NODES, 130, 0, body)
    alert = bytes([ICMP6, 0, 5, 2, 0, 0, 1, 0])
    return frames.eth(ALL_NODES_MAC, random_mac(rng), ETH_P_IPV6, frames.ip6(src, ALL_NODES, 0, alert + segment, hops=1))


def rss_bytes(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) * 1024


def stats(w):
    return {k: v["value"] if isinstance(v, dict) else v for k, v in json.loads(tapir(w, "stats", "--json").out()).items()}


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def floods_of_configuration_leave_what_is_there(w):
    rng = random.Random(63)
    with network(w) as ns:
        daemon = start_tapird(w, ns, "--addr", "10.63.0.2/24", "--host-addr", "10.63.0.1/24", "--addr", "fd63::2/64", "--host-addr",
                              "fd63::1/64", "--gateway", "10.63.0.1", "--mac", "02:00:5e:10:00:63")
        daemon.wait_out("ready")
        mac = frames.mac_bytes("02:00:5e:10:00:63")
        wire = ns.socket(socket.AF_PACKET, socket.SOCK_RAW)
        wire.bind(("tap0", 0))
        before = rss_bytes(daemon.pid)
        makers = (lambda: advertisement(rng), lambda: solicitation(rng, "fd63::2"), lambda: redirect(rng), lambda: dhcp(rng, mac),
                  lambda: fragment(rng, mac), lambda: group_query(rng))
        with conversation(w, ns):
            for make in makers:
                for _ in range(COUNT):
                    wire.send(make())
        wire.close()
        check(daemon.lives(), "tapird ended")
        growth = rss_bytes(daemon.pid) - before
        check(growth < RSS_GROWTH_MAX, "the daemon grew by %d MiB" % (growth >> 20))
        shown = tapir(w, "addr").out()
        check("10.63.0.2/24" in shown and "fd63::2/64" in shown, "a configured address is gone: %s" % shown)
        check(shown.count("\n") < 64, "addresses without end: %s" % shown[-500:])
        routes = tapir(w, "route").out()
        check("default via 10.63.0.1 dev tap0 proto static" in routes, "the configured router is gone: %s" % routes[-500:])
        check(routes.count("\n") < 400, "%d routes" % routes.count("\n"))
        check(tapir(w, "neigh").out().count("\n") <= 1100, "neighbours without end")
        counted = stats(w)
        check(sum(v for n, v in counted.items() if "drop" in n) > COUNT, "the drops have no names: %s" % counted)
        check(daemon.err().count("\n") < LOG_LINES_MAX, "the log has no bounds: %d lines" % daemon.err().count("\n"))
        wait_for(lambda: on_stack(w, "ping", "-c", "2", "-i", "0.2", "fd63::1").wait() == 0, "IPv6 is gone")


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def address_of_another_host_is_said_once(w):
    with network(w) as ns:
        ns.run("ip", "link", "add", "br0", "type", "bridge")
        ns.run("ip", "addr", "add", "10.63.0.5/24", "dev", "br0")
        ns.run("ip", "link", "set", "br0", "up")
        ns.run("ip", "tuntap", "add", "tap0", "mode", "tap")
        ns.run("ip", "link", "set", "tap0", "master", "br0", "up")
        daemon = start_tapird(w, ns, "--addr", "10.63.0.5/24", "--addr", "10.63.0.6/24")
        daemon.wait_out("ready")
        daemon.wait_out(r"addr\.duplicate addr=10\.63\.0\.5")
        ns.run("ping", "-c", "2", "-i", "0.2", "10.63.0.6")
        check(daemon.err().count("10.63.0.5 ") + daemon.err().count("addr=10.63.0.5") <= 3, daemon.err())
        check(re.search(r"10\.63\.0\.5/24 .*duplicate", tapir(w, "addr").out()), tapir(w, "addr").out())
