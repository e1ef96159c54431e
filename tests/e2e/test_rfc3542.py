# SPDX-License-Identifier: BSD-2-Clause
"""Extension headers, flow labels and IPv4 options that programs send and receive (RFC 3542, 3493, 6437, 791)."""

import os
import socket
import sys

from harness import KERNEL, STACK, check, test
from on_ancillary import DST, HOP, LENGTHS4, LENGTHS6
from test_notify import expect_verdict, start

PROGRAM = os.path.join(os.path.dirname(__file__), "on_ancillary.py")


def conformance(w, start_there, address):
    program = os.path.join(w.config.build, "tests/e2e/rfc3542_conformance")
    proc = start_there(program, address[4], address[6])
    check(proc.wait(deadline=120) == 0, proc.out() + proc.err())


@test(families=None, combos="first", capture=False)
def conformance_of_rfc3542(w):
    """The same binary on the kernel, under preload, and with its calls trapped."""
    w.host.run("ip", "link", "set", "lo", "up")
    conformance(w, w.host_start, KERNEL)
    conformance(w, w.stack_start, STACK)


@test(families=None, combos="first", capture=False, stacks=("tapir",))
def conformance_of_rfc3542_under_notify(w):
    program = os.path.join(w.config.build, "tests/e2e/rfc3542_conformance")
    expect_verdict(start(w, program, STACK[4], STACK[6]))


def expected6():
    hop, dst = HOP[1:].hex(), DST[1:].hex()
    rows = ((hop, dst, 0), (hop, dst, 1496), (hop, "-", 0), ("-", dst, 0), ("-", "-", 0))
    return ["%d labelled %s %s %s %d" % ((length, length == 5) + row) for length, row in zip(LENGTHS6, rows)]


def expected4(sender, receiver):
    record = "070f0c" + socket.inet_aton(sender).hex() + socket.inet_aton(receiver).hex() + "00" * 5
    return ["%d %s" % row for row in zip(LENGTHS4, (record, record, "94040000"))]


def one_way(w, start_receiver, run_sender, sender, receiver, family):
    proc = start_receiver(sys.executable, PROGRAM, "recv", receiver[family])
    proc.wait_out("listening")
    run_sender(sys.executable, PROGRAM, "send", receiver[family])
    lines = proc.expect(0, deadline=90).out().splitlines()[1:]
    expected = expected6() if family == 6 else expected4(sender[family], receiver[family])
    check(lines == expected, "%s\nexpected\n%s" % ("\n".join(lines), "\n".join(expected)))


@test(combos="first", tshark=True)
def options_of_programs_cross_the_wire(w, family):
    """What the one end sends the other end's program is shown, and tshark finds nothing wrong with it."""
    w.host_run("ping", "-n", "-c", "1", "-W", "20", STACK[family])  # who waits for a neighbour waits in a short queue
    one_way(w, w.stack_start, w.host_run, KERNEL, STACK, family)
    one_way(w, w.host_start, w.stack_run, STACK, KERNEL, family)


@test(families=(4,), combos="first")
def ping_records_routes_and_times(w, family):
    for run, address in ((w.stack_run, KERNEL[family]), (w.host_run, STACK[family])):
        out = run("ping", "-n", "-c", "1", "-W", "20", "-R", address)
        text = out.out()
        check("RR:" in text and text.count(address) >= 2 and KERNEL[family] in text and STACK[family] in text, text)
        check("not available" not in out.err(), out.err())
        for kind in ("tsonly", "tsandaddr"):
            text = run("ping", "-n", "-c", "1", "-W", "20", "-T", kind, address).out()
            check("TS:" in text and "1 received" in text, text)


@test(families=(6,), combos="first")
def ping_has_the_flow_label_asked_for(w, family):
    text = w.stack_run("ping", "-6", "-n", "-c", "1", "-W", "20", "-F", "0x2bad1", KERNEL[family]).out()
    check("flow 0x2bad1" in text and "1 received" in text, text)
