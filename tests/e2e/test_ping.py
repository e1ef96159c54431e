# SPDX-License-Identifier: BSD-2-Clause
"""ping both ways: sizes from nothing to many fragments, and floods."""

import re

from harness import ABSENT, KERNEL, STACK, check, test, wait_for

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


def kernel_replies(ns, family):
    """Echo replies that the kernel of a namespace has received."""
    if family == 6:
        return int(re.search(r"Icmp6InEchoReplies\s+(\d+)", ns.run("cat", "/proc/net/snmp6")).group(1))
    names, values = [line.split() for line in ns.run("cat", "/proc/net/snmp").splitlines() if line.startswith("Icmp:")]
    return int(values[names.index("InEchoReps")])


def stack_replies(stats):
    """Those that a ping socket took, and those that came when it was gone."""
    return stats.get("ping.in", 0) + stats.get("icmp.drop.unmatched", 0)


def flood(run, address, count, replies):
    """@replies counts those that came to the pinging side: ping itself leaves two round trips after its last request (ping(8)), and
    may miss the end on a busy machine."""
    before = replies()
    out = run("ping", "-n", "-q", "-f", "-c", str(count), "-W", "20", address, deadline=300).out()
    check(sent_and_received(out)[0] == count and sent_and_received(out)[1] > count - 100, out)
    wait_for(lambda: replies() - before >= count, lambda: "%d replies in a flood of %d: %s" % (replies() - before, count, out))
    check(replies() - before == count, "%d replies in a flood of %d: %s" % (replies() - before, count, out))


@test()
def ping_flood_of_the_stack_loses_nothing(w, family):
    flood(w.host_run, STACK[family], 100000 if w.full else 5000, lambda: kernel_replies(w.host, family))


@test()
def ping_flood_from_the_stack_loses_nothing(w, family):
    flood(w.stack_run, KERNEL[family], 100000 if w.full else 5000,
          lambda: stack_replies(w.stats()) if w.is_tapir else kernel_replies(w.guest, family))


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
