# SPDX-License-Identifier: BSD-2-Clause
"""ping both ways: sizes from nothing to many fragments, and floods."""

import re

from harness import ABSENT, KERNEL, STACK, check, test

SIZES = (0, 1, 56, 1452, 1453, 1472, 1473, 2960, 8952, 8973, 20000, 40000, 65000)


def sent_and_received(out):
    m = re.search(r"(\d+) packets transmitted, (\d+) received", out)
    check(m, "ping's summary is not there: %s" % out[-400:])
    return int(m.group(1)), int(m.group(2))


# One at a time. Once a reply has come, ping waits for the others no longer than two round trips or one interval, whatever -W says
# (ping(8)): with -c 3 -i 0.01 a reply counted as lost when the machine was busy elsewhere for 10 ms.
ONE = ("ping", "-n", "-c", "1", "-W", "20")


def ping_sizes(run, address):
    for size in SIZES:
        for _ in range(3):
            out = run(*ONE, "-s", str(size), address).out()
            check(sent_and_received(out) == (1, 1), "size %d: %s" % (size, out))
            check("%d bytes from %s" % (size + 8, address) in out, "size %d: %s" % (size, out))
            for word in ("DUP!", "wrong", "truncated", "different"):
                check(word not in out, "size %d: %s" % (size, out))


@test(smoke=True, tshark=True)
def ping_the_stack_with_sizes_0_to_65000(w, family):
    ping_sizes(w.host_run, STACK[family])


@test(tshark=True)
def ping_from_the_stack_with_sizes_0_to_65000(w, family):
    ping_sizes(w.stack_run, KERNEL[family])


def flood(run, address, count):
    out = run("ping", "-n", "-q", "-f", "-c", str(count), "-W", "20", address, deadline=300).out()
    check(sent_and_received(out) == (count, count), "lost in a flood of %d: %s" % (count, out))


@test()
def ping_flood_of_the_stack_loses_nothing(w, family):
    flood(w.host_run, STACK[family], 100000 if w.full else 5000)


@test()
def ping_flood_from_the_stack_loses_nothing(w, family):
    flood(w.stack_run, KERNEL[family], 100000 if w.full else 5000)


@test(combos="first")
def ping_from_the_stack_of_an_absent_host_ends_with_1(w, family):
    proc = w.stack_start("ping", "-n", "-c", "1", "-W", "4", ABSENT[family])
    check(proc.wait() == 1, "ping's exit status: %d" % proc.popen.returncode)
    check(sent_and_received(proc.out()) == (1, 0), proc.out())


@test(combos="first", capture=False)
def ping_of_own_address_and_loopback(w, family):
    for address in (STACK[family], {4: "127.0.0.1", 6: "::1"}[family]):
        out = w.stack_run("ping", "-n", "-c", "3", "-i", "0.01", "-W", "20", address).out()
        check(sent_and_received(out) == (3, 3), "%s: %s" % (address, out))
