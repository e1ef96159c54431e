# SPDX-License-Identifier: BSD-2-Clause
"""Rogues on the link: floods of what configures hosts. A connection goes on, what is configured stays, memory stays bounded, and the drops
have names."""

import contextlib
import json
import os
import random
import re
import socket
import struct

import frames
import rogue
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


# ---- Frames of attack tools ----

SERVE = """
import socket, threading
def serve(s):
    while True:
        c, _ = s.accept()
        threading.Thread(target=echo, args=(c,), daemon=True).start()
def echo(c):
    while data := c.recv(65536):
        c.sendall(data)
for address, family in (("10.63.0.1", socket.AF_INET), ("fd63::1", socket.AF_INET6)):
    threading.Thread(target=serve, args=(socket.create_server((address, 7300), family=family),), daemon=True).start()
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
u.bind(("::", 7301))
print("listening", flush=True)
while True:
    data, peer = u.recvfrom(65535)
    u.sendto(data, peer)
"""

# On the stack: connections of both families, whole datagrams in fragments, and sockets to be attacked, until the file is there.
TALK_ON = """
import os, socket, sys
stop, port = sys.argv[1], int(sys.argv[2])
victim = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagrams.bind(("::", port))
streams = [socket.create_connection((a, 7300), 60) for a in ("10.63.0.1", "fd63::1")]
echo = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
echo.connect(("fd63::1", 7301))
echo.settimeout(1)
whole = rounds = 0
print("connected", flush=True)
while not os.path.exists(stop) or not whole:
    data = os.urandom(20000)
    for s in streams:
        s.sendall(data)
        got = b""
        while len(got) < len(data):
            part = s.recv(65536)
            got += part if part else sys.exit("the end of a stream")
        if got != data:
            sys.exit("wrong bytes")
    try:
        echo.send(data[:5000])
        whole += echo.recv(65535) == data[:5000]
    except TimeoutError:
        pass
    rounds += 1
print("rounds %d datagrams %d" % (rounds, whole))
"""
VICTIM_MAC, VICTIM_PORT = "02:00:5e:10:00:63", 7310


@contextlib.contextmanager
def attacked(w):
    """A daemon, a talk on it that must go on, somebody to attack it, and a function that sends frames and waits until they have arrived."""
    seed = int.from_bytes(os.urandom(4), "big")
    print("  seed %d" % seed)
    with network(w) as ns:
        daemon = start_tapird(w, ns, "--addr", "10.63.0.2/24", "--host-addr", "10.63.0.1/24", "--addr", "fd63::2/64", "--host-addr",
                              "fd63::1/64", "--gateway", "10.63.0.1", "--gateway", "fd63::1", "--mac", VICTIM_MAC)
        daemon.wait_out("ready")
        wait_for(lambda: all(a["state"] == "preferred" for a in json.loads(tapir(w, "addr", "--json").out())), "addresses are never checked")
        w.start(ns.enter() + ["python3", "-c", SERVE], label="echo").wait_out("listening")
        stop = w.path("stop")
        talk = on_stack(w, "python3", "-c", TALK_ON, stop, str(VICTIM_PORT))
        talk.wait_out("connected")
        wire = ns.socket(socket.AF_PACKET, socket.SOCK_RAW)
        wire.bind(("tap0", 0))

        def send(batch):
            """What the TAP has no room for is lost before it is ours."""
            before = stats(w)["link.in"]
            for frame in batch:
                wire.send(frame)
            wait_for(lambda: stats(w)["link.in"] >= before + len(batch), "frames did not arrive")
            check(talk.lives(), "the talk ended: %s" % talk.err())

        yield rogue.Rogue(seed, frames.mac_bytes(VICTIM_MAC), "10.63.0.2", "fd63::2", "fe80::5eff:fe10:63", VICTIM_PORT), send, daemon
        wire.close()
        with open(stop, "w"):
            pass
        talk.expect(0)
        check(daemon.lives(), "tapird ended")
        check(not re.search("runtime error|ERROR: ", daemon.err()), daemon.err()[-3000:])
        shown = tapir(w, "addr").out()
        check("10.63.0.2/24" in shown and "fd63::2/64" in shown, "a configured address is gone: %s" % shown)
        check("default via 10.63.0.1 dev tap0 proto static" in tapir(w, "route").out(), "the configured router is gone")
        check(daemon.err().count("\n") < LOG_LINES_MAX, "the log has no bounds: %d lines" % daemon.err().count("\n"))


@test(families=None, combos="first", capture=False, smoke=True, stacks=("tapir",))
def bad_frames_are_dropped_once_each_under_their_name(w):
    with attacked(w) as (attacker, send, _):
        for kind, name in rogue.DROPS.items():
            before = stats(w)
            send([getattr(attacker, kind)() for _ in range(50)])
            after = stats(w)
            drops = {n: v - before.get(n, 0) for n, v in after.items() if ".drop." in n and v != before.get(n, 0)}
            check(drops.pop(name, 0) == 50, "%s: not 50 of %s, but %s; %s" % (kind, name, after.get(name, 0) - before.get(name, 0), drops))
            check(sum(drops.values()) < 20, "%s: counted as %s too" % (kind, drops))


@test(families=None, combos="first", capture=False, smoke=True, stacks=("tapir",))
def attacks_of_all_kinds_at_once_stop_no_connection(w):
    with attacked(w) as (attacker, send, daemon):
        before = rss_bytes(daemon.pid)
        makers = [getattr(attacker, kind) for kind in attacker.kinds()]
        for _ in range(60):
            send([attacker.rng.choice(makers)() for _ in range(400)])
        growth = rss_bytes(daemon.pid) - before
        check(growth < 3 * RSS_GROWTH_MAX, "the daemon grew by %d MiB" % (growth >> 20))
        check(tapir(w, "neigh").out().count("\n") <= 1100, "neighbours without end")
        check(tapir(w, "route").out().count("\n") < 400, "routes without end")
        for what in ("addr", "maddr", "dns", "ss", "link"):
            tapir(w, what, "--json")


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
