# SPDX-License-Identifier: BSD-2-Clause
"""What the programs that look for errors on datagram sockets see: ping, traceroute, mtr."""

import os

from harness import ABSENT, KERNEL, STACK, check, test


@test(combos="first")
def conformance_of_datagram_sockets(w, family):
    """The same binary everywhere: it knows nothing of tapir."""
    w.host.run("sysctl", "-qw", "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")
    program = os.path.join(w.config.build, "tests/e2e/dgram_conformance")
    proc = w.stack_start(program, STACK[family], KERNEL[family], ABSENT[family])
    check(proc.wait(deadline=180) == 0, proc.out() + proc.err())


@test(combos="first")
def ping_of_an_absent_host_says_host_unreachable(w, family):
    out = w.stack_run("ping", "-n", "-c", "1", "-W", "20", ABSENT[family], status=1).out()
    check(("Destination Host Unreachable" if family == 4 else "Address unreachable") in out, out)


@test(combos="first", capture=False)
def ping_too_long_for_the_path_tells_the_mtu(w, family):
    proc = w.stack_start("ping", "-n", "-c", "1", "-M", "do", "-s", "3000", KERNEL[family])
    check(proc.wait() == 1, proc.out())
    check("message too long, mtu" in proc.err() and "1500" in proc.err(), proc.err())


@test(combos="first")
def traceroute_in_three_ways_finds_the_neighbour(w, family):
    for how in ([], ["-I"], ["-T"]):
        out = w.stack_run("traceroute", "-%d" % family, "-n", "-q", "1", "-w", "20", *how, KERNEL[family]).out()
        hops = [line.split() for line in out.splitlines() if line.startswith(" ")]
        check(hops and hops[0][1] == KERNEL[family], out)


@test(combos="first")
def mtr_counts_no_loss(w, family):
    for how in ([], ["-u"]):
        out = w.stack_run("mtr", "-%d" % family, "-n", "-r", "-c", "1", "-G", "1", *how, KERNEL[family]).out()
        check(KERNEL[family] in out and " 0.0%" in out, out)


STREAM_OF_SEGMENTS = """
import socket, struct, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
for i in range(500):
    s.sendmsg([b"x" * 3600], [(socket.IPPROTO_UDP, 103, struct.pack("H", 1200))], 0, (sys.argv[1], 9))
"""


@test(combos="first", stacks=("tapir",), capture=False)
def stream_of_segments_asks_the_daemon_nothing(w, family):
    """UDP_SEGMENT (103) in control messages, as QUIC libraries send: only the first is a question."""
    before = w.stats()["control.requests"]
    w.stack_run("python3", "-c", STREAM_OF_SEGMENTS, KERNEL[family])
    asked = w.stats()["control.requests"] - before
    check(asked < 100, "%d requests" % asked)
